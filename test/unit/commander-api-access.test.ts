// SPDX-License-Identifier: Apache-2.0
// Who may use the API: tokens that are made, expire and are revoked, what each role may do, guesses that are held off,
// and names under which the server does not answer. Tokens are looked for in logs, lists and the database.

import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { afterEach, describe, expect, it } from "vitest";
import { startApi } from "../../host/commander/api/api.ts";
import { isLoopbackHost } from "../../host/commander/api/host-check.ts";
import { connect, dataOf } from "../../host/commander/client/client.ts";
import { mayDo, ROLES, type Role } from "../../host/commander/domain/token.ts";
import { backUp } from "../../host/commander/store/backup.ts";
import { CERTIFICATE, KEY } from "./commander-api-certificate.ts";
import { byId, refused, startWorld, stopWorlds } from "./commander-api-world.ts";
import { idOf } from "./commander-objects.ts";
import { placeFor } from "./commander-stores.ts";

afterEach(stopWorlds);

describe("a token", () => {
  it("is shown once, and says whose it is", async () => {
    const world = await startWorld();
    const { http } = world.client();
    const body = { name: "ci", role: "operator", expiry: "90d" } as const;
    const made = await dataOf(http.POST("/api/v1/tokens", { body }));
    expect(made.token).toMatch(/^st_[0-9a-f]{80}$/);
    const { token, ...shown } = made;
    expect(shown).toEqual({
      ...{ id: token.slice(3, 19), name: "ci", role: "operator", state: "valid" },
      ...{ madeAt: "2026-01-02T00:00:00.000Z", madeBy: "the-admin" },
      ...{ expiresAt: "2026-04-02T00:00:00.000Z", revokedAt: null },
    });
    const ci = connect({ url: world.api.url, token });
    expect(await dataOf(ci.http.GET("/api/v1/whoami"))).toEqual(shown);
    const { items } = await dataOf(http.GET("/api/v1/tokens"));
    expect(items).toEqual([shown, expect.objectContaining({ name: "the-admin", madeBy: "up" })]);
    const secret = token.slice(19);
    const audit = await dataOf(http.GET("/api/v1/audit"));
    expect(JSON.stringify([items, audit, world.lines])).not.toContain(secret);
    const copy = placeFor("copy.db");
    backUp(world.db, copy);
    expect(readFileSync(copy).includes(secret)).toBe(false);
    expect(readFileSync(copy).includes(Buffer.from(secret, "hex"))).toBe(false);
  });

  it("writes its name into the audit log", async () => {
    const world = await startWorld();
    const { http } = world.client("operator");
    const tag = await dataOf(http.POST("/api/v1/tags", { body: { name: "hall" } }));
    expect(tag).toMatchObject({ createdBy: "the-operator", changedBy: "the-operator" });
  });

  it("is of no use once it has expired, or is revoked, or has another letter", async () => {
    const world = await startWorld();
    const text = world.token("viewer", "short", "1h");
    const { http } = connect({ url: world.api.url, token: text });
    const whoami = () => http.GET("/api/v1/whoami");
    const { id } = await dataOf(whoami());
    world.nowMs += 3_600_001;
    expect(await refused(whoami())).toMatchObject({ code: "NotAuthenticated", status: 401 });
    world.nowMs -= 2;
    const admin = world.client().http;
    await dataOf(whoami());
    const revoked = await dataOf(admin.POST("/api/v1/tokens/{id}/revoke", { params: byId(id) }));
    expect(revoked).toMatchObject({ state: "revoked", name: "short" });
    expect((await refused(whoami())).message).toContain("unknown, expired or revoked");
    const again = admin.POST("/api/v1/tokens/{id}/revoke", { params: byId(id) });
    expect(await dataOf(again)).toEqual(revoked);
    const wrong = `${world.admin.slice(0, -1)}${world.admin.endsWith("0") ? "1" : "0"}`;
    for (const token of [wrong, world.admin.slice(0, -1), "st_", "none", id]) {
      const other = connect({ url: world.api.url, token });
      expect((await refused(other.http.GET("/api/v1/whoami"))).code).toBe("NotAuthenticated");
    }
  });

  it.each([
    [{ name: "a b", role: "viewer" }, "Invalid", "no spaces"],
    [{ name: "a", role: "owner" }, "Invalid", '"viewer", "operator", "admin"'],
    [{ name: "a", role: "viewer", expiry: "366d" }, "Invalid", "from 1m to 365d"],
    [{ name: "a", role: "viewer", expiry: "never" }, "Invalid", "is not a duration"],
    [{ name: "a" }, "Invalid", "role is one of"],
    [{ name: "THE-ADMIN", role: "viewer" }, "Taken", "is that of another token, or was"],
  ])("is not made of %j", async (body, code, sentence) => {
    const world = await startWorld();
    const { data } = await world.send("POST", "/api/v1/tokens", body);
    expect(data.error.code).toBe(code);
    expect(data.error.message).toContain(sentence);
  });

  it("that nobody has can't be revoked", async () => {
    const { http } = (await startWorld()).client();
    const params = byId("0123456789abcdef");
    const refusal = await refused(http.POST("/api/v1/tokens/{id}/revoke", { params }));
    expect(refusal).toMatchObject({ code: "NotFound", status: 404 });
  });
});

