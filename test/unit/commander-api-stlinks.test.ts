// SPDX-License-Identifier: Apache-2.0
// The API's STLinks and codes: what is known of each, and what administrators do with them. Codes are read back by the
// STLink's own reader, and their secret is looked for in the database, where it must not be.

import { readFileSync } from "node:fs";
import { blake2s } from "@noble/hashes/blake2.js";
import { afterEach, describe, expect, it } from "vitest";
import { dataOf } from "../../host/commander/client/client.ts";
import { activate, confirm, rotate } from "../../host/commander/store/activations.ts";
import { backUp } from "../../host/commander/store/backup.ts";
import { readCode, readCodePsk } from "../../host/commander/store/codes.ts";
import { configurationBytes } from "../../host/commander/store/configurations.ts";
import { fromBase32 } from "../../host/service/base32.ts";
import { pairFingerprint } from "../../host/service/fingerprint.ts";
import { readCode as readText } from "../../host/stlink/activation-code.ts";
import { decodeCode, deriveFromSecret } from "../reference/activation.ts";
import {
  type ApiWorld,
  AUTHORITY,
  at,
  byId,
  CONNECTOR,
  refused,
  startWorld,
  stopWorlds,
} from "./commander-api-world.ts";
import { idOf, keyOf } from "./commander-objects.ts";
import { placeFor } from "./commander-stores.ts";

afterEach(stopWorlds);

/** A world with a Profile, and the code that the API made of it. */
async function withCode(codes: object = {}) {
  const world = await startWorld();
  world.found();
  const { http } = world.client();
  const profile = await dataOf(http.POST("/api/v1/profiles", { body: { name: "factory", codes } }));
  const params = byId(profile.id);
  const code = await dataOf(http.POST("/api/v1/profiles/{id}/codes", { params }));
  return { world, http, profile, code };
}

/** Shows a code as who has the text does. */
function use(world: ApiWorld, text: string, number: number): string {
  const id = String(number).padEnd(32, "a");
  const { secret } = decodeCode(fromBase32(text) ?? new Uint8Array(0));
  const codeId = Buffer.from(deriveFromSecret(secret).codeId).toString("hex");
  const shown = { codeId, secretHash: Buffer.from(blake2s(secret)).toString("hex") };
  const answer = world.registry.change("control", (change) =>
    activate(change, { ...shown, key: keyOf(number) }, id),
  );
  if (answer.answer === "refused") return answer.reason;
  return answer.stlinkId ?? "";
}

