// SPDX-License-Identifier: Apache-2.0
//
// How a link gets its sessions: messages 1 to 3, their repetition, glare, the rate of rule S9. Before it: packets of
// types 1 to 3 from the hop, or a wish for a session. After it: link.ts holds the session. Nothing that arrives
// here ends a session: messages 1 and 2 change none, message 3 makes one (rules S5 to S9). PROTOCOL 5.2.

import { due, now, since, wakeAt } from "../clock";
import { ctEqual, ctIsZero } from "../crypto/ct";
import { wipe } from "../crypto/wipe";
import {
  STATUS_BAD_HANDSHAKE,
  STATUS_HANDSHAKE_RATE,
  STATUS_NO_ENTROPY,
  STATUS_NO_HANDSHAKE_SLOT,
  STATUS_OK,
  STATUS_UNKNOWN_INDEX,
  STATUS_UNKNOWN_PEER,
} from "../status";
import { hopAnswered, hopAsked, hopNext, hopRepeat } from "../stream/hop-choice";
import { NO_LINK, slotFor } from "../stream/reclaim";
import {
  MESSAGE1_AT,
  MESSAGE1_PACKET_LEN,
  MESSAGE2_AT,
  MESSAGE2_PACKET_LEN,
  MESSAGE3_AT,
  MESSAGE3_PACKET_LEN,
  PACKET_MESSAGE1,
  PACKET_MESSAGE2,
  PACKET_MESSAGE3,
} from "../wire/link-frames";
import { MY_ID } from "./identity";
import {
  COMMANDER_RECOVERY,
  COMMANDER_TRIES,
  CURRENT,
  LINK_HELLO,
  LINK_ID,
  LINK_KEY,
  LINK_LAST_E,
  LINK_MESSAGE1,
  LINK_MESSAGE2,
  LINK_MESSAGE3,
  LINK_MESSAGE3_BYTES,
  LINK_MINE,
  LINK_NEXT_KEY,
  LINK_OLD_PSK,
  LINK_PSK,
  Link,
  LinkArea,
  linkCount,
  linkNewIndex,
  PREVIOUS,
  sessionKeys,
  sessionPush,
  sessionUsable,
} from "./link";
import {
  MESSAGE2_LEN,
  noiseAnswer,
  noiseBegin,
  noiseForget,
  noiseMessage,
  noiseRead,
  noiseSplit,
  noiseWrite,
  noKey,
  XK_MESSAGE1_LEN,
  XK_MESSAGE3_LEN,
  XKHFS_PSK3,
} from "./noise";
import { randomBytes, randomFresh, randomSpend, randomU32 } from "./random";
import {
  AREA_A,
  AREA_B,
  Area,
  OWNER_LINK,
  PSK,
  RE,
  RS,
  SLOT_DONE,
  SLOT_WAITING,
  Slot,
  slotAt,
  slotFree,
} from "./slot";

/** Times of PROTOCOL section 11. */
const MESSAGE1_MS: i32 = 1000;
const MESSAGE1_TRIES: i32 = 5;
const MESSAGE3_TRIES: i32 = 4;
const RATE_MS: i32 = 5000;
/** However many peers there are, one of them is not to cost seconds at once. */
const BURST_MOST: i32 = 64;
const RESPONDER_MS: i32 = 32_000;

const PROLOGUE_LEN: i32 = 56;
const PROLOGUE: usize = memory.data(56, 8);
/** "sealed/1 link", padded to 16. */
const LABEL: usize = memory.data<u8>([
  0x73, 0x65, 0x61, 0x6c, 0x65, 0x64, 0x2f, 0x31, 0x20, 0x6c, 0x69, 0x6e, 0x6b, 0, 0, 0,
]);

/** A PSK [32] has its name [8] behind it. */
const PSK_NAME: usize = 32;

/** PROTOCOL 3.2: label, initiator id, responder id, name of the PSK. The PSK is put into the slot too. */
function prologue(link: Link, slot: Slot, psk: usize, initiator: bool): void {
  const peer = LinkArea.at(link, LINK_ID);
  memory.copy(PROLOGUE, LABEL, 16);
  memory.copy(PROLOGUE + 16, initiator ? MY_ID : peer, 16);
  memory.copy(PROLOGUE + 32, initiator ? peer : MY_ID, 16);
  memory.copy(PROLOGUE + 48, psk + PSK_NAME, 8);
  memory.copy(Area.at(slot, PSK), psk, 32);
}

