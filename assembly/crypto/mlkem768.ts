// SPDX-License-Identifier: Apache-2.0
//
// ML-KEM-768 (FIPS 203): key generation, encapsulation, decapsulation, each a start and bounded steps.
// Before: noise.ts; primitives.ts for vectors. After: mlkem-sample.ts, mlkem-poly.ts, mlkem-pack.ts, keccak.ts.
// One static workspace of under 5 KiB, so one operation at a time: a start drops the one before, the last step wipes.
// The matrix is made row by row and never stands as a whole. A step is a row: under 1.5 M instructions under wasm3.
// Caller memory (ek, dk, ct, ss) stays put until the operation is finished; an output may not overlap an input.
// Invariant: what runs depends on rho, the seed of the public matrix, and on nothing that is secret.

import { ctEqual, ctMove } from "./ct";
import {
  keccakAbsorb,
  keccakInit,
  keccakPad,
  keccakSeeded,
  keccakSqueeze,
  keccakWipe,
  SHA3_512_RATE,
  SHA3_SUFFIX,
  SHAKE_SUFFIX,
  SHAKE256_RATE,
  sha3_256,
  sha3_512,
} from "./keccak";
import {
  addMessage,
  compress,
  decodeRow,
  decompress,
  ENCODED_LEN,
  encode12,
  isReduced,
  takeMessage,
} from "./mlkem-pack";
import {
  EXPANDED_LEN,
  POLY_LEN,
  polyAdd,
  polyExpand,
  polyInverseNtt,
  polyNtt,
  ROW,
  SECRETS,
  VECTOR,
  vectorMultiply,
  WORKSPACE,
  WORKSPACE_LEN,
} from "./mlkem-poly";
import { addNoise, SCALE_INVERSE, SCALE_ONE, sampleUniform } from "./mlkem-sample";
import { wipe } from "./wipe";

export const MLKEM_EK_LEN = 1184;
export const MLKEM_CT_LEN = 1088;

/** The rank of the module: k of section 8. */
const K: u32 = 3;
const VECTOR_ENCODED_LEN: u32 = K * ENCODED_LEN;
/** du and dv of section 8, and the bytes of a polynomial compressed so. */
const U_BITS: u32 = 10;
const U_LEN: u32 = 32 * U_BITS;
const V_BITS: u32 = 4;
const V_LEN: u32 = 32 * V_BITS;
/** dk = s, ek, H(ek), z. */
const DK_EK: u32 = VECTOR_ENCODED_LEN;
const DK_HASH: u32 = DK_EK + MLKEM_EK_LEN;
const DK_Z: u32 = DK_HASH + 32;

const FIRST: usize = ROW;
const SECOND: usize = ROW + POLY_LEN;
const THIRD: usize = ROW + 2 * POLY_LEN;

/** m and H(ek), side by side as G wants them. Key generation keeps z in the place of m. */
const MESSAGE: usize = SECRETS;
const HASH: usize = SECRETS + 32;
/** What G gives: K and r; in key generation rho and sigma. */
const KEY: usize = SECRETS + 64;
const COINS: usize = SECRETS + 96;

const IDLE: u32 = 0;
const KEYGEN: u32 = 1;
const ENCAPS: u32 = 2;
const DECAPS: u32 = 3;

let operation: u32 = 0;
let step: u32 = 0;
let ek: usize = 0;
let dk: usize = 0;
let ct: usize = 0;
let ss: usize = 0;
/** 1 while the re-encryption has agreed with the ciphertext, else 0. Secret. */
let agrees: u32 = 0;

/**
 * Begins key generation (algorithm 16) from the 64 bytes d, z at `seed64`, which are copied.
 * The encapsulation key of 1,184 bytes goes to `ekOut`, the decapsulation key of 2,400 bytes to `dkOut`; they may not
 * overlap, except that `ekOut` may be `dkOut` + 1,152, where the latter holds its copy of the former.
 */
