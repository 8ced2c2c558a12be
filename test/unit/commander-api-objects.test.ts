// SPDX-License-Identifier: Apache-2.0
// The API's objects, over HTTP with the typed client: each kind made, read, listed, replaced, merged and deleted;
// versions and ETags, requests sent twice, what uses what; and every bad field refused with a sentence.

import { afterEach, describe, expect, it } from "vitest";
import { dataOf } from "../../host/commander/client/client.ts";
import { auditRows } from "../../host/commander/store/audit.ts";
import { customerPsk } from "../../host/commander/store/customers.ts";
import { type ApiWorld, at, byId, refused, startWorld, stopWorlds } from "./commander-api-world.ts";
import { GOOD_CUSTOMER, idOf } from "./commander-objects.ts";

afterEach(stopWorlds);

const MAPPING = { type: "mapping", name: "web", address: "192.168.0.1", port: 543 } as const;

async function mappingOf(world: ApiWorld, more: object = {}) {
  return dataOf(world.client().http.POST("/api/v1/routes", { body: { ...MAPPING, ...more } }));
}

/** A good body of each kind, whose references are there. */
async function bodies(world: ApiWorld) {
  const { http } = world.client();
  const tag = await dataOf(http.POST("/api/v1/tags", { body: { name: "hall" } }));
  const web = await mappingOf(world, { tags: [tag.id] });
  const tags = [tag.id];
  const template = await dataOf(
    http.POST("/api/v1/templates", { body: { name: "cameras", routes: [web.id] } }),
  );
  return {
    routes: { type: "binding", name: "here", mapping: web.id, port: 443, tags },
    templates: { name: "desks", routes: [web.id], tags },
    profiles: { name: "factory", templates: [template.id], routes: [web.id], tags },
    stlinks: { name: "camera-1", templates: [template.id], tags },
    tags: { name: "roof", description: "On the roof." },
    customers: { ...GOOD_CUSTOMER, tags },
  };
}

const KINDS = ["routes", "templates", "profiles", "stlinks", "tags", "customers"] as const;

