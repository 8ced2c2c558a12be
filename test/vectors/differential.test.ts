// SPDX-License-Identifier: Apache-2.0
// The shipped primitives against @noble on seeded random inputs, under V8 and wasm3: lengths around
// every block, all key lengths, corrupted tags, ciphertexts and keys. A failure names its seed, which
// makes the input again.

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { sha3_256, shake128, shake256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CoreEngine } from "../../host/core/engine.ts";
import { Primitives } from "../../host/core/primitives.ts";
import { hex, isEmulated, openAndSay, TEST_ENGINES } from "./engines.ts";

const ROUNDS = 200;
const KEM_ROUNDS = 40;
const LONGEST = 2100;

/** Seeded random input: `bytes(n)`, `below(n)`. */
class Inputs {
  readonly label: string;
  #count = 0;

  constructor(label: string) {
    this.label = label;
  }

  bytes(len: number): Uint8Array {
    return shake256(Buffer.from(`${this.label} ${this.#count++}`), { dkLen: len });
  }

  below(bound: number): number {
    return new DataView(this.bytes(4).buffer).getUint32(0, true) % bound;
  }

  /** A length: small, or near a multiple of 16, 64 or 136, or any. */
  length(): number {
    const unit = [1, 16, 64, 136, 168][this.below(5)] as number;
    return Math.min(unit * this.below(16) + this.below(3), LONGEST);
  }

  flip(bytes: Uint8Array): Uint8Array {
    const at = this.below(bytes.length);
    return bytes.map((byte, i) => (i === at ? byte ^ (1 << this.below(8)) : byte));
  }
}

const seeds = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => new Inputs(`differential ${name} ${i}`));

describe.each(TEST_ENGINES.filter((name) => !isEmulated(name)))("%s", (name) => {
  let engine: CoreEngine;
  let core: Primitives;
  beforeAll(() => {
    engine = openAndSay(name);
    core = new Primitives(engine);
  });
  afterAll(() => engine.close());

  it("seals and opens like chacha20poly1305, and opens nothing forged", () => {
    for (const input of seeds("aead", ROUNDS)) {
      const [key, nonce] = [input.bytes(32), input.bytes(12)];
      const [aad, plaintext] = [input.bytes(input.length()), input.bytes(input.length())];
      const sealed = core.aeadSeal(key, nonce, aad, plaintext);
      expect(hex(sealed), input.label).toBe(
        hex(chacha20poly1305(key, nonce, aad).encrypt(plaintext)),
      );
      expect(core.aeadOpen(key, nonce, aad, sealed), input.label).toEqual(plaintext);
      expect(core.aeadOpen(key, nonce, aad, input.flip(sealed)), input.label).toBeNull();
      expect(core.aeadOpen(input.flip(key), nonce, aad, sealed), input.label).toBeNull();
      expect(core.aeadOpen(key, input.flip(nonce), aad, sealed), input.label).toBeNull();
    }
  });

  it("multiplies like x25519, top bits and unreduced coordinates included", () => {
    for (const input of seeds("x25519", ROUNDS)) {
      const [secret, point] = [input.bytes(32), input.bytes(32)];
      if (input.below(8) === 0) point.fill(0xff, 1);
      expect(hex(core.x25519(secret, point) as Uint8Array), input.label).toBe(
        hex(x25519.getSharedSecret(secret, point)),
      );
      expect(hex(core.x25519Public(secret)), input.label).toBe(hex(x25519.getPublicKey(secret)));
    }
  });

  it("hashes like blake2s, sha3 and shake", () => {
    for (const input of seeds("hash", ROUNDS)) {
      const data = input.bytes(input.length());
      const key = input.bytes(input.below(33));
      const dkLen = 1 + input.below(32);
      const keyed = key.length > 0 ? { key, dkLen } : { dkLen };
      expect(hex(core.blake2s(data, key, dkLen)), input.label).toBe(hex(blake2s(data, keyed)));
      expect(hex(core.sha3_256(data)), input.label).toBe(hex(sha3_256(data)));
      const long = input.below(500);
      expect(hex(core.shake128(data, long)), input.label).toBe(
        hex(shake128(data, { dkLen: long })),
      );
      expect(hex(core.shake256(data, long)), input.label).toBe(
        hex(shake256(data, { dkLen: long })),
      );
    }
  });

  it("makes keys, encapsulates and decapsulates like ml_kem768, corrupted ciphertexts included", () => {
    for (const input of seeds("ml-kem", KEM_ROUNDS)) {
      const [seed, m] = [input.bytes(64), input.bytes(32)];
      const keys = core.mlkem768Keygen(seed);
      const other = ml_kem768.keygen(seed);
      expect([hex(keys.ek), hex(keys.dk)], input.label).toEqual([
        hex(other.publicKey),
        hex(other.secretKey),
      ]);
      const made = core.mlkem768Encaps(keys.ek, m);
      const expected = ml_kem768.encapsulate(other.publicKey, m);
      expect(made && hex(made.ciphertext), input.label).toBe(hex(expected.cipherText));
      expect(made && hex(made.sharedSecret), input.label).toBe(hex(expected.sharedSecret));
      for (const ciphertext of [expected.cipherText, input.flip(expected.cipherText)]) {
        expect(hex(core.mlkem768Decaps(keys.dk, ciphertext)), input.label).toBe(
          hex(ml_kem768.decapsulate(ciphertext, other.secretKey)),
        );
      }
    }
  });
});
