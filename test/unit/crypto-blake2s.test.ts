// SPDX-License-Identifier: Apache-2.0
// BLAKE2s, HMAC and Noise's HKDF (assembly/crypto/{blake2s,hkdf}.ts, RFC 7693, RFC 2104, Noise
// 4.3):
// published vectors and the self-test of RFC 7693 (test/vectors/rfc7693.json), a second library on
// all lengths, input in pieces, outputs that overlap inputs; and the constant-time functions
// (ct.ts).

import { blake2s as other } from "@noble/hashes/blake2.js";
import { hmac as otherHmac } from "@noble/hashes/hmac.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CoreEngine } from "../../host/core/engine.ts";
import { openEngine } from "../../host/core/engine-open.ts";
import type { V8Engine } from "../../host/core/engine-v8.ts";
import { Primitives } from "../../host/core/primitives.ts";
import vectors from "../vectors/rfc7693.json" with { type: "json" };
import { hex, leftInStaticMemory, openCrypto, scratchOf, seeded, unhex } from "./crypto-core.ts";

const NONE = new Uint8Array(0);

/** The core that ships, and the fixture for what lies inside it. */
let shipped: CoreEngine;
let primitives: Primitives;
let core: V8Engine;
let at: number;
beforeAll(() => {
  shipped = openEngine("v8");
  primitives = new Primitives(shipped);
  core = openCrypto();
  at = scratchOf(core);
});
afterAll(() => {
  shipped.close();
  core.close();
});

describe("BLAKE2s", () => {
  it.each(vectors.unkeyed)("$name", ({ data, hash }) => {
    expect(hex(primitives.blake2s(unhex(data)))).toBe(hash);
  });

  it.each(vectors.selfTest)("$name, keyed and not, all lengths in one hash", ({ hash }) => {
    const sequence = (len: number): Uint8Array => {
      let [a, b] = [Math.imul(0xdead4bad, len) >>> 0, 1];
      return Uint8Array.from({ length: len }, () => {
        [a, b] = [b, (a + b) >>> 0];
        return b >>> 24;
      });
    };
    const all: Uint8Array[] = [];
    for (const outLen of [16, 20, 28, 32]) {
      for (const len of [0, 3, 64, 65, 255, 1024]) {
        all.push(primitives.blake2s(sequence(len), NONE, outLen));
        all.push(primitives.blake2s(sequence(len), sequence(outLen), outLen));
      }
    }
    expect(hex(primitives.blake2s(Buffer.concat(all)))).toBe(hash);
  });

  it("agrees with a second library at lengths 0..257, all key and output lengths", () => {
    for (let len = 0; len <= 257; len++) {
      const data = seeded(`data ${len}`, len);
      const [keyLen, outLen] = [len % 33, 1 + (len % 32)];
      const key = seeded(`key ${len}`, keyLen);
      const wanted = other(data, keyLen === 0 ? { dkLen: outLen } : { key, dkLen: outLen });
      expect(hex(primitives.blake2s(data, key, outLen)), `${len}`).toBe(hex(wanted));
    }
  });

  it("does not depend on how the input is cut", () => {
    const data = seeded("data", 200);
    const wanted = hex(other(data, { key: seeded("key", 32) }));
    core.write(at, data);
    core.write(at + 256, seeded("key", 32));
    for (let first = 0; first <= 130; first++) {
      core.call("hash_init", 32, at + 256, 32);
      core.call("hash_update", at, first);
      core.call("hash_update", at + first, 0);
      core.call("hash_update", at + first, 64);
      for (let i = first + 64; i < 200; i++) core.call("hash_update", at + i, 1);
      core.call("hash_final", at + 320);
      expect(hex(core.read(at + 320, 32)), `cut at ${first}`).toBe(wanted);
    }
  });

  it("refuses wrong lengths in words", () => {
    expect(() => primitives.blake2s(NONE, new Uint8Array(33))).toThrow(
      new RangeError("key has 33 bytes, more than 32"),
    );
    for (const length of [0, 33, 1.5]) {
      expect(() => primitives.blake2s(NONE, NONE, length)).toThrow(
        new RangeError(`length is ${length}, not one of 1 to 32`),
      );
    }
  });
});

