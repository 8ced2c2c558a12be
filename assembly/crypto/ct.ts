// SPDX-License-Identifier: Apache-2.0
//
// Constant time: comparing, moving and swapping with no branch or address that depends on a secret.
// Before: aead.ts, x25519.ts and mlkem768.ts, which hold the secrets. After: nothing.
// Lengths and pointers are public, contents and bits are not. No other file holds such a trick.
// Invariant: the instruction count of each function depends on its length alone.

/** Turns a secret bit into a mask: 0 stays 0, 1 becomes all ones. */
export class Mask {
  @inline static of32(bit: u32): u32 {
    return 0 - bit;
  }

  @inline static of64(bit: u32): u64 {
    return 0 - (bit as u64);
  }

  /** 1 when `value` is zero, else 0. */
  @inline static isZero(value: u32): u32 {
    return ((value | (0 - value)) >> 31) ^ 1;
  }
}

/** True when the `len` bytes at `a` and `b` are the same; reads all of both. */
export function ctEqual(a: usize, b: usize, len: i32): bool {
  let difference: u32 = 0;
  for (let i = 0; i < len; i++) {
    difference |= load<u8>(a + i) ^ load<u8>(b + i);
  }
  return Mask.isZero(difference) as bool;
}

/** True when the `len` bytes at `ptr` are all zero; reads all of them. */
export function ctIsZero(ptr: usize, len: i32): bool {
  let seen: u32 = 0;
  for (let i = 0; i < len; i++) {
    seen |= load<u8>(ptr + i);
  }
  return Mask.isZero(seen) as bool;
}

/** Copies `len` bytes from `source` to `target` when `bit` is 1; when 0, rewrites `target` as it is. */
export function ctMove(target: usize, source: usize, len: i32, bit: u32): void {
  const mask = Mask.of32(bit);
  for (let i = 0; i < len; i++) {
    const kept: u32 = load<u8>(target + i);
    store<u8>(target + i, kept ^ (mask & (kept ^ load<u8>(source + i))));
  }
}
