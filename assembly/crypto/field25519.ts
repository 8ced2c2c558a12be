// SPDX-License-Identifier: Apache-2.0
//
// The field of X25519: integers mod p = 2^255 - 19 (RFC 7748 section 4.1).
// Before: x25519.ts. After: nothing.
// An element is ten limbs of 26 and 25 bits in turn, u32 in memory (40 bytes): limb i weighs 2^ceil(25.5 i).
// Invariants: "reduced" is < 2^26 + 2^16 (even limbs) and < 2^25 + 2^16 (odd); "loose" is at most three times that,
// as sums and differences are. Multiplying takes loose and gives reduced; 19 * loose < 2^32, so factors are made in
// 32 bits and only then widened, and each sum of ten products stays below 2^63.

export const FIELD_LEN = 40;

const EVEN: u64 = 0x3ffffff;
const ODD: u64 = 0x1ffffff;
/** Limbs of 2p, two at a time: what is added so that a difference of reduced elements cannot become negative. */
const BIAS_FIRST: u64 = 0x03fffffe_07ffffda;
const BIAS: u64 = 0x03fffffe_07fffffe;

/** Limb `i` has 26 bits when even, 25 when odd, and begins at bit ceil(25.5 i). */
class Limb {
  @inline static width(i: i32): i32 {
    return 26 - (i & 1);
  }

  @inline static mask(i: i32): u32 {
    return (1 << Limb.width(i)) - 1;
  }

  @inline static bit(i: i32): i32 {
    return (51 * i + 1) >> 1;
  }
}

/** One loose or reduced limb, widened. */
class Wide {
  @inline static at(ptr: usize, i: usize): u64 {
    return load<u32>(ptr + 4 * i) as u64;
  }

  @inline static times(factor: u32, ptr: usize, i: usize): u64 {
    return (load<u32>(ptr + 4 * i) * factor) as u64;
  }
}

/** out = the 32 bytes LE at `bytes` without their top bit (section 5), reduced; `out` must not overlap them. */
export function fieldDecode(out: usize, bytes: usize): void {
  for (let i = 0; i < 10; i++) {
    const bit = Limb.bit(i);
    // 7 bits of shift and 26 of limb: every limb lies within one 32-bit word.
    const word = load<u32>(bytes + (bit >> 3)) >> (bit & 7);
    store<u32>(out + 4 * i, word & Limb.mask(i));
  }
}

/** Writes the value mod p as 32 bytes LE to `bytes`; the element at `from` is reduced and is changed. */
export function fieldEncode(bytes: usize, from: usize): void {
  propagate(from, 0);
  propagate(from, 0);
  // Adding 19 carries out of bit 255 exactly when the value is p or more (below 2p here): then it is value - p.
  let over: u32 = 19;
  for (let i = 0; i < 10; i++) {
    over = (load<u32>(from + 4 * i) + over) >> Limb.width(i);
  }
  propagate(from, over * 19);
  let word: u64 = 0;
  let filled = 0;
  for (let i = 0; i < 10; i++) {
    word |= (load<u32>(from + 4 * i) as u64) << filled;
    filled += Limb.width(i);
    if (filled >= 32) {
      store<u32>(bytes, word as u32);
      bytes += 4;
      word >>= 32;
      filled -= 32;
    }
  }
  store<u32>(bytes, word as u32);
}

/** Adds `carry` and carries once around; what leaves bit 255 is dropped after it was added 19 times below. */
function propagate(element: usize, carry: u32): void {
  for (let i = 0; i < 10; i++) {
    const limb = load<u32>(element + 4 * i) + carry;
    store<u32>(element + 4 * i, limb & Limb.mask(i));
    carry = limb >> Limb.width(i);
  }
  store<u32>(element, load<u32>(element) + carry * 19);
}

/** sum = a + b and difference = a - b, both loose, of reduced a and b; the outputs may be the inputs. */
export function fieldAddSub(sum: usize, difference: usize, a: usize, b: usize): void {
  let bias = BIAS_FIRST;
  for (let at = 0; at < FIELD_LEN; at += 8) {
    const left = load<u64>(a + at);
    const right = load<u64>(b + at);
    store<u64>(sum + at, left + right);
    store<u64>(difference + at, left + bias - right);
    bias = BIAS;
  }
}

