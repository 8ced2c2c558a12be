// SPDX-License-Identifier: Apache-2.0
// SHA3-256, SHAKE128 and SHAKE256 of the core (assembly/crypto/keccak.ts, FIPS 202): the Keccak team's
// vectors in test/vectors/fips202.json, then a second library at every length around the ends of blocks.

import {
  sha3_256 as otherSha3_256,
  shake128 as otherShake128,
  shake256 as otherShake256,
} from "@noble/hashes/sha3.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CoreEngine } from "../../host/core/engine.ts";
import { openEngine } from "../../host/core/engine-open.ts";
import { Primitives } from "../../host/core/primitives.ts";
import vectors from "../vectors/fips202.json" with { type: "json" };

let engine: CoreEngine;
let core: Primitives;
beforeAll(() => {
  engine = openEngine("v8");
  core = new Primitives(engine);
});
afterAll(() => engine.close());

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

/** `len` bytes that depend on the label and the length alone. */
function seeded(label: string, len: number): Uint8Array {
  return otherShake256(Buffer.from(`${label} ${len}`), { dkLen: len });
}

describe("published vectors", () => {
  it.each(vectors["SHA3-256"])("SHA3-256 of $message", ({ message, output }) => {
    expect(hex(core.sha3_256(unhex(message)))).toBe(output);
  });

  it.each(vectors.SHAKE128)("SHAKE128 of $message", ({ message, output }) => {
    expect(hex(core.shake128(unhex(message), output.length / 2))).toBe(output);
  });

  it.each(vectors.SHAKE256)("SHAKE256 of $message", ({ message, output }) => {
    expect(hex(core.shake256(unhex(message), output.length / 2))).toBe(output);
  });
});

describe("agreement with a second library", () => {
  // Three blocks of the longest rate, so that each rate's ends are among the lengths.
  const lengths = Array.from({ length: 3 * 168 + 2 }, (_, len) => len);

  it("hashes every length", () => {
    for (const len of lengths) {
      const data = seeded("input", len);
      expect(hex(core.sha3_256(data)), `SHA3-256, ${len} bytes`).toBe(hex(otherSha3_256(data)));
    }
  });

  it("extends to every length", () => {
    const data = seeded("input", 77);
    const of128 = hex(otherShake128(data, { dkLen: 506 }));
    const of256 = hex(otherShake256(data, { dkLen: 506 }));
    for (const len of lengths) {
      expect(hex(core.shake128(data, len)), `SHAKE128, ${len} bytes`).toBe(of128.slice(0, 2 * len));
      expect(hex(core.shake256(data, len)), `SHAKE256, ${len} bytes`).toBe(of256.slice(0, 2 * len));
    }
  });

  it("takes an input of many blocks", () => {
    const data = seeded("input", 20_000);
    expect(hex(core.sha3_256(data))).toBe(hex(otherSha3_256(data)));
    expect(hex(core.shake128(data, 1000))).toBe(hex(otherShake128(data, { dkLen: 1000 })));
  });
});
