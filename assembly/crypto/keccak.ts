// SPDX-License-Identifier: Apache-2.0
//
// Keccak-f[1600], and on it SHA3-256, SHA3-512, SHAKE128 and SHAKE256 (FIPS 202).
// Before: mlkem768.ts and mlkem-sample.ts; primitives.ts for vectors. After: wipe.ts.
// One static state, so one sponge at a time: keccakInit, keccakAbsorb..., keccakPad, keccakSqueeze...
// Samplers read a squeezed block where it lies, at KECCAK_BLOCK, and ask for the next by keccakPermute.
// Invariants: position < rate <= 168 between calls; nothing depends on the contents, only on lengths.

import { wipe } from "./wipe";

/** Rates in bytes, and the domain bits with the first bit of the padding (FIPS 202 sections 6.1, 6.2, B.2). */
export const SHA3_256_RATE: u32 = 136;
export const SHA3_512_RATE: u32 = 72;
export const SHAKE128_RATE: u32 = 168;
export const SHAKE256_RATE: u32 = 136;
export const SHA3_SUFFIX: u32 = 0x06;
export const SHAKE_SUFFIX: u32 = 0x1f;

const STATE_LEN = 200;
const STATE: usize = memory.data(200, 8);
/** Where a squeezed block begins: the first `rate` bytes of the state. */
export const KECCAK_BLOCK: usize = STATE;

/** Bytes of a block. */
let rate: u32 = 0;
/** Bytes of the present block absorbed, or handed out. */
let position: u32 = 0;

/** SHA3-256 of the `len` bytes at `data`: 32 bytes at `out`. */
export function sha3_256(data: usize, len: u32, out: usize): void {
  hash(SHA3_256_RATE, SHA3_SUFFIX, data, len, out, 32);
}

/** SHA3-512 of the `len` bytes at `data`: 64 bytes at `out`. */
export function sha3_512(data: usize, len: u32, out: usize): void {
  hash(SHA3_512_RATE, SHA3_SUFFIX, data, len, out, 64);
}

/** The first `outLen` bytes of SHAKE128 of the `len` bytes at `data`. */
export function shake128(data: usize, len: u32, out: usize, outLen: u32): void {
  hash(SHAKE128_RATE, SHAKE_SUFFIX, data, len, out, outLen);
}

/** The first `outLen` bytes of SHAKE256 of the `len` bytes at `data`. */
export function shake256(data: usize, len: u32, out: usize, outLen: u32): void {
  hash(SHAKE256_RATE, SHAKE_SUFFIX, data, len, out, outLen);
}

/** Begins a sponge with blocks of `blockBytes`; drops the one before. */
export function keccakInit(blockBytes: u32): void {
  keccakWipe();
  rate = blockBytes;
  position = 0;
}

/** Takes in the `len` bytes at `data`, in words where it can: an interpreter pays for the operation, not its width. */
export function keccakAbsorb(data: usize, len: u32): void {
  const end = data + len;
  while (data < end) {
    const at = STATE + position;
    let taken: u32 = 1;
    if (end - data < 8 || (position & 7) != 0) {
      store<u8>(at, load<u8>(at) ^ load<u8>(data));
    } else {
      store<u64>(at, load<u64>(at) ^ load<u64>(data));
      taken = 8;
    }
    data += taken;
    position += taken;
    if (position == rate) {
      keccakPermute();
      position = 0;
    }
  }
}

/** Ends the input with pad10*1 behind `suffix`; the first block of the output then lies at KECCAK_BLOCK. */
export function keccakPad(suffix: u32): void {
  const at = STATE + position;
  store<u8>(at, load<u8>(at) ^ suffix);
  const last = STATE + rate - 1;
  store<u8>(last, load<u8>(last) ^ 0x80);
  keccakPermute();
  position = 0;
}

