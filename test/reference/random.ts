// SPDX-License-Identifier: Apache-2.0
// A deterministic random source, so that each run of the reference can be repeated from its seed.
// It is keyed BLAKE2s in counter mode: an input of the engine, not the generator of section 3.4.
// Invariant: the same seed and the same requests give the same bytes.

import { blake2s } from "@noble/hashes/blake2.js";
import { concat, encodeUint, utf8 } from "./bytes.ts";

/** Returns `length` bytes that nobody else has had. */
export type Random = (length: number) => Uint8Array;

/** A source for the text `seed`. */
export function seededRandom(seed: string): Random {
  const key = blake2s(utf8(seed));
  let counter = 0;
  return (length) => {
    const blocks: Uint8Array[] = [];
    for (let made = 0; made < length; made += 32) {
      blocks.push(blake2s(encodeUint(counter++, 8), { key }));
    }
    return concat(...blocks).slice(0, length);
  };
}

/** 32 random bits that are not zero (an index of section 5.1). */
export function randomIndex(random: Random): number {
  const index = new DataView(random(4).buffer).getUint32(0, true);
  return index === 0 ? randomIndex(random) : index;
}

/** A whole number from 0 to `bound` - 1, for tests; the bias is of no account there. */
export function randomBelow(random: Random, bound: number): number {
  return new DataView(random(4).buffer).getUint32(0, true) % bound;
}