type Operations = Record<string, { security?: unknown[]; "x-role"?: Role }>;

describe("a role", () => {
  it("may do what the document says of each operation, and nothing else", async () => {
    const world = await startWorld();
    const response = await fetch(`${world.api.url}/api/v1/openapi.json`);
    const { paths } = (await response.json()) as { paths: Record<string, Operations> };
    const tokens = new Map(ROLES.map((role) => [role, world.token(role, `as-${role}`)]));
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { "x-role": least = "admin" }] of Object.entries(operations)) {
        if (path.endsWith("/events")) continue;
        for (const [role, token] of tokens) {
          const answer = await world.fetch(path.replace("{id}", idOf(1)), {
            method: method.toUpperCase(),
            headers: { authorization: `Bearer ${token}` },
          });
          await answer.text();
          expect([path, method, role, answer.status === 403]).toEqual([
            ...[path, method, role, !mayDo(role, least)],
          ]);
        }
      }
    }
  });

  it.each([
    ["viewer", "GET", "/routes", true],
    ["viewer", "POST", "/routes", false],
    ["viewer", "GET", "/audit", true],
    ["viewer", "GET", "/tokens", false],
    ["operator", "POST", "/routes", true],
    ["operator", "POST", "/customers", false],
    ["operator", "POST", `/customers/${"0".repeat(32)}/psk`, false],
    ["operator", "POST", "/document", true],
    ["operator", "PUT", "/site", false],
    ["operator", "POST", "/backup", false],
    ["operator", "POST", "/tokens", false],
    ["operator", "GET", "/audit/verify", false],
    ["admin", "PUT", "/site", true],
  ] as const)("of a %s lets %s %s pass: %s", async (role, method, path, isAllowed) => {
    const world = await startWorld();
    const headers = { authorization: `Bearer ${world.token(role, "asks")}` };
    const { status, data } = await world.send(method, `/api/v1${path}`, undefined, headers);
    expect(status !== 403).toBe(isAllowed);
    if (!isAllowed) expect(data.error.message).toMatch(/^The token "asks" is of a \w+, and this/);
  });
});

describe("who has no token", () => {
  it("gets the document and nothing else", async () => {
    const world = await startWorld();
    const bare = (path: string) => fetch(`${world.api.url}${path}`);
    expect((await bare("/api/v1/openapi.json")).status).toBe(200);
    const answer = await bare("/api/v1/routes");
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
      ...[401, 'Bearer realm="Commander"'],
    ]);
    expect(await answer.json()).toMatchObject({ error: { code: "NotAuthenticated" } });
  });

  it("is held off after some guesses, and holds off nobody who has one", async () => {
    const world = await startWorld({ failuresInMinute: 3 });
    const guess = () =>
      world.fetch("/api/v1/routes", { headers: { authorization: `Bearer st_${"0".repeat(80)}` } });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await guess()).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    const last = await guess();
    expect(Number(last.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await last.json()).toMatchObject({ error: { code: "TooMany" } });
    expect((await world.fetch("/api/v1/routes")).status).toBe(200);
    const told = world.lines.filter(({ level }) => level === "warn");
    expect(told.map(({ fields }) => fields)).toEqual(Array(3).fill({ path: "/api/v1/routes" }));
  });

  it("asks no more often than a token may", async () => {
    const world = await startWorld({ requestsInMinute: 2 });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await world.fetch("/api/v1/whoami")).status);
    expect(statuses).toEqual([200, 200, 429]);
    const { http } = world.client("viewer");
    expect((await dataOf(http.GET("/api/v1/whoami"))).role).toBe("viewer");
  });
});

