// SPDX-License-Identifier: Apache-2.0
//
// Layer 2: the table of links, their sessions, and the sealing and opening of packets. Before it: a packet from the
// hop. After it: stream/link-rx.ts and link-tx.ts, which know the frames; link-handshake.ts makes the sessions.
// Invariants: a counter is a nonce and never repeats under one key; a link has at most one previous, one current
// session; nothing that fails here changes anything but a counter (rule S8). PROTOCOL 5.1, 5.2.

import { now, since } from "../clock";
import { aeadOpen, aeadSeal } from "../crypto/aead";
import { wipe } from "../crypto/wipe";
import { SIZE_LINKS, SIZE_REPLAY_BITS, size, take } from "../layout";
import { STATUS_BAD_TAG, STATUS_EXHAUSTED, STATUS_OK, STATUS_STALE } from "../status";
import { DATA_HEADER_LEN, PACKET_DATA } from "../wire/link-frames";
import { randomU32 } from "./random";

@unmanaged
export class Session {
  /** index that the peer writes, and that this side writes; 0: the place is empty */
  index: u32;
  peerIndex: u32;
  sendN: u64;
  /** one above the highest counter opened */
  recvTop: u64;
  bornAt: i32;
  usedAt: i32;
  badTags: u32;
  /** the peer's HELLO of this session has been opened */
  greeted: u8;
  /** a packet under this session has been opened */
  confirmed: u8;
  initiator: u8;
  /** the peer has shown that it has opened this side's HELLO of this session */
  heard: u8;
}

const SESSION_BASE: i32 = offsetof<Session>();
const SESSION_SEND: i32 = SESSION_BASE;
const SESSION_RECV: i32 = SESSION_BASE + 32;
const SESSION_HASH: i32 = SESSION_BASE + 64;
const SESSION_SEEN: i32 = SESSION_BASE + 96;

/** What is to be written when there is room (rule F3). */
export const LINK_HELLO: u32 = 1;
export const LINK_PONG: u32 = 2;
export const LINK_RESUME: u32 = 4;
export const LINK_PROBE: u32 = 8;
export const LINK_GOODBYE: u32 = 16;
export const LINK_MESSAGE1: u32 = 32;
export const LINK_MESSAGE2: u32 = 64;
export const LINK_MESSAGE3: u32 = 128;
export const LINK_NO_SESSION: u32 = 256;
export const LINK_RESETS: u32 = 512;

