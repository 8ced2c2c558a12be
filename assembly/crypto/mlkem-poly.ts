// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic in R_q = Z_3329[X]/(X^256 + 1) and its number-theoretic transform (FIPS 203 section 4.3).
// Before: mlkem768.ts, which owns the order of things. After: nothing.
// A polynomial is 256 unsigned coefficients of 16 bits, and one u64 holds four: sums, differences and products by one
// constant are taken four at a time, because an interpreter pays for the operation and not for its width.
// Coefficients are reduced late; each function states what it takes and gives, as multiples of q.
// Invariants: no lane ever borrows from or carries into its neighbour; no branch, address or division sees one.

export const Q: u64 = 3329;
export const POLY_LEN: u32 = 512;
/** Two bytes a coefficient become four: see polyExpand. */
export const EXPANDED_LEN: u32 = 1024;

/** A value in each of four lanes of 16 bits. */
export const LANES: u64 = 0x0001000100010001;
/** Lanes 0 and 2, with room for 32 bits each. */
const EVEN: u64 = 0x0000ffff0000ffff;
const ODD: u64 = 0xffff0000ffff0000;

/** All that an operation keeps between its steps, and its scratch. */
export const WORKSPACE: usize = memory.data(4744, 8);
export const WORKSPACE_LEN: i32 = 4744;
/** Secrets and seeds: 128 bytes that mlkem768.ts lays out. */
export const SECRETS: usize = WORKSPACE;
/** The vector that rows are multiplied by: three polynomials, expanded. */
export const VECTOR: usize = WORKSPACE + 128;
/** Three polynomials: a row, then scratch. Behind them are 8 bytes that a sampler or a decoder may touch. */
export const ROW: usize = VECTOR + 3072;

/** 17^BitRev7(i) mod q (FIPS 203 appendix A). */
const ZETAS: usize = memory.data<u16>([
  1, 1729, 2580, 3289, 2642, 630, 1897, 848, 1062, 1919, 193, 797, 2786, 3260, 569, 1746, 296, 2447,
  1339, 1476, 3046, 56, 2240, 1333, 1426, 2094, 535, 2882, 2393, 2879, 1974, 821, 289, 331, 3253,
  1756, 1197, 2304, 2277, 2055, 650, 1977, 2513, 632, 2865, 33, 1320, 1915, 2319, 1435, 807, 452,
  1438, 2868, 1534, 2402, 2647, 2617, 1481, 648, 2474, 3110, 1227, 910, 17, 2761, 583, 2649, 1637,
  723, 2288, 1100, 1409, 2662, 3281, 233, 756, 2156, 3015, 3050, 1703, 1651, 2789, 1789, 1847, 952,
  1461, 2687, 939, 2308, 2437, 2388, 733, 2337, 268, 641, 1584, 2298, 2037, 3220, 375, 2549, 2090,
  1645, 1063, 319, 2773, 757, 2099, 561, 2466, 2594, 2804, 1092, 403, 1026, 1143, 2150, 2775, 886,
  1722, 1212, 1874, 1029, 2110, 2935, 885, 2154,
]);
/** ceil(2^40 / q): floor(zeta * 2^16 / q) = zeta * this >> 24 for each zeta < q. */
const RATIO: u64 = 330282857;

export class Lanes {
  /**
   * Four lanes times `zeta`, modulo q: below 2q, for lanes of any 16 bits and `ratio` = floor(zeta * 2^16 / q) (Shoup).
   * The quotients take 32 bits each, so they are made for two lanes at a time; the rest is exact in the whole word.
   */
  @inline static scale(x: u64, zeta: u64, ratio: u64): u64 {
    const even = (((x & EVEN) * ratio) >> 16) & EVEN;
    const odd = (((x >> 16) & EVEN) * ratio) & ODD;
    return x * zeta - (even | odd) * Q;
  }

  /** Four lanes of any 16 bits modulo q, exactly: 40318 = ceil(2^27 / q) is exact up to 150,131. */
  @inline static reduce(x: u64): u64 {
    const even = (((x & EVEN) * 40318) >> 27) & 0x0000001f0000001f;
    const odd = ((((x >> 16) & EVEN) * 40318) >> 11) & 0x001f0000001f0000;
    return x - (even | odd) * Q;
  }
}

/** NTT in place (algorithm 9, with the last of its layers in ends): coefficients below 1.6 q in, below 15.6 q out. */
export function polyNtt(poly: usize): void {
  const end = poly + POLY_LEN;
  let zetas = ZETAS;
  for (let span: usize = 256; span >= 8; span >>= 1) {
    let at = poly;
    do {
      zetas += 2;
      const zeta: u64 = load<u16>(zetas);
      const ratio = (zeta * RATIO) >> 24;
      const stop = at + span;
      do {
        const far = at + span;
        const t = Lanes.scale(load<u64>(far), zeta, ratio);
        const near = load<u64>(at);
        store<u64>(at, near + t);
        store<u64>(far, near + 2 * Q * LANES - t);
        at += 8;
      } while (at < stop);
      at += span;
    } while (at < end);
  }
  nttEnds(poly, zetas);
}

/** The layer of span 2, whose two halves lie in one word. */
function nttEnds(poly: usize, zetas: usize): void {
  const end = poly + POLY_LEN;
  do {
    zetas += 2;
    const zeta: u64 = load<u16>(zetas);
    const word = load<u64>(poly);
    const t = Lanes.scale(word >> 32, zeta, (zeta * RATIO) >> 24);
    const near = word & 0xffffffff;
    store<u64>(poly, (near + t) | ((near + 2 * Q * 0x00010001 - t) << 32));
    poly += 8;
  } while (poly < end);
}

