// SPDX-License-Identifier: Apache-2.0
//
// A handshake slot: everything that one Noise handshake needs while it is under way, for any of the three layers.
// Before it: hop, link and stream take a slot. After it: noise.ts works in it, step by step, one slot at a time
// because the crypto workspaces are shared. Invariants: message 1 and 3 of a pattern live in area A, message 2 in
// area B; a free slot holds no secret, or a prepared ephemeral for the next handshake (rule D11). PROTOCOL section 3.

import { wipe } from "../crypto/wipe";
import { SIZE_HANDSHAKES, size, take } from "../layout";

/** Who holds a slot. */
export const OWNER_NONE: u8 = 0;
export const OWNER_HOP: u8 = 1;
export const OWNER_LINK: u8 = 2;
export const OWNER_STREAM: u8 = 3;
export const OWNER_TEST: u8 = 4;

/** What a slot does. */
export const SLOT_FREE: u8 = 0;
export const SLOT_WRITING: u8 = 1;
export const SLOT_READING: u8 = 2;
export const SLOT_WAITING: u8 = 3;
export const SLOT_ASKING: u8 = 4;
export const SLOT_DONE: u8 = 5;

@unmanaged
export class Slot {
  state: u8;
  owner: u8;
  pattern: u8;
  initiator: u8;
  /** message under way or awaited: 0, 1, 2 */
  message: u8;
  token: u8;
  /** 0 before the token's long computation began, then 1 */
  stage: u8;
  hasKey: u8;
  /** PREPARED_* bits */
  prepared: u8;
  savedHasKey: u8;
  /** bytes of the message written or read so far */
  position: u16;
  ownerIndex: i32;
  n: u64;
  savedN: u64;
}

/** `e` is given or made: its secret half is there. */
export const PREPARED_SECRET: u8 = 1;
/** Its public half is there too. */
export const PREPARED_E: u8 = 2;
/** The KEM key pair is in DK. */
export const PREPARED_E1: u8 = 4;
/** SEED (64 B for key generation, 32 B for encapsulation) was given by a test. */
export const PREPARED_SEED: u8 = 8;

const BASE: i32 = offsetof<Slot>();
/** Chaining key, hash, cipher key: 96 bytes in one row, saved and restored as one. */
export const CK: i32 = BASE;
export const H: i32 = BASE + 32;
export const K: i32 = BASE + 64;
const SAVED: i32 = BASE + 96;
export const E_SECRET: i32 = BASE + 192;
export const E_PUBLIC: i32 = BASE + 224;
export const RE: i32 = BASE + 256;
export const RS: i32 = BASE + 288;
export const PSK: i32 = BASE + 320;
export const SHARED: i32 = BASE + 352;
export const SEED: i32 = BASE + 384;
/** Message 1 and 3 (at most 1,248 B, with room for a tag that is checked in place). */
export const AREA_A: i32 = BASE + 448;
/** Message 2 (1,152 B). */
export const AREA_B: i32 = AREA_A + 1264;
/** ML-KEM decapsulation key (2,400 B), whose bytes 1,152 to 2,335 are the encapsulation key. */
export const DK: i32 = AREA_B + 1168;
const SLOT_LEN: i32 = DK + 2400;

let base: usize = 0;
let count: i32 = 0;

/** Takes the slots' memory. */
export function slotsLayout(): void {
  count = size(SIZE_HANDSHAKES);
  base = take(count, SLOT_LEN);
}

/** Number of slots. */
export function slotCount(): i32 {
  return count;
}

/** The slot with an index in range. */
export function slotAt(index: i32): Slot {
  return changetype<Slot>(base + <usize>(index * SLOT_LEN));
}

/** Pointer to an area of a slot. */
export class Area {
  @inline static at(slot: Slot, offset: i32): usize {
    return changetype<usize>(slot) + <usize>offset;
  }
}

/** True when a slot can be taken. */
export function slotIsFree(): bool {
  for (let i = 0; i < count; i++) if (slotAt(i).state == SLOT_FREE) return true;
  return false;
}

/** Takes a free slot for an owner, a prepared one first. Returns its index or -1. */
export function slotTake(owner: u8, ownerIndex: i32): i32 {
  let found = -1;
  for (let i = 0; i < count; i++) {
    const slot = slotAt(i);
    if (slot.state != SLOT_FREE) continue;
    if (found < 0 || slot.prepared > slotAt(found).prepared) found = i;
  }
  if (found >= 0) {
    const slot = slotAt(found);
    slot.owner = owner;
    slot.ownerIndex = ownerIndex;
    slot.state = SLOT_WAITING;
    slot.message = 0;
  }
  return found;
}

/** Wipes a slot and gives it back. */
export function slotFree(index: i32): void {
  if (index < 0) return;
  wipe(changetype<usize>(slotAt(index)), SLOT_LEN);
}

/** Keeps the symmetric state, so that a forged answer can be forgotten (rule S8). */
export function slotSave(slot: Slot): void {
  memory.copy(Area.at(slot, SAVED), Area.at(slot, CK), 96);
  slot.savedN = slot.n;
  slot.savedHasKey = slot.hasKey;
}

/** Goes back to the saved symmetric state. */
export function slotRestore(slot: Slot): void {
  memory.copy(Area.at(slot, CK), Area.at(slot, SAVED), 96);
  slot.n = slot.savedN;
  slot.hasKey = slot.savedHasKey;
}