@unmanaged
export class Link {
  index: i32;
  used: u8;
  /** COMMANDER bits, PEER_GONE; not 0: no stream of an application runs on it */
  commander: u8;
  /** this STLink has the lower id: it opens even numbers */
  lower: u8;
  goodbyeReason: u8;
  peerLoad: u8;
  /** an unanswered PROBE is out */
  probing: u8;
  /** the host or a stream wants a session */
  wanted: u8;
  /** the peer's linkId is known */
  known: u8;
  due: u32;
  hop: i32;
  /** the hop that message 2 goes out on */
  answerHop: i32;
  /** when the link came to its hop */
  movedAt: i32;
  /** slots of a handshake under way: as initiator, as responder */
  initiating: i32;
  responding: i32;
  initiatorIndex: u32;
  responderIndex: u32;
  responderPeerIndex: u32;
  message3Index: u32;
  noSessionIndex: u32;
  tries: i32;
  retryAt: i32;
  message3Tries: i32;
  message3At: i32;
  noSessionAt: i32;
  noSessionHeardAt: i32;
  /** tokens of rule S9: when the last one was given, how many are left */
  rateAt: i32;
  rateLeft: i32;
  heardAt: i32;
  penaltyAt: i32;
  restAt: i32;
  penalty: u8;
  /** no new handshake is begun before `restAt` */
  resting: u8;
  /** the probe time-out was brought forward by a hint of the Connector's */
  hinted: u8;
  rttKnown: u8;
  /** PROBEs and messages 1 in a row that stayed unanswered */
  unanswered: u8;
  ackTimer: u8;
  probeBackoff: u8;
  /** the PSK before this one still counts */
  oldPsk: u8;
  /** the peer's statement in HELLO */
  peerMaxPacket: i32;
  peerMaxRecord: i32;
  peerInFlight: u32;
  peerPendingOpens: i32;
  peerEpoch: u32;
  peerSerialLow: u32;
  peerSerialHigh: u32;
  /** what this side stated; never falls */
  myInFlight: u32;
  /** sealed bytes out and not acknowledged; OPENs out and not answered; OPENs being answered */
  inFlight: u32;
  opensOut: i32;
  opensIn: i32;
  /** datagrams sent within a round trip from `datagramAt`, counted as records are (8.2) */
  datagramBytes: u32;
  datagramAt: i32;
  /** streams that wait to be opened */
  opening: i32;
  responderAt: i32;
  /** loss recovery (PROTOCOL 7.2) */
  srtt: i32;
  rttvar: i32;
  ptoAt: i32;
  ackAt: i32;
  probeToken: u32;
  probeAt: i32;
  pongToken: u32;
  /** streams: all of this link; with control due; with data to send */
  streams: i32;
  controlHead: i32;
  controlTail: i32;
  dataHead: i32;
  dataTail: i32;
  /** next number to open, highest the peer opened plus one */
  nextNumber: u32;
  peerNumber: u32;
  resetCount: i32;
  finishedAt: i32;
  /** counters for status, read as they stand here (`link_info`) */
  packetsIn: u32;
  packetsOut: u32;
  dropped: u32;
  handshakes: u32;
  /** why the last packet was dropped */
  lastDrop: i32;
}

/** `ackTimer`: no ACK waits; one waits for `ackAt`; one is to go at once (rule D2). */
export const ACK_NONE: u8 = 0;
export const ACK_TIMED: u8 = 1;
export const ACK_URGENT: u8 = 2;

/**
 * `commander` bits (PROTOCOL 10.5): it is the Commander's link; its next handshake tries the recovery key, which stands as
 * the next key; the session was made with that one. GONE: no Commander, but a peer that was revoked.
 */
export const COMMANDER: u8 = 1;
export const COMMANDER_TRIES: u8 = 2;
export const COMMANDER_RECOVERY: u8 = 4;
export const PEER_GONE: u8 = 8;

const BASE: i32 = offsetof<Link>();
export const LINK_ID: i32 = BASE;
export const LINK_KEY: i32 = BASE + 16;
export const LINK_NEXT_KEY: i32 = BASE + 48;
/** A PSK [32], its name [8] behind it. */
export const LINK_PSK: i32 = BASE + 80;
/** The PSK before this one and its name, while `oldPsk` (5.2). */
export const LINK_OLD_PSK: i32 = BASE + 120;
export const LINK_MINE: i32 = BASE + 160;
export const LINK_PEERS: i32 = BASE + 168;
/** `e` of the last finished handshake as responder (rule S6). */
export const LINK_LAST_E: i32 = BASE + 176;
export const LINK_MESSAGE3_BYTES: i32 = BASE + 208;
/** RESET frames for unknown streams: number u32, reason u8, 8 bytes each. */
export const LINK_RESET_LIST: i32 = BASE + 272;
export const RESET_LIST_MOST: i32 = 8;
/** The last clean ends: number u32 + 1 (0: empty), next u64, 16 bytes each (7.2). */
export const LINK_FINISHED: i32 = BASE + 336;
export const FINISHED_MOST: i32 = 8;
const SESSIONS_AT: i32 = BASE + 464;

export const CURRENT: i32 = 0;
export const PREVIOUS: i32 = 1;

/** Times and counts of PROTOCOL section 11. */
const SEND_MS: i32 = 3_600_000;
const OPEN_MS: i32 = 7_200_000;
const SEND_MOST: u64 = 0x1_0000_0000;

