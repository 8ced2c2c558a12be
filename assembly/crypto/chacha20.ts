// SPDX-License-Identifier: Apache-2.0
//
// ChaCha20 as RFC 8439 section 2.3 and 2.4: the key stream, XORed into a buffer in place.
// Before: aead.ts, which sets key and nonce for each message. After: nothing.
// One static state: 8 key words, the counter, 3 nonce words. Invariant: the counter is that of the
// next block.
// The unrolled double round is the exception to short functions: 16 words stay in locals, because
// state in memory is four times slower under an interpreter, and one double round is as much as its
// native stack bears.

import { wipe } from "./wipe";

const STATE_LEN = 48;
const BLOCK_LEN = 64;
const STATE: usize = memory.data(48, 16);
const TAIL: usize = memory.data(64, 16);

/** Sets the 32-byte `key`, the 12-byte nonce n32 LE || n64 LE, and block counter 0. */
export function chachaInit(key: usize, n32: u32, n64: u64): void {
  memory.copy(STATE, key, 32);
  store<u32>(STATE, 0, 32);
  store<u32>(STATE, n32, 36);
  store<u64>(STATE, n64, 40);
}

/** XORs the key stream's next ceil(len / 64) blocks into the `len` bytes at `ptr`. */
export function chachaXor(ptr: usize, len: i32): void {
  const whole = len & ~(BLOCK_LEN - 1);
  if (whole > 0) xorBlocks(ptr, ptr + whole);
  const rest = len - whole;
  if (rest == 0) return;
  memory.copy(TAIL, ptr + whole, rest);
  xorBlocks(TAIL, TAIL + BLOCK_LEN);
  memory.copy(ptr + whole, TAIL, rest);
  wipe(TAIL, BLOCK_LEN);
}

/** Wipes key, nonce and counter. */
export function chachaWipe(): void {
  wipe(STATE, STATE_LEN);
}

/**
 * XORs the block function's output (section 2.3) into one or more blocks from `ptr` up to `end`.
 */
