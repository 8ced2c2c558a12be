// SPDX-License-Identifier: Apache-2.0
// Requests that no well-behaved client sends, and a database that can't be used: each answered in the one error shape,
// none of them holding up others. Slow clients are played with limits of parts of a second.

import { connect as connectSocket } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { dataOf } from "../../host/commander/client/client.ts";
import { type ApiWorld, refused, startWorld, stopWorlds } from "./commander-api-world.ts";

afterEach(stopWorlds);

/** Status and code of an answer as it was written. */
function parsed(answer: string): [number, string] {
  const [, status = "0"] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? [];
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  return [Number(status), JSON.parse(body).error.code];
}

function head(world: ApiWorld, line: string, ...more: string[]): string {
  const lines = [`${line} HTTP/1.1`, "host: localhost", `authorization: Bearer ${world.admin}`];
  return `${[...lines, ...more].join("\r\n")}\r\n\r\n`;
}

const JSON_TYPE = "content-type: application/json";
const CLOSE = "connection: close";

async function posted(world: ApiWorld, body: string, type = "application/json") {
  const headers = { "content-type": type };
  const response = await world.fetch("/api/v1/tags", { method: "POST", headers, body });
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, ...error };
}

describe("a body", () => {
  it.each([
    ["", 400, "BadRequest"],
    ["{", 400, "BadRequest"],
    ['{"name":"a"}x', 400, "BadRequest"],
    ['{"__proto__":{"name":"a"}}', 400, "BadRequest"],
    ['{"constructor":{"prototype":{}},"name":"a"}', 400, "BadRequest"],
    ['"name"', 422, "Invalid"],
    [`${"[".repeat(200_000)}${"]".repeat(200_000)}`, 422, "Invalid"],
    [`{"name":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`, 422, "Invalid"],
    [JSON.stringify({ name: "a".repeat(1 << 20) }), 413, "TooLong"],
  ])("that is %#. %.20s is refused", async (body, status, code) => {
    const world = await startWorld();
    const answer = await posted(world, body);
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect(answer.message.length).toBeLessThan(500);
    expect((await world.fetch("/api/v1/whoami")).status).toBe(200);
  });

  it.each(["text/plain", "application/xml", "multipart/form-data; boundary=a", "application/toml"])(
    "of the type %s is refused",
    async (type) => {
      const world = await startWorld();
      expect(await posted(world, '{"name":"a"}', type)).toMatchObject({
        status: 415,
        code: "WrongMedia",
      });
    },
  );

  it("without end is cut off at its limit", async () => {
    const world = await startWorld({ bodyBytes: 1000 });
    const chunk = `400\r\n${" ".repeat(0x400)}\r\n`;
    const begin = head(world, "POST /api/v1/tags", JSON_TYPE, "transfer-encoding: chunked");
    expect(parsed(await world.raw(`${begin}${chunk.repeat(8)}`))).toEqual([413, "TooLong"]);
  });

  it("of a document may be longer than that of others, and has its own limit", async () => {
    const world = await startWorld({ bodyBytes: 1000, documentBytes: 3000 });
    const document = {
      tags: [
        { name: "hall", description: "a".repeat(900) },
        { name: "roof", description: "b".repeat(900) },
      ],
    };
    expect(JSON.stringify(document).length).toBeGreaterThan(1000);
    expect((await world.send("POST", "/api/v1/document", document)).status).toBe(200);
    const longer = { tags: [...document.tags, ...document.tags] };
    expect((await world.send("POST", "/api/v1/document", longer)).status).toBe(413);
  });

  it("that does not come is not waited for", async () => {
    const world = await startWorld({ requestMs: 300, headersMs: 200 });
    const begin = head(world, "POST /api/v1/tags", JSON_TYPE, "content-length: 100");
    expect(parsed(await world.raw(`${begin}{"name":`))).toEqual([408, "TooSlow"]);
  });
});