let base: usize = 0;
let linkBytes: i32 = 0;
let sessionBytes: i32 = 0;
let count: i32 = 0;
/** One behind the last link that has ever been in use: who looks at all of them looks no further. */
export let linkEnd: i32 = 0;
let replayBits: i32 = 0;

/** Takes the links' memory. */
export function linksLayout(): void {
  count = size(SIZE_LINKS);
  linkEnd = 0;
  replayBits = size(SIZE_REPLAY_BITS);
  sessionBytes = SESSION_SEEN + (replayBits >> 3);
  linkBytes = SESSIONS_AT + 2 * sessionBytes;
  base = take(count, linkBytes);
}

/** Number of link slots. */
export function linkCount(): i32 {
  return count;
}

/** The link is in use from now on. */
export function linkUse(index: i32): void {
  linkAt(index).used = 1;
  linkEnd = max<i32>(linkEnd, index + 1);
}

/** The link with an index in range. */
export function linkAt(index: i32): Link {
  return changetype<Link>(base + <usize>(index * linkBytes));
}

/** True when the index names a link in use. */
export function linkKnown(index: i32): bool {
  return <u32>index < <u32>count && linkAt(index).used != 0;
}

export class LinkArea {
  @inline static at(link: Link, offset: i32): usize {
    return changetype<usize>(link) + <usize>offset;
  }

  @inline static session(link: Link, place: i32): Session {
    return changetype<Session>(
      changetype<usize>(link) + <usize>(SESSIONS_AT + place * sessionBytes),
    );
  }

  @inline static hash(session: Session): usize {
    return changetype<usize>(session) + <usize>SESSION_HASH;
  }
}

/** A receiver index that no session or handshake of any link has. Its low half finds the link. */
export function linkNewIndex(index: i32): u32 {
  const link = linkAt(index);
  while (true) {
    const value = (randomU32() & 0xffff0000) | <u32>index;
    if (value == 0 || value == link.initiatorIndex || value == link.responderIndex) continue;
    if (
      value == LinkArea.session(link, CURRENT).index ||
      value == LinkArea.session(link, PREVIOUS).index
    )
      continue;
    return value;
  }
}

/** The link that gave out a receiver index, or -1. */
export function linkOfIndex(index: u32): i32 {
  const at = <i32>(index & 0xffff);
  return index != 0 && linkKnown(at) ? at : -1;
}

/** The session place of a receiver index, or -1. */
export function sessionOf(link: Link, index: u32): i32 {
  if (LinkArea.session(link, CURRENT).index == index) return CURRENT;
  if (LinkArea.session(link, PREVIOUS).index == index) return PREVIOUS;
  return -1;
}

/** Wipes one session. */
export function sessionWipe(link: Link, place: i32): void {
  wipe(changetype<usize>(LinkArea.session(link, place)), sessionBytes);
}

/**
 * A finished handshake becomes the current session; the old one becomes previous, which only opens.
 * @returns the new session with its keys still to be filled: send, recv, hash, 32 bytes each, at `sessionKeys`
 */
export function sessionPush(link: Link, index: u32, peerIndex: u32, initiator: bool): Session {
  const current = LinkArea.session(link, CURRENT);
  const previous = LinkArea.session(link, PREVIOUS);
  if (current.index != 0) {
    memory.copy(changetype<usize>(previous), changetype<usize>(current), sessionBytes);
  }
  sessionWipe(link, CURRENT);
  current.index = index;
  current.peerIndex = peerIndex;
  current.bornAt = now;
  current.usedAt = now;
  current.initiator = initiator ? 1 : 0;
  return current;
}

/** Where a session's send key, receive key and handshake hash stand, in this order, 32 bytes each. */
export function sessionKeys(session: Session): usize {
  return changetype<usize>(session) + <usize>SESSION_SEND;
}