export function mlkemKeygenStart(seed64: usize, ekOut: usize, dkOut: usize): void {
  begin(KEYGEN, ekOut);
  dk = dkOut;
  memory.copy(MESSAGE, seed64 + 32, 32);
  // G(d, k) of algorithm 13, line 1.
  keccakSeeded(seed64, K | (SHA3_SUFFIX << 8), SHA3_512_RATE);
  keccakSqueeze(KEY, 64);
  memory.copy(ek + VECTOR_ENCODED_LEN, KEY, 32);
}

/**
 * Begins encapsulation (algorithm 17) to the 1,184 bytes at `ekIn` with the 32 random bytes at `m32`, which are copied.
 * The ciphertext of 1,088 bytes goes to `ctOut`, the shared secret of 32 bytes to `ssOut`.
 * False, and nothing begun, when a coefficient of the key is not below q (section 7.2).
 */
export function mlkemEncapsStart(ekIn: usize, m32: usize, ctOut: usize, ssOut: usize): bool {
  if (!isReduced(ekIn)) {
    mlkemWipe();
    return false;
  }
  begin(ENCAPS, ekIn);
  ct = ctOut;
  ss = ssOut;
  memory.copy(MESSAGE, m32, 32);
  return true;
}

/**
 * Begins decapsulation (algorithm 18) of the 1,088 bytes at `ctIn` with the 2,400 bytes at `dkIn`, which must be a key
 * that key generation made here (section 7.3's checks are not repeated). The shared secret of 32 bytes goes to `ssOut`;
 * for a ciphertext that is not well made it is a secret that nobody else can know (implicit rejection).
 */
export function mlkemDecapsStart(dkIn: usize, ctIn: usize, ssOut: usize): void {
  begin(DECAPS, dkIn + DK_EK);
  dk = dkIn;
  ct = ctIn;
  ss = ssOut;
  agrees = 1;
}

/** Works on for a bounded time; true when the operation is finished: outputs written, workspace wiped. */
export function mlkemStep(): bool {
  const done = operation == KEYGEN ? keygenStep() : operation == IDLE ? true : encryptionStep();
  step++;
  if (done) {
    mlkemWipe();
  }
  return done;
}

/** Drops the operation and wipes the workspace. What was already written to the caller's memory stays. */
export function mlkemWipe(): void {
  operation = IDLE;
  agrees = 0;
  wipe(WORKSPACE, WORKSPACE_LEN);
  keccakWipe();
}

function begin(which: u32, key: usize): void {
  operation = which;
  step = 0;
  ek = key;
}

// Key generation: s in one step, a row of t in each of three, then the hash of the key.

function keygenStep(): bool {
  if (step == 0) {
    makeVector(SCALE_ONE);
  } else if (step <= K) {
    makeRow(step - 1);
  } else {
    memory.copy(dk + DK_EK, ek, MLKEM_EK_LEN);
    sha3_256(ek, MLKEM_EK_LEN, dk + DK_HASH);
    memory.copy(dk + DK_Z, MESSAGE, 32);
    return true;
  }
  return false;
}

/** Algorithm 13, lines 3 to 7, 12 to 15 and 17 to 19, for row i: t = A s + e. */
function makeRow(i: u32): void {
  multiplyRow(i);
  makeSmall(SECOND, K + i, SCALE_ONE);
  polyAdd(FIRST, SECOND);
  encode12(ek + i * ENCODED_LEN, FIRST);
}

// Encapsulation, and decapsulation, which encrypts again: the coins, y, three rows of u, v; then the rejection.

function encryptionStep(): bool {
  if (step == 0) {
    if (operation == DECAPS) {
      decrypt();
      memory.copy(HASH, dk + DK_HASH, 32);
    } else {
      sha3_256(ek, MLKEM_EK_LEN, HASH);
    }
    // (K, r) = G(m, H(ek)): algorithm 17, line 1, and 18, line 6.
    sha3_512(MESSAGE, 64, KEY);
  } else if (step == 1) {
    makeVector(SCALE_INVERSE);
  } else if (step <= 2 + K) {
    encryptPart(step - 2);
    if (step == 2 + K && operation == ENCAPS) {
      memory.copy(ss, KEY, 32);
      return true;
    }
  } else {
    reject();
    return true;
  }
  return false;
}

