// SPDX-License-Identifier: Apache-2.0
// An activation code as people paste it, held against the reference's encoder: what is taken, and a sentence
// for each way to be wrong. PROTOCOL 10.2.

import { describe, expect, test } from "vitest";
import { Prng } from "../../host/net/sim/prng.ts";
import { readCode } from "../../host/stlink/activation-code.ts";
import { checksum, encodeCode, toBase32 } from "../reference/activation.ts";
import { concat } from "../reference/bytes.ts";

const prng = new Prng("activation code");
const key = (): Uint8Array => {
  const bytes = prng.bytes(32).slice();
  bytes[31] = 1;
  return bytes;
};
const parts = {
  connectorKey: key(),
  commanderId: prng.bytes(16).slice(),
  commanderKey: key(),
  recoveryHash: prng.bytes(32).slice(),
  secret: prng.bytes(16).slice(),
};
const bytes = encodeCode({ ...parts, addresses: ["relay.example:8443", "[2001:db8::1]:443"] });
const text = toBase32(bytes);

/** The same with a checksum that fits. */
function summed(body: Uint8Array): Uint8Array {
  return concat(body, checksum(body));
}

describe("a code", () => {
  test("is read from its letters, in either case, with spaces and line breaks in it", () => {
    const wrapped = (text.toLowerCase().match(/.{1,40}/g) ?? []).join(" \n");
    for (const code of [text, wrapped, `${text}\n`]) {
      const read = readCode(code);
      expect(read.bytes).toEqual(bytes);
      expect(read.connectorKey).toEqual(parts.connectorKey);
      expect(read.commanderId).toEqual(parts.commanderId);
      expect(read.addresses).toEqual([
        { host: "relay.example", port: 8443 },
        { host: "2001:db8::1", port: 443 },
      ]);
    }
  });

  test("that is cut anywhere says so, and nothing of itself", () => {
    for (let length = 0; length < text.length; length++) {
      const cut = text.slice(0, length);
      expect(() => readCode(cut)).toThrow(/^The activation code (is cut short|has a wrong letter)/);
    }
  });

  test("with one wrong letter anywhere is refused", () => {
    for (let at = 2; at < text.length; at++) {
      const wrong = text.slice(0, at) + (text[at] === "Q" ? "R" : "Q") + text.slice(at + 1);
      expect(() => readCode(wrong)).toThrow(/is cut short|has a wrong letter in it/);
    }
  });

  test.each([
    ["another version", summed(concat(Uint8Array.of(2), bytes.subarray(1, -4))), /of version 2/],
    ["something behind its end", summed(concat(bytes.subarray(0, -4), bytes)), /is cut short/],
    ["no address", encodeCode({ ...parts, addresses: [] }), /names no Connector/],
    ["an address without a port", encodeCode({ ...parts, addresses: ["relay"] }), /no Connector/],
  ])("of %s is refused", (_, wrong, sentence) => {
    expect(() => readCode(toBase32(wrong))).toThrow(sentence);
    expect(() => readCode(wrong)).toThrow(sentence);
  });

  test("with a character that no code has is refused", () => {
    expect(() => readCode(`${text.slice(0, 40)}0${text.slice(41)}`)).toThrow(/a character that/);
  });
});