describe("a code", () => {
  it("is of the site, and of a secret that nobody keeps", async () => {
    const { world, code } = await withCode();
    expect(readText(code.text)).toMatchObject({
      addresses: [{ host: "connector.test", port: 443 }],
      connectorKey: new Uint8Array(Buffer.from(CONNECTOR.key, "hex")),
    });
    const parts = decodeCode(fromBase32(code.text) ?? new Uint8Array(0));
    expect(Buffer.from(parts.commanderId).toString("hex")).toBe(AUTHORITY.commanderId);
    expect(Buffer.from(parts.commanderKey).toString("hex")).toBe(AUTHORITY.commanderKey);
    const recovery = blake2s(Buffer.from(AUTHORITY.recoveryKey, "hex"));
    expect(parts.recoveryHash).toEqual(recovery);
    const { codeId, ticket, psk } = deriveFromSecret(parts.secret);
    expect(code.id).toBe(Buffer.from(codeId).toString("hex"));
    expect(readCode(world.db, code.id)).toMatchObject({
      secretHash: Buffer.from(blake2s(parts.secret)).toString("hex"),
      ticketHash: Buffer.from(blake2s(ticket)).toString("hex"),
    });
    expect(Buffer.from(readCodePsk(world.db, code.id) ?? [])).toEqual(Buffer.from(psk));
    const copy = placeFor("copy.db");
    backUp(world.db, copy);
    const file = readFileSync(copy);
    expect(file.includes(Buffer.from(parts.secret))).toBe(false);
    expect(file.includes(Buffer.from(parts.secret).toString("hex"))).toBe(false);
    expect(file.includes(code.text)).toBe(false);
    expect(code.qr).toMatch(/^[A-Z2-7]+$/);
  });

  it("goes by its Profile's rules, and is listed with who used it when", async () => {
    const { world, http, profile, code } = await withCode({ uses: 2, expiry: "2h" });
    expect(code).toMatchObject({
      ...{ state: "open", profile: profile.id, stlink: null, uses: [] },
      ...{ madeAt: "2026-01-02T00:00:00.000Z", expiresAt: "2026-01-02T02:00:00.000Z" },
    });
    const id = use(world, code.text, 1);
    const listed = await dataOf(
      http.GET("/api/v1/codes", { params: { query: { profile: profile.id } } }),
    );
    expect(listed.items).toEqual([
      expect.objectContaining({
        id: code.id,
        uses: [
          {
            ...{ key: keyOf(1), stlink: id, stlinkName: expect.stringMatching(/^factory-/) },
            ...{ at: "2026-01-02T00:00:00.000Z", isApproved: true, confirmedAt: null },
          },
        ],
      }),
    ]);
    expect(JSON.stringify(listed)).not.toContain("Hash");
    use(world, code.text, 2);
    const used = await dataOf(http.GET("/api/v1/codes/{id}", { params: byId(code.id) }));
    expect(used.state).toBe("used");
    world.nowMs += 7_200_001;
    expect(use(world, code.text, 3)).toBe("CodeUsed");
  });

  it("is of no use once it is revoked", async () => {
    const { world, http, code } = await withCode();
    const revoked = await dataOf(http.POST("/api/v1/codes/{id}/revoke", { params: byId(code.id) }));
    expect(revoked).toMatchObject({ state: "revoked", revokedAt: "2026-01-02T00:00:00.000Z" });
    expect(use(world, code.text, 1)).toBe("Revoked");
  });

  it("comes in pages, the newest first", async () => {
    const { http, profile, code } = await withCode();
    const params = byId(profile.id);
    const second = await dataOf(http.POST("/api/v1/profiles/{id}/codes", { params }));
    const first = await dataOf(http.GET("/api/v1/codes", { params: { query: { limit: 1 } } }));
    expect(first.items.map(({ id }) => id)).toEqual([second.id]);
    const query = { limit: 1, cursor: first.next ?? "" };
    const rest = await dataOf(http.GET("/api/v1/codes", { params: { query } }));
    expect(rest.items.map(({ id }) => id)).toEqual([code.id]);
    expect(rest.next).toBeNull();
    const wrong = http.GET("/api/v1/codes", { params: { query: { cursor: "x" } } });
    expect((await refused(wrong)).message).toContain("cursor is none that this list gave");
  });

  it("can't be made for nobody, for who is revoked, or where there is no Connector", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const stlink = await dataOf(http.POST("/api/v1/stlinks", { body: { name: "camera-1" } }));
    const params = byId(stlink.id);
    const early = await refused(http.POST("/api/v1/stlinks/{id}/code", { params }));
    expect(early.code).toBe("NotNow");
    expect(early.message).toContain("has no Connector yet");
    world.found();
    const nobody = http.POST("/api/v1/profiles/{id}/codes", { params: byId(idOf(9)) });
    expect((await refused(nobody)).code).toBe("NotFound");
    await http.POST("/api/v1/stlinks/{id}/revoke", { params });
    const late = await refused(http.POST("/api/v1/stlinks/{id}/code", { params }));
    expect(late.message).toBe('STLink "camera-1" is revoked, for ever: make a new STLink.');
  });

  it("that is open keeps its Profile", async () => {
    const { http, profile, code } = await withCode();
    const { params } = { params: at(profile.id, 1) };
    const refusal = await refused(http.DELETE("/api/v1/profiles/{id}", { params }));
    expect(refusal.problems[0]?.users).toEqual([{ kind: "code", id: code.id, name: code.id }]);
  });
});

