// SPDX-License-Identifier: Apache-2.0
//
// BLAKE2s as RFC 7693: keyed or not, 1 to 32 bytes out, incremental.
// Before: hkdf.ts, Noise's hash, the generator. After: nothing.
// One static state, so one hash at a time. Invariants: 0 <= FILLED <= 64, and a full block waits in
// BLOCK until more comes, because the last block is compressed with its own flag (section 3.3). The
// total stays below 2^32 bytes.

import { wipe } from "./wipe";

const BLOCK_LEN = 64;
const MOST_LEN = 32;

/** h (32 bytes), the count of bytes compressed, FILLED, outLen; then the block. */
const STATE: usize = memory.data(44, 16);
const STATE_LEN = 44;
const COUNT = 32;
const FILLED = 36;
const OUT_LEN = 40;
const BLOCK: usize = memory.data(64, 16);

const IV0: u32 = 0x6a09e667;
const IV1: u32 = 0xbb67ae85;
const IV2: u32 = 0x3c6ef372;
const IV3: u32 = 0xa54ff53a;
const IV4: u32 = 0x510e527f;
const IV5: u32 = 0x9b05688c;
const IV6: u32 = 0x1f83d9ab;
const IV7: u32 = 0x5be0cd19;

/** SIGMA of section 2.7, each entry as a byte offset into the block. */
// biome-ignore format: one round in each row
const SIGMA: usize = memory.data<u8>([
  0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60,
  56, 40, 16, 32, 36, 60, 52, 24, 4, 48, 0, 8, 44, 28, 20, 12,
  44, 32, 48, 0, 20, 8, 60, 52, 40, 56, 12, 24, 28, 4, 36, 16,
  28, 36, 12, 4, 52, 48, 44, 56, 8, 24, 20, 40, 16, 0, 60, 32,
  36, 0, 20, 28, 8, 16, 40, 60, 56, 4, 44, 48, 24, 32, 12, 52,
  8, 48, 24, 40, 0, 44, 32, 12, 16, 52, 28, 20, 60, 56, 4, 36,
  48, 20, 4, 60, 56, 52, 16, 40, 0, 28, 24, 12, 36, 8, 32, 44,
  52, 44, 28, 56, 48, 4, 12, 36, 20, 0, 60, 16, 32, 24, 8, 40,
  24, 60, 56, 36, 44, 12, 0, 32, 48, 8, 52, 28, 4, 16, 40, 20,
  40, 8, 32, 16, 28, 24, 4, 20, 60, 44, 36, 56, 12, 48, 52, 0,
], 16);
const SIGMA_LEN = 160;
/** A row's first half is for the columns, its second for the diagonals. */
const HALF_ROW = 8;

/** Starts a hash of `outLen` bytes (1..32) with the `keyLen` bytes (0..32) at `key`. */
export function blake2sInit(outLen: i32, key: usize, keyLen: i32): void {
  // Parameter block: digest length, key length, fanout 1, depth 1 (section 2.5).
  store<u32>(STATE, IV0 ^ 0x01010000 ^ ((keyLen as u32) << 8) ^ (outLen as u32));
  store<u32>(STATE, IV1, 4);
  store<u32>(STATE, IV2, 8);
  store<u32>(STATE, IV3, 12);
  store<u32>(STATE, IV4, 16);
  store<u32>(STATE, IV5, 20);
  store<u32>(STATE, IV6, 24);
  store<u32>(STATE, IV7, 28);
  store<u32>(STATE, 0, COUNT);
  store<u32>(STATE, 0, FILLED);
  store<u32>(STATE, outLen, OUT_LEN);
  if (keyLen == 0) return;
  memory.fill(BLOCK, 0, BLOCK_LEN);
  memory.copy(BLOCK, key, keyLen);
  store<u32>(STATE, BLOCK_LEN, FILLED);
}

/** Feeds the `len` bytes at `ptr`. */
export function blake2sUpdate(ptr: usize, len: i32): void {
  let filled = load<i32>(STATE, FILLED);
  while (len > 0) {
    if (filled == BLOCK_LEN) {
      compress(BLOCK_LEN, 0);
      filled = 0;
    }
    const taken = min<i32>(len, BLOCK_LEN - filled);
    memory.copy(BLOCK + filled, ptr, taken);
    filled += taken;
    ptr += taken;
    len -= taken;
  }
  store<i32>(STATE, filled, FILLED);
}

/** Writes the `outLen` bytes of the hash to `out` and wipes the state. */
export function blake2sFinal(out: usize): void {
  const filled = load<i32>(STATE, FILLED);
  memory.fill(BLOCK + filled, 0, BLOCK_LEN - filled);
  compress(filled, 0xffffffff);
  memory.copy(out, STATE, load<i32>(STATE, OUT_LEN));
  wipe(STATE, STATE_LEN);
  wipe(BLOCK, BLOCK_LEN);
}

/** After one whole block: what it made of the state, 32 bytes, goes to `to`. More has to follow before the end. */
export function blake2sKeep(to: usize): void {
  compress(BLOCK_LEN, 0);
  memory.copy(to, STATE, MOST_LEN);
}

/** Starts a hash of 32 bytes behind the block that `blake2sKeep` kept at `from`. */
export function blake2sResume(from: usize): void {
  memory.copy(STATE, from, MOST_LEN);
  store<u32>(STATE, BLOCK_LEN, COUNT);
  store<u32>(STATE, 0, FILLED);
  store<u32>(STATE, MOST_LEN, OUT_LEN);
}

/** The word of the block at an offset from the table: both offsets of constant size cost no addition. */
class Word {
  @inline static at(offset: u32): u32 {
    return load<u32>(offset, BLOCK);
  }
}