/** Writes the next `len` bytes of the output to `out`. */
export function keccakSqueeze(out: usize, len: u32): void {
  while (len > 0) {
    if (position == rate) {
      keccakPermute();
      position = 0;
    }
    const count = min<u32>(len, rate - position);
    memory.copy(out, STATE + position, count);
    out += count;
    len -= count;
    position += count;
  }
}

/**
 * One block of 32 bytes at `seed` and the four bytes of `tail`, which holds what follows the seed, the suffix and zeros
 * (little-endian). The first block of the output then lies at KECCAK_BLOCK; squeeze works too.
 */
export function keccakSeeded(seed: usize, tail: u32, blockBytes: u32): void {
  keccakInit(blockBytes);
  memory.copy(STATE, seed, 32);
  store<u32>(STATE, tail, 32);
  store<u8>(STATE + blockBytes - 1, 0x80);
  keccakPermute();
}

/** Overwrites the state, which holds what was absorbed and what comes next. */
export function keccakWipe(): void {
  wipe(STATE, STATE_LEN);
}

function hash(blockBytes: u32, suffix: u32, data: usize, len: u32, out: usize, outLen: u32): void {
  keccakInit(blockBytes);
  keccakAbsorb(data, len);
  keccakPad(suffix);
  keccakSqueeze(out, outLen);
  keccakWipe();
}

/** Round constants (FIPS 202 section 3.2.5). */
const CONSTANTS: usize = memory.data<u64>([
  0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
  0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
  0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
  0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
  0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
  0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
]);
const CONSTANTS_END: usize = CONSTANTS + 8 * 24;

/**
 * Keccak-f[1600] of the state (FIPS 202 section 3.3): one round is unrolled, its 25 lanes stand in locals, a<x + 5y>.
 * Lanes 1, 2, 8, 12, 17 and 20 are held as their complements: the set maps to itself under theta, rho and pi up to
 * known complements, so that 8 of chi's 25 negations are left.
 * Rho and pi move each lane to where chi wants it; columns 0 and 1 go to b, for chi needs them until its row's end.
 */
