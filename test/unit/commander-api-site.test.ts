// SPDX-License-Identifier: Apache-2.0
// The API's site, audit log, document and backup: Connectors and how they stand, rows that were changed by somebody
// else than the Commander, configuration as code with its dry run, and a copy of the database that can be restored.

import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { dataOf } from "../../host/commander/client/client.ts";
import { restore } from "../../host/commander/store/backup.ts";
import { Database } from "../../host/commander/store/database.ts";
import { readNamed } from "../../host/commander/store/objects.ts";
import {
  type ApiWorld,
  AUTHORITY,
  CONNECTOR,
  refused,
  startWorld,
  stopWorlds,
} from "./commander-api-world.ts";
import { keyOf, stlinkOf } from "./commander-objects.ts";
import { ANNA, placeFor } from "./commander-stores.ts";

afterEach(stopWorlds);

describe("the site", () => {
  it("shows Connectors as control sees them, counts, version, and who the Commander is", async () => {
    const version = { epoch: 1, serial: 7n };
    const world = await startWorld(
      {},
      {
        renew: () => false,
        connectors: () => [{ ...CONNECTOR, isConnected: true, isCurrent: true, version }],
      },
    );
    world.found();
    const { http } = world.client();
    await http.POST("/api/v1/tags", { body: { name: "hall" } });
    await http.POST("/api/v1/stlinks", { body: { name: "camera-1" } });
    const { data, response } = await http.GET("/api/v1/site");
    const { commanderId: id, commanderKey: key, recoveryKey } = AUTHORITY;
    expect(data).toEqual({
      commander: { id, key, recoveryKey },
      connectors: [
        { ...CONNECTOR, isConnected: true, isCurrent: true, holds: { epoch: 1, serial: "7" } },
      ],
      version: { epoch: 1, serial: "3" },
      counts: {
        ...{ routes: 0, templates: 0, profiles: 0, tags: 1, customers: 0 },
        stlinks: { invited: 1, waiting: 0, online: 0, away: 0, revoked: 0 },
      },
      newerStlinks: 0,
      control: { isRunning: true },
    });
    expect(response.headers.get("etag")).toMatch(/^"[0-9a-f]{16}"$/);
  });

  it("takes other Connectors from who has read the present ones, and says so to nobody twice", async () => {
    const world = await startWorld();
    world.found();
    const { http } = world.client();
    const eTag = (await http.GET("/api/v1/site")).response.headers.get("etag") ?? "";
    // Another change of the site's version is none of what this replaces.
    await http.POST("/api/v1/stlinks", { body: { name: "camera-1" } });
    const connectors = [CONNECTOR, { key: keyOf(93), address: "[fd00::1]:443" }];
    const put = () =>
      http.PUT("/api/v1/site", {
        params: { header: { "if-match": eTag } },
        body: { connectors },
      });
    const site = await dataOf(put());
    expect(site.connectors.map(({ address }) => address)).toEqual([
      ...["connector.test:443", "[fd00::1]:443"],
    ]);
    expect(await refused(put())).toMatchObject({ code: "Stale", status: 412 });
  });

  it.each([
    [[{ key: keyOf(93), address: "connector.test" }], "address is not an address"],
    [[{ key: keyOf(93), address: "a:0" }], "address is not an address"],
    [[{ key: "00".repeat(32), address: "a:1" }], "key is all zeros"],
    [[{ key: "ff".repeat(32), address: "a:1" }], "canonical form"],
    [[CONNECTOR, CONNECTOR], "connectors[1] is there twice"],
    [[{ address: "a:1" }], "key is missing"],
    [CONNECTOR, "connectors is to be a list"],
    [[], "connectors is to hold at least 1"],
  ])("does not take Connectors %#: %s", async (connectors, sentence) => {
    const world = await startWorld();
    world.found();
    const { eTag } = await world.send("GET", "/api/v1/site");
    const answer = await world.send(
      "PUT",
      "/api/v1/site",
      { connectors },
      { "if-match": eTag ?? "" },
    );
    expect(answer).toMatchObject({ status: 422, data: { error: { code: "Invalid" } } });
    expect(answer.data.error.message).toContain(sentence);
  });

  it("has no Connectors before it has a Commander", async () => {
    const world = await startWorld();
    const { eTag } = await world.send("GET", "/api/v1/site");
    const more = { "if-match": eTag ?? "" };
    const answer = await world.send("PUT", "/api/v1/site", { connectors: [CONNECTOR] }, more);
    expect(answer).toMatchObject({ status: 409, data: { error: { code: "NotNow" } } });
  });

  it("says how many STLinks hold a newer version than its database", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const versions = [
      { epoch: 1, serial: "10" },
      { epoch: 1, serial: "5" },
      { epoch: 2, serial: "1" },
      { epoch: 1, serial: "18446744073709551615" },
    ];
    for (const [i, version] of versions.entries()) {
      const body = { name: stlinkOf(i).name };
      const { id } = await dataOf(http.POST("/api/v1/stlinks", { body }));
      const confirmed = { ...version, hash: "00" };
      world.registry.note(new Map([[id, { confirmed }]]));
    }
    const site = await dataOf(http.GET("/api/v1/site"));
    expect(site.version).toEqual({ epoch: 1, serial: "5" });
    expect(site.newerStlinks).toBe(3);
  });
});