/** Begins a handshake as initiator; message 1 appears some steps later. STATUS_OK, NO_ENTROPY or NO_HANDSHAKE_SLOT. */
export function handshakeStart(link: Link): i32 {
  if (!randomFresh()) return STATUS_NO_ENTROPY;
  const index = slotFor(OWNER_LINK, link.index, NO_LINK);
  if (index < 0) return STATUS_NO_HANDSHAKE_SLOT;
  randomSpend();
  const slot = slotAt(index);
  // A peer that rotates has most likely changed to its next key (rule T3); every other attempt tries the old one.
  const next = LinkArea.at(link, LINK_NEXT_KEY);
  const turn = link.commander ? link.commander & COMMANDER_TRIES : ~link.handshakes & 1;
  const key = turn && !noKey(next) ? next : LinkArea.at(link, LINK_KEY);
  memory.copy(Area.at(slot, RS), key, 32);
  link.handshakes++;
  prologue(link, slot, initiatorPsk(link), true);
  noiseBegin(slot, XKHFS_PSK3, true, PROLOGUE, PROLOGUE_LEN);
  link.initiating = index;
  link.initiatorIndex = linkNewIndex(link.index);
  link.tries = 0;
  return STATUS_OK;
}

/**
 * The PSK of the handshake that this side has begun. A peer that has not been given the new one knows the old one: each
 * in its turn, beside the turns of the keys.
 */
function initiatorPsk(link: Link): usize {
  const turn = link.handshakes >> (noKey(LinkArea.at(link, LINK_NEXT_KEY)) ? 0 : 1);
  return LinkArea.at(link, link.oldPsk && turn & 1 ? LINK_OLD_PSK : LINK_PSK);
}

/** The link's PSK with the name [8] at `name`, or 0. */
function pskNamed(link: Link, name: usize): usize {
  const psk = LinkArea.at(link, LINK_PSK);
  if (ctEqual(name, psk + PSK_NAME, 8)) return psk;
  const old = LinkArea.at(link, LINK_OLD_PSK);
  return link.oldPsk && ctEqual(name, old + PSK_NAME, 8) ? old : 0;
}

/** Gives up both handshakes under way. */
export function handshakeDrop(link: Link): void {
  slotFree(link.initiating);
  slotFree(link.responding);
  link.initiating = link.responding = -1;
  link.initiatorIndex = link.responderIndex = 0;
  link.due &= ~(LINK_MESSAGE1 | LINK_MESSAGE2);
}

/** Whole length and zero padding of a handshake packet (H3: nothing else may ride along). */
function padded(at: usize, len: i32, from: i32, most: i32): bool {
  if (len != most) return false;
  for (let i = from; i < most; i++) if (load<u8>(at + <usize>i) != 0) return false;
  return true;
}

/** Takes message 1 of a link, which came over `hop`. Statuses are counted and nothing else (rule S8). */
export function handshakeMessage1(link: Link, hop: i32, at: usize, len: i32): i32 {
  const message = at + <usize>MESSAGE1_AT;
  if (
    !padded(at, len, MESSAGE1_AT + XK_MESSAGE1_LEN, MESSAGE1_PACKET_LEN) ||
    load<u32>(at, 1) == 0
  ) {
    return STATUS_BAD_HANDSHAKE;
  }
  const psk = pskNamed(link, at + 5);
  if (psk == 0) return STATUS_UNKNOWN_PEER;
  if (ctEqual(message, LinkArea.at(link, LINK_LAST_E), 32)) return STATUS_OK;
  if (link.responding >= 0 && ctEqual(message, Area.at(slotAt(link.responding), RE), 32)) {
    if (slotAt(link.responding).message == 2) {
      // Where the last one went it may be lost (7.6).
      link.answerHop = hopNext(link, link.answerHop);
      link.due |= LINK_MESSAGE2;
    }
    return STATUS_OK;
  }
  if (link.lower && ownIsOut(link)) return STATUS_OK;
  if (!rateAllows(link)) return STATUS_HANDSHAKE_RATE;
  if (!randomFresh()) return STATUS_NO_ENTROPY;
  if (link.initiating >= 0) {
    slotFree(link.initiating);
    link.initiating = -1;
    link.due &= ~LINK_MESSAGE1;
  }
  slotFree(link.responding);
  link.responding = slotFor(OWNER_LINK, link.index, link.index);
  if (link.responding < 0) return STATUS_NO_HANDSHAKE_SLOT;
  randomSpend();
  link.rateLeft--;
  link.responderAt = now;
  link.answerHop = hop;
  link.responderIndex = linkNewIndex(link.index);
  link.responderPeerIndex = load<u32>(at, 1);
  const slot = slotAt(link.responding);
  prologue(link, slot, psk, false);
  noiseBegin(slot, XKHFS_PSK3, false, PROLOGUE, PROLOGUE_LEN);
  // Known from now on, so that a repeated message 1 is recognised while this one is being computed (S6).
  memory.copy(Area.at(slot, RE), message, 32);
  return noiseRead(slot, message, XK_MESSAGE1_LEN);
}