/**
 * Inverse NTT in place, times 128 (algorithm 10 without its last line): below q in, below 8 q out.
 * Sums double in each layer: q, 2, 4, 8, 16 q, reduced to q, 2, 4, 8 q; differences get 8 q to stay above zero.
 */
export function polyInverseNtt(poly: usize): void {
  const end = poly + POLY_LEN;
  let zetas = inverseEnds(poly, ZETAS + 2 * 128);
  for (let span: usize = 8; span <= 256; span <<= 1) {
    let at = poly;
    do {
      zetas -= 2;
      const zeta: u64 = load<u16>(zetas);
      const ratio = (zeta * RATIO) >> 24;
      const stop = at + span;
      do {
        const far = at + span;
        const near = load<u64>(at);
        const other = load<u64>(far);
        store<u64>(at, near + other);
        store<u64>(far, Lanes.scale(other + 8 * Q * LANES - near, zeta, ratio));
        at += 8;
      } while (at < stop);
      at += span;
    } while (at < end);
    if (span == 32) {
      polyReduce(poly);
    }
  }
}

/** The layer of span 2; gives the place of its last zeta. */
function inverseEnds(poly: usize, zetas: usize): usize {
  const end = poly + POLY_LEN;
  do {
    zetas -= 2;
    const zeta: u64 = load<u16>(zetas);
    const word = load<u64>(poly);
    const near = word & 0xffffffff;
    const other = word >> 32;
    const t = Lanes.scale(other + Q * 0x00010001 - near, zeta, (zeta * RATIO) >> 24);
    store<u64>(poly, (near + other) | (t << 32));
    poly += 8;
  } while (poly < end);
  return zetas;
}

/** Coefficients of any 16 bits to 0..q-1, in place. */
function polyReduce(poly: usize): void {
  const end = poly + POLY_LEN;
  do {
    store<u64>(poly, Lanes.reduce(load<u64>(poly)));
    poly += 8;
  } while (poly < end);
}

/** Adds `other` to `poly`; the sums must stay below 2^16, which is 19.6 q. */
export function polyAdd(poly: usize, other: usize): void {
  const end = poly + POLY_LEN;
  do {
    store<u64>(poly, load<u64>(poly) + load<u64>(other));
    poly += 8;
    other += 8;
  } while (poly < end);
}

/**
 * Writes `poly` (NTT domain, any 16 bits) to the 1,024 bytes at `target` as vectorMultiply wants it: for each pair
 * b0 + b1 X modulo X^2 - gamma the four lanes b0, gamma b1, b1, b0. Two neighbours have gammas zeta and -zeta.
 */
export function polyExpand(target: usize, poly: usize): void {
  const end = poly + POLY_LEN;
  let zetas = ZETAS + 2 * 64;
  do {
    const zeta: u64 = load<u16>(zetas);
    const word = load<u64>(poly);
    const odd = (word >> 16) & EVEN;
    const t = odd * zeta - (((odd * ((zeta * RATIO) >> 24)) >> 16) & EVEN) * Q;
    store<u64>(target, Pair.expand(word, t & 0xffff));
    store<u64>(target, Pair.expand(word >> 32, 2 * Q - (t >> 32)), 8);
    zetas += 2;
    poly += 8;
    target += 16;
  } while (poly < end);
}

class Pair {
  /** The lanes b0, product, b1, b0. */
  @inline static expand(pair: u64, product: u64): u64 {
    return (((pair & 0xffff0000) | product) << 16) | ((pair & 0xffff) * 0x0001000000000001);
  }

  /** (a0 + a1 X)(b0 + b1 X) modulo X^2 - gamma, in two lanes of 32 bits (algorithm 12). */
  @inline static multiply(a0: u64, a1: u64, b: u64): u64 {
    return (b & EVEN) * a0 + ((b >> 16) & EVEN) * a1;
  }

  /**
   * Two lanes below 2^30 modulo q. The first step leaves less than 12 q (40317 = floor(2^27 / q), and 14 low bits do
   * not count), the second is exact as in Lanes.reduce.
   */
  @inline static reduce(x: u64): u64 {
    const rest = x - (((((x >> 14) & EVEN) * 40317) >> 13) & 0x0007ffff0007ffff) * Q;
    return rest - (((rest * 40318) >> 27) & 0x0000001f0000001f) * Q;
  }
}

/**
 * The row at ROW (three polynomials below q) times the expanded vector at VECTOR (below 15.1 q before it was expanded):
 * the sum of three products, below q, at ROW. Six products of 15.1 q * q are below 2^30.
 */
export function vectorMultiply(): void {
  let at: usize = 0;
  let vector: usize = 0;
  do {
    const sum =
      Pair.multiply(load<u16>(at, ROW), load<u16>(at, ROW + 2), load<u64>(vector, VECTOR)) +
      Pair.multiply(
        load<u16>(at, ROW + POLY_LEN),
        load<u16>(at, ROW + POLY_LEN + 2),
        load<u64>(vector, VECTOR + EXPANDED_LEN),
      ) +
      Pair.multiply(
        load<u16>(at, ROW + 2 * POLY_LEN),
        load<u16>(at, ROW + 2 * POLY_LEN + 2),
        load<u64>(vector, VECTOR + 2 * EXPANDED_LEN),
      );
    const reduced = Pair.reduce(sum);
    store<u32>(at, (reduced | (reduced >> 16)) as u32, ROW);
    at += 4;
    vector += 8;
  } while (at < POLY_LEN);
}
