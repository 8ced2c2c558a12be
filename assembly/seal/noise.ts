// SPDX-License-Identifier: Apache-2.0
//
// One Noise handshake, three uses: XK and NN with 25519, ChaChaPoly, BLAKE2s, with ML-KEM-768 (hfs) and psk3 as
// the pattern says. Before it: slot.ts; symmetric.ts mixes. After it: hop, link and connection split the keys. A
// message is a row of tokens; each step does one token, or one bounded piece of its computation (PROTOCOL 3.1, 3.5;
// Noise rev. 34 section 5; HFS rev. 1). Errors leave the slot wiped or, for a forged answer, as it was before (rule S8).

import { AEAD_TAG_LEN } from "../crypto/aead";
import { ctIsZero } from "../crypto/ct";
import { hkdf2 } from "../crypto/hkdf";
import {
  MLKEM_CT_LEN,
  MLKEM_EK_LEN,
  mlkemDecapsStart,
  mlkemEncapsStart,
  mlkemKeygenStart,
  mlkemStep,
  mlkemWipe,
} from "../crypto/mlkem768";
import { wipe } from "../crypto/wipe";
import {
  x25519Canonical,
  x25519Finish,
  x25519Start,
  x25519StartBase,
  x25519Step,
} from "../crypto/x25519";
import {
  STATUS_BAD_HANDSHAKE,
  STATUS_BAD_KEM_KEY,
  STATUS_BAD_KEY,
  STATUS_BAD_POINT,
  STATUS_BAD_TAG,
  STATUS_OK,
} from "../status";
import { IDENTITY, IDENTITY_PUBLIC } from "./identity";
import { randomBytes } from "./random";
import {
  AREA_A,
  AREA_B,
  Area,
  CK,
  DK,
  E_PUBLIC,
  E_SECRET,
  H,
  PREPARED_E,
  PREPARED_E1,
  PREPARED_SECRET,
  PREPARED_SEED,
  PSK,
  RE,
  RS,
  SEED,
  SHARED,
  SLOT_ASKING,
  SLOT_DONE,
  SLOT_READING,
  SLOT_WAITING,
  SLOT_WRITING,
  Slot,
  slotRestore,
  slotSave,
} from "./slot";
import {
  decryptAndHash,
  encryptAndHash,
  initializeSymmetric,
  mixHash,
  mixKey,
  mixKeyAndHash,
} from "./symmetric";

/** Pattern bits. The two that travel are XKHFS_PSK3 and NNHFS; the rest are for published vectors (rule H9). */
export const PATTERN_NN: u8 = 1;
export const PATTERN_HFS: u8 = 2;
export const PATTERN_PSK3: u8 = 4;
export const XKHFS_PSK3: u8 = PATTERN_HFS | PATTERN_PSK3;
export const NNHFS: u8 = PATTERN_NN | PATTERN_HFS;

/** Message lengths of the two patterns (PROTOCOL 3.1). */
export const XK_MESSAGE1_LEN: i32 = 1248;
export const MESSAGE2_LEN: i32 = 1152;
export const XK_MESSAGE3_LEN: i32 = 64;
export const NN_MESSAGE1_LEN: i32 = 1216;

const T_END: u8 = 0;
const T_E: u8 = 1;
const T_S: u8 = 2;
const _T_EE: u8 = 3;
const T_ES: u8 = 4;
const T_SE: u8 = 5;
const T_E1: u8 = 6;
const T_EKEM1: u8 = 7;
const T_PSK: u8 = 8;

/** Tokens of the three messages, four places each: XK, then NN. */
const TOKENS: usize = memory.data<u8>([
  1, 4, 6, 0, 1, 3, 7, 0, 2, 5, 8, 0, 1, 6, 0, 0, 1, 3, 7, 0, 0, 0, 0, 0,
]);

/** Protocol names, 56 places each, by pattern bits 0..6 (5, NN with psk3, does not exist). */
const NAMES: usize = memory.data(448, 8);
const NAME_HEAD: usize = memory.data<u8>([0x4e, 0x6f, 0x69, 0x73, 0x65, 0x5f]);
const NAME_TAIL: usize = memory.data<u8>([
  0x5f, 0x43, 0x68, 0x61, 0x43, 0x68, 0x61, 0x50, 0x6f, 0x6c, 0x79, 0x5f, 0x42, 0x4c, 0x41, 0x4b,
  0x45, 0x32, 0x73,
]);
const NAME_KEM: usize = memory.data<u8>([0x2b, 0x4d, 0x4c, 0x4b, 0x45, 0x4d, 0x37, 0x36, 0x38]);