/**
 * True while an own handshake is out: its message 1, or its message 3 that is still repeated (S7). Two would cross
 * otherwise. Message 3 and HELLO go in the place of an answer: a peer that has lost the session says NO_SESSION.
 */
function ownIsOut(link: Link): bool {
  if (link.initiating >= 0 && slotAt(link.initiating).message != 0) return true;
  if (!Message3.repeats(link)) return false;
  link.due |= LINK_MESSAGE3 | LINK_HELLO;
  return true;
}

class Message3 {
  /** True while nothing has been opened under the session that this side began, and message 3 is repeated. */
  @inline static repeats(link: Link): bool {
    const session = LinkArea.session(link, CURRENT);
    return session.initiator != 0 && !session.confirmed && link.message3Tries < MESSAGE3_TRIES;
  }
}

/** Rule S9: how many handshakes a peer may begin at once, the number of peers and 64 at most. */
export function handshakeBurst(): i32 {
  return min<i32>(linkCount(), BURST_MOST);
}

/** Rule S9: one new handshake in 5 s on average. */
function rateAllows(link: Link): bool {
  const most = handshakeBurst();
  while (link.rateLeft < most && since(link.rateAt) >= RATE_MS) {
    link.rateLeft++;
    link.rateAt += RATE_MS;
  }
  if (link.rateLeft >= most) link.rateAt = now;
  return link.rateLeft > 0;
}

/** Takes message 2 for the handshake that this side began. */
export function handshakeMessage2(link: Link, at: usize, len: i32): i32 {
  if (!padded(at, len, MESSAGE2_AT + MESSAGE2_LEN, MESSAGE2_PACKET_LEN))
    return STATUS_BAD_HANDSHAKE;
  const index = load<u32>(at, 1);
  const session = LinkArea.session(link, CURRENT);
  if (index == session.index && session.initiator && !session.confirmed) {
    link.due |= LINK_MESSAGE3;
    return STATUS_OK;
  }
  if (link.initiating < 0 || index != link.initiatorIndex) return STATUS_UNKNOWN_INDEX;
  const slot = slotAt(link.initiating);
  if (slot.state != SLOT_WAITING || slot.message != 1) return STATUS_OK;
  link.message3Index = load<u32>(at, 5);
  return noiseRead(slot, at + <usize>MESSAGE2_AT, MESSAGE2_LEN);
}

/** Takes message 3 for the handshake that this side answers. */
export function handshakeMessage3(link: Link, at: usize, len: i32): i32 {
  if (!padded(at, len, MESSAGE3_AT + XK_MESSAGE3_LEN, MESSAGE3_PACKET_LEN))
    return STATUS_BAD_HANDSHAKE;
  const index = load<u32>(at, 1);
  if (index == LinkArea.session(link, CURRENT).index) return STATUS_OK;
  if (link.responding < 0 || index != link.responderIndex) return STATUS_UNKNOWN_INDEX;
  const slot = slotAt(link.responding);
  if (slot.state != SLOT_WAITING || slot.message != 2) return STATUS_OK;
  return noiseRead(slot, at + <usize>MESSAGE3_AT, XK_MESSAGE3_LEN);
}