/** True while this side may seal under the current session. */
export function sessionUsable(link: Link): bool {
  const session = LinkArea.session(link, CURRENT);
  return session.index != 0 && session.sendN < SEND_MOST && since(session.bornAt) < SEND_MS;
}

/**
 * Seals `len` bytes of frames that stand DATA_HEADER_LEN behind `at`, under the current session.
 * @returns the packet's length, or STATUS_EXHAUSTED
 */
export function packetSeal(link: Link, at: usize, len: i32): i32 {
  const session = LinkArea.session(link, CURRENT);
  if (!sessionUsable(link)) return STATUS_EXHAUSTED;
  const counter = session.sendN++;
  store<u8>(at, PACKET_DATA);
  store<u32>(at, session.peerIndex, 1);
  store<u64>(at, counter, 5);
  const key = changetype<usize>(session) + <usize>SESSION_SEND;
  aeadSeal(key, 0, counter, at, DATA_HEADER_LEN, at + <usize>DATA_HEADER_LEN, len);
  session.usedAt = now;
  link.packetsOut++;
  return DATA_HEADER_LEN + len + 16;
}

/**
 * Opens a data packet of `len` bytes in place under the session at `place`.
 * @returns STATUS_OK, STATUS_STALE, STATUS_BAD_TAG; on an error nothing has changed but `badTags`
 */
export function packetOpen(link: Link, place: i32, at: usize, len: i32): i32 {
  const session = LinkArea.session(link, place);
  const counter = load<u64>(at, 5);
  if (since(session.bornAt) >= OPEN_MS || !replayFresh(session.recvTop, seenOf(session), counter)) {
    return STATUS_STALE;
  }
  const key = changetype<usize>(session) + <usize>SESSION_RECV;
  const body = at + <usize>DATA_HEADER_LEN;
  if (!aeadOpen(key, 0, counter, at, DATA_HEADER_LEN, body, len - DATA_HEADER_LEN - 16)) {
    session.badTags++;
    return STATUS_BAD_TAG;
  }
  session.recvTop = replayMark(session.recvTop, seenOf(session), counter);
  session.confirmed = 1;
  session.usedAt = now;
  return STATUS_OK;
}

/** Wipes sessions that are too old to open anything (rule S10). */
export function sessionsExpire(link: Link): void {
  for (let place = CURRENT; place <= PREVIOUS; place++) {
    const session = LinkArea.session(link, place);
    if (session.index != 0 && since(session.bornAt) >= OPEN_MS) sessionWipe(link, place);
  }
}

function seenOf(session: Session): usize {
  return changetype<usize>(session) + <usize>SESSION_SEEN;
}

/** True when `counter` is inside the window and new. `top` is one above the highest seen. */
export function replayFresh(top: u64, seen: usize, counter: u64): bool {
  if (counter >= top) return counter < 0xffff_ffff_ffff;
  if (top - counter > <u64>replayBits) return false;
  const bit = <i32>counter & (replayBits - 1);
  return ((<i32>load<u8>(seen + <usize>(bit >> 3)) >> (bit & 7)) & 1) == 0;
}

/** Marks `counter` as seen and returns the new top. */
export function replayMark(top: u64, seen: usize, counter: u64): u64 {
  const mask = replayBits - 1;
  if (counter >= top) {
    if (counter - top >= <u64>replayBits) memory.fill(seen, 0, replayBits >> 3);
    else {
      for (let c = top; c <= counter; c++) {
        const at = seen + <usize>((<i32>c & mask) >> 3);
        store<u8>(at, load<u8>(at) & ~((<u8>1) << (<u8>c & 7)));
      }
    }
    top = counter + 1;
  }
  const bit = <i32>counter & mask;
  const at = seen + <usize>(bit >> 3);
  store<u8>(at, load<u8>(at) | ((<u8>1) << (<u8>bit & 7)));
  return top;
}

/** Bytes of a replay window. */
export function replayBytes(): i32 {
  return replayBits >> 3;
}
