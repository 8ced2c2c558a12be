// SPDX-License-Identifier: Apache-2.0
// ChaCha20, Poly1305 and the AEAD of both (assembly/crypto/{chacha20,poly1305,aead}.ts, RFC 8439):
// published vectors (test/vectors/rfc8439.json), a slow Poly1305 on big integers, a second library
// on seeded inputs, and what must not happen: a byte changed by a wrong tag, a secret left behind.

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CoreEngine } from "../../host/core/engine.ts";
import { openEngine } from "../../host/core/engine-open.ts";
import type { V8Engine } from "../../host/core/engine-v8.ts";
import { Primitives } from "../../host/core/primitives.ts";
import vectors from "../vectors/rfc8439.json" with { type: "json" };
import {
  hex,
  leftInStaticMemory,
  openCrypto,
  scratchOf,
  seeded,
  toBytes,
  toNumber,
  unhex,
} from "./crypto-core.ts";

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

function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  core.write(at, key);
  core.write(at + 64, message);
  core.call("poly_init", at);
  core.call("poly_update", at + 64, message.length);
  core.call("poly_finish", at + 32);
  return core.read(at + 32, 16);
}

/** Section 2.5.1, word for word, over whole blocks. */
function slowPoly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  const p = (1n << 130n) - 5n;
  const r = toNumber(key.slice(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let accumulator = 0n;
  for (let i = 0; i < message.length; i += 16) {
    const block = toNumber(message.slice(i, i + 16)) + (1n << 128n);
    accumulator = ((accumulator + block) * r) % p;
  }
  return toBytes(accumulator + toNumber(key.slice(16)), 16);
}

describe("ChaCha20", () => {
  it.each(vectors.chacha20)("$name", ({ key, nonce, counter, plaintext, ciphertext }) => {
    core.write(at, unhex(key));
    core.write(at + 32, unhex(nonce));
    const skipped = counter * 64;
    core.call("chacha", at, at + 32, at + 64, skipped);
    core.write(at + 64, unhex(plaintext));
    core.call("chacha_more", at + 64, plaintext.length / 2);
    expect(hex(core.read(at + 64, plaintext.length / 2))).toBe(ciphertext);
  });
});

describe("Poly1305", () => {
  it.each(vectors.poly1305)("$name", ({ key, message, tag }) => {
    expect(hex(poly1305(unhex(key), unhex(message)))).toBe(tag);
  });

  it("agrees with big integers where words are full or nearly so", () => {
    const fills = [0x00, 0x01, 0x7f, 0x80, 0xfb, 0xfe, 0xff];
    for (const keyFill of fills) {
      for (const fill of fills) {
        for (const last of fills) {
          const key = new Uint8Array(32).fill(keyFill);
          const message = new Uint8Array(80).fill(fill);
          message.fill(last, 64 + (keyFill & 15));
          expect(hex(poly1305(key, message))).toBe(hex(slowPoly1305(key, message)));
        }
      }
    }
  });

  it("agrees with big integers around multiples of 2^130 - 5", () => {
    const p = (1n << 130n) - 5n;
    for (let offset = -8n; offset <= 8n; offset++) {
      // With r = 1 the accumulator is the sum of the blocks, each with its 2^128: here near 2^130.
      const blocks = [0n, 1n << 127n, (1n << 127n) + (p & 3n)];
      const sum = blocks.reduce((total, block) => total + block + (1n << 128n), 0n);
      const message = new Uint8Array(48);
      const wanted = [...blocks.slice(0, 2), (blocks[2] as bigint) + (p - sum) + offset];
      const inRange = wanted.every((block) => block >= 0n && block < 1n << 128n);
      expect(inRange).toBe(true);
      for (const [i, block] of wanted.entries()) message.set(toBytes(block, 16), 16 * i);
      const key = new Uint8Array(32);
      key[0] = 1;
      expect(hex(poly1305(key, message))).toBe(hex(slowPoly1305(key, message)));
    }
  });

  it("agrees with big integers on 500 seeded messages", () => {
    for (let i = 0; i < 500; i++) {
      const key = seeded(`poly key ${i}`, 32);
      const message = seeded(`poly message ${i}`, 16 * (i % 20));
      expect(hex(poly1305(key, message)), `${i}`).toBe(hex(slowPoly1305(key, message)));
    }
  });
});

describe("AEAD", () => {
  it.each(vectors.aead)("$name", ({ key, nonce, aad, plaintext, ciphertext, tag }) => {
    const inputs = [unhex(key), unhex(nonce), unhex(aad)] as const;
    const sealed = primitives.aeadSeal(...inputs, unhex(plaintext));
    expect(hex(sealed)).toBe(ciphertext + tag);
    expect(hex(primitives.aeadOpen(...inputs, sealed) as Uint8Array)).toBe(plaintext);
  });

  it.each([0, 1, 12, 15, 16, 17, 32, 63, 64, 65])(
    "agrees with a second library at lengths 0..257, %i bytes of aad",
    (aadLen) => {
      for (let len = 0; len <= 257; len++) {
        const label = `aead ${aadLen} ${len}`;
        const [key, nonce] = [seeded(`${label} key`, 32), seeded(`${label} nonce`, 12)];
        const [aad, text] = [seeded(`${label} aad`, aadLen), seeded(label, len)];
        const sealed = primitives.aeadSeal(key, nonce, aad, text);
        expect(hex(sealed), label).toBe(hex(chacha20poly1305(key, nonce, aad).encrypt(text)));
        expect(hex(primitives.aeadOpen(key, nonce, aad, sealed) as Uint8Array)).toBe(hex(text));
      }
    },
  );

  it.each([1023, 1024, 1400, 16384, 16400])("agrees with a second library at %i bytes", (len) => {
    const [key, nonce, aad] = [seeded("k", 32), seeded("n", 12), seeded("a", 13)];
    const text = seeded(`long ${len}`, len);
    const sealed = primitives.aeadSeal(key, nonce, aad, text);
    expect(hex(sealed)).toBe(hex(chacha20poly1305(key, nonce, aad).encrypt(text)));
  });

  describe("refuses a changed message and leaves the buffer as it was", () => {
    const LEN = 70;
    const AAD_LEN = 17;
    const [key, nonce, aad] = [seeded("key", 32), seeded("nonce", 12), seeded("aad", AAD_LEN)];

    function openChanged(changedAad: Uint8Array, changed: Uint8Array): number {
      const [nonceAt, aadAt, ptr] = [at + 32, at + 64, at + 128];
      core.write(at, key);
      core.write(nonceAt, nonce);
      core.write(aadAt, changedAad);
      core.write(ptr, changed);
      const result = core.call("prim_aead_open", at, nonceAt, aadAt, AAD_LEN, ptr, LEN);
      expect(hex(core.read(ptr, changed.length))).toBe(hex(changed));
      return result;
    }

    it("in each bit of ciphertext and tag", () => {
      const sealed = primitives.aeadSeal(key, nonce, aad, seeded("text", LEN));
      for (let bit = 0; bit < 8 * sealed.length; bit++) {
        const changed = Uint8Array.from(sealed);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(openChanged(aad, changed), `bit ${bit}`).toBe(0);
      }
    });

    it("in each bit of the additional data", () => {
      const sealed = primitives.aeadSeal(key, nonce, aad, seeded("text", LEN));
      for (let bit = 0; bit < 8 * AAD_LEN; bit++) {
        const changed = Uint8Array.from(aad);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(openChanged(changed, sealed), `bit ${bit}`).toBe(0);
      }
    });
  });

  it("writes nothing but the ciphertext and its tag", () => {
    const ptr = at + 256;
    core.write(at, new Uint8Array(1024).fill(0xa5));
    core.call("prim_aead_seal", at, at + 32, at + 64, 9, ptr, 100);
    expect(hex(core.read(at, 256))).toBe("a5".repeat(256));
    expect(hex(core.read(ptr + 116, 600))).toBe("a5".repeat(600));
  });

  it("leaves static memory as it was before the first call", () => {
    const fresh = openCrypto();
    const sealing = new Primitives(fresh);
    const inputs = [seeded("key", 32), seeded("nonce", 12), seeded("aad", 5)] as const;
    const sealed = sealing.aeadSeal(...inputs, seeded("text", 99));
    expect(leftInStaticMemory(fresh)).toEqual([]);
    sealing.aeadOpen(...inputs, sealed);
    sealed[3] = (sealed[3] as number) ^ 1;
    sealing.aeadOpen(...inputs, sealed);
    expect(leftInStaticMemory(fresh)).toEqual([]);
    fresh.close();
  });
});

describe("the host's side", () => {
  const [key, nonce] = [new Uint8Array(32), new Uint8Array(12)];
  const none = new Uint8Array(0);

  it("refuses wrong lengths in words", () => {
    expect(() => primitives.aeadSeal(key.slice(1), nonce, none, none)).toThrow(
      new RangeError("key has 31 bytes, not 32"),
    );
    expect(() => primitives.aeadOpen(key, none, none, key)).toThrow(
      new RangeError("nonce has 0 bytes, not 12"),
    );
    expect(() => primitives.aeadOpen(key, nonce, none, key.slice(17))).toThrow(
      new RangeError("sealed has 15 bytes, fewer than a tag's 16"),
    );
  });

  it("refuses what does not fit behind static data, and takes what just fits", () => {
    const room = shipped.memoryBytes() - shipped.call("prim_scratch");
    const most = room - 128;
    const sealed = primitives.aeadSeal(key, nonce, none, new Uint8Array(most));
    expect(sealed.length).toBe(most + 16);
    expect(() => primitives.aeadSeal(key, nonce, none, new Uint8Array(room))).toThrow(
      /^the call needs \d+ bytes of memory, the core has \d+$/,
    );
  });

  it("leaves no key, text or result in the scratch", () => {
    primitives.aeadSeal(seeded("key", 32), nonce, none, seeded("text", 300));
    const from = shipped.call("prim_scratch");
    expect(shipped.read(from, 1024).every((byte) => byte === 0)).toBe(true);
  });
});
