// SPDX-License-Identifier: Apache-2.0
//
// Between polynomials and bytes: ByteEncode and ByteDecode of 12 bits, Compress and Decompress, the message
// (FIPS 203 section 4.2.1). Before: mlkem768.ts. After: mlkem-poly.ts.
// Decoders read eight bytes at a time, so up to 6 bytes behind a source: the caller sees to it that they are there.
// Invariant: quotients by q are products and shifts, exact in the stated range; there is no division (KyberSlash).

import { LANES, Lanes, POLY_LEN, Q, ROW } from "./mlkem-poly";

/** Bytes of a polynomial at 12 bits a coefficient. */
export const ENCODED_LEN: u32 = 384;

/** ceil(2^38 / q): floor(n / q) = n * this >> 38 for n < 83,524,128. */
const RECIPROCAL: u64 = 82570715;
/** (q - 1) / 2: what is added before a division to round to the nearest. */
const HALF: u64 = 1664;

/** Writes the 384 bytes of `poly` (any 16 bits, reduced on the way) to `target` (ByteEncode_12). */
export function encode12(target: usize, poly: usize): void {
  const end = poly + POLY_LEN;
  do {
    const word = Lanes.reduce(load<u64>(poly));
    const pairs = (word & 0x00000fff00000fff) | ((word >> 4) & 0x00fff00000fff000);
    store<u32>(target, (pairs | ((pairs >> 32) << 24)) as u32);
    store<u16>(target, (pairs >> 40) as u16, 4);
    poly += 8;
    target += 6;
  } while (poly < end);
}

/** Writes the three polynomials of the 1,152 bytes at `source` (ByteDecode_12) to ROW. Reads 2 bytes more. */
export function decodeRow(source: usize): void {
  let poly = ROW;
  do {
    const bits = load<u64>(source);
    const pairs = (bits & 0xffffff) | ((bits << 8) & 0x00ffffff00000000);
    store<u64>(poly, (pairs & 0x00000fff00000fff) | ((pairs & 0x00fff00000fff000) << 4));
    poly += 8;
    source += 6;
  } while (poly < ROW + 3 * POLY_LEN);
}

/**
 * True when each of the 768 values in the 1,152 bytes at `source` is below q: section 7.2's check of a public key.
 * Reads 1 byte more.
 */
export function isReduced(source: usize): bool {
  const end = source + 3 * ENCODED_LEN;
  let seen: u32 = 0;
  do {
    const pair = load<u32>(source);
    // 4096 - 3329 more carries q and all above it into bit 12.
    seen |= ((pair & 0xfff) + 767) | (((pair >> 12) & 0xfff) + 767);
    source += 3;
  } while (source < end);
  return (seen & 0x1000) == 0;
}

/**
 * ByteEncode(Compress) of `poly` with `bits` 4 or 10 a coefficient, in place: 32 * bits bytes. Coefficients may have
 * any 16 bits: multiples of q are multiples of 2^bits once scaled, which the mask cuts off.
 */
export function compress(poly: usize, bits: u32): void {
  const end = poly + POLY_LEN;
  const width: u64 = bits;
  const mask = ((<u64>1) << width) - 1;
  let target = poly;
  do {
    let word = load<u64>(poly);
    let packed: u64 = 0;
    let at: u64 = 0;
    do {
      packed |= ((((((word & 0xffff) << width) + HALF) * RECIPROCAL) >> 38) & mask) << at;
      word >>= 16;
      at += width;
    } while (at < 4 * width);
    // Writes more than it means to, but never beyond what it has read.
    store<u64>(target, packed);
    poly += 8;
    target += bits >> 1;
  } while (poly < end);
}

/** Decompress(ByteDecode) of the 32 * bits bytes at `source` to `poly`, below q; `bits` 4 or 10. Reads 6 more. */
export function decompress(poly: usize, source: usize, bits: u32): void {
  const end = poly + POLY_LEN;
  const width: u64 = bits;
  const mask = ((<u64>1) << width) - 1;
  const half = (mask + 1) >> 1;
  do {
    let packed = load<u64>(source);
    const stop = poly + 8;
    do {
      store<u16>(poly, (((packed & mask) * Q + half) >> width) as u16);
      packed >>= width;
      poly += 2;
    } while (poly < stop);
    source += bits >> 1;
  } while (poly < end);
}

/** Adds Decompress_1 of the 32 bytes at `message` to `poly`: half of q for each bit. */
export function addMessage(poly: usize, message: usize): void {
  const end = poly + POLY_LEN;
  do {
    const byte: u64 = load<u8>(message);
    store<u64>(poly, load<u64>(poly) + bitsToLanes(byte & 15) * (HALF + 1));
    store<u64>(poly, load<u64>(poly, 8) + bitsToLanes(byte >> 4) * (HALF + 1), 8);
    poly += 16;
    message++;
  } while (poly < end);
}

/** Four bits, one to each lane: four copies side by side, of which the mask leaves the right ones. */
function bitsToLanes(bits: u64): u64 {
  return (bits * 0x0000200040008001) & LANES;
}

/**
 * Writes Compress_1 of `poly` + 26 * `product` to the 32 bytes at `message`. With `poly` below q, `product` below 8 q:
 * 26 is minus the 128^-1 that the inverse transform left out, so this is the `v - u s` of algorithm 15.
 */
export function takeMessage(message: usize, poly: usize, product: usize): void {
  const end = message + 32;
  do {
    let byte: u64 = 0;
    let bit: u64 = 0;
    do {
      const value: u64 = (load<u16>(product) as u64) * 52 + (load<u16>(poly) as u64) * 2;
      byte |= ((((value + HALF) * RECIPROCAL) >> 38) & 1) << bit;
      poly += 2;
      product += 2;
      bit++;
    } while (bit < 8);
    store<u8>(message, byte as u8);
    message++;
  } while (message < end);
}
