// SPDX-License-Identifier: Apache-2.0
// The core's cryptographic primitives on Uint8Arrays: for test vectors, tools and what a host needs
// outside an engine. Before: tests, the command line. After: any instance of the core (engine.ts),
// one that runs no tunnel, because arguments are laid out behind its static data, where a tunnel's
// buffers would lie. Exports: assembly/crypto/primitives.ts.
// Invariant: after each call, also one that throws, the scratch it used is zero.

/** What is needed of an instance of the core. CoreEngine (engine.ts) is one. */
export interface CoreMemory {
  /** Calls an export; 0 where it returns nothing. */
  call(name: string, ...args: number[]): number;
  /** A copy of `len` bytes. */
  read(ptr: number, len: number): Uint8Array;
  write(ptr: number, bytes: Uint8Array): void;
  /** Length of linear memory. */
  memoryBytes(): number;
}

export type MlKemKeys = { ek: Uint8Array; dk: Uint8Array };
export type MlKemSecret = { ciphertext: Uint8Array; sharedSecret: Uint8Array };

const KEY_LEN = 32;
const NONCE_LEN = 12;
const TAG_LEN = 16;
const HASH_LEN = 32;
const EK_LEN = 1184;
const DK_LEN = 2400;
const CIPHERTEXT_LEN = 1088;
const SEED_LEN = 64;
const ALIGNMENT = 16;
/** More steps than any operation has. */
const MAX_STEPS = 64;
/** The base point's place among the arguments of prim_x25519_start. */
const BASE_POINT = 0;

/** Input bytes to be copied in, or a length to be kept free for output. */
type Region = Uint8Array | number;

export class Primitives {
  readonly #core: CoreMemory;
  readonly #start: number;

  constructor(core: CoreMemory) {
    this.#core = core;
    this.#start = core.call("prim_scratch");
  }