const EK_IN_DK: i32 = 1152;

/** What a step says. */
export const STEP_MORE: i32 = 0;
/** The message is finished: written, or read and right. */
export const STEP_MESSAGE: i32 = 1;
/** The peer's static key is in RS; the owner is to put its PSK and call `noiseAnswer`. */
export const STEP_ASK: i32 = 2;

/** Appends one ASCII name part and returns the end. */
function append(at: usize, from: usize, len: i32): usize {
  memory.copy(at, from, len);
  return at + <usize>len;
}

/** Writes the protocol name of a pattern at NAMES; returns its length. */
function protocolName(pattern: u8): i32 {
  let at = append(NAMES, NAME_HEAD, 6);
  store<u16>(at, pattern & PATTERN_NN ? 0x4e4e : 0x4b58);
  at += 2;
  if (pattern & PATTERN_HFS) {
    store<u16>(at, 0x6668);
    store<u8>(at, 0x73, 2);
    at += 3;
    if (pattern & PATTERN_PSK3) store<u8>(at++, 0x2b);
  }
  if (pattern & PATTERN_PSK3) {
    store<u32>(at, 0x336b7370);
    at += 4;
  }
  store<u32>(at, 0x3535325f);
  store<u16>(at, 0x3931, 4);
  at += 6;
  if (pattern & PATTERN_HFS) at = append(at, NAME_KEM, 9);
  return <i32>(append(at, NAME_TAIL, 19) - NAMES);
}

/**
 * Begins a handshake in a slot that was just taken. For XK the initiator has put the responder's static key in RS.
 * @param prologue pointer and length in bytes (PROTOCOL 3.2)
 */
export function noiseBegin(
  slot: Slot,
  pattern: u8,
  initiator: bool,
  prologue: usize,
  len: i32,
): void {
  slot.pattern = pattern;
  slot.initiator = initiator ? 1 : 0;
  slot.message = 0;
  initializeSymmetric(slot, NAMES, protocolName(pattern));
  mixHash(slot, prologue, len);
  if (!(pattern & PATTERN_NN)) mixHash(slot, initiator ? Area.at(slot, RS) : IDENTITY_PUBLIC, 32);
  begin(slot, initiator ? SLOT_WRITING : SLOT_WAITING);
}

function begin(slot: Slot, state: u8): void {
  slot.state = state;
  slot.token = 0;
  slot.stage = 0;
  slot.position = 0;
}

/** Where the message under way stands in the slot. */
export function noiseMessage(slot: Slot): usize {
  return Area.at(slot, slot.message == 1 ? AREA_B : AREA_A);
}

/** Length that the message awaited or written has to have, for the patterns that travel. */
export function noiseMessageLen(slot: Slot): i32 {
  if (slot.message == 1) return MESSAGE2_LEN;
  if (slot.pattern & PATTERN_NN) return NN_MESSAGE1_LEN;
  return slot.message == 0 ? XK_MESSAGE1_LEN : XK_MESSAGE3_LEN;
}

/** Starts reading the awaited message, whose bytes are copied. STATUS_BAD_HANDSHAKE for a wrong length. */
export function noiseRead(slot: Slot, from: usize, len: i32): i32 {
  if (slot.state != SLOT_WAITING || (slot.pattern & PATTERN_HFS && len != noiseMessageLen(slot))) {
    return STATUS_BAD_HANDSHAKE;
  }
  memory.copy(noiseMessage(slot), from, len);
  if (slot.message != 0) slotSave(slot);
  begin(slot, SLOT_READING);
  return STATUS_OK;
}

/** Starts writing the next message. */
export function noiseWrite(slot: Slot): void {
  begin(slot, SLOT_WRITING);
}

/** Goes on after STEP_ASK; the PSK area has been filled. */
export function noiseAnswer(slot: Slot): void {
  slot.state = SLOT_READING;
}

/** Forgets a forged message 2 or 3: the slot waits for the right one again (rule S8). */
export function noiseForget(slot: Slot): void {
  slotRestore(slot);
  begin(slot, SLOT_WAITING);
}

