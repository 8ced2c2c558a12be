// SPDX-License-Identifier: Apache-2.0
// ML-KEM-768 of the core (assembly/crypto/mlkem768.ts, FIPS 203): NIST's vectors in test/vectors/fips203.json, then a
// second library on seeded inputs, corrupted ciphertexts and keys that section 7.2 refuses.

import { shake256 } from "@noble/hashes/sha3.js";
import { ml_kem768 as other } from "@noble/post-quantum/ml-kem.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CoreEngine } from "../../host/core/engine.ts";
import { openEngine } from "../../host/core/engine-open.ts";
import { Primitives } from "../../host/core/primitives.ts";
import vectors from "../vectors/fips203.json" with { type: "json" };

const Q = 3329;
const COEFFICIENT_COUNT = 768;
const CT_LEN = 1088;

let engine: CoreEngine;
let core: Primitives;
beforeAll(() => {
  engine = openEngine("v8");
  core = new Primitives(engine);
});
afterAll(() => engine.close());

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

/** `len` bytes that depend on the label alone. */
function seeded(label: string, len: number): Uint8Array {
  return shake256(Buffer.from(label), { dkLen: len });
}

function encaps(
  ek: Uint8Array,
  m32: Uint8Array,
): { ciphertext: Uint8Array; sharedSecret: Uint8Array } {
  const result = core.mlkem768Encaps(ek, m32);
  if (result === null) throw new Error("the key was refused");
  return result;
}

describe("published vectors", () => {
  it.each(vectors.keygen)("key generation $tcId", ({ d, z, ek, dk }) => {
    const keys = core.mlkem768Keygen(unhex(d + z));
    expect(hex(keys.ek)).toBe(ek);
    expect(hex(keys.dk)).toBe(dk);
  });

  it.each(vectors.encapsulation)("encapsulation $tcId", ({ ek, m, c, k }) => {
    const { ciphertext, sharedSecret } = encaps(unhex(ek), unhex(m));
    expect(hex(ciphertext)).toBe(c);
    expect(hex(sharedSecret)).toBe(k);
  });

  it.each(vectors.decapsulation.tests)("decapsulation $tcId, $reason", ({ c, k }) => {
    expect(hex(core.mlkem768Decaps(unhex(vectors.decapsulation.dk), unhex(c)))).toBe(k);
  });
});

describe("agreement with a second library", () => {
  it.each(Array.from({ length: 60 }, (_, i) => `seed ${i}`))("%s", (label) => {
    const seed = seeded(label, 64);
    const m32 = seeded(`${label} message`, 32);
    const keys = core.mlkem768Keygen(seed);
    const otherKeys = other.keygen(seed);
    expect(hex(keys.ek)).toBe(hex(otherKeys.publicKey));
    expect(hex(keys.dk)).toBe(hex(otherKeys.secretKey));

    const { ciphertext, sharedSecret } = encaps(keys.ek, m32);
    const otherResult = other.encapsulate(otherKeys.publicKey, m32);
    expect(hex(ciphertext)).toBe(hex(otherResult.cipherText));
    expect(hex(sharedSecret)).toBe(hex(otherResult.sharedSecret));
    expect(hex(core.mlkem768Decaps(keys.dk, ciphertext))).toBe(hex(sharedSecret));

    const noise = seeded(`${label} noise`, CT_LEN);
    expect(hex(core.mlkem768Decaps(keys.dk, noise))).toBe(hex(other.decapsulate(noise, keys.dk)));
  });

  it.each([0x00, 0xff])("messages, seeds and ciphertexts of %i alone", (byte) => {
    const keys = core.mlkem768Keygen(new Uint8Array(64).fill(byte));
    const m32 = new Uint8Array(32).fill(byte);
    const { ciphertext, sharedSecret } = encaps(keys.ek, m32);
    expect(hex(ciphertext)).toBe(hex(other.encapsulate(keys.ek, m32).cipherText));
    expect(hex(core.mlkem768Decaps(keys.dk, ciphertext))).toBe(hex(sharedSecret));
    const plain = new Uint8Array(CT_LEN).fill(byte);
    expect(hex(core.mlkem768Decaps(keys.dk, plain))).toBe(hex(other.decapsulate(plain, keys.dk)));
  });
});

