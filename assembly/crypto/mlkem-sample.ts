// SPDX-License-Identifier: Apache-2.0
//
// Sampling of polynomials: uniform in the NTT domain (SampleNTT) and small (SamplePolyCBD) (FIPS 203 section 4.2.2).
// Before: mlkem768.ts. After: keccak.ts, whose squeezed blocks are read where they lie; mlkem-poly.ts.
// Invariants: uniform samples depend on the public seed rho alone, in values and in time;
// for the small ones the same instructions run whatever the secret seed.

import {
  KECCAK_BLOCK,
  keccakPermute,
  keccakSeeded,
  SHAKE_SUFFIX,
  SHAKE128_RATE,
  SHAKE256_RATE,
} from "./keccak";
import { LANES, POLY_LEN, Q } from "./mlkem-poly";

/**
 * 128^-1 = -26 mod q: noise sampled at this scale makes up for the inverse transform, which leaves a factor of 128.
 */
export const SCALE_INVERSE: i32 = -26;
export const SCALE_ONE: i32 = 1;

class Candidate {
  /** Writes `value`, and moves on if it is below q: there is no branch to mispredict, and nothing secret. */
  @inline static accept(at: usize, value: u64): usize {
    store<u16>(at, value);
    return at + ((<usize>(value < Q)) << 1);
  }
}

/**
 * SampleNTT (algorithm 7) of the 32 bytes `rho`, then `first`, then `second`, below q, at `poly`.
 * Writes up to 6 bytes behind it.
 */
export function sampleUniform(poly: usize, rho: usize, first: u32, second: u32): void {
  keccakSeeded(rho, first | (second << 8) | (SHAKE_SUFFIX << 16), SHAKE128_RATE);
  const end = poly + POLY_LEN;
  for (;;) {
    let from = KECCAK_BLOCK;
    do {
      const bits = load<u64>(from);
      poly = Candidate.accept(poly, bits & 0xfff);
      poly = Candidate.accept(poly, (bits >> 12) & 0xfff);
      poly = Candidate.accept(poly, (bits >> 24) & 0xfff);
      poly = Candidate.accept(poly, (bits >> 36) & 0xfff);
      from += 6;
    } while (from < KECCAK_BLOCK + SHAKE128_RATE && poly < end);
    if (poly >= end) {
      return;
    }
    keccakPermute();
  }
}

/**
 * Adds SamplePolyCBD with eta = 2 (algorithm 8) of PRF(seed, nonce), times `scale`, to `poly`: q - 52 to q + 52 to each
 * coefficient. `seed` has 32 bytes; `nonce` is one byte.
 */
export function addNoise(poly: usize, seed: usize, nonce: u32, scale: i32): void {
  keccakSeeded(seed, nonce | (SHAKE_SUFFIX << 8), SHAKE256_RATE);
  const factor = scale as i64 as u64;
  const bias = (Q - 2 * factor) * LANES;
  let from = KECCAK_BLOCK;
  do {
    const bits = load<u64>(from);
    // Each nibble becomes its first two bits' sum, less the other two's, plus 2: 0 to 4.
    const sums = (bits & 0x5555555555555555) + ((bits >> 1) & 0x5555555555555555);
    let nibbles =
      (sums & 0x3333333333333333) + 0x2222222222222222 - ((sums >> 2) & 0x3333333333333333);
    const stop = poly + 32;
    do {
      // Four nibbles to four lanes: twice, a copy moved aside and what is not wanted cut off.
      const pairs = ((nibbles & 0xffff) * 0x1000001) & 0x000000ff000000ff;
      const noise = ((pairs * 0x1001) & (15 * LANES)) * factor + bias;
      store<u64>(poly, load<u64>(poly) + noise);
      nibbles >>= 16;
      poly += 8;
    } while (poly < stop);
    from += 8;
  } while (from < KECCAK_BLOCK + 128);
}