export function keccakPermute(): void {
  let a0 = load<u64>(STATE);
  let a1 = ~load<u64>(STATE, 8);
  let a2 = ~load<u64>(STATE, 16);
  let a3 = load<u64>(STATE, 24);
  let a4 = load<u64>(STATE, 32);
  let a5 = load<u64>(STATE, 40);
  let a6 = load<u64>(STATE, 48);
  let a7 = load<u64>(STATE, 56);
  let a8 = ~load<u64>(STATE, 64);
  let a9 = load<u64>(STATE, 72);
  let a10 = load<u64>(STATE, 80);
  let a11 = load<u64>(STATE, 88);
  let a12 = ~load<u64>(STATE, 96);
  let a13 = load<u64>(STATE, 104);
  let a14 = load<u64>(STATE, 112);
  let a15 = load<u64>(STATE, 120);
  let a16 = load<u64>(STATE, 128);
  let a17 = ~load<u64>(STATE, 136);
  let a18 = load<u64>(STATE, 144);
  let a19 = load<u64>(STATE, 152);
  let a20 = ~load<u64>(STATE, 160);
  let a21 = load<u64>(STATE, 168);
  let a22 = load<u64>(STATE, 176);
  let a23 = load<u64>(STATE, 184);
  let a24 = load<u64>(STATE, 192);

  let constant = CONSTANTS;
  do {
    // theta
    const c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20;
    const c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21;
    const c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22;
    const c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23;
    const c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24;
    const d0 = c4 ^ rotl<u64>(c1, 1);
    const d1 = c0 ^ rotl<u64>(c2, 1);
    const d2 = c1 ^ rotl<u64>(c3, 1);
    const d3 = c2 ^ rotl<u64>(c4, 1);
    const d4 = c3 ^ rotl<u64>(c0, 1);

    // rho and pi, in the order in which each target has become free
    const b0 = a0 ^ d0;
    const b1 = rotl<u64>(a6 ^ d1, 44);
    const b5 = rotl<u64>(a3 ^ d3, 28);
    a3 = rotl<u64>(a18 ^ d3, 21);
    a18 = rotl<u64>(a17 ^ d2, 15);
    a17 = rotl<u64>(a11 ^ d1, 10);
    const b6 = rotl<u64>(a9 ^ d4, 20);
    a9 = rotl<u64>(a22 ^ d2, 61);
    a22 = rotl<u64>(a14 ^ d4, 39);
    a14 = rotl<u64>(a20 ^ d0, 18);
    const b10 = rotl<u64>(a1 ^ d1, 1);
    const b11 = rotl<u64>(a7 ^ d2, 6);
    a7 = rotl<u64>(a10 ^ d0, 3);
    const b15 = rotl<u64>(a4 ^ d4, 27);
    a4 = rotl<u64>(a24 ^ d4, 14);
    a24 = rotl<u64>(a21 ^ d1, 2);
    const b16 = rotl<u64>(a5 ^ d0, 36);
    const b20 = rotl<u64>(a2 ^ d2, 62);
    a2 = rotl<u64>(a12 ^ d2, 43);
    a12 = rotl<u64>(a13 ^ d3, 25);
    a13 = rotl<u64>(a19 ^ d4, 8);
    a19 = rotl<u64>(a23 ^ d3, 56);
    a23 = rotl<u64>(a15 ^ d0, 41);
    const b21 = rotl<u64>(a8 ^ d3, 55);
    a8 = rotl<u64>(a16 ^ d1, 45);

    // chi, and iota on lane 0
    a0 = b0 ^ (b1 | a2) ^ load<u64>(constant);
    a1 = b1 ^ (~a2 | a3);
    a2 = a2 ^ (a3 & a4);
    a3 = a3 ^ (a4 | b0);
    a4 = a4 ^ (b0 & b1);
    a5 = b5 ^ (b6 | a7);
    a6 = b6 ^ (a7 & a8);
    a7 = a7 ^ (a8 | ~a9);
    a8 = a8 ^ (a9 | b5);
    a9 = a9 ^ (b5 & b6);
    a10 = b10 ^ (b11 | a12);
    a11 = b11 ^ (a12 & a13);
    a12 = a12 ^ (~a13 & a14);
    a13 = ~a13 ^ (a14 | b10);
    a14 = a14 ^ (b10 & b11);
    a15 = b15 ^ (b16 & a17);
    a16 = b16 ^ (a17 | a18);
    a17 = a17 ^ (~a18 | a19);
    a18 = ~a18 ^ (a19 & b15);
    a19 = a19 ^ (b15 | b16);
    a20 = b20 ^ (~b21 & a22);
    a21 = ~b21 ^ (a22 | a23);
    a22 = a22 ^ (a23 & a24);
    a23 = a23 ^ (a24 | b20);
    a24 = a24 ^ (b20 & b21);
    constant += 8;
  } while (constant < CONSTANTS_END);

  store<u64>(STATE, a0);
  store<u64>(STATE, ~a1, 8);
  store<u64>(STATE, ~a2, 16);
  store<u64>(STATE, a3, 24);
  store<u64>(STATE, a4, 32);
  store<u64>(STATE, a5, 40);
  store<u64>(STATE, a6, 48);
  store<u64>(STATE, a7, 56);
  store<u64>(STATE, ~a8, 64);
  store<u64>(STATE, a9, 72);
  store<u64>(STATE, a10, 80);
  store<u64>(STATE, a11, 88);
  store<u64>(STATE, ~a12, 96);
  store<u64>(STATE, a13, 104);
  store<u64>(STATE, a14, 112);
  store<u64>(STATE, a15, 120);
  store<u64>(STATE, a16, 128);
  store<u64>(STATE, ~a17, 136);
  store<u64>(STATE, a18, 144);
  store<u64>(STATE, a19, 152);
  store<u64>(STATE, ~a20, 160);
  store<u64>(STATE, a21, 168);
  store<u64>(STATE, a22, 176);
  store<u64>(STATE, a23, 184);
  store<u64>(STATE, a24, 192);
}
