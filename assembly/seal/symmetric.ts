// SPDX-License-Identifier: Apache-2.0
//
// The symmetric state of a Noise handshake: chaining key, hash, cipher key and its counter, in a slot (CK, H, K, n).
// Before it: noise.ts, which says what is mixed in, in which order. After it: the AEAD, HKDF, BLAKE2s. Names and order
// are those of Noise rev. 34, sections 5.1 and 5.2. What is sealed or opened moves the slot's position by its length.

import { AEAD_TAG_LEN, aeadOpen, aeadSeal } from "../crypto/aead";
import { blake2sFinal, blake2sInit, blake2sUpdate } from "../crypto/blake2s";
import { hkdf2, hkdf3 } from "../crypto/hkdf";
import { wipe } from "../crypto/wipe";
import { Area, CK, H, K, SHARED, Slot } from "./slot";

/** Begins with the protocol's name, `len` bytes: no key yet. */
export function initializeSymmetric(slot: Slot, name: usize, len: i32): void {
  const h = Area.at(slot, H);
  slot.hasKey = 0;
  memory.fill(h, 0, 32);
  if (len <= 32) {
    memory.copy(h, name, len);
  } else {
    blake2sInit(32, 0, 0);
    blake2sUpdate(name, len);
    blake2sFinal(h);
  }
  memory.copy(Area.at(slot, CK), h, 32);
}

/** `len` bytes into the hash. */
export function mixHash(slot: Slot, data: usize, len: i32): void {
  const h = Area.at(slot, H);
  blake2sInit(32, 0, 0);
  blake2sUpdate(h, 32);
  blake2sUpdate(data, len);
  blake2sFinal(h);
}

/** `ikm` [32] into the chaining key; a new cipher key. */
export function mixKey(slot: Slot, ikm: usize): void {
  hkdf2(Area.at(slot, CK), ikm, 32, Area.at(slot, CK), Area.at(slot, K));
  slot.n = 0;
  slot.hasKey = 1;
}

/** As `mixKey`, and into the hash: for a PSK [32]. */
export function mixKeyAndHash(slot: Slot, ikm: usize): void {
  const temporary = Area.at(slot, SHARED);
  hkdf3(Area.at(slot, CK), ikm, 32, Area.at(slot, CK), temporary, Area.at(slot, K));
  mixHash(slot, temporary, 32);
  wipe(temporary, 32);
  slot.n = 0;
  slot.hasKey = 1;
}

/** Seals `len` bytes in place, the tag behind them; moves the position. */
export function encryptAndHash(slot: Slot, at: usize, len: i32): void {
  let sealed = len;
  if (slot.hasKey) {
    aeadSeal(Area.at(slot, K), 0, slot.n++, Area.at(slot, H), 32, at, len);
    sealed += AEAD_TAG_LEN;
  }
  mixHash(slot, at, sealed);
  slot.position += <u16>sealed;
}

/** Opens `len` bytes and their tag in place; moves the position. False: the tag is wrong. */
export function decryptAndHash(slot: Slot, at: usize, len: i32): bool {
  const h = Area.at(slot, H);
  if (!slot.hasKey) {
    mixHash(slot, at, len);
    slot.position += <u16>len;
    return true;
  }
  // The hash takes the ciphertext, which opening in place destroys: h' is computed first, from a copy of h.
  const sealed = len + AEAD_TAG_LEN;
  const next = Area.at(slot, SHARED);
  blake2sInit(32, 0, 0);
  blake2sUpdate(h, 32);
  blake2sUpdate(at, sealed);
  blake2sFinal(next);
  if (!aeadOpen(Area.at(slot, K), 0, slot.n, h, 32, at, len)) return false;
  slot.n++;
  memory.copy(h, next, 32);
  slot.position += <u16>sealed;
  return true;
}
