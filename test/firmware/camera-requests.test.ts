// SPDX-License-Identifier: Apache-2.0
// The camera's request reader under AddressSanitizer and UBSan, on thousands of requests that are
// nearly right: its verdict, and after which byte, must be that of the twin below, which reads a whole
// request with patterns of RFC 9112. Then the same into the whole server, cut anywhere.

import { afterAll, beforeAll, expect, it } from "vitest";
import { CameraClients, CameraMachine } from "./camera-machine.ts";

const SEED = 1;
const REQUESTS = 10_000;
const HEADER_MOST = 1024;
const VERDICTS = [
  "Unfinished",
  "Complete",
  "BadLine",
  "BadVersion",
  "BadField",
  "NoHost",
  "HasBody",
  "TooLong",
];

/** 32 bits, a different sequence for each seed (xorshift). */
function seeded(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const PARTS = {
  method: ["GET", "HEAD", "POST", "G", "GETS", "", "get", "PRI"],
  path: [
    "/",
    "/stream",
    "/snapshot.jpg?1",
    "/status.json",
    "*",
    "",
    "http://a/stream",
    "/x y",
    "http://a",
  ],
  version: ["HTTP/1.1", "HTTP/1.0", "HTTP/1.9", "HTTP/2.0", "HTTP/1.11", "HTP/1.1", "", "HTTP/1.x"],
  field: [
    "Host: a",
    "HOST:b",
    "Connection: close",
    "connection: keep-alive, Upgrade",
    "Content-Length: 0",
    "Content-Length: 12",
    "Content-Length:",
    "Content-Length: 1a",
    "Transfer-Encoding: gzip",
    "X-Long-Name-Of-Some-Field: value, value",
    "Accept : */*",
    " folded",
    "nothing",
    ": empty",
    `Cookie: ${"c".repeat(400)}`,
  ],
  end: ["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n"],
};

/** Mostly right, so that the reader gets to its end; then some bytes are changed. */
function makeRequest(random: (below: number) => number): Buffer {
  const pick = (list: readonly string[], right: number): string =>
    list[random(3) === 0 ? random(list.length) : random(right)] ?? "";
  const end = (): string => pick(PARTS.end, 1);
  let text = random(8) === 0 ? "\r\n" : "";
  text += `${pick(PARTS.method, 2)} ${pick(PARTS.path, 4)} ${pick(PARTS.version, 2)}${end()}`;
  if (random(8) !== 0) text += `Host: device${end()}`;
  for (let i = random(5); i > 0; i--) text += pick(PARTS.field, PARTS.field.length) + end();
  const bytes = Buffer.from(`${text}${end()}`, "latin1");
  if (bytes.length === 0) return bytes;
  for (let i = random(3); i > 0; i--) bytes[random(bytes.length)] = random(256);
  return random(6) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

type Reading = { verdict: string; bytes: number };

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const LINE = /^([^ \t]+) ([^ \t]+) ([^ ].*|)$/;

/**
 * The twin, slow: tries each prefix, so that it finds the first byte at which no right request can go
 * on.
 */
function readSlowly(bytes: Buffer): Reading {
  const text = bytes.toString("latin1");
  for (let length = 1; length <= text.length; length++) {
    if (length > HEADER_MOST) return { verdict: "TooLong", bytes: length };
    const verdict = judge(text.slice(0, length));
    if (verdict !== "Unfinished") return { verdict, bytes: length };
  }
  return { verdict: "Unfinished", bytes: text.length };
}

function judge(text: string): string {
  const lines = text.replace(/^(\r?\n)+/, "").split("\n");
  const last = lines.pop() ?? "";
  const [line, ...fields] = lines;
  if (line === undefined) return isLineBegun(last) ? "Unfinished" : "BadLine";
  const verdict = judgeLine(withoutCr(line));
  if (verdict !== "Unfinished") return verdict;
  for (const field of fields.filter((text) => withoutCr(text) !== "")) {
    if (!isField(withoutCr(field))) return "BadField";
  }
  const names = fields.map((field) => (/^[^:]*/.exec(field)?.[0] ?? "").toLowerCase());
  if (names.filter((name) => name === "host").length > 1) return "BadField";
  if (fields.some((field) => withoutCr(field) === "")) {
    const isOld = /HTTP\/1\.0\r?$/.test(line);
    if (fields.some(hasBody)) return "HasBody";
    return isOld || names.includes("host") ? "Complete" : "NoHost";
  }
  if (!isFieldBegun(last)) return "BadField";
  const isSecondHost = /^host:/i.test(last) && names.includes("host");
  return isSecondHost ? "BadField" : "Unfinished";
}

/** One CR before the line's end belongs to it; any other control byte stays, and is wrong. */
const withoutCr = (line: string): string => line.replace(/\r$/, "");
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const hasControl = (text: string): boolean => /[\x00-\x08\x0a-\x1f\x7f]/.test(text);

function isLineBegun(text: string): boolean {
  const whole = withoutCr(text);
  if (hasControl(whole)) return false;
  const [method = "", target, version] = whole.split(" ", 3);
  if (target === undefined) return whole === "" || TOKEN.test(method);
  if (!TOKEN.test(method) || target.includes("\t")) return false;
  return version === undefined ? true : target !== "";
}

function judgeLine(line: string): string {
  const [, method, , version = ""] = LINE.exec(line) ?? [];
  if (method === undefined || !TOKEN.test(method) || !/^HTTP\/./.test(version)) return "BadLine";
  return /^HTTP\/1\.\d$/.test(version) ? "Unfinished" : "BadVersion";
}

function isField(text: string): boolean {
  const [, name = "", value = ""] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  return TOKEN.test(name) && !hasControl(value) && isLength(name, value, true);
}

function isFieldBegun(text: string): boolean {
  const whole = withoutCr(text);
  const [, name, value = ""] = /^([^:]*):(.*)$/s.exec(whole) ?? [];
  if (name === undefined) return whole === "" || TOKEN.test(whole);
  return TOKEN.test(name) && !hasControl(value) && isLength(name, value, false);
}

/** Numbers in a list; of one that goes on the last may be empty or wrong so far. */
function isLength(name: string, value: string, isWhole: boolean): boolean {
  if (name.toLowerCase() !== "content-length") return true;
  const numbers = value.replaceAll(/[ \t]/g, "").split(",");
  return (isWhole ? numbers : numbers.slice(0, -1)).every((number) => /^\d{1,20}$/.test(number));
}

function hasBody(field: string): boolean {
  if (/^transfer-encoding:/i.test(field)) return true;
  return /^content-length:/i.test(field) && /[1-9]/.test(field);
}

let machine: CameraMachine;
beforeAll(() => {
  machine = new CameraMachine();
});
afterAll(() => machine.stop());

async function read(bytes: Buffer): Promise<Reading> {
  const words = await machine.askWords(`parse ${bytes.toString("hex")}`, "verdict");
  const [verdict, count] = words.map(Number);
  return { verdict: VERDICTS[verdict ?? -1] ?? "?", bytes: count ?? 0 };
}

it("reads nearly right requests as its twin does, seed by seed", async () => {
  const random = seeded(SEED);
  const counts = new Map<string, number>();
  for (let i = 0; i < REQUESTS; i += 100) {
    const requests = Array.from({ length: 100 }, () => makeRequest(random));
    const found = await Promise.all(requests.map(read));
    requests.forEach((request, j) => {
      const said = JSON.stringify(request.toString("latin1"));
      expect(found[j], said).toEqual(readSlowly(request));
      const verdict = found[j]?.verdict ?? "?";
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    });
  }
  expect([...counts.keys()].sort()).toEqual([...VERDICTS].sort());
});

it("answers or closes, whatever comes in whatever pieces", async () => {
  const random = seeded(SEED + 1);
  const clients = new CameraClients();
  for (let i = 0; i < 300; i++) {
    const request = makeRequest(random);
    clients.open(0);
    for (let at = 0; at < request.length; ) {
      const end = at + 1 + random(request.length - at);
      clients.send(0, request.subarray(at, end).toString("latin1"));
      await clients.pass(random(30));
      at = end;
    }
    clients.machine.tell("fin 0");
    await clients.pass(400, 20);
    expect(clients.endOf(0), JSON.stringify(request.toString("latin1"))).toBe("closed");
  }
  clients.stop();
});