/** The responder has opened `s`: it has to be the peer's key, or its next one. STATUS_UNKNOWN_PEER ends it. */
export function handshakeAsk(link: Link, slot: Slot): i32 {
  const key = LinkArea.at(link, LINK_KEY);
  const next = LinkArea.at(link, LINK_NEXT_KEY);
  const shown = Area.at(slot, RS);
  if (!ctEqual(shown, key, 32) && (noKey(next) || !ctEqual(shown, next, 32)))
    return STATUS_UNKNOWN_PEER;
  noiseAnswer(slot);
  return STATUS_OK;
}

/** A message of the link's handshake in `slot` is finished. True: there is a new current session. */
export function handshakeDone(link: Link, slotIndex: i32): bool {
  const slot = slotAt(slotIndex);
  if (slot.state == SLOT_DONE) {
    finish(link, slotIndex, slot);
    return true;
  }
  if (slot.initiator) {
    if (slot.message == 2) noiseWrite(slot);
    else {
      link.due |= LINK_MESSAGE1;
      again(link);
    }
  } else if (slot.message == 1) noiseWrite(slot);
  else link.due |= LINK_MESSAGE2;
  return false;
}

/** Sets the time of the next message 1: 1, 2, 4, 8, 16 s, each ± 20 %. */
function again(link: Link): void {
  const wait = MESSAGE1_MS << link.tries;
  const spread = <i32>((<u64>randomU32() * <u64>(wait * 4)) >> 32);
  link.retryAt = now + (((wait * 8 + spread) * 205) >> 11);
  link.tries++;
}

function finish(link: Link, slotIndex: i32, slot: Slot): void {
  const initiator = slot.initiator != 0;
  const session = initiator
    ? sessionPush(link, link.initiatorIndex, link.message3Index, true)
    : sessionPush(link, link.responderIndex, link.responderPeerIndex, false);
  const keys = sessionKeys(session);
  noiseSplit(slot, keys, keys + 32, keys + 64);
  // Not when the link was added: that may be before the first entropy, and would be the same after every boot (S1).
  const mine = LinkArea.at(link, LINK_MINE);
  if (ctIsZero(mine, 8)) randomBytes(mine, 8);
  promote(link, Area.at(slot, RS));
  if (link.oldPsk && ctEqual(Area.at(slot, PSK), LinkArea.at(link, LINK_PSK), 32)) {
    link.oldPsk = 0;
    wipe(LinkArea.at(link, LINK_OLD_PSK), 40);
  }
  if (initiator) {
    memory.copy(LinkArea.at(link, LINK_MESSAGE3_BYTES), noiseMessage(slot), XK_MESSAGE3_LEN);
    link.due |= LINK_MESSAGE3;
    link.message3Tries = 0;
    link.message3At = now + MESSAGE1_MS;
    link.initiating = -1;
    link.initiatorIndex = 0;
    // The peer's own, which may still be answered, would cross this one (S7).
    if (link.lower) handshakeDrop(link);
  } else {
    memory.copy(LinkArea.at(link, LINK_LAST_E), Area.at(slot, RE), 32);
    link.responding = -1;
    link.responderIndex = 0;
    hopAnswered(link);
  }
  link.unanswered = 0;
  link.due |= LINK_HELLO;
  slotFree(slotIndex);
}

/** The first finished handshake under `nextKey` makes it `key` (rule T3). */
function promote(link: Link, key: usize): void {
  const next = LinkArea.at(link, LINK_NEXT_KEY);
  const isNext = !noKey(next) && ctEqual(key, next, 32);
  if (link.commander) {
    // The recovery key never becomes the Commander's key (rule T8).
    link.commander = isNext
      ? link.commander | COMMANDER_RECOVERY
      : link.commander & ~COMMANDER_RECOVERY;
    return;
  }
  if (!isNext) return;
  memory.copy(LinkArea.at(link, LINK_KEY), next, 32);
  memory.fill(next, 0, 32);
}

/** A message that was read is wrong. A forged one is forgotten; a stranger's handshake ends. */
export function handshakeFailed(link: Link, slotIndex: i32): void {
  const slot = slotAt(slotIndex);
  if (slot.message != 0) {
    noiseForget(slot);
    return;
  }
  slotFree(slotIndex);
  if (slotIndex == link.responding) link.responding = -1;
  else link.initiating = -1;
}