function xorBlocks(ptr: usize, end: usize): void {
  const k0 = load<u32>(STATE, 0);
  const k1 = load<u32>(STATE, 4);
  const k2 = load<u32>(STATE, 8);
  const k3 = load<u32>(STATE, 12);
  const k4 = load<u32>(STATE, 16);
  const k5 = load<u32>(STATE, 20);
  const k6 = load<u32>(STATE, 24);
  const k7 = load<u32>(STATE, 28);
  let counter = load<u32>(STATE, 32);
  const n0 = load<u32>(STATE, 36);
  const n1 = load<u32>(STATE, 40);
  const n2 = load<u32>(STATE, 44);
  do {
    let x0: u32 = 0x61707865;
    let x1: u32 = 0x3320646e;
    let x2: u32 = 0x79622d32;
    let x3: u32 = 0x6b206574;
    let x4: u32 = k0;
    let x5: u32 = k1;
    let x6: u32 = k2;
    let x7: u32 = k3;
    let x8: u32 = k4;
    let x9: u32 = k5;
    let x10: u32 = k6;
    let x11: u32 = k7;
    let x12: u32 = counter;
    let x13: u32 = n0;
    let x14: u32 = n1;
    let x15: u32 = n2;
    for (let round = 0; round < 10; round++) {
      x0 += x4;
      x12 = rotl<u32>(x12 ^ x0, 16);
      x8 += x12;
      x4 = rotl<u32>(x4 ^ x8, 12);
      x0 += x4;
      x12 = rotl<u32>(x12 ^ x0, 8);
      x8 += x12;
      x4 = rotl<u32>(x4 ^ x8, 7);
      x1 += x5;
      x13 = rotl<u32>(x13 ^ x1, 16);
      x9 += x13;
      x5 = rotl<u32>(x5 ^ x9, 12);
      x1 += x5;
      x13 = rotl<u32>(x13 ^ x1, 8);
      x9 += x13;
      x5 = rotl<u32>(x5 ^ x9, 7);
      x2 += x6;
      x14 = rotl<u32>(x14 ^ x2, 16);
      x10 += x14;
      x6 = rotl<u32>(x6 ^ x10, 12);
      x2 += x6;
      x14 = rotl<u32>(x14 ^ x2, 8);
      x10 += x14;
      x6 = rotl<u32>(x6 ^ x10, 7);
      x3 += x7;
      x15 = rotl<u32>(x15 ^ x3, 16);
      x11 += x15;
      x7 = rotl<u32>(x7 ^ x11, 12);
      x3 += x7;
      x15 = rotl<u32>(x15 ^ x3, 8);
      x11 += x15;
      x7 = rotl<u32>(x7 ^ x11, 7);
      x0 += x5;
      x15 = rotl<u32>(x15 ^ x0, 16);
      x10 += x15;
      x5 = rotl<u32>(x5 ^ x10, 12);
      x0 += x5;
      x15 = rotl<u32>(x15 ^ x0, 8);
      x10 += x15;
      x5 = rotl<u32>(x5 ^ x10, 7);
      x1 += x6;
      x12 = rotl<u32>(x12 ^ x1, 16);
      x11 += x12;
      x6 = rotl<u32>(x6 ^ x11, 12);
      x1 += x6;
      x12 = rotl<u32>(x12 ^ x1, 8);
      x11 += x12;
      x6 = rotl<u32>(x6 ^ x11, 7);
      x2 += x7;
      x13 = rotl<u32>(x13 ^ x2, 16);
      x8 += x13;
      x7 = rotl<u32>(x7 ^ x8, 12);
      x2 += x7;
      x13 = rotl<u32>(x13 ^ x2, 8);
      x8 += x13;
      x7 = rotl<u32>(x7 ^ x8, 7);
      x3 += x4;
      x14 = rotl<u32>(x14 ^ x3, 16);
      x9 += x14;
      x4 = rotl<u32>(x4 ^ x9, 12);
      x3 += x4;
      x14 = rotl<u32>(x14 ^ x3, 8);
      x9 += x14;
      x4 = rotl<u32>(x4 ^ x9, 7);
    }
    store<u32>(ptr, load<u32>(ptr) ^ (x0 + 0x61707865));
    store<u32>(ptr, load<u32>(ptr, 4) ^ (x1 + 0x3320646e), 4);
    store<u32>(ptr, load<u32>(ptr, 8) ^ (x2 + 0x79622d32), 8);
    store<u32>(ptr, load<u32>(ptr, 12) ^ (x3 + 0x6b206574), 12);
    store<u32>(ptr, load<u32>(ptr, 16) ^ (x4 + k0), 16);
    store<u32>(ptr, load<u32>(ptr, 20) ^ (x5 + k1), 20);
    store<u32>(ptr, load<u32>(ptr, 24) ^ (x6 + k2), 24);
    store<u32>(ptr, load<u32>(ptr, 28) ^ (x7 + k3), 28);
    store<u32>(ptr, load<u32>(ptr, 32) ^ (x8 + k4), 32);
    store<u32>(ptr, load<u32>(ptr, 36) ^ (x9 + k5), 36);
    store<u32>(ptr, load<u32>(ptr, 40) ^ (x10 + k6), 40);
    store<u32>(ptr, load<u32>(ptr, 44) ^ (x11 + k7), 44);
    store<u32>(ptr, load<u32>(ptr, 48) ^ (x12 + counter), 48);
    store<u32>(ptr, load<u32>(ptr, 52) ^ (x13 + n0), 52);
    store<u32>(ptr, load<u32>(ptr, 56) ^ (x14 + n1), 56);
    store<u32>(ptr, load<u32>(ptr, 60) ^ (x15 + n2), 60);
    counter += 1;
    ptr += BLOCK_LEN;
  } while (ptr < end);
  store<u32>(STATE, counter, 32);
}
