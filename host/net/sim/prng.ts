// SPDX-License-Identifier: Apache-2.0
// Seeded randomness of a simulated world: xoshiro128** (Blackman and Vigna), seeded by a hash of its
// name. Everything random in a run comes from here: the same seed gives the same run. Each part of
// the world forks a stream of its own, so that a change in one does not move the others.

export class Prng {
  readonly #state: Uint32Array;
  readonly #name: string;

  /** The stream called `name`; the same name gives the same numbers. */
  constructor(name: string | number) {
    this.#name = String(name);
    this.#state = new Uint32Array(4);
    for (let i = 0; i < 4; i++) this.#state[i] = hash(`${this.#name}/${i}`) | 1;
    for (let i = 0; i < 8; i++) this.u32();
  }

  /** An independent stream. */
  fork(name: string): Prng {
    return new Prng(`${this.#name}/${name}`);
  }

  u32(): number {
    const s = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = s;
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const low = c ^ a;
    const high = d ^ b;
    s[1] = b ^ low;
    s[0] = a ^ high;
    s[2] = low ^ (b << 9);
    s[3] = rotate(high, 11);
    return result;
  }

  /** 0 <= x < 1. */
  fraction(): number {
    return this.u32() / 4294967296;
  }

  /** 0 <= x < most, whole. */
  below(most: number): number {
    return Math.floor(this.fraction() * most);
  }

  /** least <= x <= most, whole. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  bytes(len: number): Uint8Array {
    const words = new Uint32Array((len + 3) >> 2);
    for (let i = 0; i < words.length; i++) words[i] = this.u32();
    return new Uint8Array(words.buffer, 0, len);
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/** FNV-1a with a final mix: names that differ in one digit give unrelated states. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