describe("the server", () => {
  it.each([
    ["127.0.0.1", true],
    ["127.0.0.1:8440", true],
    ["localhost:1", true],
    ["LOCALHOST", true],
    ["[::1]:8440", true],
    ["evil.test", false],
    ["127.0.0.1.evil.test", false],
    ["localhost.evil.test:80", false],
    ["192.168.0.1", false],
    ["[::1", false],
    ["", false],
  ])("is called %s: %s", async (host, isOne) => {
    expect(isLoopbackHost(host)).toBe(isOne);
    const world = await startWorld();
    const authorization = `authorization: Bearer ${world.admin}`;
    const answer = await world.raw(
      `GET /api/v1/whoami HTTP/1.1\r\nhost: ${host}\r\n${authorization}\r\nconnection: close\r\n\r\n`,
    );
    expect(answer.split("\r\n")[0]).toContain(isOne ? " 200 " : " 421 ");
    if (!isOne) expect(answer).toContain('"code":"WrongHost"');
  });

  it("sends headers that keep answers out of pages, and lets no page read them", async () => {
    const world = await startWorld();
    const { headers } = await world.fetch("/api/v1/whoami", {
      headers: { origin: "http://a.test" },
    });
    expect(headers.get("content-type")).toMatch(/^application\/json/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    const preflight = await world.fetch("/api/v1/routes", { method: "OPTIONS" });
    expect(preflight.status).toBe(405);
  });

  it.each(["0.0.0.0", "192.168.0.1", "commander.test", "::"])(
    "does not listen on %s without TLS",
    async (host) => {
      const { registry } = await startWorld();
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const started = startApi({ registry, control: null, listen: { host, port: 0 }, log });
      await expect(started).rejects.toMatchObject({
        code: "AddressUnusable",
        message: expect.stringContaining("without TLS"),
      });
    },
  );

  it("with a certificate is called by its names, and says to be called so alone", async () => {
    const world = await startWorld();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const tls = { cert: CERTIFICATE, key: KEY };
    const listen = { host: "0.0.0.0", port: 0, tls };
    const api = await startApi({ registry: world.registry, control: null, listen, log });
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { authorization: `Bearer ${world.admin}`, host: "commander.test" };
      const port = new URL(api.url).port;
      const to = { host: "127.0.0.1", port, path: "/api/v1/whoami", ca: CERTIFICATE, headers };
      get(to, resolve).on("error", reject);
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers["strict-transport-security"]).toBe("max-age=31536000");
    answer.resume();
    await api.stop();
  });

  it.each([
    ["no PEM", { cert: "a", key: "b" }],
    ["no key", { cert: CERTIFICATE, key: CERTIFICATE }],
  ])("does not begin with a certificate that is %s", async (_, tls) => {
    const { registry } = await startWorld();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const listen = { host: "0.0.0.0", port: 0, tls };
    const started = startApi({ registry, control: null, listen, log });
    await expect(started).rejects.toMatchObject({ code: "BadKeyFile" });
  });

  it("says where it can't listen", async () => {
    const { registry, api } = await startWorld();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const listen = { host: "127.0.0.1", port: Number(new URL(api.url).port) };
    const started = startApi({ registry, control: null, listen, log });
    await expect(started).rejects.toMatchObject({
      code: "AddressUnusable",
      message: expect.stringContaining("another process listens there"),
    });
  });
});
