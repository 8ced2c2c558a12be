// SPDX-License-Identifier: Apache-2.0
//
// The primitives as the shipped module exports them, so that test vectors run against the shipped
// bytes.
// Before: host/core/primitives.ts, which lays its arguments out in the scratch region. After: the
// files beside this.
// The scratch region is everything from prim_scratch() to the end of memory; an instance that runs
// an engine has none to spare, so these are called on an instance of their own. All pointers are
// the caller's, all numbers i32.

import { aeadOpen, aeadSeal } from "./aead";
import { blake2sFinal, blake2sInit, blake2sUpdate } from "./blake2s";
import { sha3_256, shake128, shake256 } from "./keccak";
import { mlkemDecapsStart, mlkemEncapsStart, mlkemKeygenStart, mlkemStep } from "./mlkem768";
import { x25519Finish, x25519Start, x25519StartBase, x25519Step } from "./x25519";

/** The first byte behind static data. */
export function prim_scratch(): i32 {
  return __heap_base as i32;
}

/**
 * Seals `len` bytes at `ptr` in place, tag of 16 bytes behind them; 32-byte key, 12-byte nonce (RFC
 * 8439). Gives 1.
 */
export function prim_aead_seal(
  key: i32,
  nonce: i32,
  aad: i32,
  aadLen: i32,
  ptr: i32,
  len: i32,
): i32 {
  aeadSeal(key, load<u32>(nonce), load<u64>(nonce, 4), aad, aadLen, ptr, len);
  return 1;
}

/**
 * Opens `len` bytes at `ptr`, followed by their tag, in place. 1, or 0 for a wrong tag with the
 * buffer unchanged.
 */
export function prim_aead_open(
  key: i32,
  nonce: i32,
  aad: i32,
  aadLen: i32,
  ptr: i32,
  len: i32,
): i32 {
  return aeadOpen(key, load<u32>(nonce), load<u64>(nonce, 4), aad, aadLen, ptr, len) as i32;
}

/** Begins scalar * point, 32 bytes each (RFC 7748); `point` 0 stands for the base point. */
export function prim_x25519_start(scalar: i32, point: i32): void {
  if (point == 0) {
    x25519StartBase(scalar);
  } else {
    x25519Start(scalar, point);
  }
}

/** A bounded piece of work; 1 when finished. */
export function prim_x25519_step(): i32 {
  return x25519Step() as i32;
}

/** Writes the 32-byte result; 0 when it is all zero, else 1. */
export function prim_x25519_finish(out: i32): i32 {
  return x25519Finish(out) as i32;
}

/**
 * BLAKE2s of `len` bytes with a key of `keyLen` (0..32) bytes; `outLen` (1..32) bytes at `out` (RFC
 * 7693).
 */
export function prim_blake2s(
  data: i32,
  len: i32,
  key: i32,
  keyLen: i32,
  out: i32,
  outLen: i32,
): void {
  blake2sInit(outLen, key, keyLen);
  blake2sUpdate(data, len);
  blake2sFinal(out);
}

/** SHA3-256 of `len` bytes: 32 bytes at `out` (FIPS 202). */
export function prim_sha3_256(data: i32, len: i32, out: i32): void {
  sha3_256(data, len, out);
}

/** SHAKE128 of `len` bytes: `outLen` bytes at `out` (FIPS 202). */
export function prim_shake128(data: i32, len: i32, out: i32, outLen: i32): void {
  shake128(data, len, out, outLen);
}

/** SHAKE256 of `len` bytes: `outLen` bytes at `out` (FIPS 202). */
export function prim_shake256(data: i32, len: i32, out: i32, outLen: i32): void {
  shake256(data, len, out, outLen);
}

/**
 * Begins key generation from a 64-byte seed (d, z): ek of 1,184 and dk of 2,400 bytes (FIPS 203).
 */
export function prim_mlkem_keygen_start(seed64: i32, ek: i32, dk: i32): void {
  mlkemKeygenStart(seed64, ek, dk);
}

/**
 * Begins encapsulation with 32 random bytes: 1,088 and 32 bytes. 0 for a key that FIPS 203 refuses,
 * else 1.
 */
export function prim_mlkem_encaps_start(ek: i32, m32: i32, ciphertext: i32, secret: i32): i32 {
  return mlkemEncapsStart(ek, m32, ciphertext, secret) as i32;
}

/** Begins decapsulation of 1,088 bytes with a key of 2,400 bytes: a shared secret of 32 bytes. */
export function prim_mlkem_decaps_start(dk: i32, ciphertext: i32, secret: i32): void {
  mlkemDecapsStart(dk, ciphertext, secret);
}

/** A bounded piece of work; 1 when finished. */
export function prim_mlkem_step(): i32 {
  return mlkemStep() as i32;
}
