// SPDX-License-Identifier: Apache-2.0
//
// Poly1305 as RFC 8439 section 2.5, fed in the way of its section 2.8: each input is padded with
// zeros to 16 bytes.
// Before: aead.ts, which feeds additional data, ciphertext and lengths. After: nothing.
// One static state: the accumulator as four words of 32 bits and a top, each in a u64 that may hold
// a carry too.
// Clamping leaves r < 2^124 in words below 2^28, all but the first divisible by 4, so what passes
// 2^128 comes back as 5/4 of itself, exactly. Words carry once a block, behind the products: with
// B = 2^32 they are then below 1.9 B, with the next block added below 2.9 B, so that the largest
// sum, of four products, stays below (2.9 + 3 x 1.25 x 2.85) 2^60 = 13.6 x 2^60.
// Invariants: words < 2 B and top < 4 between blocks; sums of products < 2^64.

import { wipe } from "./wipe";

const WORD: u64 = 0xffffffff;

/** The accumulator's five u64, then r and s of 16 bytes each. */
const STATE: usize = memory.data(72, 16);
const STATE_LEN = 72;
const ACCUMULATOR_LEN = 40;
const R = 40;
const S = 56;
const TAIL: usize = memory.data(16, 16);

/** Starts with the one-time `key` of 32 bytes: r (clamped here), then s. */
export function polyInit(key: usize): void {
  memory.fill(STATE, 0, ACCUMULATOR_LEN);
  store<u64>(STATE, load<u64>(key) & 0x0ffffffc_0fffffff, R);
  store<u64>(STATE, load<u64>(key, 8) & 0x0ffffffc_0ffffffc, R + 8);
  memory.copy(STATE + S, key + 16, 16);
}

/** Feeds the `len` bytes at `ptr`, and zeros up to the next multiple of 16. */
export function polyUpdatePadded(ptr: usize, len: i32): void {
  const whole = len & ~15;
  if (whole > 0) addBlocks(ptr, ptr + whole);
  const rest = len - whole;
  if (rest == 0) return;
  store<u64>(TAIL, 0);
  store<u64>(TAIL, 0, 8);
  memory.copy(TAIL, ptr + whole, rest);
  addBlocks(TAIL, TAIL + 16);
}

/** Feeds the last block of an AEAD: both lengths as u64 LE. */
export function polyUpdateLengths(aadLen: i32, len: i32): void {
  store<u64>(TAIL, aadLen as u64);
  store<u64>(TAIL, len as u64, 8);
  addBlocks(TAIL, TAIL + 16);
}

/** Writes the 16-byte tag to `out` and wipes the state. */
export function polyFinish(out: usize): void {
  let h0 = load<u64>(STATE);
  let h1 = load<u64>(STATE, 8) + (h0 >> 32);
  let h2 = load<u64>(STATE, 16) + (h1 >> 32);
  let h3 = load<u64>(STATE, 24) + (h2 >> 32);
  const h4 = load<u64>(STATE, 32) + (h3 >> 32);
  h0 &= WORD;
  h1 &= WORD;
  h2 &= WORD;
  h3 &= WORD;
  // p = 2^130 - 5: adding 5 reaches 2^130 once for each p that the value (below 2p) contains.
  const times = (h4 + ((h3 + ((h2 + ((h1 + ((h0 + 5) >> 32)) >> 32)) >> 32)) >> 32)) >> 2;
  // Value - times * p + s, of which the tag takes the lowest 128 bits.
  h0 += times * 5 + load<u32>(STATE, S);
  h1 += (h0 >> 32) + load<u32>(STATE, S + 4);
  h2 += (h1 >> 32) + load<u32>(STATE, S + 8);
  h3 += (h2 >> 32) + load<u32>(STATE, S + 12);
  store<u32>(out, h0 as u32);
  store<u32>(out, h1 as u32, 4);
  store<u32>(out, h2 as u32, 8);
  store<u32>(out, h3 as u32, 12);
  wipe(STATE, STATE_LEN);
  wipe(TAIL, 16);
}

/**
 * accumulator = (accumulator + block + 2^128) * r mod 2^130 - 5, over one or more blocks from `ptr`
 * up to `end`.
 */
function addBlocks(ptr: usize, end: usize): void {
  const word0: u32 = load<u32>(STATE, R);
  const word1: u32 = load<u32>(STATE, R + 4);
  const word2: u32 = load<u32>(STATE, R + 8);
  const word3: u32 = load<u32>(STATE, R + 12);
  const r0 = word0 as u64;
  const r1 = word1 as u64;
  const r2 = word2 as u64;
  const r3 = word3 as u64;
  // What r0 / 4 leaves behind stays at 2^128.
  const left0 = (word0 & 3) as u64;
  const back0 = ((word0 >> 2) * 5) as u64;
  const back1 = (word1 + (word1 >> 2)) as u64;
  const back2 = (word2 + (word2 >> 2)) as u64;
  const back3 = (word3 + (word3 >> 2)) as u64;
  let h0 = load<u64>(STATE);
  let h1 = load<u64>(STATE, 8);
  let h2 = load<u64>(STATE, 16);
  let h3 = load<u64>(STATE, 24);
  let h4 = load<u64>(STATE, 32);
  do {
    h0 += load<u32>(ptr) as u64;
    h1 += load<u32>(ptr, 4) as u64;
    h2 += load<u32>(ptr, 8) as u64;
    h3 += load<u32>(ptr, 12) as u64;
    h4 += 1;
    const x0 = h0 * r0 + h1 * back3 + h2 * back2 + h3 * back1 + h4 * back0;
    const x1 = h0 * r1 + h1 * r0 + h2 * back3 + h3 * back2 + h4 * back1;
    const x2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * back3 + h4 * back2;
    const x3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * back3;
    const x4 = h4 * left0 + (x3 >> 32);
    h0 = (x0 & WORD) + (x4 >> 2) * 5;
    h1 = (x1 & WORD) + (x0 >> 32);
    h2 = (x2 & WORD) + (x1 >> 32);
    h3 = (x3 & WORD) + (x2 >> 32);
    h4 = x4 & 3;
    ptr += 16;
  } while (ptr < end);
  store<u64>(STATE, h0);
  store<u64>(STATE, h1, 8);
  store<u64>(STATE, h2, 16);
  store<u64>(STATE, h3, 24);
  store<u64>(STATE, h4, 32);
}
