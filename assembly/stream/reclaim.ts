// SPDX-License-Identifier: Apache-2.0
//
// Who gets a handshake slot when none is free: a peer that is slow or away must not keep a small device from the
// others, and two sides that open to each other at once must not wait for each other. Before it: whoever begins or
// answers a handshake. After it: slot.ts. What loses its slot begins anew after a rest. PROTOCOL 5.5, section 12.

import { now, since } from "../clock";
import { LINK_MESSAGE1, linkAt } from "../seal/link";
import {
  OWNER_LINK,
  OWNER_STREAM,
  SLOT_FREE,
  SLOT_WAITING,
  Slot,
  slotAt,
  slotCount,
  slotFree,
  slotTake,
} from "../seal/slot";
import { reopenLater } from "./opening";
import { STREAM_OPENED, streamAt } from "./stream";

/** Times of PROTOCOL section 11. */
const REST_MS: i32 = 5000;
const WAIT_MS: i32 = 1000;

/** No link asks: a hop, or this side's own wish. */
export const NO_LINK: i32 = -1;

/**
 * Takes a slot for an owner, taking one back where none is free.
 * @param asker the link whose peer's OPEN or message 1 is to be answered, or NO_LINK
 * @returns its index, or -1
 */
export function slotFor(owner: u8, ownerIndex: i32, asker: i32): i32 {
  const index = slotTake(owner, ownerIndex);
  if (index >= 0) return index;
  for (let i = 0; i < slotCount(); i++) {
    if (giveUp(slotAt(i), i, owner, asker)) return slotTake(owner, ownerIndex);
  }
  return -1;
}

/** True while this side may begin something of its own: of several slots one is left for what the peers begin. */
export function slotSpare(): bool {
  // A single slot is taken back from who waits, so asking for it is no loss.
  if (slotCount() == 1) return true;
  let free = 0;
  for (let i = 0; i < slotCount(); i++) if (slotAt(i).state == SLOT_FREE) free++;
  return free > 1;
}

function giveUp(slot: Slot, index: i32, owner: u8, asker: i32): bool {
  const waits = slot.state == SLOT_WAITING;
  if (slot.owner == OWNER_LINK && waits) return giveUpLink(slot, index);
  if (slot.owner == OWNER_STREAM && waits) return giveUpStream(slot, owner, asker);
  return false;
}

/** A link that waits for message 2 or 3 over a second. */
function giveUpLink(slot: Slot, index: i32): bool {
  const link = linkAt(slot.ownerIndex);
  if (index == link.initiating && link.tries >= 2) {
    link.initiating = -1;
    link.due &= ~LINK_MESSAGE1;
    link.restAt = now + REST_MS;
    link.resting = 1;
  } else if (index == link.responding && slot.message == 2 && since(link.responderAt) >= WAIT_MS) {
    link.responding = -1;
  } else return false;
  slotFree(index);
  return true;
}

/** An OPEN without ACCEPT for over a second; at once for a hop or a link, without which nobody can answer it. */
function giveUpStream(slot: Slot, owner: u8, asker: i32): bool {
  const stream = streamAt(slot.ownerIndex);
  if (stream.state != STREAM_OPENED) return false;
  // As with message 1 (S7): of two OPENs that cross, that of the higher id gives way.
  const crossed = asker == stream.link && !linkAt(stream.link).lower;
  const recent = !stream.handshakeSent || since(stream.progressAt) < WAIT_MS;
  if (owner == OWNER_STREAM && recent && !crossed) return false;
  reopenLater(stream);
  return true;
}