describe("the audit log", () => {
  it("is read in pages, of all or of one object", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const tag = await dataOf(http.POST("/api/v1/tags", { body: { name: "hall" } }));
    await http.POST("/api/v1/tags", { body: { name: "roof" } });
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: 1, ...(cursor && { cursor }) };
      const page = await dataOf(http.GET("/api/v1/audit", { params: { query } }));
      names.push(...page.items.map(({ n, who, what, name }) => `${n} ${who} ${what} ${name}`));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    expect(names).toEqual([
      ...["3 the-admin create roof", "2 the-admin create hall", "1 up create the-admin"],
    ]);
    const query = { object: tag.id };
    const { items } = await dataOf(http.GET("/api/v1/audit", { params: { query } }));
    expect(items).toMatchObject([
      { n: 2, at: "2026-01-02T00:00:00.000Z", before: null, after: { name: "hall" } },
    ]);
  });

  it("is found good, and not good once a row was changed", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const good = await dataOf(http.GET("/api/v1/audit/verify"));
    expect(good).toMatchObject({ isGood: true, findings: [], head: { n: 1 } });
    expect(good.head.hash).toMatch(/^[0-9a-f]{64}$/);
    world.db.exec("DROP TRIGGER audit_stays; UPDATE audit SET who = 'nobody' WHERE n = 1");
    const bad = await dataOf(http.GET("/api/v1/audit/verify"));
    expect(bad).toMatchObject({ isGood: false, findings: [{ n: 1 }] });
  });

  it("is held against a head that was noted", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const verify = (query: object) => http.GET("/api/v1/audit/verify", { params: { query } });
    const { head } = await dataOf(verify({}));
    expect(await dataOf(verify(head))).toMatchObject({ isGood: true });
    const other = await dataOf(verify({ n: 1, hash: "0".repeat(64) }));
    expect(other.findings).toEqual([{ n: 1, what: "row 1 has another hash than was noted." }]);
    expect((await refused(verify({ n: 1 }))).message).toContain("belong together");
  });
});

const DOCUMENT = {
  tags: [{ name: "hall" }],
  mappings: [{ name: "web", address: "192.168.0.1", port: 543, tags: ["hall"] }],
  bindings: [{ name: "here", mapping: "web", port: 443 }],
  templates: [{ name: "cameras", routes: ["web"] }],
  profiles: [{ name: "factory", templates: ["cameras"] }],
};

async function imported(world: ApiWorld, document: object = DOCUMENT) {
  const { http } = world.client();
  return dataOf(http.POST("/api/v1/document", { body: document as never }));
}

