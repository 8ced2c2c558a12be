// SPDX-License-Identifier: Apache-2.0
//
// ChaCha20-Poly1305 as RFC 8439 section 2.8: seal and open, in place.
// Before: the three seals and noise.ts, which own keys and counters. After: chacha20, poly1305.
// The nonce is n32 LE || n64 LE; Noise has n32 = 0 (its section 12.3). No (key, nonce) comes twice.
// Invariant: the tag is compared, in constant time, before a byte is decrypted; a buffer with a bad
// tag stays as it was.

import { chachaInit, chachaWipe, chachaXor } from "./chacha20";
import { ctEqual } from "./ct";
import { polyFinish, polyInit, polyUpdateLengths, polyUpdatePadded } from "./poly1305";
import { wipe } from "./wipe";

export const AEAD_TAG_LEN = 16;

const BLOCK_LEN = 64;
const ONE_TIME_KEY: usize = memory.data(64, 16);
const TAG: usize = memory.data(16, 16);

/**
 * Seals the `len` bytes at `ptr` in place and writes the 16-byte tag behind them: the caller owns
 * len + 16 bytes.
 * `key` 32 bytes; `aad` may be any pointer when `aadLen` is 0. Cannot fail. RFC 8439 section 2.8.
 */
export function aeadSeal(
  key: usize,
  n32: u32,
  n64: u64,
  aad: usize,
  aadLen: i32,
  ptr: usize,
  len: i32,
): void {
  start(key, n32, n64);
  chachaXor(ptr, len);
  authenticate(aad, aadLen, ptr, len, ptr + len);
  chachaWipe();
}

/**
 * Opens the `len` bytes of ciphertext at `ptr`, followed by their 16-byte tag, in place.
 * True: `ptr` holds `len` bytes of plaintext. False: the tag is wrong and the buffer is unchanged.
 */
export function aeadOpen(
  key: usize,
  n32: u32,
  n64: u64,
  aad: usize,
  aadLen: i32,
  ptr: usize,
  len: i32,
): bool {
  start(key, n32, n64);
  authenticate(aad, aadLen, ptr, len, TAG);
  const genuine = ctEqual(TAG, ptr + len, AEAD_TAG_LEN);
  wipe(TAG, AEAD_TAG_LEN);
  if (genuine) chachaXor(ptr, len);
  chachaWipe();
  return genuine;
}

/** Block 0 of the key stream makes the one-time key (section 2.6); block 1 is then the next. */
function start(key: usize, n32: u32, n64: u64): void {
  chachaInit(key, n32, n64);
  chachaXor(ONE_TIME_KEY, BLOCK_LEN);
  polyInit(ONE_TIME_KEY);
  // Zero is also what the next message's XOR starts from.
  wipe(ONE_TIME_KEY, BLOCK_LEN);
}

function authenticate(aad: usize, aadLen: i32, ptr: usize, len: i32, tag: usize): void {
  polyUpdatePadded(aad, aadLen);
  polyUpdatePadded(ptr, len);
  polyUpdateLengths(aadLen, len);
  polyFinish(tag);
}