  /** Ciphertext and 16-byte tag. Key 32 bytes, nonce 12 bytes. RFC 8439 section 2.8. */
  aeadSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    expectLength("key", key, KEY_LEN);
    expectLength("nonce", nonce, NONCE_LEN);
    const sealedLen = plaintext.length + TAG_LEN;
    return this.#with([key, nonce, aad, plaintext, TAG_LEN], ([k, n, a, ptr]) => {
      this.#core.call("prim_aead_seal", k, n, a, aad.length, ptr, plaintext.length);
      return this.#core.read(ptr, sealedLen);
    });
  }

  /** The plaintext, or null where the tag is wrong. `sealed` is ciphertext and 16-byte tag. */
  aeadOpen(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | null {
    expectLength("key", key, KEY_LEN);
    expectLength("nonce", nonce, NONCE_LEN);
    const len = sealed.length - TAG_LEN;
    if (len < 0) throw new RangeError(`sealed has ${sealed.length} bytes, fewer than a tag's 16`);
    return this.#with([key, nonce, aad, sealed], ([k, n, a, ptr]) => {
      const genuine = this.#core.call("prim_aead_open", k, n, a, aad.length, ptr, len);
      return genuine ? this.#core.read(ptr, len) : null;
    });
  }

  /**
   * secret * point, 32 bytes each; null where the result is all zero. RFC 7748 sections 5 and 6.1.
   */
  x25519(secret: Uint8Array, point: Uint8Array): Uint8Array | null {
    expectLength("point", point, KEY_LEN);
    return this.#x25519(secret, [point]);
  }

  /** The public key of a 32-byte secret: secret * 9. */
  x25519Public(secret: Uint8Array): Uint8Array {
    // The base point has prime order and a clamped secret is no multiple of it: never zero.
    return this.#x25519(secret, []) as Uint8Array;
  }

  /** 1 to 32 bytes; key of 0 to 32 bytes. RFC 7693. */
  blake2s(data: Uint8Array, key: Uint8Array = new Uint8Array(0), length = HASH_LEN): Uint8Array {
    if (key.length > KEY_LEN) throw new RangeError(`key has ${key.length} bytes, more than 32`);
    if (!(Number.isInteger(length) && length >= 1 && length <= HASH_LEN)) {
      throw new RangeError(`length is ${length}, not one of 1 to 32`);
    }
    return this.#with([data, key, length], ([ptr, k, out]) => {
      this.#core.call("prim_blake2s", ptr, data.length, k, key.length, out, length);
      return this.#core.read(out, length);
    });
  }

  /** 32 bytes. FIPS 202. */
  sha3_256(data: Uint8Array): Uint8Array {
    return this.#with([data, HASH_LEN], ([ptr, out]) => {
      this.#core.call("prim_sha3_256", ptr, data.length, out);
      return this.#core.read(out, HASH_LEN);
    });
  }

  /** `length` bytes. FIPS 202. */
  shake128(data: Uint8Array, length: number): Uint8Array {
    return this.#shake("prim_shake128", data, length);
  }

  /** `length` bytes. FIPS 202. */
  shake256(data: Uint8Array, length: number): Uint8Array {
    return this.#shake("prim_shake256", data, length);
  }

  /** ek of 1,184 and dk of 2,400 bytes from 64 bytes, d then z. FIPS 203 section 7.1. */
  mlkem768Keygen(seed64: Uint8Array): MlKemKeys {
    expectLength("seed64", seed64, SEED_LEN);
    return this.#with([seed64, EK_LEN, DK_LEN], ([seed, ek, dk]) => {
      this.#core.call("prim_mlkem_keygen_start", seed, ek, dk);
      this.#finish("prim_mlkem_step");
      return { ek: this.#core.read(ek, EK_LEN), dk: this.#core.read(dk, DK_LEN) };
    });
  }

  /** 1,088 and 32 bytes from 32 random bytes; null for a key that FIPS 203 section 7.2 refuses. */
  mlkem768Encaps(ek: Uint8Array, m32: Uint8Array): MlKemSecret | null {
    expectLength("ek", ek, EK_LEN);
    expectLength("m32", m32, KEY_LEN);
    const regions = [ek, m32, CIPHERTEXT_LEN, KEY_LEN];
    return this.#with(regions, ([key, m, ciphertext, secret]) => {
      if (!this.#core.call("prim_mlkem_encaps_start", key, m, ciphertext, secret)) return null;
      this.#finish("prim_mlkem_step");
      return {
        ciphertext: this.#core.read(ciphertext, CIPHERTEXT_LEN),
        sharedSecret: this.#core.read(secret, KEY_LEN),
      };
    });
  }

  /**
   * The 32-byte shared secret; one that nobody knows for a wrong ciphertext. FIPS 203 section 7.3.
   */
  mlkem768Decaps(dk: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    expectLength("dk", dk, DK_LEN);
    expectLength("ciphertext", ciphertext, CIPHERTEXT_LEN);
    return this.#with([dk, ciphertext, KEY_LEN], ([key, ptr, secret]) => {
      this.#core.call("prim_mlkem_decaps_start", key, ptr, secret);
      this.#finish("prim_mlkem_step");
      return this.#core.read(secret, KEY_LEN);
    });
  }

  #x25519(secret: Uint8Array, point: Uint8Array[]): Uint8Array | null {
    expectLength("secret", secret, KEY_LEN);
    return this.#with([KEY_LEN, secret, ...point], ([out, s, p = BASE_POINT]) => {
      this.#core.call("prim_x25519_start", s, p);
      this.#finish("prim_x25519_step");
      return this.#core.call("prim_x25519_finish", out) ? this.#core.read(out, KEY_LEN) : null;
    });
  }

  #shake(name: string, data: Uint8Array, length: number): Uint8Array {
    if (!(Number.isInteger(length) && length >= 0)) {
      throw new RangeError(`length is ${length}, not a count of bytes`);
    }
    return this.#with([data, length], ([ptr, out]) => {
      this.#core.call(name, ptr, data.length, out, length);
      return this.#core.read(out, length);
    });
  }

  #finish(step: string): void {
    for (let i = 0; i < MAX_STEPS; i++) {
      if (this.#core.call(step)) return;
    }
    throw new Error(`${step} did not finish`);
  }

  /** Lays the regions out one behind the other, runs `work` on their pointers, and wipes them. */
  #with<T>(regions: Region[], work: (pointers: Pointers) => T): T {
    const pointers: number[] = [];
    let end = this.#start;
    for (const region of regions) {
      // A length continues the region before it, so that a tag lies behind its text.
      if (typeof region !== "number") end = align(end);
      pointers.push(end);
      end += typeof region === "number" ? region : region.length;
    }
    const room = this.#core.memoryBytes() - this.#start;
    if (end - this.#start > room) {
      throw new RangeError(
        `the call needs ${end - this.#start} bytes of memory, the core has ${room}`,
      );
    }
    try {
      for (const [i, region] of regions.entries()) {
        if (typeof region !== "number") this.#core.write(pointers[i] as number, region);
      }
      return work(pointers as Pointers);
    } finally {
      this.#core.write(this.#start, new Uint8Array(end - this.#start));
    }
  }
}

/** As many as there are regions; none has more. */
type Pointers = [number, number, number, number, number];

function align(ptr: number): number {
  return (ptr + ALIGNMENT - 1) & -ALIGNMENT;
}

function expectLength(name: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new RangeError(`${name} has ${bytes.length} bytes, not ${length}`);
  }
}