describe("an STLink", () => {
  it("is shown with all that it has told, and what it has been given", async () => {
    const { world, http, profile, code } = await withCode();
    const web = { type: "mapping", name: "web", address: "127.0.0.1", port: 80 } as const;
    const mapping = await dataOf(http.POST("/api/v1/routes", { body: web }));
    const here = { type: "binding", name: "here", mapping: mapping.id, port: 443 } as const;
    const binding = await dataOf(http.POST("/api/v1/routes", { body: here }));
    const cameras = { name: "cameras", routes: [mapping.id] };
    const template = await dataOf(http.POST("/api/v1/templates", { body: cameras }));
    const camera = use(world, code.text, 1);
    await http.PATCH("/api/v1/profiles/{id}", {
      params: at(profile.id, 1),
      body: { templates: [template.id] },
    });
    const desk = { name: "desk", templates: [] };
    const office = await dataOf(http.POST("/api/v1/stlinks", { body: desk }));
    const params = byId(office.id);
    const own = await dataOf(http.POST("/api/v1/stlinks/{id}/code", { params }));
    expect(own).toMatchObject({ stlink: office.id, profile: null, rules: { uses: 1 } });
    expect(use(world, own.text, 2)).toBe(office.id);
    const desks = { name: "desks", routes: [binding.id] };
    const two = await dataOf(http.POST("/api/v1/templates", { body: desks }));
    await http.PATCH("/api/v1/stlinks/{id}", {
      params: at(office.id, 1),
      body: { templates: [two.id] },
    });
    const report = {
      ...{ platform: "linux", board: null, firmware: "1.0", core: "ab".repeat(32) },
      ...{ connector: CONNECTOR.key, roundTripMs: 12.5, bytesIn: 1, bytesOut: 2, sessions: 1 },
      ...{ streams: 3, leaseLeftMs: 3_600_000 },
      lastErrors: ["the Mapping refuses"],
    };
    world.registry.note(
      new Map([[camera, { isConnected: true, lastSeenMs: world.nowMs, report }]]),
    );
    const bytes = configurationBytes(world.db, AUTHORITY, camera, (length) =>
      Buffer.alloc(length, 7),
    );
    const hash = Buffer.from(blake2s(bytes)).toString("hex");
    world.registry.change("control", (change) =>
      confirm(change, camera, { epoch: 1, serial: "3", hash: "00".repeat(32) }),
    );

    const shown = await dataOf(http.GET("/api/v1/stlinks/{id}", { params: byId(camera) }));
    const fingerprint = pairFingerprint(
      { id: Buffer.from(camera, "hex"), key: Buffer.from(keyOf(1), "hex") },
      { id: Buffer.from(office.id, "hex"), key: Buffer.from(keyOf(2), "hex") },
    );
    const site = await dataOf(http.GET("/api/v1/site"));
    expect(shown).toMatchObject({
      ...{ state: "online", key: keyOf(1), nextKey: null, keyEpoch: 1, codeId: code.id },
      ...{ waiting: null, lastSeen: "2026-01-02T00:00:00.000Z", revokedAt: null, ...report },
      confirmed: { version: { epoch: 1, serial: "3" }, hash: "00".repeat(32) },
      current: { version: site.version, hash },
      routes: [
        {
          ...{ id: mapping.id, name: "web", type: "mapping", protocol: "tcp" },
          origins: [
            {
              profile: { id: profile.id, name: "factory" },
              template: { id: template.id, name: "cameras" },
            },
          ],
        },
      ],
      pairs: [{ id: office.id, name: "desk", key: keyOf(2), fingerprint, routes: [mapping.id] }],
    });
    const { items } = await dataOf(
      http.GET("/api/v1/stlinks", { params: { query: { state: "online" } } }),
    );
    const { routes: _, pairs: __, current: ___, ...line } = shown;
    expect(items).toEqual([line]);
  });

  it("is revoked once for ever, and its keys with it", async () => {
    const { world, http, code } = await withCode({ uses: 2 });
    const params = byId(use(world, code.text, 1));
    const revoked = await dataOf(http.POST("/api/v1/stlinks/{id}/revoke", { params }));
    expect(revoked).toMatchObject({ state: "revoked", key: null });
    expect(revoked.revokedAt).toBe("2026-01-02T00:00:00.000Z");
    expect(await dataOf(http.POST("/api/v1/stlinks/{id}/revoke", { params }))).toEqual(revoked);
    expect(use(world, code.text, 1)).toBe("Revoked");
  });

  it("that is in service can't be deleted before it is revoked", async () => {
    const { world, http, code } = await withCode();
    const id = use(world, code.text, 1);
    const early = await refused(http.DELETE("/api/v1/stlinks/{id}", { params: at(id, 1) }));
    expect(early).toMatchObject({ code: "NotNow", status: 409 });
    await http.POST("/api/v1/stlinks/{id}/revoke", { params: byId(id) });
    await http.DELETE("/api/v1/stlinks/{id}", { params: at(id, 1) });
    const gone = http.GET("/api/v1/stlinks/{id}", { params: byId(id) });
    expect((await refused(gone)).code).toBe("NotFound");
  });

  it("that waits is approved with the key that was compared, and no other", async () => {
    const { world, http, code } = await withCode({ approval: true });
    const params = byId(use(world, code.text, 1));
    const waiting = await dataOf(http.GET("/api/v1/stlinks/{id}", { params }));
    expect(waiting).toMatchObject({
      state: "waiting",
      waiting: {
        ...{ key: keyOf(1), codeId: code.id, since: "2026-01-02T00:00:00.000Z" },
        fingerprint: pairFingerprint(
          { id: Buffer.from(code.id.padEnd(32, "0"), "hex"), key: Buffer.from(keyOf(1), "hex") },
          {
            id: Buffer.from(AUTHORITY.commanderId, "hex"),
            key: Buffer.from(AUTHORITY.commanderKey, "hex"),
          },
        ),
      },
    });
    const { items } = await dataOf(
      http.GET("/api/v1/stlinks", { params: { query: { state: "waiting" } } }),
    );
    expect(items[0]?.waiting).toEqual(waiting.waiting);
    const approve = (key: string) =>
      http.POST("/api/v1/stlinks/{id}/approve", { params, body: { key } });
    expect((await refused(approve(keyOf(2)))).message).toContain("compare fingerprints again");
    expect((await refused(approve("ff".repeat(32)))).code).toBe("Invalid");
    expect(await dataOf(approve(keyOf(1).toUpperCase()))).toMatchObject({
      state: "away",
      key: keyOf(1),
    });
    expect((await refused(approve(keyOf(1)))).message).toContain("waits for no approval");
  });

  it("keeps id, name and Routes when a code of its own replaces its machine", async () => {
    const { world, http, code } = await withCode();
    const id = use(world, code.text, 1);
    const own = await dataOf(http.POST("/api/v1/stlinks/{id}/code", { params: byId(id) }));
    expect(use(world, own.text, 2)).toBe(id);
    const shown = await dataOf(http.GET("/api/v1/stlinks/{id}", { params: byId(id) }));
    expect(shown).toMatchObject({ id, key: keyOf(2), keyEpoch: 2 });
  });

  it("makes a new key when it is asked to and is there", async () => {
    const asked: string[] = [];
    const present = new Set<string>();
    const world = await startWorld(
      {},
      {
        renew: (id) => asked.push(id) > 0 && present.has(id),
        connectors: () => [],
      },
    );
    world.found();
    const { http } = world.client();
    const stlink = await dataOf(http.POST("/api/v1/stlinks", { body: { name: "camera-1" } }));
    const params = byId(stlink.id);
    const away = await refused(http.POST("/api/v1/stlinks/{id}/rotate", { params }));
    expect(away.message).toBe('STLink "camera-1" is not online: ask again when it is.');
    present.add(stlink.id);
    const own = await dataOf(http.POST("/api/v1/stlinks/{id}/code", { params }));
    use(world, own.text, 1);
    await http.POST("/api/v1/stlinks/{id}/rotate", { params });
    expect(asked).toEqual([stlink.id, stlink.id]);
    world.registry.change("control", (change) => rotate(change, stlink.id, keyOf(2)));
    const shown = await dataOf(http.GET("/api/v1/stlinks/{id}", { params }));
    expect(shown).toMatchObject({ key: keyOf(1), nextKey: keyOf(2) });
    const query = { object: stlink.id, limit: 2 };
    const audit = await dataOf(http.GET("/api/v1/audit", { params: { query } }));
    expect(audit.items.map(({ who, what }) => `${who} ${what}`)).toEqual([
      ...["control announce key", "the-admin ask for a new key"],
    ]);
  });

  it("can't be asked for a key where nothing is in contact with it", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const stlink = await dataOf(http.POST("/api/v1/stlinks", { body: { name: "camera-1" } }));
    const params = byId(stlink.id);
    const refusal = await refused(http.POST("/api/v1/stlinks/{id}/rotate", { params }));
    expect(refusal).toMatchObject({ code: "NotNow", status: 409 });
  });

  it("is given Tags without a version, whoever else changes it", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const hall = await dataOf(http.POST("/api/v1/tags", { body: { name: "hall" } }));
    const roof = await dataOf(http.POST("/api/v1/tags", { body: { name: "roof" } }));
    const stlink = await dataOf(
      http.POST("/api/v1/stlinks", { body: { name: "camera-1", tags: [hall.id] } }),
    );
    const tag = (body: object) =>
      http.POST("/api/v1/stlinks/{id}/tags", { params: byId(stlink.id), body });
    const both = await dataOf(tag({ add: [roof.id, roof.id, hall.id] }));
    expect(new Set(both.tags)).toEqual(new Set([hall.id, roof.id]));
    expect((await dataOf(tag({ remove: [hall.id] }))).tags).toEqual([roof.id]);
    expect((await refused(tag({ add: [idOf(9)] }))).message).toContain("there is no tag");
    expect((await refused(tag({ add: "hall" }))).message).toContain("add is to be a list");
  });
});

describe("an id", () => {
  it.each([
    ...["..%2f..%2fetc%2fpasswd", "%2e%2e", "..%5c..", "0".repeat(32), "A".repeat(32), "a%00b"],
    ...["%f0%9f%92%a9", "'; DROP TABLE objects; --", "1"],
  ])("such as %s is refused before anything is looked up", async (id) => {
    const world = await startWorld();
    const response = await world.fetch(`/api/v1/stlinks/${id}`);
    const body = (await response.json()) as { error: { code: string; message: string } };
    expect([404, 422]).toContain(response.status);
    expect(["Invalid", "NoSuchPath"]).toContain(body.error.code);
  });
});
