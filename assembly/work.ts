// SPDX-License-Identifier: Apache-2.0
//
// The scheduler: who computes next, and what time does. Before it: wishes of hops, links and streams, and ticks of
// the host. After it: noise.ts, one bounded step a call, because the crypto workspaces are shared. Invariant: one
// slot computes at a time, from the start of a message to its end. PROTOCOL 3.5; rules D11, S9.

import { clockSet, due, nextDeadline, now, since, wakeAt } from "./clock";
import { controlStep, controlTick } from "./control/control";
import { ROLE_CONNECTOR, role } from "./layout";
import { HOP_FREE, HOP_UP, hopAt, hopCount, hopFail } from "./seal/hop";
import { hopAsk, hopDone, hopRenew } from "./seal/hop-handshake";
import {
  CURRENT,
  Link,
  LinkArea,
  linkAt,
  linkEnd,
  sessionsExpire,
  sessionUsable,
} from "./seal/link";
import {
  handshakeAsk,
  handshakeDone,
  handshakeFailed,
  handshakeStart,
  handshakeTick,
} from "./seal/link-handshake";
import { noiseAbandon, noiseStep, prepareE, prepareE1, STEP_ASK, STEP_MORE } from "./seal/noise";
import { randomFresh } from "./seal/random";
import {
  OWNER_HOP,
  OWNER_LINK,
  OWNER_STREAM,
  OWNER_TEST,
  PREPARED_E1,
  SLOT_FREE,
  SLOT_READING,
  SLOT_WRITING,
  Slot,
  slotAt,
  slotCount,
} from "./seal/slot";
import { STATUS_OK } from "./status";
import { hopFind } from "./stream/hop-choice";
import { hopReady, hopTick } from "./stream/hop-tx";
import { linkReady } from "./stream/link-tx";
import { mayOpen, openingDone, openingFailed, openNext, restTick } from "./stream/opening";
import { slotSpare } from "./stream/reclaim";
import { ackTick, datagramTick, holdTick, ptoTick } from "./stream/recovery";
import { STREAM_INCOMING, STREAM_OPENED, streamAt } from "./stream/stream";

/** Times of PROTOCOL section 11. */
const RENEW_MS: i32 = 3_000_000;
const RENEW_LATE_MS: i32 = 3_300_000;
const USED_MS: i32 = 600_000;
const RESPONDING_MS: i32 = 5000;
const PENALTY_MS: i32 = 60_000;
const RENEW_PACKETS: u64 = 0x8000_0000;

let active: i32 = -1;
/**
 * A Connector walks over its hops at most once in a millisecond for each 64 of them, or with thousands it would do
 * nothing else: once in 160 ms for 10,240. Their shortest time-out is 5 s.
 */
const HOPS_PER_MS_LOG: i32 = 6;
let walkedAt: i32 = 0;
/** A free slot whose next ephemeral is being made in idle time. */
let preparing: i32 = -1;
/** Why the last handshake of a link or stream failed: for the host's counters. */
let lastFailure: i32 = 0;

/** Forgets what was under way: a new instance begins. */
export function workReset(): void {
  active = preparing = -1;
  lastFailure = 0;
  noiseAbandon();
}

/** Takes and clears `lastFailure`. */
export function takeLastFailure(): i32 {
  const status = lastFailure;
  lastFailure = STATUS_OK;
  return status;
}

function computes(slot: Slot): bool {
  return slot.state == SLOT_WRITING || slot.state == SLOT_READING;
}

/** One bounded step of whatever is to be computed. True while there is more. */
export function workStep(): bool {
  controlStep();
  if (active >= 0 && !computes(slotAt(active))) active = -1;
  if (active < 0) active = nextSlot();
  if (active < 0) {
    if (startSomething()) return true;
    return prepareStep();
  }
  preparing = -1;
  const index = active;
  const slot = slotAt(index);
  const result = noiseStep(slot);
  if (result == STEP_MORE) return true;
  active = -1;
  if (result == STEP_ASK) ask(slot, index);
  else if (result < 0) failed(slot, index, result);
  else done(slot, index);
  return true;
}

/** The next slot that has a message to compute, in turn. */
function nextSlot(): i32 {
  for (let i = 0; i < slotCount(); i++)
    if (computes(slotAt(i)) && slotAt(i).owner != OWNER_TEST) return i;
  return -1;
}

