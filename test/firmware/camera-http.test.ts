// SPDX-License-Identifier: Apache-2.0
// The camera's server on sockets and a clock that the test moves: what each request is answered, what
// is bounded and for how long, and that a slow viewer gets the newest frame. In a browser:
// camera-page.test.ts.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CameraClients, framesOf } from "./camera-machine.ts";

const HOST = "Host: device\r\n";
const get = (path: string, fields = "") => `GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`;
const statusOf = (answer: string) => answer.split("\r\n", 1)[0];
const bodyOf = (answer: string) => answer.slice(answer.indexOf("\r\n\r\n") + 4);

let clients: CameraClients;
beforeEach(() => {
  clients = new CameraClients();
});
afterEach(() => clients.stop());

/** The answer to a request on a connection of its own. */
async function ask(text: string): Promise<string> {
  clients.open(0);
  return clients.request(0, text);
}

describe("requests", () => {
  it("gives the page in less than 6 KiB, with nothing from elsewhere", async () => {
    const answer = await ask(get("/"));
    expect(statusOf(answer)).toBe("HTTP/1.1 200 OK");
    expect(answer).toContain("Content-Type: text/html; charset=utf-8\r\n");
    const body = bodyOf(answer);
    expect(answer).toContain(`Content-Length: ${body.length}\r\n`);
    expect(body.length).toBeLessThan(6 * 1024);
    expect(body).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    expect(body).not.toMatch(/https?:|\/\/[a-z]|src="(?!data:)|url\(/);
  });

  it("gives a single picture, made after it was asked for", async () => {
    clients.open(0);
    await clients.pass(5000);
    clients.send(0, get("/snapshot.jpg?n=1"));
    await clients.pass(200);
    const answer = clients.take(0).toString("latin1");
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: image\/jpeg\r\n/);
    expect(Number(/X-Frame: (\d+)/.exec(answer)?.[1])).toBeGreaterThanOrEqual(50);
    expect(bodyOf(answer).length).toBe(Number(/Content-Length: (\d+)/.exec(answer)?.[1]));
    expect(bodyOf(answer)).toMatch(/^\xff\xd8.*\xff\xd9$/s);
  });

  it("tells its state in JSON", async () => {
    await clients.pass(61_000, 1000);
    const answer = await ask(get("/status.json"));
    expect(answer).toContain("Content-Type: application/json\r\n");
    expect(JSON.parse(bodyOf(answer))).toEqual({
      camera: "synthetic",
      ...{
        width: 160,
        height: 120,
        frame: 0,
        fps: 0,
        bytes: 0,
        quality: 0,
        viewers: 0,
        uptime: 61,
      },
    });
  });

  it.each(["/", "/status.json", "/snapshot.jpg", "/nothing"])(
    "answers HEAD %s with the fields of GET alone",
    async (path) => {
      clients.open(0, get(path).replace("GET", "HEAD"));
      clients.open(1, get(path));
      await clients.pass(200);
      const [head, whole] = [
        clients.take(0).toString("latin1"),
        clients.take(1).toString("latin1"),
      ];
      expect(bodyOf(head)).toBe("");
      expect(head).toBe(whole.slice(0, whole.indexOf("\r\n\r\n") + 4));
    },
  );

  it("answers HEAD /stream without a stream", async () => {
    const answer = await ask(get("/stream").replace("GET", "HEAD"));
    expect(answer).toContain("Content-Type: multipart/x-mixed-replace; boundary=frame\r\n");
    expect(bodyOf(answer)).toBe("");
    expect(clients.endOf(0)).toBe("end");
  });

  it("keeps a connection for request after request, also sent at once and cut anywhere", async () => {
    clients.open(0);
    for (let i = 0; i < 5; i++) {
      const answer = await clients.request(0, get("/status.json"));
      expect(answer).toContain("Connection: keep-alive\r\n");
    }
    const both = await clients.request(0, get("/nothing") + get("/status.json"));
    expect(both.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 404", "HTTP/1.1 200"]);
    for (const byte of get("/nothing")) {
      clients.send(0, byte);
      await clients.pass(0);
    }
    expect(statusOf(clients.take(0).toString("latin1"))).toBe("HTTP/1.1 404 Not Found");
    expect(clients.endOf(0)).toBeUndefined();
  });

  it.each([
    ["HTTP/1.1 that says close", get("/", "Connection: Foo, CLOSE\r\n"), false],
    ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", false],
    ["HTTP/1.0 that says keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true],
  ])("ends or keeps the connection of %s", async (_, request, isKept) => {
    const answer = await ask(request);
    expect(statusOf(answer)).toBe("HTTP/1.1 200 OK");
    expect(answer).toContain(isKept ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
    expect(clients.endOf(0)).toBe(isKept ? undefined : "end");
    await clients.pass(1100);
    expect(clients.endOf(0)).toBe(isKept ? undefined : "closed");
  });

  const LINE = "This is no HTTP request.";
  const FIELD = "A header field is malformed";
  it.each([
    ["no request", "hello\r\n\r\n", 400, LINE],
    ["HTTP/0.9", "GET /\r\n\r\n", 400, LINE],
    ["TLS", "\x16\x03\x01\x02\x00\x01", 400, LINE],
    ["two blanks", `GET  / HTTP/1.1\r\n${HOST}\r\n`, 400, LINE],
    ["a CR alone", "GET / HTTP/1.1\rHost: a\r\n\r\n", 400, LINE],
    ["a NUL in a field", "GET / HTTP/1.1\r\nHost: \0\r\n\r\n", 400, FIELD],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "Only HTTP/1.1 is spoken here."],
    ["a folded line", `GET / HTTP/1.1\r\n${HOST} more\r\n\r\n`, 400, FIELD],
    ["a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, FIELD],
    ["two Hosts", `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400, FIELD],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 400, "The Host field is missing."],
    ["a body", get("/", "Content-Length: 3\r\n"), 400, "Requests here have no body."],
    ["chunks", get("/", "Transfer-Encoding: chunked\r\n"), 400, "Requests here have no body."],
    ["a length that is none", get("/", "Content-Length: 0x\r\n"), 400, FIELD],
    ["another path", get("/stream/"), 404, "There is no such page."],
    ["a path that goes on", get(`/${"a".repeat(200)}`), 404, "There is no such page."],
    ["POST", get("/").replace("GET", "POST"), 405, "Nothing can be changed here."],
    ["PUT with a body", get("/", "Content-Length: 3\r\n").replace("GET", "PUT"), 405, "Nothing"],
    ["a long header", get("/", `X: ${"a".repeat(1000)}\r\n`), 431, "The request is longer than"],
    ["line ends without end", "\r\n".repeat(2000), 431, "The request is longer than 1024 bytes."],
  ])("refuses %s", async (_, request, code, sentence) => {
    const answer = await ask(request);
    expect(statusOf(answer)).toMatch(new RegExp(`^HTTP/1\\.1 ${code} [A-Z]`));
    expect(bodyOf(answer)).toContain(sentence);
    expect(bodyOf(answer).length).toBe(Number(/Content-Length: (\d+)/.exec(answer)?.[1]));
    expect(answer.includes("Allow: GET, HEAD\r\n")).toBe(code === 405);
    expect(clients.endOf(0)).toBe(code === 404 ? undefined : "end");
    await clients.pass(1100);
    expect(clients.endOf(0)).toBe(code === 404 ? undefined : "closed");
  });

  it("takes a target with its authority, and a length of no bytes", async () => {
    const answer = await ask(get("http://127.0.0.1:8080/status.json?x", "Content-Length: 0\r\n"));
    expect(statusOf(answer)).toBe("HTTP/1.1 200 OK");
  });
});

describe("time", () => {
  it("is 5 seconds for a request, from its first byte", async () => {
    clients.open(0);
    await clients.pass(7000, 100);
    clients.send(0, "GET / HT");
    await clients.pass(4900, 100);
    clients.send(0, "TP/1.1\r\n");
    await clients.pass(50);
    expect(clients.take(0).length).toBe(0);
    await clients.pass(100);
    const answer = clients.take(0).toString("latin1");
    expect(statusOf(answer)).toBe("HTTP/1.1 408 Request Timeout");
    expect(bodyOf(answer)).toBe("The request did not end within 5 seconds. Send it again.\n");
    expect(clients.endOf(0)).toBe("end");
  });

  it("is 15 seconds between requests", async () => {
    clients.open(0);
    await clients.pass(14_900, 100);
    expect(clients.endOf(0)).toBeUndefined();
    await clients.pass(200);
    expect([clients.endOf(0), clients.take(0).length]).toEqual(["closed", 0]);
  });

  it("is 15 seconds for a client to take an answer", async () => {
    clients.open(0, get("/"), 100);
    await clients.pass(14_900, 100);
    expect([clients.endOf(0), clients.take(0).length]).toEqual([undefined, 100]);
    await clients.pass(200);
    expect(clients.endOf(0)).toBe("reset");
  });

  it("goes on when the clock of 32 bits wraps", async () => {
    clients.stop();
    clients = new CameraClients(0xffffffff - 2000);
    clients.open(0, get("/stream"));
    await clients.pass(4000);
    const numbers = framesOf(clients.take(0)).map(({ number }) => number);
    expect(numbers.length).toBeGreaterThan(35);
    expect(numbers.at(-1)).toBeGreaterThan(37);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });
});

describe("places", () => {
  it("are three; one more is told so, and another is cut", async () => {
    for (const id of [0, 1, 2]) clients.open(id, "GET / HTTP/1.1\r\n");
    await clients.pass(1000);
    clients.open(3);
    clients.open(4);
    await clients.pass(10);
    const answer = clients.take(3).toString("latin1");
    expect(statusOf(answer)).toBe("HTTP/1.1 503 Service Unavailable");
    expect(answer).toContain("Retry-After: 1\r\nRefresh: 1\r\n");
    expect(bodyOf(answer)).toBe("All 3 connections are in use. Try again soon.\n");
    expect([clients.endOf(3), clients.endOf(4)]).toEqual(["end", "reset"]);
    for (const id of [0, 1, 2]) clients.send(id, `${HOST}\r\n`);
    await clients.pass(20);
    for (const id of [0, 1, 2]) expect(clients.take(id).toString()).toContain("200 OK");
  });

  it("are given up by the connection that is idle the longest", async () => {
    clients.open(0);
    await clients.pass(300);
    for (const id of [1, 2]) clients.open(id);
    await clients.pass(600);
    clients.open(3, get("/status.json"));
    await clients.pass(20);
    expect([0, 1, 2].map((id) => clients.endOf(id))).toEqual(["closed", undefined, undefined]);
    expect(clients.take(3).toString()).toContain("200 OK");
  });

  it("are left by clients that go in any state", async () => {
    const requests = ["", "GET /", get("/stream"), get("/snapshot.jpg"), get("/"), "x\r\n"];
    for (const [how, room] of [
      ["cut", -1],
      ["cut", 10],
      ["fin", -1],
    ] as const) {
      for (const request of requests) {
        clients.open(0, request, room);
        await clients.pass(150);
        clients.machine.tell(`${how} 0`);
        await clients.pass(300);
        expect(clients.endOf(0), `${how} ${request}`).toBe("closed");
      }
    }
    for (const id of [0, 1, 2]) clients.open(id, get("/status.json"));
    await clients.pass(20);
    for (const id of [0, 1, 2]) expect(clients.take(id).toString()).toContain("200 OK");
  });
});

describe("the stream", () => {
  it("gives ten frames a second, each with its number, and its boundary behind it", async () => {
    clients.open(0, get("/stream"));
    await clients.pass(3000);
    const stream = clients.take(0);
    expect(stream.toString("latin1")).toMatch(
      /^HTTP\/1\.1 200 OK\r\n.*?\r\n\r\n--frame\r\nContent-Type: image\/jpeg\r\n/s,
    );
    expect(stream.subarray(-11).toString()).toBe("\r\n--frame\r\n");
    const numbers = framesOf(stream).map(({ number }) => number);
    expect(numbers.length).toBeGreaterThanOrEqual(27);
    const first = numbers[0] ?? 0;
    expect(numbers).toEqual(numbers.map((_, i) => first + i));
  });

  it("makes no frames when nobody looks", async () => {
    clients.open(0, get("/stream"));
    await clients.pass(1000);
    clients.machine.tell("cut 0");
    await clients.pass(2000);
    const before = await clients.machine.ask("status", "status");
    await clients.pass(3000, 100);
    expect(await clients.machine.ask("status", "status")).toEqual(before);
  });

  it("gives a slow viewer the newest frame when he is ready, none of those between", async () => {
    clients.open(0, get("/stream"), 2000);
    clients.open(1, get("/stream"));
    await clients.pass(5000);
    clients.room(0, 1e9);
    await clients.pass(300);
    const slow = framesOf(clients.take(0)).map(({ number }) => number);
    const quick = framesOf(clients.take(1)).map(({ number }) => number);
    expect(slow[0]).toBeLessThan(3);
    expect(slow[1]).toBeGreaterThanOrEqual(49);
    expect(quick.length).toBeGreaterThan(48);
  });

  it("lets the other viewer have every frame while one takes nothing, and drops that one", async () => {
    clients.open(0, get("/stream"), 2000);
    clients.open(1, get("/stream"));
    await clients.pass(20_000, 20);
    const numbers = framesOf(clients.take(1)).map(({ number }) => number);
    expect(numbers.length).toBeGreaterThan(180);
    expect(clients.endOf(0)).toBe("reset");
  });

  it("of two that take nothing holds both frames: who wants a picture is told after 3 seconds", async () => {
    clients.open(0, get("/stream"), 2000);
    await clients.pass(500);
    clients.open(1, get("/stream"), 2000);
    await clients.pass(500);
    clients.open(2, get("/snapshot.jpg"));
    await clients.pass(2900);
    expect(clients.take(2).length).toBe(0);
    await clients.pass(200);
    const answer = clients.take(2).toString("latin1");
    expect(statusOf(answer)).toBe("HTTP/1.1 503 Service Unavailable");
    expect(bodyOf(answer)).toContain("There was no new picture for 3 seconds.");
    clients.machine.tell("cut 0");
    await clients.pass(50);
    clients.send(2, get("/snapshot.jpg"));
    await clients.pass(200);
    expect(clients.take(2).toString("latin1")).toContain("Content-Type: image/jpeg");
  });

  it("is for two viewers; a third is told to take single pictures, and gets them", async () => {
    for (const id of [0, 1]) clients.open(id, get("/stream"));
    await clients.pass(200);
    clients.open(2, get("/stream"));
    await clients.pass(20);
    const answer = clients.take(2).toString("latin1");
    expect(statusOf(answer)).toBe("HTTP/1.1 503 Service Unavailable");
    expect(bodyOf(answer)).toContain("Two viewers watch already. Ask for /snapshot.jpg");
    clients.send(2, get("/snapshot.jpg"));
    await clients.pass(300);
    expect(clients.take(2).toString("latin1")).toContain("Content-Type: image/jpeg");
  });

  it("says on one line how it is", async () => {
    clients.open(0, get("/stream"));
    await clients.pass(2500);
    const [line] = await clients.machine.ask("status", "status");
    expect(line).toMatch(
      /^status synthetic 160x120, frame 2\d of \d{4} bytes, 10 a second, 1 viewers$/,
    );
  });
});