describe.each(KINDS)("of %s, one", (kind) => {
  it("is made, read, listed, replaced, merged and deleted", async () => {
    const world = await startWorld();
    const body = (await bodies(world))[kind];
    const made = await world.send("POST", `/api/v1/${kind}`, body);
    expect(made).toMatchObject({ status: 201, eTag: '"1"', data: { ...body, version: 1 } });
    expect(made.data).toMatchObject({
      createdBy: "the-admin",
      createdAt: "2026-01-02T00:00:00.000Z",
    });
    const path = `/api/v1/${kind}/${made.data.id}`;
    expect(await world.send("GET", path)).toEqual({ ...made, status: 200 });
    const list = await world.send("GET", `/api/v1/${kind}?text=${body.name.slice(0, 3)}`);
    expect(list.data.items.map(({ id }: { id: string }) => id)).toContain(made.data.id);

    const renamed = { ...body, name: "other", description: "Another one." };
    const put = await world.send("PUT", path, renamed, { "if-match": '"1"' });
    expect(put).toMatchObject({ status: 200, eTag: '"2"', data: { ...renamed, version: 2 } });
    const patch = await world.send("PATCH", path, { description: null }, { "if-match": '"2"' });
    expect(patch.data).toMatchObject({ name: "other", description: "", version: 3 });
    const gone = await world.send("DELETE", path, undefined, { "if-match": '"3"' });
    expect(gone).toMatchObject({ status: 200, data: { id: made.data.id } });
    expect((await world.send("GET", path)).data.error).toMatchObject({ code: "NotFound" });
    const rows = auditRows(world.db, { objectId: made.data.id, limit: 9 });
    expect(rows.map(({ what, who }) => `${who} ${what}`)).toEqual([
      ...["the-admin delete", "the-admin change", "the-admin change", "the-admin create"],
    ]);
  });

  it("is changed by nobody who has read an older version, or none", async () => {
    const world = await startWorld();
    const body = (await bodies(world))[kind];
    const { data } = await world.send("POST", `/api/v1/${kind}`, body);
    const path = `/api/v1/${kind}/${data.id}`;
    await world.send("PATCH", path, { description: "New." }, { "if-match": '"1"' });
    for (const [method, sent] of [
      ["PUT", body],
      ["PATCH", {}],
      ["DELETE", undefined],
    ] as const) {
      const stale = await world.send(method, path, sent, { "if-match": '"1"' });
      expect(stale).toMatchObject({ status: 412, data: { error: { code: "Stale" } } });
      expect(stale.data.error.message).toContain("was changed by the-admin at 2026-01-02T00:00");
      const without = await world.send(method, path, sent);
      expect(without).toMatchObject({ status: 428, data: { error: { code: "MatchNeeded" } } });
      const wrong = await world.send(method, path, sent, { "if-match": "*" });
      expect(wrong).toMatchObject({ status: 422, data: { error: { code: "Invalid" } } });
    }
    expect((await world.send("GET", path)).data).toMatchObject({
      description: "New.",
      version: 2,
    });
  });

  it("is made once, however often the request with one Idempotency-Key comes", async () => {
    const world = await startWorld();
    const body = (await bodies(world))[kind];
    const again = { "idempotency-key": "first" };
    const first = await world.send("POST", `/api/v1/${kind}`, body, again);
    expect(await world.send("POST", `/api/v1/${kind}`, body, again)).toEqual(first);
    const path = `/api/v1/${kind}/${first.data.id}`;
    await world.send("DELETE", path, undefined, { "if-match": '"1"' });
    expect(await world.send("POST", `/api/v1/${kind}`, body, again)).toEqual(first);
    const other = await world.send("POST", `/api/v1/${kind}`, { ...body, name: "b" }, again);
    expect(other).toMatchObject({ status: 422, data: { error: { code: "Invalid" } } });
    expect(other.data.error.message).toContain("first was used for another request");
    world.nowMs += 86_400_001;
    const later = await world.send("POST", `/api/v1/${kind}`, body, again);
    expect(later.status).toBe(201);
    expect(later.data.id).not.toBe(first.data.id);
  });

  it("has a name of its own", async () => {
    const world = await startWorld();
    const body = (await bodies(world))[kind];
    await world.send("POST", `/api/v1/${kind}`, body);
    const twin = { ...body, name: body.name.toUpperCase() };
    const refusal = await world.send("POST", `/api/v1/${kind}`, twin);
    expect(refusal).toMatchObject({ status: 409, data: { error: { code: "Taken" } } });
    expect(refusal.data.error.problems[0]?.path).toEqual(["name"]);
  });

  it.each([
    ["nothing", undefined, "what was sent"],
    ["a list", [], "what was sent"],
    ["a number", 7, "what was sent"],
    ["null", null, "what was sent"],
    ["a field too many", { name: "a", colour: "red" }, "is not a field"],
    ["no name", { description: "" }, "is missing"],
    ["a name with a space", { name: "a b" }, "no spaces"],
    ["a long name", { name: "a".repeat(65) }, "at most 64"],
    ["a name of another type", { name: 7 }, "name is to be text"],
    ["a long description", { name: "a", description: "a".repeat(1001) }, "longer than 1000"],
    ["an escape in its description", { name: "a", description: "\u001b[2J" }, "control characters"],
  ])("is not made of %s", async (what, fields, sentence) => {
    const world = await startWorld();
    const body = (await bodies(world))[kind];
    const isFields = typeof fields === "object" && fields !== null && !Array.isArray(fields);
    const { name: _, ...nameless } = body;
    const sent = isFields ? { ...(what === "no name" ? nameless : body), ...fields } : fields;
    const { status, data } = await world.send("POST", `/api/v1/${kind}`, sent ?? null);
    const { error } = data;
    expect([status, error.code]).toEqual([422, "Invalid"]);
    expect(error.message).toMatch(
      new RegExp(sentence === "what was sent" ? "to be|missing" : sentence),
    );
  });
});

