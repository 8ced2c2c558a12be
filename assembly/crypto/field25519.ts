// SPDX-License-Identifier: Apache-2.0
//
// The field of X25519: integers mod p = 2^255 - 19 (RFC 7748 section 4.1).
// Before: x25519.ts. After: nothing.
// An element is ten limbs of 26 and 25 bits in turn, u32 in memory (40 bytes): limb i weighs
// 2^ceil(25.5 i).
// Invariants: "reduced" is < 2^26 + 2^17 (even limbs) and < 2^25 + 2^17 (odd); "loose" is less than
// 2^26 or 2^25 times 3.01, as sums and differences are. Multiplying takes loose and gives reduced.
// 19 * loose (even) and 38 * loose (odd) are below 2^32, and each sum of ten products below 2^63.

export const FIELD_LEN = 40;

const WORD: u64 = 0xffffffff;
const EVEN: u64 = 0x3ffffff;
const ODD: u64 = 0x1ffffff;
/** Limbs of 2p, two at a time: added so that no limb of a difference becomes negative. */
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

/** Limbs in u64 locals; the mask tells a compiler on the way that a multiple has 32 bits too. */
class Wide {
  @inline static limb(ptr: usize, i: usize): u64 {
    return load<u32>(ptr + 4 * i) as u64;
  }

  @inline static times(limb: u64, factor: u64): u64 {
    return (limb * factor) & WORD;
  }
}

/** out = the 32 bytes LE at `bytes` without their top bit (section 5), reduced. */
export function fieldDecode(out: usize, bytes: usize): void {
  for (let i = 0; i < 10; i++) {
    const bit = Limb.bit(i);
    // At most 6 bits of shift and 26 of limb: each limb lies within one word.
    const word: u32 = load<u32>(bytes + (bit >> 3));
    store<u32>(out + 4 * i, (word >> (bit & 7)) & Limb.mask(i));
  }
}

