// SPDX-License-Identifier: Apache-2.0
//
// Poly1305 as RFC 8439 section 2.5, fed in the way of its section 2.8: each input is padded with zeros to 16 bytes.
// Before: aead.ts, which feeds additional data, ciphertext and lengths. After: nothing.
// One static state. Five limbs of 26 bits: h < 2^130 + small after each block, r clamped, so with 5 * r < 2^29
// each sum of five products stays below 2^59. Multiplied is only what was 32 bits wide before.

import { wipe } from "./wipe";

const LIMB: u64 = 0x3ffffff;
/** The 17th byte of a block, which is always 1, in the top limb: 2^128 = 2^(4 * 26 + 24). */
const BLOCK_TOP: u64 = 1 << 24;

/** h0..h4, r0..r4 as u32, then s as 16 bytes. */
const STATE: usize = memory.data(56, 16);
const STATE_LEN = 56;
const R = 20;
const S = 40;
const TAIL: usize = memory.data(16, 16);

/** Starts with the one-time `key` of 32 bytes: r (clamped here), then s. */
export function polyInit(key: usize): void {
  store<u64>(STATE, 0);
  store<u64>(STATE, 0, 8);
  store<u32>(STATE, 0, 16);
  store<u32>(STATE, load<u32>(key) & 0x3ffffff, R);
  store<u32>(STATE, (load<u32>(key, 3) >> 2) & 0x3ffff03, R + 4);
  store<u32>(STATE, (load<u32>(key, 6) >> 4) & 0x3ffc0ff, R + 8);
  store<u32>(STATE, (load<u32>(key, 9) >> 6) & 0x3f03fff, R + 12);
  store<u32>(STATE, (load<u32>(key, 12) >> 8) & 0x00fffff, R + 16);
  memory.copy(STATE + S, key + 16, 16);
}

/** Feeds the `len` bytes at `ptr`, and zeros up to the next multiple of 16. */
export function polyUpdatePadded(ptr: usize, len: i32): void {
  const whole = len & ~15;
  addBlocks(ptr, ptr + whole);
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
  let h0: u64 = load<u32>(STATE);
  let h1: u64 = load<u32>(STATE, 4);
  let h2: u64 = load<u32>(STATE, 8);
  let h3: u64 = load<u32>(STATE, 12);
  let h4: u64 = load<u32>(STATE, 16);
  // After a block only h1 may exceed its limb.
  h2 += h1 >> 26;
  h3 += h2 >> 26;
  h4 += h3 >> 26;
  h0 += (h4 >> 26) * 5;
  h1 = (h1 & LIMB) + (h0 >> 26);
  h0 &= LIMB;
  h2 &= LIMB;
  h3 &= LIMB;
  h4 &= LIMB;
  // p = 2^130 - 5, so h >= p exactly when h + 5 carries out of bit 130; then h - p = h + 5 mod 2^130.
  let carry = (h0 + 5) >> 26;
  carry = (h1 + carry) >> 26;
  carry = (h2 + carry) >> 26;
  carry = (h3 + carry) >> 26;
  h0 += ((h4 + carry) >> 26) * 5;
  h1 += h0 >> 26;
  h0 &= LIMB;
  h2 += h1 >> 26;
  h1 &= LIMB;
  h3 += h2 >> 26;
  h2 &= LIMB;
  h4 += h3 >> 26;
  h3 &= LIMB;
  const low = h0 | (h1 << 26) | (h2 << 52);
  const sumLow = low + load<u64>(STATE, S);
  const sumHigh = ((h2 >> 12) | (h3 << 14) | (h4 << 40)) + load<u64>(STATE, S + 8);
  store<u64>(out, sumLow);
  store<u64>(out, sumHigh + ((sumLow < low) as u64), 8);
  wipe(STATE, STATE_LEN);
  wipe(TAIL, 16);
}

/** h = (h + block) * r mod 2^130 - 5, over whole blocks from `ptr` up to `end`. */
function addBlocks(ptr: usize, end: usize): void {
  const r0: u64 = load<u32>(STATE, R);
  const r1: u64 = load<u32>(STATE, R + 4);
  const r2: u64 = load<u32>(STATE, R + 8);
  const r3: u64 = load<u32>(STATE, R + 12);
  const r4: u64 = load<u32>(STATE, R + 16);
  const s1: u64 = (load<u32>(STATE, R + 4) * 5) as u64;
  const s2: u64 = (load<u32>(STATE, R + 8) * 5) as u64;
  const s3: u64 = (load<u32>(STATE, R + 12) * 5) as u64;
  const s4: u64 = (load<u32>(STATE, R + 16) * 5) as u64;
  let h0: u64 = load<u32>(STATE);
  let h1: u64 = load<u32>(STATE, 4);
  let h2: u64 = load<u32>(STATE, 8);
  let h3: u64 = load<u32>(STATE, 12);
  let h4: u64 = load<u32>(STATE, 16);
  for (; ptr < end; ptr += 16) {
    const low = load<u64>(ptr);
    const high = load<u64>(ptr, 8);
    h0 += low & LIMB;
    h1 += (low >> 26) & LIMB;
    h2 += ((low >> 52) | (high << 12)) & LIMB;
    h3 += (high >> 14) & LIMB;
    h4 += (high >> 40) | BLOCK_TOP;
    const d0 = h0 * r0 + h1 * s4 + h2 * s3 + h3 * s2 + h4 * s1;
    const d1 = h0 * r1 + h1 * r0 + h2 * s4 + h3 * s3 + h4 * s2 + (d0 >> 26);
    const d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s4 + h4 * s3 + (d1 >> 26);
    const d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s4 + (d2 >> 26);
    const d4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0 + (d3 >> 26);
    const top = d4 >> 26;
    h0 = (d0 & LIMB) + top + (top << 2);
    h1 = (d1 & LIMB) + (h0 >> 26);
    h0 &= LIMB;
    h2 = d2 & LIMB;
    h3 = d3 & LIMB;
    h4 = d4 & LIMB;
  }
  store<u32>(STATE, h0 as u32);
  store<u32>(STATE, h1 as u32, 4);
  store<u32>(STATE, h2 as u32, 8);
  store<u32>(STATE, h3 as u32, 12);
  store<u32>(STATE, h4 as u32, 16);
}