describe("the document", () => {
  it("is shown as a difference by a dry run, which changes nothing", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const params = { query: { dry: true } };
    const dry = await dataOf(http.POST("/api/v1/document", { params, body: DOCUMENT as never }));
    expect(dry.isDry).toBe(true);
    expect(dry.differences.map(({ what, kind, name }) => `${what} ${kind} ${name}`)).toEqual([
      ...["add tag hall", "add route web", "add route here"],
      ...["add template cameras", "add profile factory"],
    ]);
    expect(await dataOf(http.GET("/api/v1/document"))).toEqual({});
    const done = await imported(world);
    expect(done).toEqual({ ...dry, isDry: false });
    expect(await dataOf(http.GET("/api/v1/document"))).toEqual(DOCUMENT);
    expect((await imported(world)).differences).toEqual([]);
  });

  it("is TOML where that is asked for, and taken as TOML", async () => {
    const world = await startWorld();
    await imported(world);
    const response = await world.fetch("/api/v1/document?format=toml");
    expect(response.headers.get("content-type")).toMatch(/^application\/toml/);
    const text = await response.text();
    const back = await world.fetch("/api/v1/document?dry=true", {
      method: "POST",
      headers: { "content-type": "application/toml" },
      body: text.replace("port = 543", "port = 544"),
    });
    expect(await back.json()).toEqual({
      isDry: true,
      differences: [
        {
          ...{ what: "change", kind: "route", name: "web" },
          fields: [{ field: "port", before: 543, after: 544 }],
        },
      ],
    });
  });

  it.each([
    [{ mappings: [{ name: "web" }] }, "mappings[0].address is missing"],
    [{ bindings: [{ name: "a", mapping: "b", port: 1 }] }, 'names "b", and there is no route'],
    [{ tags: [{ name: "a" }, { name: "A" }] }, "is that of tags[0] too"],
    [{ tag: [] }, 'tag is not a field: did you mean "tags"?'],
    [[], "what was sent is to be a table"],
    [{ tags: Array.from({ length: 2000 }, () => ({})) }, "tags[0].name is missing"],
  ])("is not taken where it is wrong %#", async (document, sentence) => {
    const world = await startWorld();
    const answer = await world.send("POST", "/api/v1/document", document);
    expect(answer).toMatchObject({ status: 422, data: { error: { code: "Invalid" } } });
    expect(answer.data.error.message).toContain(sentence);
    expect(answer.data.error.message).toMatch(/^The document: /);
    expect(answer.data.error.problems.length).toBeLessThanOrEqual(50);
  });

  it.each([
    ["tags = [", "is not TOML, line 1"],
    [`a = ${"[".repeat(5000)}`, "is not TOML"],
    ["tags = 7", "tags is to be a list"],
  ])("is not taken as the TOML that it is not %#", async (body, sentence) => {
    const world = await startWorld();
    const response = await world.fetch("/api/v1/document", {
      method: "POST",
      headers: { "content-type": "application/toml" },
      body,
    });
    const { error } = (await response.json()) as { error: { message: string } };
    expect(response.status).toBe(422);
    expect(error.message).toContain(sentence);
  });

  it("removes nothing that an STLink still needs", async () => {
    const world = await startWorld();
    await imported(world);
    const { http } = world.client();
    const template = readNamed(world.db, "template", "cameras")?.id ?? "";
    await http.POST("/api/v1/stlinks", { body: { name: "camera-1", templates: [template] } });
    const answer = await world.send("POST", "/api/v1/document", {});
    expect(answer).toMatchObject({ status: 409, data: { error: { code: "InUse" } } });
    expect(await dataOf(http.GET("/api/v1/document"))).toEqual(DOCUMENT);
  });
});

describe("a backup", () => {
  it("is a whole database in a private folder beside the other, and in the log", async () => {
    const world = await startWorld();
    await imported(world);
    const { http } = world.client();
    const backup = await dataOf(http.POST("/api/v1/backup"));
    expect(backup.name).toMatch(/^commander-2026-01-02T00-00-00Z-[0-9a-f]{6}\.db$/);
    const folder = join(dirname(world.db.file), "backups");
    const file = join(folder, backup.name);
    expect(statSync(file)).toMatchObject({ size: backup.bytes });
    expect([statSync(folder).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600]);
    const query = { limit: 1 };
    const { items } = await dataOf(http.GET("/api/v1/audit", { params: { query } }));
    expect(items).toMatchObject([{ what: "back up", after: { name: backup.name } }]);
    const place = placeFor();
    restore(file, place, { by: ANNA });
    const db = new Database(place);
    expect(readNamed(db, "route", "web")).not.toBeNull();
    db.close();
    const again = await dataOf(http.POST("/api/v1/backup"));
    expect(again.name).not.toBe(backup.name);
  });
});