/**
 * The compression function F of section 3.2; `added` bytes are new, `last` is all ones for the last
 * block.
 */
function compress(added: u32, last: u32): void {
  const count = load<u32>(STATE, COUNT) + added;
  store<u32>(STATE, count, COUNT);
  let v0: u32 = load<u32>(STATE);
  let v1: u32 = load<u32>(STATE, 4);
  let v2: u32 = load<u32>(STATE, 8);
  let v3: u32 = load<u32>(STATE, 12);
  let v4: u32 = load<u32>(STATE, 16);
  let v5: u32 = load<u32>(STATE, 20);
  let v6: u32 = load<u32>(STATE, 24);
  let v7: u32 = load<u32>(STATE, 28);
  let v8: u32 = IV0;
  let v9: u32 = IV1;
  let v10: u32 = IV2;
  let v11: u32 = IV3;
  let v12: u32 = IV4 ^ count;
  let v13: u32 = IV5;
  let v14: u32 = IV6 ^ last;
  let v15: u32 = IV7;
  // One half of a round a turn: an interpreter without tail calls gets its native stack back
  // between.
  for (let row = SIGMA; row < SIGMA + SIGMA_LEN; row += HALF_ROW) {
    if ((row & HALF_ROW) == 0) {
      v0 += v4 + Word.at(load<u8>(row));
      v12 = rotr<u32>(v12 ^ v0, 16);
      v8 += v12;
      v4 = rotr<u32>(v4 ^ v8, 12);
      v0 += v4 + Word.at(load<u8>(row, 1));
      v12 = rotr<u32>(v12 ^ v0, 8);
      v8 += v12;
      v4 = rotr<u32>(v4 ^ v8, 7);
      v1 += v5 + Word.at(load<u8>(row, 2));
      v13 = rotr<u32>(v13 ^ v1, 16);
      v9 += v13;
      v5 = rotr<u32>(v5 ^ v9, 12);
      v1 += v5 + Word.at(load<u8>(row, 3));
      v13 = rotr<u32>(v13 ^ v1, 8);
      v9 += v13;
      v5 = rotr<u32>(v5 ^ v9, 7);
      v2 += v6 + Word.at(load<u8>(row, 4));
      v14 = rotr<u32>(v14 ^ v2, 16);
      v10 += v14;
      v6 = rotr<u32>(v6 ^ v10, 12);
      v2 += v6 + Word.at(load<u8>(row, 5));
      v14 = rotr<u32>(v14 ^ v2, 8);
      v10 += v14;
      v6 = rotr<u32>(v6 ^ v10, 7);
      v3 += v7 + Word.at(load<u8>(row, 6));
      v15 = rotr<u32>(v15 ^ v3, 16);
      v11 += v15;
      v7 = rotr<u32>(v7 ^ v11, 12);
      v3 += v7 + Word.at(load<u8>(row, 7));
      v15 = rotr<u32>(v15 ^ v3, 8);
      v11 += v15;
      v7 = rotr<u32>(v7 ^ v11, 7);
    } else {
      v0 += v5 + Word.at(load<u8>(row));
      v15 = rotr<u32>(v15 ^ v0, 16);
      v10 += v15;
      v5 = rotr<u32>(v5 ^ v10, 12);
      v0 += v5 + Word.at(load<u8>(row, 1));
      v15 = rotr<u32>(v15 ^ v0, 8);
      v10 += v15;
      v5 = rotr<u32>(v5 ^ v10, 7);
      v1 += v6 + Word.at(load<u8>(row, 2));
      v12 = rotr<u32>(v12 ^ v1, 16);
      v11 += v12;
      v6 = rotr<u32>(v6 ^ v11, 12);
      v1 += v6 + Word.at(load<u8>(row, 3));
      v12 = rotr<u32>(v12 ^ v1, 8);
      v11 += v12;
      v6 = rotr<u32>(v6 ^ v11, 7);
      v2 += v7 + Word.at(load<u8>(row, 4));
      v13 = rotr<u32>(v13 ^ v2, 16);
      v8 += v13;
      v7 = rotr<u32>(v7 ^ v8, 12);
      v2 += v7 + Word.at(load<u8>(row, 5));
      v13 = rotr<u32>(v13 ^ v2, 8);
      v8 += v13;
      v7 = rotr<u32>(v7 ^ v8, 7);
      v3 += v4 + Word.at(load<u8>(row, 6));
      v14 = rotr<u32>(v14 ^ v3, 16);
      v9 += v14;
      v4 = rotr<u32>(v4 ^ v9, 12);
      v3 += v4 + Word.at(load<u8>(row, 7));
      v14 = rotr<u32>(v14 ^ v3, 8);
      v9 += v14;
      v4 = rotr<u32>(v4 ^ v9, 7);
    }
  }
  store<u32>(STATE, load<u32>(STATE) ^ v0 ^ v8);
  store<u32>(STATE, load<u32>(STATE, 4) ^ v1 ^ v9, 4);
  store<u32>(STATE, load<u32>(STATE, 8) ^ v2 ^ v10, 8);
  store<u32>(STATE, load<u32>(STATE, 12) ^ v3 ^ v11, 12);
  store<u32>(STATE, load<u32>(STATE, 16) ^ v4 ^ v12, 16);
  store<u32>(STATE, load<u32>(STATE, 20) ^ v5 ^ v13, 20);
  store<u32>(STATE, load<u32>(STATE, 24) ^ v6 ^ v14, 24);
  store<u32>(STATE, load<u32>(STATE, 28) ^ v7 ^ v15, 28);
}
