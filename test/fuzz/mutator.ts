// SPDX-License-Identifier: Apache-2.0
// Makes bytes that are nearly right out of bytes that were: flipped, cut, doubled, spliced, replayed,
// with odd numbers in them. Before: the fuzzers beside this. Everything follows from one seed.

import { concat } from "../reference/bytes.ts";
import { type Random, randomBelow, seededRandom } from "../reference/random.ts";

/** Bytes of lengths, counters and types at the edges of their ranges. */
const EDGES = [0, 1, 2, 0x10, 0x20, 0x41, 0x7f, 0x80, 0xfe, 0xff];
const KEPT = 32;
const LONGEST_RUN = 8;

export class Mutator {
  readonly random: Random;
  /** Bytes seen before, for splices and replays: the last KEPT. */
  readonly #seen: Uint8Array[] = [];

  constructor(seed: string) {
    this.random = seededRandom(seed);
  }

  below(bound: number): number {
    return randomBelow(this.random, bound);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** One to three changes of `bytes`, which are kept for later. */
  mutate(bytes: Uint8Array): Uint8Array {
    this.#seen.push(bytes);
    if (this.#seen.length > KEPT) this.#seen.shift();
    let mutant: Uint8Array = bytes.slice();
    for (let left = 1 + this.below(3); left > 0; left--) mutant = this.#change(mutant);
    return mutant;
  }

  #change(bytes: Uint8Array): Uint8Array {
    const at = this.below(bytes.length + 1);
    const other = this.pick(this.#seen);
    switch (this.below(9)) {
      case 0:
        return bytes.subarray(0, at);
      case 1:
        return concat(bytes, bytes.subarray(at));
      case 2:
        return concat(bytes.subarray(0, at), other.subarray(this.below(other.length + 1)));
      case 3:
        return other.slice();
      case 4:
        return concat(bytes.subarray(at), bytes.subarray(0, at));
      case 5:
        return concat(bytes.subarray(0, at), this.random(1 + this.below(40)), bytes.subarray(at));
      case 6:
        return this.#overwrite(bytes, at);
      default:
        return this.#flip(bytes);
    }
  }

  #flip(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    const at = this.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << this.below(8));
    return bytes;
  }

  #overwrite(bytes: Uint8Array, at: number): Uint8Array {
    const edge = this.pick(EDGES);
    return bytes.fill(edge, at, at + 1 + this.below(LONGEST_RUN));
  }
}