describe("HMAC and HKDF", () => {
  function slowHkdf(ck: Uint8Array, ikm: Uint8Array): Uint8Array[] {
    const secret = otherHmac(other, ck, ikm);
    const first = otherHmac(other, secret, Uint8Array.of(1));
    const second = otherHmac(other, secret, Uint8Array.of(...first, 2));
    return [first, second, otherHmac(other, secret, Uint8Array.of(...second, 3))];
  }

  const [CK, IKM, OUT] = [0, 32, 512];

  it("HMAC agrees with a second library", () => {
    for (let len = 0; len <= 130; len++) {
      const [key, data] = [seeded(`key ${len}`, 32), seeded(`data ${len}`, len)];
      core.write(at + CK, key);
      core.write(at + IKM, data);
      core.call("hmac_blake2s", at + CK, at + IKM, len, at + OUT);
      expect(hex(core.read(at + OUT, 32))).toBe(hex(otherHmac(other, key, data)));
    }
  });

  it.each([0, 32, 64, 200])("HKDF with %i bytes of input, two outputs and three", (len) => {
    const [ck, ikm] = [seeded(`ck ${len}`, 32), seeded(`ikm ${len}`, len)];
    const wanted = slowHkdf(ck, ikm).map(hex);
    core.write(at + CK, ck);
    core.write(at + IKM, ikm);
    const outs = [OUT, OUT + 32, OUT + 64].map((place) => at + place) as [number, number, number];
    core.call("hkdf_2", at + CK, at + IKM, len, outs[0], outs[1]);
    expect(hex(core.read(at + OUT, 64))).toBe(wanted.slice(0, 2).join(""));
    core.call("hkdf_3", at + CK, at + IKM, len, ...outs);
    expect(hex(core.read(at + OUT, 96))).toBe(wanted.join(""));
  });

  it("HKDF over its own chaining key and input", () => {
    const [ck, ikm] = [seeded("ck", 32), seeded("ikm", 32)];
    core.write(at + CK, ck);
    core.write(at + IKM, ikm);
    core.call("hkdf_3", at + CK, at + IKM, 32, at + CK, at + IKM, at + OUT);
    const result = hex(core.read(at + CK, 64)) + hex(core.read(at + OUT, 32));
    expect(result).toBe(slowHkdf(ck, ikm).map(hex).join(""));
  });

  it("leave static memory as it was before the first call", () => {
    const fresh = openCrypto();
    const ptr = scratchOf(fresh);
    fresh.write(ptr, seeded("ck", 64));
    fresh.call("hkdf_3", ptr, ptr + 32, 32, ptr, ptr + 64, ptr + 96);
    fresh.call("prim_blake2s", ptr, 100, ptr, 32, ptr + 200, 32);
    expect(leftInStaticMemory(fresh)).toEqual([]);
    fresh.close();
  });
});

describe("constant time", () => {
  it("finds one differing bit anywhere", () => {
    const bytes = seeded("bytes", 33);
    core.write(at, bytes);
    core.write(at + 64, bytes);
    expect(core.call("ct_equal", at, at + 64, 33)).toBe(1);
    expect(core.call("ct_equal", at, at + 65, 0)).toBe(1);
    for (let bit = 0; bit < 8 * 33; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      core.write(at + 64, changed);
      expect(core.call("ct_equal", at, at + 64, 33), `bit ${bit}`).toBe(0);
    }
  });

  it("finds one bit that is not zero", () => {
    core.write(at, new Uint8Array(32));
    expect(core.call("ct_is_zero", at, 32)).toBe(1);
    for (let bit = 0; bit < 256; bit++) {
      const bytes = new Uint8Array(32);
      bytes[bit >> 3] = 1 << (bit & 7);
      core.write(at, bytes);
      expect(core.call("ct_is_zero", at, 32), `bit ${bit}`).toBe(0);
    }
  });

  it("moves all bytes or none", () => {
    for (const len of [0, 1, 31, 32]) {
      for (const bit of [0, 1]) {
        core.write(at, new Uint8Array(40).fill(0xa5));
        core.write(at + 64, seeded("source", 40));
        core.call("ct_move", at, at + 64, len, bit);
        const moved = bit === 1 ? hex(seeded("source", 40).slice(0, len)) : "a5".repeat(len);
        expect(hex(core.read(at, 40))).toBe(moved + "a5".repeat(40 - len));
      }
    }
  });

  it("wipes the given bytes only", () => {
    core.write(at, new Uint8Array(40).fill(0xa5));
    core.call("wipe_bytes", at + 4, 32);
    expect(hex(core.read(at, 40))).toBe(`a5a5a5a5${"00".repeat(32)}a5a5a5a5`);
  });
});