describe("a request", () => {
  it("whose headers do not end is not waited for", async () => {
    const world = await startWorld({ requestMs: 300, headersMs: 200 });
    const answer = await world.raw("GET /api/v1/whoami HTTP/1.1\r\nhost: localhost\r\nx-a: ");
    expect(parsed(answer)).toEqual([408, "TooSlow"]);
  });

  it("whose headers are long is refused", async () => {
    const world = await startWorld();
    const long = `x-long: ${"a".repeat(20_000)}`;
    const answer = await world.raw(head(world, "GET /api/v1/whoami", long));
    expect(parsed(answer)).toEqual([431, "HeadersTooLong"]);
  });

  it.each(["hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /api/v1/whoami HTTP/1.1\r\n\r\n"])(
    "that is none (%j) is refused",
    async (text) => {
      const world = await startWorld();
      const answer = await world.raw(text, { end: true });
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    },
  );

  it("of a method that a path has not is told which it has", async () => {
    const world = await startWorld();
    for (const [method, path, allow] of [
      ["PATCH", "/api/v1/routes", "GET, POST"],
      ["POST", "/api/v1/routes/00000000000000000000000000000001", "DELETE, GET, PATCH, PUT"],
      ["DELETE", "/api/v1/site", "GET, PUT"],
      ["OPTIONS", "/api/v1/events", "GET"],
    ] as const) {
      const response = await world.fetch(path, { method });
      expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
      expect(await response.json()).toMatchObject({ error: { code: "NoSuchMethod" } });
    }
  });

  it.each(["/", "/api", "/api/v2/routes", "/api/v1/routes/a/b/c", "/API/v1/routes"])(
    "of a path that is not there (%s) is refused",
    async (path) => {
      const world = await startWorld();
      const response = await world.fetch(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: "NoSuchPath" } });
    },
  );

  it.each([
    ["/api/v1/routes/%zz", 400, "BadRequest"],
    [`/api/v1/routes/${"a".repeat(500)}`, 404, "NoSuchPath"],
    ["/api/v1/routes/../../../etc/passwd", 404, "NoSuchPath"],
    ["/api/v1/routes/%2e%2e%2fsite", 422, "Invalid"],
    ["//api/v1/routes", 404, "NoSuchPath"],
  ])("of the path %s is refused", async (path, status, code) => {
    const world = await startWorld();
    expect(parsed(await world.raw(head(world, `GET ${path}`, CLOSE)))).toEqual([status, code]);
  });

  it("waits for no other one, and there are only so many at once", async () => {
    const world = await startWorld({ connections: 3 });
    const port = Number(new URL(world.api.url).port);
    const idle = Array.from({ length: 3 }, () => connectSocket(port, "127.0.0.1"));
    await Promise.all(
      idle.map((socket) => new Promise((resolve) => socket.on("connect", resolve))),
    );
    const dropped = connectSocket(port, "127.0.0.1");
    const isDropped = await new Promise((resolve) => {
      dropped.on("close", () => resolve(true));
      dropped.on("error", () => resolve(true));
    });
    expect(isDropped).toBe(true);
    for (const socket of idle) socket.destroy();
  });
});

describe("a database", () => {
  it("that another process holds is waited for, and then said so; reading goes on", async () => {
    const world = await startWorld();
    const other = new DatabaseSync(world.db.file);
    other.exec("BEGIN IMMEDIATE");
    const { http } = world.client();
    const refusal = await refused(http.POST("/api/v1/tags", { body: { name: "hall" } }));
    expect(refusal).toMatchObject({ code: "StoreLocked", status: 503 });
    expect(refusal.message).toContain("is held by another process: nothing was changed");
    expect((await dataOf(http.GET("/api/v1/tags"))).items).toEqual([]);
    other.exec("ROLLBACK");
    other.close();
    await http.POST("/api/v1/tags", { body: { name: "hall" } });
  });

  it("whose disk is full says so, and keeps what it had", async () => {
    const world = await startWorld();
    const { http } = world.client();
    await http.POST("/api/v1/tags", { body: { name: "hall" } });
    const { page_count: pages } = world.db.get<{ page_count: number }>("PRAGMA page_count") ?? {};
    world.db.exec(`PRAGMA max_page_count = ${pages}`);
    let refusal = null;
    for (let i = 0; refusal === null && i < 200; i++) {
      const description = "a".repeat(1000);
      const made = http.POST("/api/v1/tags", { body: { name: `t-${i}`, description } });
      refusal = await made.then(
        () => null,
        (error) => error,
      );
    }
    expect(refusal).toMatchObject({ code: "StoreFull", status: 507 });
    const query = { text: "hall" };
    expect((await dataOf(http.GET("/api/v1/tags", { params: { query } }))).items).toHaveLength(1);
  });
});

describe("a bug", () => {
  it("is logged with its cause, and shown as Internal alone", async () => {
    const world = await startWorld(
      {},
      {
        renew: () => false,
        connectors: () => {
          throw new Error("the secret cause");
        },
      },
    );
    world.found();
    const response = await world.fetch("/api/v1/site");
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({
      error: { code: "Internal", problems: [{ path: [] }] },
    });
    expect(text).not.toContain("secret");
    const [line] = world.lines.filter(({ level }) => level === "error");
    expect(JSON.stringify(line)).toContain("the secret cause");
    expect(JSON.stringify(world.lines)).not.toContain(world.admin);
  });
});

describe("the client", () => {
  it("says where nobody answers", async () => {
    const world = await startWorld();
    const { http, events } = world.client();
    await world.api.stop();
    const refusal = await refused(http.GET("/api/v1/whoami"));
    expect(refusal).toMatchObject({ code: "Unreachable", status: 0 });
    expect(refusal.message).toContain(`No Commander answers at ${world.api.url}`);
    const first = events()[Symbol.asyncIterator]().next();
    expect((await refused(first)).code).toBe("Unreachable");
  });
});
