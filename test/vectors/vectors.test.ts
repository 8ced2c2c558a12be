// SPDX-License-Identifier: Apache-2.0
// Published vectors of the primitives against the shipped file, on every engine of TEST_ENGINES. Where
// they come from stands in SOURCES.md. What the boundary does not export by itself (ChaCha20 with a
// counter other than 1, Poly1305, SHA3-512) is tested inside the core by test/unit.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CoreEngine } from "../../host/core/engine.ts";
import { Primitives } from "../../host/core/primitives.ts";
import { hex, isEmulated, openAndSay, TEST_ENGINES, unhex } from "./engines.ts";
import fips202 from "./fips202.json" with { type: "json" };
import fips203 from "./fips203.json" with { type: "json" };
import rfc7693 from "./rfc7693.json" with { type: "json" };
import rfc7748 from "./rfc7748.json" with { type: "json" };
import rfc8439 from "./rfc8439.json" with { type: "json" };

/** Repetitions of RFC 7748 section 5.2 that an emulated machine does; all 1,000 take it 20 s. */
const MOST_ITERATIONS_EMULATED = 1;

/** The input of RFC 7693 appendix E: a Fibonacci generator. */
function selfTestBytes(len: number, seed: number): Uint8Array {
  let a = Math.imul(0xdead4bad, seed) >>> 0;
  let b = 1;
  return Uint8Array.from({ length: len }, () => {
    const t = (a + b) >>> 0;
    a = b;
    b = t;
    return t >>> 24;
  });
}

describe.each(TEST_ENGINES)("%s", (name) => {
  let engine: CoreEngine;
  let core: Primitives;
  beforeAll(() => {
    engine = openAndSay(name);
    core = new Primitives(engine);
  });
  afterAll(() => engine.close());

  it.each(rfc8439.aead)(
    "RFC 8439 AEAD, $name",
    ({ key, nonce, aad, plaintext, ciphertext, tag }) => {
      const [k, n, a] = [unhex(key), unhex(nonce), unhex(aad)] as const;
      const sealed = unhex(ciphertext + tag);
      expect(hex(core.aeadSeal(k, n, a, unhex(plaintext)))).toBe(ciphertext + tag);
      expect(hex(core.aeadOpen(k, n, a, sealed) ?? new Uint8Array(1))).toBe(plaintext);
      sealed[sealed.length - 1] = (sealed[sealed.length - 1] ?? 0) ^ 0x80;
      expect(core.aeadOpen(k, n, a, sealed)).toBeNull();
    },
  );

  it("RFC 8439 ChaCha20, the vector that begins at counter 1", () => {
    const at1 = rfc8439.chacha20.filter(({ counter }) => counter === 1);
    expect(at1).toHaveLength(1);
    for (const { key, nonce, plaintext, ciphertext } of at1) {
      const sealed = core.aeadSeal(unhex(key), unhex(nonce), new Uint8Array(0), unhex(plaintext));
      expect(hex(sealed.subarray(0, -16))).toBe(ciphertext);
    }
  });

  it.each(rfc7748.single)("RFC 7748 $name", ({ scalar, u, result }) => {
    expect(hex(core.x25519(unhex(scalar), unhex(u)) as Uint8Array)).toBe(result);
  });

  const iterated = rfc7748.iterated.filter(
    ({ times }) => !isEmulated(name) || times <= MOST_ITERATIONS_EMULATED,
  );
  it.each(iterated)("RFC 7748 section 5.2, $times times", ({ times, result }) => {
    let k: Uint8Array = Uint8Array.of(9, ...new Uint8Array(31));
    let u = k;
    for (let i = 0; i < times; i++) [k, u] = [core.x25519(k, u) as Uint8Array, k];
    expect(hex(k)).toBe(result);
  });

  it.each(rfc7748.exchange)("RFC 7748 $name", (vector) => {
    const [alice, bob] = [unhex(vector.aliceSecret), unhex(vector.bobSecret)] as const;
    expect(hex(core.x25519Public(alice))).toBe(vector.alicePublic);
    expect(hex(core.x25519Public(bob))).toBe(vector.bobPublic);
    expect(hex(core.x25519(alice, unhex(vector.bobPublic)) as Uint8Array)).toBe(vector.shared);
    expect(hex(core.x25519(bob, unhex(vector.alicePublic)) as Uint8Array)).toBe(vector.shared);
  });

  it.each(rfc7693.unkeyed)("RFC 7693 BLAKE2s, $name", ({ data, hash }) => {
    expect(hex(core.blake2s(unhex(data)))).toBe(hash);
  });

  it.each(rfc7693.selfTest)("RFC 7693 BLAKE2s, $name: all lengths, keyed and not", ({ hash }) => {
    const parts: Uint8Array[] = [];
    for (const length of [16, 20, 28, 32]) {
      for (const len of [0, 3, 64, 65, 255, 1024]) {
        const data = selfTestBytes(len, len);
        const key = selfTestBytes(length, length);
        parts.push(core.blake2s(data, new Uint8Array(0), length), core.blake2s(data, key, length));
      }
    }
    expect(hex(core.blake2s(Buffer.concat(parts)))).toBe(hash);
  });

  it("FIPS 202 SHA3-256, SHAKE128 and SHAKE256", () => {
    for (const { message, output } of fips202["SHA3-256"]) {
      expect(hex(core.sha3_256(unhex(message)))).toBe(output);
    }
    for (const { message, output } of fips202.SHAKE128) {
      expect(hex(core.shake128(unhex(message), output.length / 2))).toBe(output);
    }
    for (const { message, output } of fips202.SHAKE256) {
      expect(hex(core.shake256(unhex(message), output.length / 2))).toBe(output);
    }
  });

  it.each(fips203.keygen)("FIPS 203 key generation $tcId", ({ d, z, ek, dk }) => {
    const keys = core.mlkem768Keygen(unhex(d + z));
    expect(hex(keys.ek)).toBe(ek);
    expect(hex(keys.dk)).toBe(dk);
  });

  it.each(fips203.encapsulation)("FIPS 203 encapsulation $tcId", ({ ek, m, c, k }) => {
    const made = core.mlkem768Encaps(unhex(ek), unhex(m));
    expect(made && [hex(made.ciphertext), hex(made.sharedSecret)]).toEqual([c, k]);
  });

  it.each(fips203.decapsulation.tests)("FIPS 203 decapsulation $tcId, $reason", ({ c, k }) => {
    expect(hex(core.mlkem768Decaps(unhex(fips203.decapsulation.dk), unhex(c)))).toBe(k);
  });
});

if (TEST_ENGINES.some(isEmulated)) {
  console.log("emulated engines leave out: RFC 7748 section 5.2, 1000 times (20 s)");
}
