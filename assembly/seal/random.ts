// SPDX-License-Identifier: Apache-2.0
//
// The generator (rule H8, PROTOCOL 3.4): keyed BLAKE2s over fresh entropy, the static private key, the boot
// counter and time; it ratchets after every request. Before it: the host's entropy. After it: ephemerals, ids,
// indices, jitter. Each handshake takes 32 fresh bytes; without them none starts.

import { now } from "../clock";
import { blake2sFinal, blake2sInit, blake2sUpdate } from "../crypto/blake2s";
import { wipe } from "../crypto/wipe";

/** Where the host writes 32 fresh bytes. */
export const ENTROPY: usize = memory.data(32, 8);

const STATE: usize = memory.data(32, 8);
const BLOCK: usize = memory.data(32, 8);
const NUMBER: usize = memory.data(16, 8);
const RATCHET: usize = memory.data<u8>([0x72, 0x61, 0x74, 0x63, 0x68, 0x65, 0x74]);
const OUT: usize = memory.data<u8>([0x6f, 0x75, 0x74]);

/** Handshakes that may begin: 32 fresh bytes were taken in for each. */
let fresh: i32 = 0;
const FRESH_MOST: i32 = 8;

/** True when 32 fresh bytes are there for the next handshake. */
export function randomFresh(): bool {
  return fresh > 0;
}

/** True while more would be taken: the host feeds ahead, so that a burst of handshakes need not wait. */
export function randomWanted(): bool {
  return fresh < FRESH_MOST;
}

/** Spends the fresh entropy: one handshake begins. */
export function randomSpend(): void {
  fresh--;
}

/**
 * Takes in the 32 bytes at ENTROPY, which are wiped.
 * @param identity pointer to the static private key (32 B)
 * @param boots boot counter
 */
export function randomFeed(identity: usize, boots: u64): void {
  store<u64>(NUMBER, boots);
  store<i32>(NUMBER, now, 8);
  blake2sInit(32, STATE, 32);
  blake2sUpdate(ENTROPY, 32);
  blake2sUpdate(identity, 32);
  blake2sUpdate(NUMBER, 12);
  blake2sFinal(STATE);
  wipe(ENTROPY, 32);
  if (fresh < FRESH_MOST) fresh++;
}

/** Writes `len` random bytes and ratchets. */
export function randomBytes(to: usize, len: i32): void {
  let counter: u64 = 0;
  while (len > 0) {
    store<u64>(NUMBER, counter++);
    blake2sInit(32, STATE, 32);
    blake2sUpdate(OUT, 3);
    blake2sUpdate(NUMBER, 8);
    blake2sFinal(BLOCK);
    const part = min<i32>(len, 32);
    memory.copy(to, BLOCK, part);
    to += part;
    len -= part;
  }
  wipe(BLOCK, 32);
  blake2sInit(32, STATE, 32);
  blake2sUpdate(RATCHET, 7);
  blake2sFinal(STATE);
}

/** A random u32. */
export function randomU32(): u32 {
  randomBytes(NUMBER, 4);
  const value = load<u32>(NUMBER);
  return value;
}

/** Forgets the state. */
export function randomWipe(): void {
  wipe(STATE, 32);
  wipe(ENTROPY, 32);
  fresh = 0;
}