/** One bounded step of the message under way. STEP_* or a status. */
export function noiseStep(slot: Slot): i32 {
  const family = slot.pattern & PATTERN_NN ? 12 : 0;
  const token = load<u8>(TOKENS + <usize>(family + ((<i32>slot.message) << 2) + <i32>slot.token));
  const result = slot.state == SLOT_WRITING ? writeToken(slot, token) : readToken(slot, token);
  if (result == STEP_MESSAGE && token != T_END) {
    slot.token++;
    slot.stage = 0;
    return STEP_MORE;
  }
  return result;
}

/** STEP_MESSAGE here means "this token is done". */
function writeToken(slot: Slot, token: u8): i32 {
  const at = noiseMessage(slot) + <usize>slot.position;
  const hfs = (slot.pattern & PATTERN_HFS) != 0;
  if (token == T_E) return writeE(slot, at);
  if (token == T_E1) return hfs ? writeE1(slot, at) : STEP_MESSAGE;
  if (token == T_EKEM1) return hfs ? writeEkem1(slot, at) : STEP_MESSAGE;
  if (token == T_S) {
    memory.copy(at, IDENTITY_PUBLIC, 32);
    encryptAndHash(slot, at, 32);
    return STEP_MESSAGE;
  }
  if (token == T_END) {
    encryptAndHash(slot, at, 0);
    return endMessage(slot);
  }
  return mixToken(slot, token);
}

function readToken(slot: Slot, token: u8): i32 {
  const at = noiseMessage(slot) + <usize>slot.position;
  const hfs = (slot.pattern & PATTERN_HFS) != 0;
  if (token == T_E) return readE(slot, at);
  if (token == T_E1) {
    if (hfs && !decryptAndHash(slot, at, MLKEM_EK_LEN)) return STATUS_BAD_TAG;
    return STEP_MESSAGE;
  }
  if (token == T_EKEM1) return hfs ? readEkem1(slot, at) : STEP_MESSAGE;
  if (token == T_S) return readS(slot, at);
  if (token == T_END) return decryptAndHash(slot, at, 0) ? endMessage(slot) : STATUS_BAD_TAG;
  return mixToken(slot, token);
}

function endMessage(slot: Slot): i32 {
  const last: u8 = slot.pattern & PATTERN_NN ? 1 : 2;
  if (slot.message == last) {
    slot.state = SLOT_DONE;
    return STEP_MESSAGE;
  }
  slot.message++;
  slot.state = SLOT_WAITING;
  return STEP_MESSAGE;
}

/** The tokens that put no bytes on the wire: DH and psk. */
function mixToken(slot: Slot, token: u8): i32 {
  if (token == T_PSK) {
    if (slot.pattern & PATTERN_PSK3) mixKeyAndHash(slot, Area.at(slot, PSK));
    return STEP_MESSAGE;
  }
  const initiator = slot.initiator != 0;
  if (slot.stage == 0) {
    const ownStatic = token == T_ES ? !initiator : token == T_SE ? initiator : false;
    const peerStatic = token == T_ES ? initiator : token == T_SE ? !initiator : false;
    x25519Start(
      ownStatic ? IDENTITY : Area.at(slot, E_SECRET),
      Area.at(slot, peerStatic ? RS : RE),
    );
    slot.stage = 1;
    return STEP_MORE;
  }
  if (!x25519Step()) return STEP_MORE;
  const shared = Area.at(slot, SHARED);
  if (!x25519Finish(shared)) return STATUS_BAD_POINT;
  mixKey(slot, shared);
  wipe(shared, 32);
  return STEP_MESSAGE;
}

function mixE(slot: Slot, e: usize): void {
  mixHash(slot, e, 32);
  if (slot.pattern & PATTERN_PSK3) mixKey(slot, e);
  slot.position += 32;
}

function writeE(slot: Slot, at: usize): i32 {
  if (!prepareE(slot)) return STEP_MORE;
  memory.copy(at, Area.at(slot, E_PUBLIC), 32);
  mixE(slot, at);
  return STEP_MESSAGE;
}

function readE(slot: Slot, at: usize): i32 {
  memory.copy(Area.at(slot, RE), at, 32);
  mixE(slot, at);
  return STEP_MESSAGE;
}