describe("decapsulation", () => {
  // One flipped bit in every 17th byte, and at both ends of u and of v.
  const positions = Array.from({ length: 64 }, (_, i) => i * 17).concat(319, 320, 959, 960, 1087);

  it.each(positions)("rejects a bit flipped in byte %i with the secret that follows", (at) => {
    const { ek, dk } = core.mlkem768Keygen(seeded("corrupted", 64));
    const { ciphertext, sharedSecret } = encaps(ek, seeded(`corrupted ${at}`, 32));
    const wrong = Uint8Array.from(ciphertext);
    wrong[at] = (wrong[at] ?? 0) ^ (1 << (at & 7));
    const rejected = hex(core.mlkem768Decaps(dk, wrong));
    expect(rejected).not.toBe(hex(sharedSecret));
    expect(rejected).toBe(hex(shake256(Uint8Array.of(...dk.slice(-32), ...wrong), { dkLen: 32 })));
    expect(hex(core.mlkem768Decaps(dk, ciphertext))).toBe(hex(sharedSecret));
  });
});

describe("encapsulation", () => {
  /** A copy of `ek` with the given value as coefficient `index` (ByteEncode_12: two to three bytes). */
  function withCoefficient(ek: Uint8Array, index: number, value: number): Uint8Array {
    const copy = Uint8Array.from(ek);
    const at = (index >> 1) * 3;
    const pair = (copy[at] ?? 0) | ((copy[at + 1] ?? 0) << 8) | ((copy[at + 2] ?? 0) << 16);
    const changed = index & 1 ? (pair & 0xfff) | (value << 12) : (pair & 0xfff000) | value;
    copy.set([changed & 0xff, (changed >> 8) & 0xff, changed >> 16], at);
    return copy;
  }

  const { publicKey: ek } = other.keygen(seeded("modulus", 64));
  const m32 = seeded("modulus message", 32);

  it.each([Q, Q + 1, 4095])("refuses a key with %i as any coefficient", (value) => {
    for (let index = 0; index < COEFFICIENT_COUNT; index++) {
      const result = core.mlkem768Encaps(withCoefficient(ek, index, value), m32);
      expect(result, `coefficient ${index}`).toBeNull();
    }
  });

  it("takes a key with q - 1 as a coefficient", () => {
    for (const index of [0, 1, 383, 766, 767]) {
      const changed = withCoefficient(ek, index, Q - 1);
      const { ciphertext } = encaps(changed, m32);
      expect(hex(ciphertext)).toBe(hex(other.encapsulate(changed, m32).cipherText));
    }
  });

  it("takes the next key after one that it refused", () => {
    expect(core.mlkem768Encaps(withCoefficient(ek, 5, Q), m32)).toBeNull();
    const { sharedSecret } = encaps(ek, m32);
    expect(hex(sharedSecret)).toBe(hex(other.encapsulate(ek, m32).sharedSecret));
  });
});

describe("an operation in steps", () => {
  const EK_IN_DK = 1152;
  const DK_LEN = 2400;
  const seed = seeded("steps", 64);

  /** Runs the operation that was started to its end. */
  function finish(): void {
    for (let i = 0; i < 20; i++) {
      if (engine.call("prim_mlkem_step") === 1) return;
    }
    throw new Error("20 steps did not finish it");
  }

  it("may write the encapsulation key to its place in the decapsulation key", () => {
    const scratch = engine.call("prim_scratch");
    const dk = scratch + seed.length;
    engine.write(scratch, seed);
    engine.call("prim_mlkem_keygen_start", scratch, dk + EK_IN_DK, dk);
    finish();
    expect(hex(engine.read(dk, DK_LEN))).toBe(hex(other.keygen(seed).secretKey));
  });

  it("is dropped by the next start", () => {
    const scratch = engine.call("prim_scratch");
    const dk = scratch + seed.length;
    engine.write(scratch, seed);
    engine.call("prim_mlkem_keygen_start", scratch, dk + EK_IN_DK, dk);
    expect(engine.call("prim_mlkem_step")).toBe(0);
    expect(hex(core.mlkem768Keygen(seed).ek)).toBe(hex(other.keygen(seed).publicKey));
  });

  it("is finished at once where there is none", () => {
    expect(engine.call("prim_mlkem_step")).toBe(1);
  });

  it("leaves nothing behind in static memory", () => {
    const staticLen = engine.call("prim_scratch");
    const fresh = openEngine("v8");
    const before = hex(fresh.read(0, staticLen));
    fresh.close();
    const { ek, dk } = core.mlkem768Keygen(seed);
    expect(hex(engine.read(0, staticLen))).toBe(before);
    const { ciphertext } = encaps(ek, seeded("steps message", 32));
    expect(hex(engine.read(0, staticLen))).toBe(before);
    core.mlkem768Decaps(dk, ciphertext);
    expect(hex(engine.read(0, staticLen))).toBe(before);
  });
});