/**
 * Part i of the ciphertext (algorithm 14): u[i] = row i of A^T times y, plus e1[i], for i < k (lines 4 to 8, 13 to 16,
 * 19, 22); then v = t y + e2 + m (lines 17, 20, 21, 23). Sums are below 9.6 q.
 */
function encryptPart(i: u32): void {
  if (i < K) {
    multiplyRow(i);
  } else {
    multiplyEncoded(ek);
  }
  polyInverseNtt(FIRST);
  addNoise(FIRST, COINS, K + i, SCALE_ONE);
  if (i == K) {
    addMessage(FIRST, MESSAGE);
  }
  const bits = i < K ? U_BITS : V_BITS;
  compress(FIRST, bits);
  emit(i * U_LEN, 32 * bits);
}

/** A finished part of the ciphertext, at FIRST: written, or held against the one that came. */
function emit(offset: u32, len: u32): void {
  if (operation == ENCAPS) {
    memory.copy(ct + offset, FIRST, len);
  } else {
    agrees &= ctEqual(ct + offset, FIRST, len) as u32;
  }
}

/** Algorithm 15: MESSAGE from the ciphertext and s. */
function decrypt(): void {
  for (let i: u32 = 0; i < K; i++) {
    decompress(FIRST, ct + i * U_LEN, U_BITS);
    polyNtt(FIRST);
    polyExpand(VECTOR + i * EXPANDED_LEN, FIRST);
  }
  multiplyEncoded(dk);
  polyInverseNtt(FIRST);
  // The ciphertext may end where memory ends, and decoders read ahead.
  memory.copy(THIRD, ct + K * U_LEN, V_LEN);
  decompress(SECOND, THIRD, V_BITS);
  takeMessage(MESSAGE, SECOND, FIRST);
}

/** Algorithm 18, lines 7 and 9 to 12: the secret is J(z, c), unless the ciphertext was well made. */
function reject(): void {
  keccakInit(SHAKE256_RATE);
  keccakAbsorb(dk + DK_Z, 32);
  keccakAbsorb(ct, MLKEM_CT_LEN);
  keccakPad(SHAKE_SUFFIX);
  keccakSqueeze(ss, 32);
  ctMove(ss, KEY, 32, agrees);
}

// Both ways: the secret vector, and a row of the matrix times it.

/**
 * VECTOR from the coins, transformed: s, which also goes to the key (algorithm 13, lines 8 to 11, 16, 20), or y
 * (algorithm 14, lines 9 to 12, 18), scaled for the inverse transforms that its products will go through.
 */
function makeVector(scale: i32): void {
  for (let i: u32 = 0; i < K; i++) {
    makeSmall(FIRST, i, scale);
    polyExpand(VECTOR + i * EXPANDED_LEN, FIRST);
    if (operation == KEYGEN) {
      encode12(dk + i * ENCODED_LEN, FIRST);
    }
  }
}

/** A small polynomial from the coins, transformed: below 15.1 q. */
function makeSmall(poly: usize, nonce: u32, scale: i32): void {
  memory.fill(poly, 0, POLY_LEN);
  addNoise(poly, COINS, nonce, scale);
  polyNtt(poly);
}

/** FIRST = row i of the matrix, or of its transpose when encrypting, times VECTOR. */
function multiplyRow(i: u32): void {
  const rho = ek + VECTOR_ENCODED_LEN;
  for (let j: u32 = 0; j < K; j++) {
    const at = ROW + j * POLY_LEN;
    if (operation == KEYGEN) {
      sampleUniform(at, rho, j, i);
    } else {
      sampleUniform(at, rho, i, j);
    }
  }
  vectorMultiply();
}

/** FIRST = the three encoded polynomials at `source` (t or s, transposed) times VECTOR. */
function multiplyEncoded(source: usize): void {
  decodeRow(source);
  vectorMultiply();
}