/** Makes `e` and `e1` of the next handshake while nothing else is to be done (rule D11). */
function prepareStep(): bool {
  if (preparing < 0) {
    if (!randomFresh()) return false;
    for (let i = 0; i < slotCount(); i++) {
      if (slotAt(i).state == SLOT_FREE && slotAt(i).prepared & PREPARED_E1) return false;
    }
    for (let i = 0; i < slotCount() && preparing < 0; i++)
      if (slotAt(i).state == SLOT_FREE) preparing = i;
    if (preparing < 0) return false;
    slotAt(preparing).stage = 0;
  }
  if (
    slotAt(preparing).state == SLOT_FREE &&
    !(prepareE(slotAt(preparing)) && prepareE1(slotAt(preparing)))
  )
    return true;
  preparing = -1;
  return false;
}

/** Begins a handshake that a link or a waiting stream wants. True when one began. */
function startSomething(): bool {
  if (!randomFresh() || !slotSpare()) return false;
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (!link.used || link.penalty) continue;
    if (mayOpen(link) && openNext(link) == STATUS_OK) return true;
    if (wantsSession(link) && handshakeStart(link) == STATUS_OK) return true;
  }
  return false;
}

/** True when the link should make a session and none is under way. */
function wantsSession(link: Link): bool {
  if (link.initiating >= 0 || link.hop < 0 || link.resting) return false;
  if (link.responding >= 0 && since(link.responderAt) < RESPONDING_MS) return false;
  const hop = hopAt(link.hop);
  if (hop.state != HOP_UP) return false;
  if (link.wanted) return true;
  if (!sessionUsable(link)) return link.opening > 0 || link.streams >= 0;
  const session = LinkArea.session(link, CURRENT);
  const age = link.lower ? RENEW_MS : RENEW_LATE_MS;
  return (
    (since(session.bornAt) >= age && since(session.usedAt) < USED_MS) ||
    session.sendN >= RENEW_PACKETS ||
    session.badTags == u32.MAX_VALUE
  );
}

function ask(slot: Slot, index: i32): void {
  if (slot.owner == OWNER_LINK) {
    const status = handshakeAsk(linkAt(slot.ownerIndex), slot);
    if (status != STATUS_OK) failed(slot, index, status);
  } else if (slot.owner == OWNER_HOP) hopAsk(hopAt(slot.ownerIndex), slot);
}

function failed(slot: Slot, index: i32, status: i32): void {
  lastFailure = status;
  if (slot.owner == OWNER_LINK) handshakeFailed(linkAt(slot.ownerIndex), index);
  else if (slot.owner == OWNER_HOP) hopFail(hopAt(slot.ownerIndex), status);
  else openingFailed(streamAt(slot.ownerIndex));
}

function done(slot: Slot, index: i32): void {
  if (slot.owner == OWNER_LINK) {
    const link = linkAt(slot.ownerIndex);
    if (handshakeDone(link, index)) link.wanted = 0;
  } else if (slot.owner == OWNER_HOP) hopDone(hopAt(slot.ownerIndex));
  else if (slot.owner == OWNER_STREAM) {
    const stream = streamAt(slot.ownerIndex);
    if (stream.state == STREAM_OPENED || stream.state == STREAM_INCOMING) openingDone(stream);
  }
}

/** Time passes: every timer that is due. Returns milliseconds to the next one. */
export function tickAll(ms: i32): i32 {
  clockSet(ms);
  const pause = hopCount() >> HOPS_PER_MS_LOG;
  if (role == ROLE_CONNECTOR && <u32>since(walkedAt) < <u32>pause) {
    wakeAt(walkedAt + pause);
    return nextDeadline();
  }
  walkedAt = now;
  for (let i = 0; i < hopCount(); i++) {
    const hop = hopAt(i);
    if (hop.state == HOP_FREE) continue;
    hopTick(hop);
    hopRenew(hop);
  }
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (!link.used) continue;
    if (link.penalty && since(link.penaltyAt) >= PENALTY_MS) link.penalty = 0;
    if (link.resting && due(link.restAt)) link.resting = 0;
    if (handshakeTick(link)) link.wanted = 1;
    sessionsExpire(link);
    ackTick(link);
    datagramTick(link);
    restTick(link);
    ptoTick(link);
    holdTick(link);
    hopFind(link);
  }
  controlTick();
  return anyReady() ? 0 : nextDeadline();
}

/** True when some hop has something to write that the host has not been given yet. */
function anyReady(): bool {
  for (let i = 0; i < hopCount(); i++) {
    const hop = hopAt(i);
    // Bytes that wait for a full socket are the host's to drain: they make no deadline.
    if (hop.state != HOP_FREE && hop.txFrom == hop.txTo && hopReady(hop, i)) return true;
  }
  return false;
}

/** True when a link has packets but no hop: the host is to dial. */
export function waitsForHop(): bool {
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (link.used && link.hop < 0 && (link.streams >= 0 || linkReady(link))) return true;
  }
  return false;
}
