// SPDX-License-Identifier: Apache-2.0
// What STLink and Connector share as services: texts that are not TOML or JSON and the line of it, key
// files, logs, fingerprints, and what a reload finds different.

import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pairFingerprint } from "../../host/service/fingerprint.ts";
import { parseJson } from "../../host/service/json-text.ts";
import { keyPairOf, readKeyFile, writeKeyFile } from "../../host/service/key-file.ts";
import { openLog } from "../../host/service/log.ts";
import { nearest } from "../../host/service/nearest.ts";
import { TextError } from "../../host/service/parsed-text.ts";
import { changesOf } from "../../host/service/running.ts";
import { parseToml } from "../../host/service/toml-text.ts";
import { pairFingerprint as referenceFingerprint } from "../reference/configuration.ts";

/** What stands before the 32 bytes of an X25519 private key in PKCS #8 (RFC 8410). */
const PKCS8_X25519 = "302e020100300506032b656e04220420";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sealed-unit-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function lineOfError(parse: (text: string) => unknown, text: string): string {
  try {
    parse(text);
    return "none";
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    return `${error.line}: ${error.message}`;
  }
}

describe("parseToml", () => {
  it("knows the line of each field", () => {
    const text =
      'a = 1\n[[b]]\nc = 2\n[[b]]\n"d" = 3 # last\n[b.e]\nf = [\n "[x]",\n]\n[g.h]\ni = 1\n';
    const { value, lines } = parseToml(text);
    expect(value).toEqual({ a: 1, b: [{ c: 2 }, { d: 3, e: { f: ["[x]"] } }], g: { h: { i: 1 } } });
    expect(Object.fromEntries(lines)).toEqual({
      a: 1,
      "b.0": 2,
      "b.0.c": 3,
      "b.1": 4,
      "b.1.d": 5,
      "b.1.e": 6,
      "b.1.e.f": 7,
      "g.h": 10,
      "g.h.i": 11,
    });
  });

  it("says the line of a mistake", () => {
    expect(lineOfError(parseToml, "a = 1\nb = \n")).toMatch(/^2: /);
    expect(lineOfError(parseToml, "a = 1\na = 2\n")).toMatch(/^2: /);
  });
});

describe("parseJson", () => {
  it("knows the line of each field, and gives what the language's own parser gives", () => {
    const text = '{\n "a": {"b": [1,\n  {"c": "\\u0041\\"}"}]},\n "d": null\n}\n';
    const { value, lines } = parseJson(text);
    expect(value).toEqual(JSON.parse(text));
    expect(Object.fromEntries(lines)).toMatchObject({ a: 2, "a.b": 2, "a.b.1.c": 3, d: 4 });
  });

  it.each([
    ['{\n "a": x\n}', "2: x is not a JSON value"],
    ['{\n "a": 1\n "b": 2\n}', '3: "," belongs before "b"'],
    ['{\n "a" 1\n}', '2: ":" belongs before 1'],
    ['{\n "a": 1,\n}', '3: a field\'s name in "..." belongs here'],
    ['{\n "a": 1,\n "a": 2\n}', "3: a stands here a second time"],
    ["{\n a: 1\n}", '2: a field\'s name in "..." belongs here'],
    ['{"a": 1}\n}', "2: there is something behind the end of the value"],
    ['{\n "a": [1, 2\n', '3: "," belongs before the end'],
    ["", "1: the text ends too early"],
    ['{"a": "x\n"}', '1: " is not a JSON value'],
  ])("says the line of a mistake: %j", (text, expected) => {
    expect(lineOfError(parseJson, text)).toBe(expected);
  });
});

describe("nearest", () => {
  it.each([
    ["pot", "port"],
    ["Peers", "peers"],
    ["prot", "port"],
    ["adress", "address"],
    ["xyz", null],
  ])("of %s is %s", (word, expected) => {
    expect(nearest(word, ["port", "peers", "address"])).toBe(expected);
  });
});

describe("a key file", () => {
  const keys = keyPairOf(new Uint8Array(32).fill(0x77));

  it("is its owner's alone, and gives back what was written", () => {
    const file = join(folder, "a.key");
    writeKeyFile(file, keys);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readKeyFile(file)).toEqual(keys);
  });

  it("is never overwritten", () => {
    const file = join(folder, "b.key");
    writeFileSync(file, "something else");
    expect(() => writeKeyFile(file, keys)).toThrow(
      /is there already, and a key is never overwritten/,
    );
    expect(readFileSync(file, "utf8")).toBe("something else");
  });

  it("has the public key that another library computes", () => {
    const der = Buffer.concat([Buffer.from(PKCS8_X25519, "hex"), keys.privateKey]);
    const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
    expect(Buffer.from(keys.publicKey).equals(spki.subarray(-32))).toBe(true);
  });
});

describe("a log", () => {
  it("writes JSON lines from its level on", () => {
    const file = join(folder, "a.log");
    const log = openLog({ level: "warn", file });
    log.info({ a: 1 }, "not this");
    log.warn({ connector: "hall" }, "hop down");
    log.close();
    const lines = readFileSync(file, "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: "warn",
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        connector: "hall",
        msg: "hop down",
      },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("counts the lines that a full disk loses, and never throws", () => {
    const log = openLog({ level: "info", file: "/dev/full" });
    log.info({}, "one");
    log.info({}, "two");
    expect(log.lostLines).toBe(2);
  });

  it("that can't be opened is told", () => {
    expect(() => openLog({ level: "info", file: join(folder, "no", "a.log") })).toThrow(
      /no\/a\.log, the log, can't be written: it does not exist/,
    );
  });
});

describe("the fingerprint of a pair", () => {
  const party = (byte: number) => ({
    id: new Uint8Array(16).fill(byte),
    key: new Uint8Array(32).fill(byte + 1),
  });

  it("is what the reference makes of it, the same from both sides, and another one for another key", () => {
    const print = pairFingerprint(party(1), party(2));
    expect(print).toBe(referenceFingerprint(party(1), party(2)));
    expect(pairFingerprint(party(2), party(1))).toBe(print);
    expect(pairFingerprint(party(1), { ...party(2), key: party(9).key })).not.toBe(print);
    expect(pairFingerprint(party(1), { ...party(2), id: party(9).id })).not.toBe(print);
  });
});

describe("changesOf", () => {
  it("names what is added, removed and changed", () => {
    const before = [
      { name: "a", port: 1 },
      { name: "b", port: 2 },
      { name: "c", port: 3 },
    ];
    const after = [
      { name: "c", port: 3 },
      { name: "b", port: 9 },
      { name: "d", port: 4 },
    ];
    expect(changesOf("binding", before, after)).toEqual([
      { kind: "binding", name: "b", what: "changed" },
      { kind: "binding", name: "d", what: "added" },
      { kind: "binding", name: "a", what: "removed" },
    ]);
  });
});