describe("a Tag", () => {
  const TAGGED = KINDS.filter((kind) => kind !== "tags");

  it.each(TAGGED)("is a filter on the list of %s, by id and by name", async (kind) => {
    const world = await startWorld();
    const body = (await bodies(world))[kind];
    await world.send("POST", `/api/v1/${kind}`, body);
    const roof = await world.send("POST", "/api/v1/tags", { name: "roof" });
    const other = { ...body, name: "other", tags: [roof.data.id] };
    expect((await world.send("POST", `/api/v1/${kind}`, other)).status).toBe(201);
    const names = async (tag: string) => {
      const list = await world.send("GET", `/api/v1/${kind}?tag=${tag}`);
      return list.data.items.map(({ name }) => name);
    };
    const [hall = ""] = "tags" in body ? body.tags : [];
    for (const tag of ["hall", hall]) expect(await names(tag)).toContain(body.name);
    expect(await names("hall")).not.toContain("other");
    expect(await names("roof")).toEqual(["other"]);
    expect(await names("roof&tag=hall")).toEqual([]);
  });

  it("that is renamed is found by its new name on every list, and can't be deleted while it is used", async () => {
    const world = await startWorld();
    const all = await bodies(world);
    for (const kind of TAGGED) await world.send("POST", `/api/v1/${kind}`, all[kind]);
    const list = await world.send("GET", "/api/v1/tags?text=hall");
    const path = `/api/v1/tags/${list.data.items[0]?.id}`;
    await world.send("PATCH", path, { name: "yard" }, { "if-match": '"1"' });
    for (const kind of TAGGED) {
      const found = await world.send("GET", `/api/v1/${kind}?tag=yard`);
      expect(found.data.items.map(({ name }) => name)).toContain(all[kind].name);
      expect((await world.send("GET", `/api/v1/${kind}?tag=hall`)).status).toBe(422);
    }
    const kept = await world.send("DELETE", path, undefined, { "if-match": '"2"' });
    expect(kept).toMatchObject({ status: 409, data: { error: { code: "InUse" } } });
    for (const kind of TAGGED) expect(kept.data.error.message).toContain(`"${all[kind].name}"`);
  });
});

describe("a Customer", () => {
  it("gets the pre-shared key of its Commander's hop once, and a new one whenever it is asked for", async () => {
    const world = await startWorld();
    const { data: made } = await world.send("POST", "/api/v1/customers", {
      ...GOOD_CUSTOMER,
      tags: [],
    });
    const path = `/api/v1/customers/${made.id}`;
    const ask = async () => (await world.send("POST", `${path}/psk`)).data as { psk?: string };
    const [first, second] = [await ask(), await ask()];
    expect(first.psk).toMatch(/^[0-9a-f]{64}$/);
    expect(second.psk).not.toBe(first.psk);
    expect(Buffer.from(customerPsk(world.db, made.id) ?? []).toString("hex")).toBe(second.psk);
    const told = await world.send("GET", path);
    const audit = await world.send("GET", "/api/v1/audit");
    for (const psk of [first.psk, second.psk]) {
      expect(JSON.stringify([told.data, audit.data])).not.toContain(psk);
    }
    await world.send("DELETE", path, undefined, { "if-match": '"1"' });
    expect(customerPsk(world.db, made.id)).toBeNull();
    expect((await world.send("POST", `${path}/psk`)).status).toBe(404);
  });
});