/** Repetitions and ends by time. True when message 1 has been sent often enough and a new one is to be made. */
export function handshakeTick(link: Link): bool {
  let renew = false;
  if (link.initiating >= 0) {
    const slot = slotAt(link.initiating);
    if (slot.state == SLOT_WAITING && slot.message == 1) {
      if (!due(link.retryAt)) wakeAt(link.retryAt);
      else if (link.tries > MESSAGE1_TRIES) {
        slotFree(link.initiating);
        link.initiating = -1;
        renew = true;
      } else {
        hopRepeat(link, !sessionUsable(link));
        link.due |= LINK_MESSAGE1;
        again(link);
      }
    }
  }
  if (link.responding >= 0 && since(link.responderAt) >= RESPONDER_MS) {
    slotFree(link.responding);
    link.responding = -1;
  }
  if (Message3.repeats(link)) {
    if (!due(link.message3At)) wakeAt(link.message3At);
    else {
      hopRepeat(link, LinkArea.session(link, PREVIOUS).index == 0);
      link.due |= LINK_MESSAGE3;
      link.message3Tries++;
      link.message3At = now + (MESSAGE1_MS << link.message3Tries);
    }
  }
  return renew;
}

/** The link has moved to another hop: what waits for an answer goes out at once. */
export function handshakeAgain(link: Link): void {
  if (link.initiating >= 0) {
    const slot = slotAt(link.initiating);
    if (slot.state == SLOT_WAITING && slot.message == 1) link.due |= LINK_MESSAGE1;
  }
  const session = LinkArea.session(link, CURRENT);
  if (session.initiator && session.index != 0 && !session.confirmed) link.due |= LINK_MESSAGE3;
}

/**
 * Writes the handshake packet that is due on a hop, or returns 0: message 2 on the one that it is for, the others on the
 * link's own. Whole packets, padded with zeros.
 */
export function handshakeWrite(link: Link, hop: i32, at: usize, room: i32): i32 {
  if (room < MESSAGE1_PACKET_LEN) return 0;
  if (link.due & LINK_MESSAGE2 && link.answerHop == hop) {
    link.due &= ~LINK_MESSAGE2;
    if (link.responding >= 0 && slotAt(link.responding).message == 2) return emit2(link, at);
  }
  if (link.hop != hop) return 0;
  if (link.due & LINK_MESSAGE1) {
    link.due &= ~LINK_MESSAGE1;
    if (link.initiating >= 0) {
      hopAsked(link);
      return emit1(link, at);
    }
  }
  if (link.due & LINK_MESSAGE3) {
    link.due &= ~LINK_MESSAGE3;
    return emit3(link, at);
  }
  return 0;
}

function emit1(link: Link, at: usize): i32 {
  memory.fill(at, 0, MESSAGE1_PACKET_LEN);
  store<u8>(at, PACKET_MESSAGE1);
  store<u32>(at, link.initiatorIndex, 1);
  memory.copy(at + 5, initiatorPsk(link) + PSK_NAME, 8);
  memory.copy(at + <usize>MESSAGE1_AT, Area.at(slotAt(link.initiating), AREA_A), XK_MESSAGE1_LEN);
  return MESSAGE1_PACKET_LEN;
}

function emit2(link: Link, at: usize): i32 {
  memory.fill(at, 0, MESSAGE2_PACKET_LEN);
  store<u8>(at, PACKET_MESSAGE2);
  store<u32>(at, link.responderPeerIndex, 1);
  store<u32>(at, link.responderIndex, 5);
  const slot = slotAt(link.responding);
  memory.copy(at + <usize>MESSAGE2_AT, Area.at(slot, AREA_B), MESSAGE2_LEN);
  return MESSAGE2_PACKET_LEN;
}

function emit3(link: Link, at: usize): i32 {
  memory.fill(at, 0, MESSAGE3_PACKET_LEN);
  store<u8>(at, PACKET_MESSAGE3);
  store<u32>(at, LinkArea.session(link, CURRENT).peerIndex, 1);
  memory.copy(at + <usize>MESSAGE3_AT, LinkArea.at(link, LINK_MESSAGE3_BYTES), XK_MESSAGE3_LEN);
  return MESSAGE3_PACKET_LEN;
}
