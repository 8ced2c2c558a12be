// SPDX-License-Identifier: Apache-2.0
// Bytes from a seed (xorshift32): benches on an emulated machine count the same instructions in every
// run only when every input is the same. Nothing here is secret.

export class Seeded {
  #state: number;

  /** `seed` is not 0. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#next() >>> 24);
  }

  #next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state;
  }
}
