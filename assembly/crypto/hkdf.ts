// SPDX-License-Identifier: Apache-2.0
//
// HMAC-BLAKE2s (RFC 2104, block 64) and the HKDF of the Noise framework, section 4.3, with two or
// three outputs.
// Before: noise.ts (mixKey, mixKeyAndHash, split). After: blake2s.ts.
// The chaining key and each output are 32 bytes. Outputs may overlap the chaining key and the
// input: both are read before the first output is written. Temporaries are wiped.

import { blake2sFinal, blake2sInit, blake2sKeep, blake2sResume, blake2sUpdate } from "./blake2s";
import { wipe } from "./wipe";

const HASH_LEN = 32;
const BLOCK_LEN = 64;
const INNER_PAD: u64 = 0x3636363636363636;
const OUTER_PAD: u64 = 0x5c5c5c5c5c5c5c5c;

/** The padded HMAC key; the hash behind the outputs' inner pad and behind their outer one. */
const PAD: usize = memory.data(64, 16);
const KEPT: usize = memory.data(64, 16);
/** The outputs' key at first, then the previous output followed by the counter byte. */
const CHAIN: usize = memory.data(33, 16);
const CHAIN_LEN = 33;

/**
 * out = HMAC-BLAKE2s of the `len` bytes at `data` under the 32-byte `key`; `out` 32 bytes, may
 * overlap both.
 */
export function hmac(key: usize, data: usize, len: i32, out: usize): void {
  memory.copy(PAD, key, HASH_LEN);
  memory.fill(PAD + HASH_LEN, 0, BLOCK_LEN - HASH_LEN);
  startPadded(INNER_PAD);
  blake2sUpdate(data, len);
  blake2sFinal(out);
  startPadded(INNER_PAD ^ OUTER_PAD);
  blake2sUpdate(out, HASH_LEN);
  blake2sFinal(out);
  wipe(PAD, BLOCK_LEN);
}

/** HKDF(ck, ikm, 2): `ck`, `out1`, `out2` 32 bytes each; `ikmLen` 0 or more. */
export function hkdf2(ck: usize, ikm: usize, ikmLen: i32, out1: usize, out2: usize): void {
  extract(ck, ikm, ikmLen);
  expand(1, out1);
  expand(2, out2);
  forget();
}

/** HKDF(ck, ikm, 3): as hkdf2 with a third output of 32 bytes. */
export function hkdf3(
  ck: usize,
  ikm: usize,
  ikmLen: i32,
  out1: usize,
  out2: usize,
  out3: usize,
): void {
  extract(ck, ikm, ikmLen);
  expand(1, out1);
  expand(2, out2);
  expand(3, out3);
  forget();
}

/**
 * Changes the pad by XOR and feeds it: from zero to the inner one, and from the inner to the outer
 * one.
 */
function startPadded(change: u64): void {
  for (let at = PAD; at < PAD + BLOCK_LEN; at += 8) {
    store<u64>(at, load<u64>(at) ^ change);
  }
  blake2sInit(HASH_LEN, PAD, 0);
  blake2sUpdate(PAD, BLOCK_LEN);
}

/** The outputs' key, whose two pads are hashed once for all of them. `hmac` leaves PAD zero. */
function extract(ck: usize, ikm: usize, ikmLen: i32): void {
  hmac(ck, ikm, ikmLen, CHAIN);
  memory.copy(PAD, CHAIN, HASH_LEN);
  startPadded(INNER_PAD);
  blake2sKeep(KEPT);
  startPadded(INNER_PAD ^ OUTER_PAD);
  blake2sKeep(KEPT + HASH_LEN);
  wipe(PAD, BLOCK_LEN);
}

/** The next output: HMAC over the previous one (none before the first) and its number. */
function expand(index: u8, out: usize): void {
  store<u8>(CHAIN, index, HASH_LEN);
  const previousLen = index == 1 ? 0 : HASH_LEN;
  blake2sResume(KEPT);
  blake2sUpdate(CHAIN + HASH_LEN - previousLen, previousLen + 1);
  blake2sFinal(CHAIN);
  blake2sResume(KEPT + HASH_LEN);
  blake2sUpdate(CHAIN, HASH_LEN);
  blake2sFinal(CHAIN);
  memory.copy(out, CHAIN, HASH_LEN);
}

function forget(): void {
  wipe(KEPT, BLOCK_LEN);
  wipe(CHAIN, CHAIN_LEN);
}
