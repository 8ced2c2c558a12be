// SPDX-License-Identifier: Apache-2.0
// @ts-nocheck: AssemblyScript, compiled by crypto-core.ts. The primitives as the core exports them,
// and beside them what lies inside, so that each part is tested alone. No check and no logic of its
// own.

import { blake2sFinal, blake2sInit, blake2sUpdate } from "../../assembly/crypto/blake2s";
import { chachaInit, chachaXor } from "../../assembly/crypto/chacha20";
import { ctEqual, ctIsZero, ctMove } from "../../assembly/crypto/ct";
import {
  fieldAddSub,
  fieldDecode,
  fieldEncode,
  fieldMul,
  fieldScale,
  fieldSquare,
  fieldSwapAddSub,
} from "../../assembly/crypto/field25519";
import { hkdf2, hkdf3, hmac } from "../../assembly/crypto/hkdf";
import { polyFinish, polyInit, polyUpdatePadded } from "../../assembly/crypto/poly1305";
import { wipe } from "../../assembly/crypto/wipe";
import { x25519Canonical } from "../../assembly/crypto/x25519";

export * from "../../assembly/crypto/primitives";

export function chacha(key: i32, nonce: i32, ptr: i32, len: i32): void {
  chachaInit(key, load<u32>(nonce), load<u64>(nonce, 4));
  chachaXor(ptr, len);
}

export function chacha_more(ptr: i32, len: i32): void {
  chachaXor(ptr, len);
}

export function poly_init(key: i32): void {
  polyInit(key);
}

export function poly_update(ptr: i32, len: i32): void {
  polyUpdatePadded(ptr, len);
}

export function poly_finish(out: i32): void {
  polyFinish(out);
}

export function ct_equal(a: i32, b: i32, len: i32): i32 {
  return ctEqual(a, b, len) as i32;
}

export function ct_is_zero(ptr: i32, len: i32): i32 {
  return ctIsZero(ptr, len) as i32;
}

export function ct_move(target: i32, source: i32, len: i32, bit: i32): void {
  ctMove(target, source, len, bit);
}

export function wipe_bytes(ptr: i32, len: i32): void {
  wipe(ptr, len);
}

export function field_decode(out: i32, bytes: i32): void {
  fieldDecode(out, bytes);
}

export function field_encode(bytes: i32, from: i32): void {
  fieldEncode(bytes, from);
}

export function field_mul(out: i32, f: i32, g: i32): void {
  fieldMul(out, f, g);
}

export function field_square(out: i32, f: i32, times: i32, stride: i32): void {
  fieldSquare(out, f, times, stride);
}

export function field_add_sub(sum: i32, difference: i32, a: i32, b: i32): void {
  fieldAddSub(sum, difference, a, b);
}

export function field_swap_add_sub(points: i32, bit: i32): void {
  fieldSwapAddSub(points, 0 - (bit as u64));
}

export function field_scale(out: i32, difference: i32, a: i32, b: i32, factor: i32): void {
  fieldScale(out, difference, a, b, factor as u64);
}

export function x25519_canonical(point: i32): i32 {
  return x25519Canonical(point) as i32;
}

export function hash_init(outLen: i32, key: i32, keyLen: i32): void {
  blake2sInit(outLen, key, keyLen);
}

export function hash_update(ptr: i32, len: i32): void {
  blake2sUpdate(ptr, len);
}

export function hash_final(out: i32): void {
  blake2sFinal(out);
}

export function hmac_blake2s(key: i32, data: i32, len: i32, out: i32): void {
  hmac(key, data, len, out);
}

export function hkdf_2(ck: i32, ikm: i32, ikmLen: i32, out1: i32, out2: i32): void {
  hkdf2(ck, ikm, ikmLen, out1, out2);
}

export function hkdf_3(ck: i32, ikm: i32, ikmLen: i32, o1: i32, o2: i32, o3: i32): void {
  hkdf3(ck, ikm, ikmLen, o1, o2, o3);
}