/**
 * The ladder's way in, over x2, z2, x3, z3 that lie one behind the other at `points`: where `mask` is all ones the
 * two points change places; then x2, z2, x3, z3 = x2 + z2, x2 - z2, x3 + z3, x3 - z3 (loose).
 */
export function fieldSwapAddSub(points: usize, mask: u64): void {
  let bias = BIAS_FIRST;
  for (const end = points + FIELD_LEN; points < end; points += 8) {
    let x2 = load<u64>(points);
    let z2 = load<u64>(points, FIELD_LEN);
    let x3 = load<u64>(points, 2 * FIELD_LEN);
    let z3 = load<u64>(points, 3 * FIELD_LEN);
    const x = mask & (x2 ^ x3);
    const z = mask & (z2 ^ z3);
    x2 ^= x;
    z2 ^= z;
    x3 ^= x;
    z3 ^= z;
    store<u64>(points, x2 + z2);
    store<u64>(points, x2 + bias - z2, FIELD_LEN);
    store<u64>(points, x3 + z3, 2 * FIELD_LEN);
    store<u64>(points, x3 + bias - z3, 3 * FIELD_LEN);
    bias = BIAS;
  }
}

/** out = a + factor * b, reduced; a and b loose, factor < 2^18. `out` may be either. */
export function fieldAddScaled(out: usize, a: usize, b: usize, factor: u32): void {
  let carry: u64 = 0;
  const first = out;
  for (const end = out + FIELD_LEN; out < end; out += 8) {
    const even = carry + load<u32>(a) + (load<u32>(b) as u64) * (factor as u64);
    const odd = (even >> 26) + load<u32>(a, 4) + (load<u32>(b, 4) as u64) * (factor as u64);
    store<u32>(out, (even & EVEN) as u32);
    store<u32>(out, (odd & ODD) as u32, 4);
    carry = odd >> 25;
    a += 8;
    b += 8;
  }
  wrap(first, carry);
}

/** Adds 19 * carry (what left bit 255) to limbs 0 and 1; carry < 2^40. */
function wrap(element: usize, carry: u64): void {
  const low = (load<u32>(element) as u64) + (carry << 4) + (carry << 1) + carry;
  store<u32>(element, (low & EVEN) as u32);
  store<u32>(element, load<u32>(element, 4) + ((low >> 26) as u32), 4);
}

/**
 * out = f * g, reduced; f and g loose. `out` may be either.
 * Limb k is the sum over i of f[i] * g[k - i], where an index below 0 means 19 * g[k - i + 10], and two odd limbs count
 * double. Two limbs a turn: the window w0..w9, wNext of g moves by two, which needs a sixth of the native stack of
 * an unrolled product and a few moves more.
 */
export function fieldMul(out: usize, f: usize, g: usize): void {
  const f0 = Wide.at(f, 0);
  const f1 = Wide.at(f, 1);
  const f2 = Wide.at(f, 2);
  const f3 = Wide.at(f, 3);
  const f4 = Wide.at(f, 4);
  const f5 = Wide.at(f, 5);
  const f6 = Wide.at(f, 6);
  const f7 = Wide.at(f, 7);
  const f8 = Wide.at(f, 8);
  const f9 = Wide.at(f, 9);
  const d1 = Wide.times(2, f, 1);
  const d3 = Wide.times(2, f, 3);
  const d5 = Wide.times(2, f, 5);
  const d7 = Wide.times(2, f, 7);
  const d9 = Wide.times(2, f, 9);
  let wNext = Wide.at(g, 1);
  let w0 = Wide.at(g, 0);
  let w1 = Wide.times(19, g, 9);
  let w2 = Wide.times(19, g, 8);
  let w3 = Wide.times(19, g, 7);
  let w4 = Wide.times(19, g, 6);
  let w5 = Wide.times(19, g, 5);
  let w6 = Wide.times(19, g, 4);
  let w7 = Wide.times(19, g, 3);
  let w8 = Wide.times(19, g, 2);
  let w9 = Wide.times(19, g, 1);
  let carry: u64 = 0;
  const first = out;
  for (const end = out + FIELD_LEN; ; ) {
    const even =
      f0 * w0 +
      d1 * w1 +
      f2 * w2 +
      d3 * w3 +
      f4 * w4 +
      d5 * w5 +
      f6 * w6 +
      d7 * w7 +
      f8 * w8 +
      d9 * w9 +
      carry;
    const odd =
      f0 * wNext +
      f1 * w0 +
      f2 * w1 +
      f3 * w2 +
      f4 * w3 +
      f5 * w4 +
      f6 * w5 +
      f7 * w6 +
      f8 * w7 +
      f9 * w8 +
      (even >> 26);
    store<u32>(out, (even & EVEN) as u32);
    store<u32>(out, (odd & ODD) as u32, 4);
    carry = odd >> 25;
    out += 8;
    if (out == end) break;
    w9 = w7;
    w8 = w6;
    w7 = w5;
    w6 = w4;
    w5 = w3;
    w4 = w2;
    w3 = w1;
    w2 = w0;
    w1 = wNext;
    g += 8;
    // Ahead of what was written, also when `out` is g.
    w0 = Wide.at(g, 0);
    wNext = Wide.at(g, 1);
  }
  wrap(first, carry);
}