describe("a Route", () => {
  it.each([
    [{ address: "8.8.8.8" }, "Invalid", "never points to a public address"],
    [{ address: "2001:db8::1" }, "Invalid", "never points to a public address"],
    [{ address: "http://a" }, "Invalid", "neither an IP address nor a host name"],
    [{ address: `${"a.".repeat(130)}b` }, "Invalid", "a configuration carries 255"],
    [{ address: 7 }, "Invalid", "is to be text"],
    [{ port: 0 }, "Invalid", "at least 1"],
    [{ port: 65_536 }, "Invalid", "at most 65535"],
    [{ port: 1.5 }, "Invalid", "port"],
    [{ port: "443" }, "Invalid", "port"],
    [{ protocol: "sctp" }, "Invalid", '"tcp", "udp"'],
    [{ type: "tunnel" }, "Invalid", '"mapping", "binding"'],
    [{ hold: "2 minutes" }, "Invalid", "is not a duration"],
    [{ hold: "25h" }, "Invalid", "from 0s to 24h"],
    [{ tags: [idOf(99)] }, "Invalid", "there is no tag with this id"],
    [{ tags: ["hall"] }, "Invalid", "is not an id"],
    [{ tags: "hall" }, "Invalid", "is to be a list"],
    [{ mapping: idOf(99) }, "Invalid", "is not a field"],
  ])("is not made with %j", async (more, code, sentence) => {
    const world = await startWorld();
    const refusal = await refused(mappingOf(world, more));
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(sentence);
    expect(refusal.message).toMatch(/^Route "web"/);
  });

  it("that listens beyond loopback is made once its owner has said so", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const web = await mappingOf(world);
    const fields = { type: "binding", name: "here", mapping: web.id, port: 443 } as const;
    const body = { ...fields, address: "eth0" };
    const refusal = await refused(http.POST("/api/v1/routes", { body }));
    expect(refusal).toMatchObject({ code: "NeedsConfirmation", status: 409 });
    expect(refusal.message).toContain('exposes is to be "tcp eth0:443"');
    const made = await dataOf(
      http.POST("/api/v1/routes", { body: { ...body, exposes: "tcp eth0:443" } }),
    );
    const moved = http.PATCH("/api/v1/routes/{id}", {
      params: at(made.id, 1),
      body: { port: 444 },
    });
    expect((await refused(moved)).code).toBe("NeedsConfirmation");
    const narrow = { address: "127.0.0.1", exposes: null };
    const back = await dataOf(
      http.PATCH("/api/v1/routes/{id}", { params: at(made.id, 1), body: narrow }),
    );
    expect(back).not.toHaveProperty("exposes");
  });

  it("keeps the fields of its access list that a merge leaves alone", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const web = await mappingOf(world);
    const access = { sources: ["10.0.0.0/8"], connections: 5, rate: "1MiB" };
    const made = await dataOf(
      http.POST("/api/v1/routes", {
        body: { type: "binding", name: "here", mapping: web.id, port: 443, access },
      }),
    );
    const changed = await dataOf(
      http.PATCH("/api/v1/routes/{id}", {
        params: at(made.id, 1),
        body: { access: { connections: null, rate: "2MiB" } },
      }),
    );
    expect(changed).toMatchObject({ access: { sources: ["10.0.0.0/8"], rate: "2MiB" } });
    expect("access" in changed ? changed.access : {}).not.toHaveProperty("connections");
  });

  it("says what uses it and which STLinks have it, and stays as long as that is so", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const web = await mappingOf(world);
    const template = await dataOf(
      http.POST("/api/v1/templates", { body: { name: "cameras", routes: [web.id] } }),
    );
    const stlink = await dataOf(
      http.POST("/api/v1/stlinks", { body: { name: "camera-1", templates: [template.id] } }),
    );
    const uses = await dataOf(http.GET("/api/v1/routes/{id}/uses", { params: byId(web.id) }));
    expect(uses).toEqual({
      uses: [{ kind: "template", id: template.id, name: "cameras" }],
      usesCount: 1,
      stlinks: [{ id: stlink.id, name: "camera-1", state: "invited" }],
      stlinksCount: 1,
    });
    const refusal = await refused(http.DELETE("/api/v1/routes/{id}", { params: at(web.id, 1) }));
    expect(refusal).toMatchObject({ code: "InUse", status: 409 });
    expect(refusal.problems[0]?.users).toEqual(uses.uses);
    expect(stlink.routes).toEqual([
      {
        ...{ id: web.id, name: "web", type: "mapping", protocol: "tcp" },
        ...{ address: "192.168.0.1", port: 543 },
        origins: [{ profile: null, template: { id: template.id, name: "cameras" } }],
      },
    ]);
  });

  it("can't be brought to an STLink on which another one listens at all addresses", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const web = await mappingOf(world);
    const binding = { type: "binding", mapping: web.id, port: 443 } as const;
    const all = { ...binding, name: "all", address: "all", exposes: "tcp all:443" };
    const one = await dataOf(http.POST("/api/v1/routes", { body: all }));
    const other = await dataOf(http.POST("/api/v1/routes", { body: { ...binding, name: "here" } }));
    const routes = [one.id, other.id];
    const template = await dataOf(
      http.POST("/api/v1/templates", { body: { name: "both", routes } }),
    );
    const body = { name: "camera-1", templates: [template.id] };
    const refusal = await refused(http.POST("/api/v1/stlinks", { body }));
    expect(refusal.code).toBe("Invalid");
    expect(refusal.message).toMatch(/would listen at tcp .*:443 and, within it, at tcp .*:443/);
  });
});

