// SPDX-License-Identifier: Apache-2.0
//
// The handshake on its own, for vectors: every pattern that noise.ts knows, with given ephemerals, in a slot that no
// wire byte reaches (rule H9; a gate proves it). Before it: a test harness with a started instance. After it: noise.ts.

import { wipe } from "../crypto/wipe";
import { ARG } from "../layout";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_BAD_STATE,
  STATUS_NO_HANDSHAKE_SLOT,
  STATUS_OK,
} from "../status";
import {
  noiseAnswer,
  noiseBegin,
  noiseMessage,
  noiseSplit,
  noiseStep,
  noiseWrite,
  PATTERN_PSK3,
  STEP_ASK,
  STEP_MESSAGE,
} from "./noise";
import {
  Area,
  E_SECRET,
  OWNER_TEST,
  PREPARED_SECRET,
  PREPARED_SEED,
  PSK,
  RS,
  SEED,
  SLOT_DONE,
  SLOT_READING,
  SLOT_WAITING,
  Slot,
  slotAt,
  slotFree,
  slotTake,
} from "./slot";

const ZERO: i32 = 0;

/**
 * Takes a slot and begins. ARG: e secret [32], KEM seed or m [64], PSK [32], responder's key [32], prologue.
 * @param pattern bits of noise.ts, 0 to 6 @param initiator 0 or 1 @param len bytes of the prologue, at most 352
 * @returns a slot, or a status
 */
export function test_noise_begin(pattern: i32, initiator: i32, len: i32): i32 {
  if (<u32>pattern > 6 || pattern == (1 | <i32>PATTERN_PSK3) || <u32>len > 352)
    return STATUS_BAD_ARGUMENT;
  const index = slotTake(OWNER_TEST, ZERO);
  if (index < 0) return STATUS_NO_HANDSHAKE_SLOT;
  const slot = slotAt(index);
  memory.copy(Area.at(slot, E_SECRET), ARG, 32);
  memory.copy(Area.at(slot, SEED), ARG + 32, 64);
  memory.copy(Area.at(slot, PSK), ARG + 96, 32);
  memory.copy(Area.at(slot, RS), ARG + 128, 32);
  slot.prepared = PREPARED_SECRET | PREPARED_SEED;
  noiseBegin(slot, <u8>pattern, initiator != 0, ARG + 160, len);
  slot.state = SLOT_WAITING;
  return index;
}

function slotOf(index: i32): Slot | null {
  if (index < 0) return null;
  const slot = slotAt(index);
  return slot.owner == OWNER_TEST ? slot : null;
}

/** Begins the next message: `write` 1, or 0 to read the one at `test_noise_message`. */
export function test_noise_message(index: i32, write: i32): i32 {
  const slot = slotOf(index);
  if (slot == null || slot.state != SLOT_WAITING) return STATUS_BAD_STATE;
  noiseWrite(slot);
  if (!write) slot.state = SLOT_READING;
  return STATUS_OK;
}

/** Where the message awaited or just finished stands (`back` 1: the one before the present). */
export function test_noise_ptr(index: i32, back: i32): i32 {
  const slot = slotOf(index);
  if (slot == null) return STATUS_BAD_STATE;
  slot.message -= <u8>back;
  const at = noiseMessage(slot);
  slot.message += <u8>back;
  return <i32>at;
}

/** One step. 0 more, 1 the message is finished, < 0 a status. */
export function test_noise_step(index: i32): i32 {
  const slot = slotOf(index);
  if (slot == null) return STATUS_BAD_STATE;
  const result = noiseStep(slot);
  if (result != STEP_ASK) return result == STEP_MESSAGE ? <i32>slot.position : result;
  noiseAnswer(slot);
  return 0;
}

/** Splits a finished handshake. ARG: send key [32], receive key [32], hash [32], the peer's static key [32]. */
export function test_noise_split(index: i32): i32 {
  const slot = slotOf(index);
  if (slot == null || slot.state != SLOT_DONE) return STATUS_BAD_STATE;
  noiseSplit(slot, ARG, ARG + 32, ARG + 64);
  memory.copy(ARG + 96, Area.at(slot, RS), 32);
  return STATUS_OK;
}

/** Gives the slot back, wiped. */
export function test_noise_free(index: i32): i32 {
  const slot = slotOf(index);
  if (slot == null) return STATUS_BAD_STATE;
  wipe(ARG, 512);
  slotFree(index);
  return STATUS_OK;
}