/** out = f^(2^times), reduced; f loose, times >= 1. `out` may be f. */
export function fieldSquare(out: usize, f: usize, times: i32): void {
  for (; times > 0; times--) {
    const f0 = Wide.at(f, 0);
    const f1 = Wide.at(f, 1);
    const f2 = Wide.at(f, 2);
    const f3 = Wide.at(f, 3);
    const f4 = Wide.at(f, 4);
    const f5 = Wide.at(f, 5);
    const f6 = Wide.at(f, 6);
    const f7 = Wide.at(f, 7);
    const f8 = Wide.at(f, 8);
    const f9 = Wide.at(f, 9);
    const d0 = Wide.times(2, f, 0);
    const d1 = Wide.times(2, f, 1);
    const d2 = Wide.times(2, f, 2);
    const d3 = Wide.times(2, f, 3);
    const d4 = Wide.times(2, f, 4);
    const d5 = Wide.times(2, f, 5);
    const d6 = Wide.times(2, f, 6);
    const d7 = Wide.times(2, f, 7);
    const t5 = Wide.times(38, f, 5);
    const t6 = Wide.times(19, f, 6);
    const t7 = Wide.times(38, f, 7);
    const t8 = Wide.times(19, f, 8);
    const t9 = Wide.times(38, f, 9);
    const h0 = f0 * f0 + d1 * t9 + d2 * t8 + d3 * t7 + d4 * t6 + f5 * t5;
    const h1 = d0 * f1 + f2 * t9 + d3 * t8 + f4 * t7 + d5 * t6 + (h0 >> 26);
    const h2 = d0 * f2 + d1 * f1 + d3 * t9 + d4 * t8 + d5 * t7 + f6 * t6 + (h1 >> 25);
    const h3 = d0 * f3 + d1 * f2 + f4 * t9 + d5 * t8 + f6 * t7 + (h2 >> 26);
    const h4 = d0 * f4 + d1 * d3 + f2 * f2 + d5 * t9 + d6 * t8 + f7 * t7 + (h3 >> 25);
    const h5 = d0 * f5 + d1 * f4 + d2 * f3 + f6 * t9 + d7 * t8 + (h4 >> 26);
    const h6 = d0 * f6 + d1 * d5 + d2 * f4 + d3 * f3 + d7 * t9 + f8 * t8 + (h5 >> 25);
    const h7 = d0 * f7 + d1 * f6 + d2 * f5 + d3 * f4 + f8 * t9 + (h6 >> 26);
    const h8 = d0 * f8 + d1 * d7 + d2 * f6 + d3 * d5 + f4 * f4 + f9 * t9 + (h7 >> 25);
    const h9 = d0 * f9 + d1 * f8 + d2 * f7 + d3 * f6 + d4 * f5 + (h8 >> 26);
    store<u32>(out, (h0 & EVEN) as u32);
    store<u32>(out, (h1 & ODD) as u32, 4);
    store<u32>(out, (h2 & EVEN) as u32, 8);
    store<u32>(out, (h3 & ODD) as u32, 12);
    store<u32>(out, (h4 & EVEN) as u32, 16);
    store<u32>(out, (h5 & ODD) as u32, 20);
    store<u32>(out, (h6 & EVEN) as u32, 24);
    store<u32>(out, (h7 & ODD) as u32, 28);
    store<u32>(out, (h8 & EVEN) as u32, 32);
    store<u32>(out, (h9 & ODD) as u32, 36);
    wrap(out, h9 >> 25);
    f = out;
  }
}