describe("a list", () => {
  async function filled() {
    const world = await startWorld();
    const { http } = world.client();
    const hall = await dataOf(http.POST("/api/v1/tags", { body: { name: "hall" } }));
    const roof = await dataOf(http.POST("/api/v1/tags", { body: { name: "roof" } }));
    for (const [i, tags] of [[hall.id], [roof.id], [hall.id, roof.id], [], [hall.id]].entries()) {
      await mappingOf(world, { name: `web-${i}`, tags });
    }
    const body = {
      type: "binding",
      name: "here",
      mapping: (await listed(world))[0]?.id ?? "",
      port: 1,
    };
    await http.POST("/api/v1/routes", { body: body as never });
    return { world, hall, roof };
  }

  async function listed(world: ApiWorld, query: object = {}) {
    const { http } = world.client();
    return (await dataOf(http.GET("/api/v1/routes", { params: { query } }))).items;
  }

  it("is filtered by type, Tags by id or name, and words, all together", async () => {
    const { world, hall } = await filled();
    const names = async (query: object) => (await listed(world, query)).map(({ name }) => name);
    expect(await names({})).toEqual(["here", "web-0", "web-1", "web-2", "web-3", "web-4"]);
    expect(await names({ type: "binding" })).toEqual(["here"]);
    expect(await names({ tag: ["hall"] })).toEqual(["web-0", "web-2", "web-4"]);
    expect(await names({ tag: [hall.id, "roof"] })).toEqual(["web-2"]);
    expect(await names({ tag: ["HALL"], text: "web 4" })).toEqual(["web-4"]);
    expect(await names({ text: "!!" })).toEqual([]);
  });

  it("comes in pages, each object once", async () => {
    const { world } = await filled();
    const { http } = world.client();
    for (const text of [undefined, "web"]) {
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const query = { limit: 2, ...(text && { text }), ...(cursor && { cursor }) };
        const page = await dataOf(http.GET("/api/v1/routes", { params: { query } }));
        expect(page.items.length).toBeLessThanOrEqual(2);
        names.push(...page.items.map(({ name }) => name));
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      const all = ["web-0", "web-1", "web-2", "web-3", "web-4"];
      expect(names).toEqual(text === undefined ? ["here", ...all] : all);
    }
  });

  it.each([
    ["limit=0", "limit is to be at least 1"],
    ["limit=501", "limit is to be at most 500"],
    ["limit=many", "limit"],
    ["limit=1&limit=2", "limit"],
    ["cursor=x", "The cursor is none that this list gave"],
    ["tag=nobody", "is no Tag's id or name"],
    ["type=stlink", '"mapping", "binding"'],
    ["colour=red", "colour is not a field"],
    [`text=${"a".repeat(201)}`, "longer than 200"],
  ])("with %s is refused", async (query, sentence) => {
    const world = await startWorld();
    const { status, data } = await world.send("GET", `/api/v1/routes?${query}`);
    const { error } = data;
    expect([status, error.code]).toEqual([422, "Invalid"]);
    expect(error.message).toContain(sentence);
  });
});
