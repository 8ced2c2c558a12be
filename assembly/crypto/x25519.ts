// SPDX-License-Identifier: Apache-2.0
//
// X25519 as RFC 7748 section 5: start, bounded steps, finish.
// Before: noise.ts. After: field25519.ts; ct.ts for the swap's mask and the zero check.
// One static workspace, so one operation at a time; finish wipes it.
// A step is 64 turns of the ladder or the inversion, at most 5 M instructions under an interpreter on rv32.
// Invariant: 255 turns whatever the scalar; branches and addresses depend on the turn's number alone.

import { ctIsZero, Mask } from "./ct";
import {
  FIELD_LEN,
  fieldAddScaled,
  fieldAddSub,
  fieldDecode,
  fieldEncode,
  fieldMul,
  fieldSquare,
  fieldSwapAddSub,
} from "./field25519";
import { wipe } from "./wipe";

export const X25519_LEN = 32;

const TURNS_PER_STEP = 64;
/** (486662 - 2) / 4 */
const A24: u32 = 121665;
const BASE_U: u32 = 9;

const WORKSPACE: usize = memory.data(328, 16);
const WORKSPACE_LEN = 328;
/** These four lie one behind the other: fieldSwapAddSub takes them so. */
const X2: usize = WORKSPACE;
const Z2: usize = WORKSPACE + FIELD_LEN;
const X3: usize = WORKSPACE + 2 * FIELD_LEN;
const Z3: usize = WORKSPACE + 3 * FIELD_LEN;
/** The point's u-coordinate, and zero where it is the base point (whose u is small enough to scale by). */
const X1: usize = WORKSPACE + 4 * FIELD_LEN;
const T0: usize = WORKSPACE + 5 * FIELD_LEN;
const T1: usize = WORKSPACE + 6 * FIELD_LEN;
const SCALAR: usize = WORKSPACE + 280;
/** Turns left, the last turn's bit, and whether the point is the base point: u32 each. */
const TURNS: usize = WORKSPACE + 312;
const SWAPPED: usize = WORKSPACE + 316;
const IS_BASE: usize = WORKSPACE + 320;

/** Begins scalar * point; 32 bytes each, copied. The scalar is clamped and the point's top bit ignored (section 5). */
export function x25519Start(scalar: usize, point: usize): void {
  begin(scalar);
  fieldDecode(X1, point);
  memory.copy(X3, X1, FIELD_LEN);
}

/** Begins scalar * 9, the public key of the 32-byte `scalar`. */
export function x25519StartBase(scalar: usize): void {
  begin(scalar);
  store<u32>(X3, BASE_U);
  store<u32>(IS_BASE, 1);
}

/** Works on for a bounded time; true when the result is ready. Not to be called again then. */
export function x25519Step(): bool {
  const turns = load<u32>(TURNS);
  if (turns == 0) {
    divide();
    return true;
  }
  const stop = max<i32>(turns - TURNS_PER_STEP, 0);
  for (let turn: i32 = turns - 1; turn >= stop; turn--) {
    ladder(turn);
  }
  store<u32>(TURNS, stop);
  return false;
}

/** Writes the 32-byte result to `out` and wipes the workspace; false when it is all zero (RFC 7748 section 6.1). */
export function x25519Finish(out: usize): bool {
  fieldEncode(out, X2);
  wipe(WORKSPACE, WORKSPACE_LEN);
  return !ctIsZero(out, X25519_LEN);
}

/** True when the 32 bytes at `point` are below p with the top bit clear: the only form a static key may have. */
export function x25519Canonical(point: usize): bool {
  // p = 2^255 - 19: value + 19 reaches bit 255 exactly when the value is p or more.
  let carry: u64 = 19;
  for (let at = 0; at < X25519_LEN; at += 4) {
    carry = (carry + load<u32>(point + at)) >> (at == 28 ? 31 : 32);
  }
  return carry == 0;
}

function begin(scalar: usize): void {
  wipe(WORKSPACE, WORKSPACE_LEN);
  memory.copy(SCALAR, scalar, X25519_LEN);
  store<u8>(SCALAR, load<u8>(SCALAR) & 248);
  store<u8>(SCALAR, (load<u8>(SCALAR, 31) & 127) | 64, 31);
  store<u32>(X2, 1);
  store<u32>(Z3, 1);
  store<u32>(TURNS, 255);
}

/** One turn of section 5's loop, for scalar bit `turn`; A, B, C, D stand in the places of x2, z2, x3, z3. */
function ladder(turn: i32): void {
  const bit: u32 = (load<u8>(SCALAR + (turn >> 3)) >> (turn & 7)) & 1;
  fieldSwapAddSub(X2, Mask.of64(bit ^ load<u32>(SWAPPED)));
  store<u32>(SWAPPED, bit);
  fieldMul(Z3, Z3, X2);
  fieldMul(X3, X3, Z2);
  fieldSquare(X2, X2, 1);
  fieldSquare(Z2, Z2, 1);
  fieldAddSub(X3, Z3, Z3, X3);
  fieldSquare(X3, X3, 1);
  fieldSquare(Z3, Z3, 1);
  if (load<u32>(IS_BASE)) {
    fieldAddScaled(Z3, X1, Z3, BASE_U);
  } else {
    fieldMul(Z3, Z3, X1);
  }
  // T1 = E = AA - BB, then T0 = AA + a24 * E.
  fieldAddSub(T0, T1, X2, Z2);
  fieldAddScaled(T0, X2, T1, A24);
  fieldMul(X2, X2, Z2);
  fieldMul(Z2, T0, T1);
}

/**
 * X2 = X2 / Z2 = X2 * Z2^(p - 2). The scalar's lowest bit is clamped to 0, so the points are not swapped here.
 * 254 squares and 12 products; the comments give the exponent that each line makes.
 */
function divide(): void {
  fieldSquare(T0, Z2, 1); // 2
  fieldSquare(T1, T0, 2); // 8
  fieldMul(T1, T1, Z2); // 9
  fieldMul(T0, T0, T1); // 11
  fieldSquare(X3, T0, 1); // 22
  fieldMul(T1, T1, X3); // 2^5 - 1
  fieldSquare(X3, T1, 5);
  fieldMul(T1, X3, T1); // 2^10 - 1
  fieldSquare(X3, T1, 10);
  fieldMul(X3, X3, T1); // 2^20 - 1
  fieldSquare(Z3, X3, 20);
  fieldMul(X3, Z3, X3); // 2^40 - 1
  fieldSquare(X3, X3, 10);
  fieldMul(T1, X3, T1); // 2^50 - 1
  fieldSquare(X3, T1, 50);
  fieldMul(X3, X3, T1); // 2^100 - 1
  fieldSquare(Z3, X3, 100);
  fieldMul(X3, Z3, X3); // 2^200 - 1
  fieldSquare(X3, X3, 50);
  fieldMul(X3, X3, T1); // 2^250 - 1
  fieldSquare(X3, X3, 5);
  fieldMul(X3, X3, T0); // 2^255 - 21
  fieldMul(X2, X2, X3);
}