/** Writes the value mod p as 32 bytes LE to `bytes`; the reduced element at `from` is changed. */
export function fieldEncode(bytes: usize, from: usize): void {
  let carry = propagate(from, 0);
  carry = propagate(from, carry * 19);
  // The value is below 2^255 now, so it is p or more exactly when 19 more reach 2^255.
  let over = (carry + 1) * 19;
  for (let i = 0; i < 10; i++) {
    over = (load<u32>(from + 4 * i) + over) >> Limb.width(i);
  }
  // Value + 19 - 2^255 = value - p: this last carry is dropped.
  propagate(from, (carry + over) * 19);
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

/** Adds `carry`, brings each limb to its width, and gives what passes 2^255. */
function propagate(element: usize, carry: u32): u32 {
  for (let i = 0; i < 10; i++) {
    const limb = load<u32>(element + 4 * i) + carry;
    store<u32>(element + 4 * i, limb & Limb.mask(i));
    carry = limb >> Limb.width(i);
  }
  return carry;
}

/** sum = a + b and difference = a - b, loose, of reduced a and b; the outputs may be the inputs. */
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
 * The ladder's way in, over reduced x2, z2, x3, z3 that lie one behind the other at `points`: where
 * `mask` is all ones the two points change places; then x2 + z2, x2 - z2, x3 + z3, x3 - z3 (loose)
 * stand there. One pass, because each load and store costs an interpreter as much as a product.
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

/**
 * difference = a - b (loose) and out = a + factor * difference (reduced), of reduced a and b and
 * factor < 2^18. `out` may be a.
 */
export function fieldScale(out: usize, difference: usize, a: usize, b: usize, factor: u64): void {
  let bias = BIAS_FIRST as u32;
  let carry: u64 = 0;
  for (let at = 0; at < FIELD_LEN; at += 8) {
    const a0: u32 = load<u32>(a + at);
    const a1: u32 = load<u32>(a + at, 4);
    const d0: u32 = a0 + bias - load<u32>(b + at);
    const d1: u32 = a1 + ((BIAS >> 32) as u32) - load<u32>(b + at, 4);
    store<u32>(difference + at, d0);
    store<u32>(difference + at, d1, 4);
    const even = (d0 as u64) * factor + (a0 as u64) + carry;
    const odd = (d1 as u64) * factor + (a1 as u64) + (even >> 26);
    store<u32>(out + at, (even & EVEN) as u32);
    store<u32>(out + at, (odd & ODD) as u32, 4);
    carry = odd >> 25;
    bias = BIAS as u32;
  }
  const first = (load<u32>(out) as u64) + carry * 19;
  store<u32>(out, (first & EVEN) as u32);
  store<u32>(out, load<u32>(out, 4) + ((first >> 26) as u32), 4);
}

/**
 * out = f * g, reduced; f and g loose. `out` may be either.
 * Limb k is the sum over i of f[i] * g[k - i]; an index below 0 stands for 19 * g[k - i + 10] (t),
 * and two odd limbs count double (d). The loop is there for its back edge, where an interpreter on
 * a compiler without tail calls gives its native stack back: in one run it would need twice as
 * much.
 */
export function fieldMul(out: usize, f: usize, g: usize): void {
  let f0: u64 = 0;
  let f1: u64 = 0;
  let f2: u64 = 0;
  let f3: u64 = 0;
  let f4: u64 = 0;
  let f5: u64 = 0;
  let f6: u64 = 0;
  let f7: u64 = 0;
  let f8: u64 = 0;
  let f9: u64 = 0;
  let d1: u64 = 0;
  let d3: u64 = 0;
  let d5: u64 = 0;
  let d7: u64 = 0;
  let d9: u64 = 0;
  let g0: u64 = 0;
  let g1: u64 = 0;
  let g2: u64 = 0;
  let g3: u64 = 0;
  let g4: u64 = 0;
  let g5: u64 = 0;
  let g6: u64 = 0;
  let g7: u64 = 0;
  let g8: u64 = 0;
  let g9: u64 = 0;
  let t1: u64 = 0;
  let t2: u64 = 0;
  let t3: u64 = 0;
  let t4: u64 = 0;
  let t5: u64 = 0;
  let t6: u64 = 0;
  let t7: u64 = 0;
  let t8: u64 = 0;
  let t9: u64 = 0;
  let first: u64 = 0;
  let second: u64 = 0;
  let carry: u64 = 0;
  for (let half = 0; half < 2; half++) {
    if (half == 0) {
      f0 = Wide.limb(f, 0);
      f1 = Wide.limb(f, 1);
      f2 = Wide.limb(f, 2);
      f3 = Wide.limb(f, 3);
      f4 = Wide.limb(f, 4);
      f5 = Wide.limb(f, 5);
      f6 = Wide.limb(f, 6);
      f7 = Wide.limb(f, 7);
      f8 = Wide.limb(f, 8);
      f9 = Wide.limb(f, 9);
      d1 = Wide.times(f1, 2);
      d3 = Wide.times(f3, 2);
      d5 = Wide.times(f5, 2);
      d7 = Wide.times(f7, 2);
      d9 = Wide.times(f9, 2);
      g0 = Wide.limb(g, 0);
      g1 = Wide.limb(g, 1);
      g2 = Wide.limb(g, 2);
      g3 = Wide.limb(g, 3);
      g4 = Wide.limb(g, 4);
      g5 = Wide.limb(g, 5);
      g6 = Wide.limb(g, 6);
      g7 = Wide.limb(g, 7);
      g8 = Wide.limb(g, 8);
      g9 = Wide.limb(g, 9);
      t1 = Wide.times(g1, 19);
      t2 = Wide.times(g2, 19);
      t3 = Wide.times(g3, 19);
      t4 = Wide.times(g4, 19);
      t5 = Wide.times(g5, 19);
      t6 = Wide.times(g6, 19);
      t7 = Wide.times(g7, 19);
      t8 = Wide.times(g8, 19);
      t9 = Wide.times(g9, 19);
      const e0 = f0 * g0 + f2 * t8 + f4 * t6 + f6 * t4 + f8 * t2;
      const h0 = e0 + d1 * t9 + d3 * t7 + d5 * t5 + d7 * t3 + d9 * t1;
      first = h0 & EVEN;
      const e1 = f0 * g1 + f2 * t9 + f4 * t7 + f6 * t5 + f8 * t3 + (h0 >> 26);
      const h1 = e1 + f1 * g0 + f3 * t8 + f5 * t6 + f7 * t4 + f9 * t2;
      second = h1 & ODD;
      const e2 = f0 * g2 + f2 * g0 + f4 * t8 + f6 * t6 + f8 * t4 + (h1 >> 25);
      const h2 = e2 + d1 * g1 + d3 * t9 + d5 * t7 + d7 * t5 + d9 * t3;
      store<u32>(out, (h2 & EVEN) as u32, 8);
      const e3 = f0 * g3 + f2 * g1 + f4 * t9 + f6 * t7 + f8 * t5 + (h2 >> 26);
      const h3 = e3 + f1 * g2 + f3 * g0 + f5 * t8 + f7 * t6 + f9 * t4;
      store<u32>(out, (h3 & ODD) as u32, 12);
      carry = h3 >> 25;
    } else {
      const e4 = f0 * g4 + f2 * g2 + f4 * g0 + f6 * t8 + f8 * t6 + carry;
      const h4 = e4 + d1 * g3 + d3 * g1 + d5 * t9 + d7 * t7 + d9 * t5;
      store<u32>(out, (h4 & EVEN) as u32, 16);
      const e5 = f0 * g5 + f2 * g3 + f4 * g1 + f6 * t9 + f8 * t7 + (h4 >> 26);
      const h5 = e5 + f1 * g4 + f3 * g2 + f5 * g0 + f7 * t8 + f9 * t6;
      store<u32>(out, (h5 & ODD) as u32, 20);
      const e6 = f0 * g6 + f2 * g4 + f4 * g2 + f6 * g0 + f8 * t8 + (h5 >> 25);
      const h6 = e6 + d1 * g5 + d3 * g3 + d5 * g1 + d7 * t9 + d9 * t7;
      store<u32>(out, (h6 & EVEN) as u32, 24);
      const e7 = f0 * g7 + f2 * g5 + f4 * g3 + f6 * g1 + f8 * t9 + (h6 >> 26);
      const h7 = e7 + f1 * g6 + f3 * g4 + f5 * g2 + f7 * g0 + f9 * t8;
      store<u32>(out, (h7 & ODD) as u32, 28);
      const e8 = f0 * g8 + f2 * g6 + f4 * g4 + f6 * g2 + f8 * g0 + (h7 >> 25);
      const h8 = e8 + d1 * g7 + d3 * g5 + d5 * g3 + d7 * g1 + d9 * t9;
      store<u32>(out, (h8 & EVEN) as u32, 32);
      const e9 = f0 * g9 + f2 * g7 + f4 * g5 + f6 * g3 + f8 * g1 + (h8 >> 26);
      const h9 = e9 + f1 * g8 + f3 * g6 + f5 * g4 + f7 * g2 + f9 * g0;
      store<u32>(out, (h9 & ODD) as u32, 36);
      carry = h9 >> 25;
    }
  }
  first += carry * 19;
  store<u32>(out, (first & EVEN) as u32);
  store<u32>(out, (second + (first >> 26)) as u32, 4);
}

/**
 * Squares `times` times, loose to reduced. With stride 0 a chain: out = f^(2^times), where `out`
 * may be f. With stride FIELD_LEN `times` neighbours, each in place: `out` is f then.
 */
export function fieldSquare(out: usize, f: usize, times: i32, stride: i32): void {
  do {
    const f0 = Wide.limb(f, 0);
    const f1 = Wide.limb(f, 1);
    const f2 = Wide.limb(f, 2);
    const f3 = Wide.limb(f, 3);
    const f4 = Wide.limb(f, 4);
    const f5 = Wide.limb(f, 5);
    const f6 = Wide.limb(f, 6);
    const f7 = Wide.limb(f, 7);
    const f8 = Wide.limb(f, 8);
    const f9 = Wide.limb(f, 9);
    const d0 = Wide.times(f0, 2);
    const d1 = Wide.times(f1, 2);
    const d2 = Wide.times(f2, 2);
    const d3 = Wide.times(f3, 2);
    const d4 = Wide.times(f4, 2);
    const d5 = Wide.times(f5, 2);
    const d6 = Wide.times(f6, 2);
    const d7 = Wide.times(f7, 2);
    const t5 = Wide.times(f5, 38);
    const t6 = Wide.times(f6, 19);
    const t7 = Wide.times(f7, 38);
    const t8 = Wide.times(f8, 19);
    const t9 = Wide.times(f9, 38);
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
    store<u32>(out, (h2 & EVEN) as u32, 8);
    store<u32>(out, (h3 & ODD) as u32, 12);
    store<u32>(out, (h4 & EVEN) as u32, 16);
    store<u32>(out, (h5 & ODD) as u32, 20);
    store<u32>(out, (h6 & EVEN) as u32, 24);
    store<u32>(out, (h7 & ODD) as u32, 28);
    store<u32>(out, (h8 & EVEN) as u32, 32);
    store<u32>(out, (h9 & ODD) as u32, 36);
    const first = (h0 & EVEN) + (h9 >> 25) * 19;
    store<u32>(out, (first & EVEN) as u32);
    store<u32>(out, ((h1 & ODD) + (first >> 26)) as u32, 4);
    out += stride;
    f = out;
    times--;
  } while (times > 0);
}