/** Makes `e` piece by piece, unless it is there already. True when it is. */
export function prepareE(slot: Slot): bool {
  if (slot.prepared & PREPARED_E) return true;
  if (slot.stage == 0) {
    if (!(slot.prepared & PREPARED_SECRET)) randomBytes(Area.at(slot, E_SECRET), 32);
    slot.prepared |= PREPARED_SECRET;
    x25519StartBase(Area.at(slot, E_SECRET));
    slot.stage = 1;
    return false;
  }
  if (!x25519Step()) return false;
  x25519Finish(Area.at(slot, E_PUBLIC));
  slot.prepared |= PREPARED_E;
  slot.stage = 0;
  return true;
}

/** Makes the KEM key pair piece by piece, unless it is there already. True when it is. */
export function prepareE1(slot: Slot): bool {
  if (slot.prepared & PREPARED_E1) return true;
  if (slot.stage == 0) {
    if (!(slot.prepared & PREPARED_SEED)) randomBytes(Area.at(slot, SEED), 64);
    mlkemKeygenStart(Area.at(slot, SEED), Area.at(slot, DK + EK_IN_DK), Area.at(slot, DK));
    slot.stage = 1;
    return false;
  }
  if (!mlkemStep()) return false;
  wipe(Area.at(slot, SEED), 64);
  slot.prepared |= PREPARED_E1;
  slot.stage = 0;
  return true;
}

function writeE1(slot: Slot, at: usize): i32 {
  if (!prepareE1(slot)) return STEP_MORE;
  memory.copy(at, Area.at(slot, DK + EK_IN_DK), MLKEM_EK_LEN);
  encryptAndHash(slot, at, MLKEM_EK_LEN);
  return STEP_MESSAGE;
}

function writeEkem1(slot: Slot, at: usize): i32 {
  const shared = Area.at(slot, SHARED);
  if (slot.stage == 0) {
    const m = Area.at(slot, SEED);
    if (!(slot.prepared & PREPARED_SEED)) randomBytes(m, 32);
    if (!mlkemEncapsStart(Area.at(slot, AREA_A + 32), m, at, shared)) return STATUS_BAD_KEM_KEY;
    slot.stage = 1;
    return STEP_MORE;
  }
  if (!mlkemStep()) return STEP_MORE;
  wipe(Area.at(slot, SEED), 32);
  encryptAndHash(slot, at, MLKEM_CT_LEN);
  mixKey(slot, shared);
  wipe(shared, 32);
  return STEP_MESSAGE;
}

function readEkem1(slot: Slot, at: usize): i32 {
  const shared = Area.at(slot, SHARED);
  if (slot.stage == 0) {
    if (!decryptAndHash(slot, at, MLKEM_CT_LEN)) return STATUS_BAD_TAG;
    slot.position -= <u16>(MLKEM_CT_LEN + AEAD_TAG_LEN);
    mlkemDecapsStart(Area.at(slot, DK), at, shared);
    slot.stage = 1;
    return STEP_MORE;
  }
  if (!mlkemStep()) return STEP_MORE;
  slot.position += <u16>(MLKEM_CT_LEN + AEAD_TAG_LEN);
  mixKey(slot, shared);
  wipe(shared, 32);
  return STEP_MESSAGE;
}

function readS(slot: Slot, at: usize): i32 {
  if (slot.stage == 0) {
    if (!decryptAndHash(slot, at, 32)) return STATUS_BAD_TAG;
    memory.copy(Area.at(slot, RS), at, 32);
    if (!x25519Canonical(at)) return STATUS_BAD_KEY;
    slot.stage = 1;
    slot.state = SLOT_ASKING;
    return STEP_ASK;
  }
  return STEP_MESSAGE;
}

/**
 * Split (Noise section 5.2): the two keys of a finished handshake, and its hash; the slot stays the owner's.
 * @param send, recv 32 bytes each @param hash 32 bytes
 */
export function noiseSplit(slot: Slot, send: usize, recv: usize, hash: usize): void {
  const first = slot.initiator ? send : recv;
  const second = slot.initiator ? recv : send;
  hkdf2(Area.at(slot, CK), 0, 0, first, second);
  memory.copy(hash, Area.at(slot, H), 32);
}

/** Drops whatever a shared workspace still holds of the slot's computation. */
export function noiseAbandon(): void {
  mlkemWipe();
  x25519Finish(NAMES);
  wipe(NAMES, 32);
}

/** True while the bytes at `ptr` are all zero (32 B): an unset key. */
export function noKey(ptr: usize): bool {
  return ctIsZero(ptr, 32);
}
