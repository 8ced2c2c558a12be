// SPDX-License-Identifier: Apache-2.0
//
// X25519 as RFC 7748 section 5: start, bounded steps, finish.
// Before: noise.ts. After: field25519.ts; ct.ts for the swap's mask and the zero check.
// One static workspace, so one operation at a time; finish wipes it.
// A step is 64 turns of the ladder, or the inversion: at most 5 M instructions under wasm3 on rv32.
// Invariant: 255 turns whatever the scalar; branches and addresses depend on the turn alone.

import { ctIsZero, Mask } from "./ct";
import {
  FIELD_LEN,
  fieldAddSub,
  fieldDecode,
  fieldEncode,
  fieldMul,
  fieldScale,
  fieldSquare,
  fieldSwapAddSub,
} from "./field25519";
import { wipe } from "./wipe";

export const X25519_LEN = 32;

const TURNS_PER_STEP = 64;
/** (486662 - 2) / 4 */
const A24: u64 = 121665;
const BASE_U: u64 = 9;

const WORKSPACE: usize = memory.data(328, 16);
const WORKSPACE_LEN = 328;
/** These four lie one behind the other: fieldSwapAddSub takes them so. */
const X2: usize = WORKSPACE;
const Z2: usize = WORKSPACE + FIELD_LEN;
const X3: usize = WORKSPACE + 2 * FIELD_LEN;
const Z3: usize = WORKSPACE + 3 * FIELD_LEN;
/**
 * The point's u-coordinate, and zero where it is the base point (whose u is small enough to scale
 * by).
 */
const X1: usize = WORKSPACE + 4 * FIELD_LEN;
const T0: usize = WORKSPACE + 5 * FIELD_LEN;
const T1: usize = WORKSPACE + 6 * FIELD_LEN;
const SCALAR: usize = WORKSPACE + 280;
/** Turns left, the last turn's bit, and whether the point is the base point: u32 each. */
const TURNS: usize = WORKSPACE + 312;
const SWAPPED: usize = WORKSPACE + 316;
const IS_BASE: usize = WORKSPACE + 320;

/**
 * z^(p - 2), the inverse of Z2, in X3: rows of times, f, g, out, where out = f^(2^times) * g, and
 * elements stand as their offset in the workspace. On the right the exponent that the row makes.
 */
// biome-ignore format: one product in each row
const INVERSION: usize = memory.data<u8>([
  1, 40, 40, 80, // 3
  3, 40, 80, 200, // 11
  2, 80, 80, 120, // 2^4 - 1
  1, 120, 40, 80, // 2^5 - 1
  5, 80, 80, 120, // 2^10 - 1
  10, 120, 120, 80, // 2^20 - 1
  20, 80, 80, 240, // 2^40 - 1
  10, 240, 120, 80, // 2^50 - 1
  50, 80, 80, 120, // 2^100 - 1
  100, 120, 120, 240, // 2^200 - 1
  50, 240, 80, 120, // 2^250 - 1
  5, 120, 200, 80, // 2^255 - 21
]);
const INVERSION_LEN = 48;

/** The element that entry `i` of a row names. */
class Place {
  @inline static at(row: usize, i: usize): usize {
    return WORKSPACE + load<u8>(row + i);
  }
}

/**
 * Begins scalar * point; 32 bytes each, copied. The scalar is clamped and the point's top bit
 * ignored (section 5).
 */
export function x25519Start(scalar: usize, point: usize): void {
  begin(scalar);
  fieldDecode(X1, point);
  memory.copy(X3, X1, FIELD_LEN);
}

/** Begins scalar * 9, the public key of the 32-byte `scalar`. */
export function x25519StartBase(scalar: usize): void {
  begin(scalar);
  store<u32>(X3, BASE_U as u32);
  store<u32>(IS_BASE, 1);
}

/** Works on for a bounded time; true when the result is ready. Not to be called again then. */
export function x25519Step(): bool {
  const turns = load<i32>(TURNS);
  if (turns == 0) {
    divide();
    return true;
  }
  const stop = max<i32>(turns - TURNS_PER_STEP, 0);
  // Half a turn each time round, so that native stack is given back between.
  for (let half = 2 * turns - 1; half >= 2 * stop; half--) {
    if (half & 1) {
      mix(half >> 1);
    } else {
      double();
    }
  }
  store<i32>(TURNS, stop);
  return false;
}

/**
 * Writes the 32-byte result to `out` and wipes the workspace; false when it is all zero (RFC 7748
 * section 6.1).
 */
export function x25519Finish(out: usize): bool {
  fieldEncode(out, X2);
  wipe(WORKSPACE, WORKSPACE_LEN);
  return !ctIsZero(out, X25519_LEN);
}

/**
 * True when the 32 bytes at `point` are below p with the top bit clear: the only form a static key
 * may have.
 */
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

/**
 * The first half of a turn of section 5's loop, for scalar bit `turn`. A, B, C, D stand in the
 * places of x2, z2, x3, z3; then AA, BB, CB, DA.
 */
function mix(turn: i32): void {
  const bit: u32 = (load<u8>(SCALAR + (turn >> 3)) >> (turn & 7)) & 1;
  fieldSwapAddSub(X2, Mask.of64(bit ^ load<u32>(SWAPPED)));
  store<u32>(SWAPPED, bit);
  fieldMul(Z3, Z3, X2);
  fieldMul(X3, X3, Z2);
  fieldSquare(X2, X2, 2, FIELD_LEN);
}

/** The second half: AA, BB, CB, DA become x2, z2, x3, z3. */
function double(): void {
  fieldAddSub(X3, Z3, Z3, X3);
  fieldSquare(X3, X3, 2, FIELD_LEN);
  if (load<u32>(IS_BASE)) {
    // X1 is zero: z3 + 8 * (z3 - 0).
    fieldScale(Z3, T0, Z3, X1, BASE_U - 1);
  } else {
    fieldMul(Z3, Z3, X1);
  }
  // T1 = E = AA - BB, and T0 = AA + a24 * E.
  fieldScale(T0, T1, X2, Z2, A24);
  fieldMul(X2, X2, Z2);
  fieldMul(Z2, T0, T1);
}

/** X2 = X2 / Z2. The scalar's lowest bit is clamped to 0, so the points stand unswapped here. */
function divide(): void {
  for (let row = INVERSION; row < INVERSION + INVERSION_LEN; row += 4) {
    const out = Place.at(row, 3);
    fieldSquare(out, Place.at(row, 1), load<u8>(row), 0);
    fieldMul(out, out, Place.at(row, 2));
  }
  fieldMul(X2, X2, X3);
}
