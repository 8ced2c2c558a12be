// SPDX-License-Identifier: Apache-2.0
//
// How a stream begins: OPEN and ACCEPT carry the connection handshake of layer 1 (rule H7). Before it: the host's
// wish, or the peer's OPEN. After it: record.ts has keys. OPEN is repeated verbatim inside its session; where that
// session is gone the stream gets a new number and new ephemerals. PROTOCOL 5.5, 3.2.

import { due, now, wakeAt } from "../clock";
import { controlAsk } from "../control/control";
import { openRefused } from "../control/in-force";
import { admits } from "../control/lease";
import { SIZE_PENDING_OPENS, size } from "../layout";
import {
  CURRENT,
  LINK_MINE,
  LINK_PEERS,
  Link,
  LinkArea,
  linkAt,
  Session,
  sessionUsable,
} from "../seal/link";
import {
  MESSAGE2_LEN,
  NN_MESSAGE1_LEN,
  NNHFS,
  noiseBegin,
  noiseRead,
  noiseSplit,
  noiseWrite,
} from "../seal/noise";
import { randomFresh, randomSpend } from "../seal/random";
import {
  AREA_A,
  AREA_B,
  Area,
  OWNER_STREAM,
  SLOT_DONE,
  SLOT_WAITING,
  slotAt,
  slotFree,
} from "../seal/slot";
import {
  REASON_BAD_RECORD,
  REASON_CONFIG_BEHIND,
  REASON_TOO_MANY_STREAMS,
  REASON_UNKNOWN,
  STATUS_BAD_FRAME,
  STATUS_BAD_STATE,
  STATUS_NO_BUFFER,
  STATUS_NO_ENTROPY,
  STATUS_NO_HANDSHAKE_SLOT,
  STATUS_NO_STREAM_SLOT,
  STATUS_OK,
  STATUS_PEER_VIOLATION,
  STATUS_UNKNOWN_PEER,
} from "../status";
import {
  ACCEPT,
  ACCEPT_LEN,
  ACCEPT_LIMIT,
  ACCEPT_LOAD,
  ACCEPT_MESSAGE,
  ACCEPT_VERSION,
  LinkFrame,
  OPEN,
  OPEN_BINDING,
  OPEN_EPOCH,
  OPEN_KIND,
  OPEN_LEN,
  OPEN_LIMIT,
  OPEN_MAPPING,
  OPEN_MESSAGE,
  OPEN_VERSION,
  VERSION,
} from "../wire/link-frames";
import { KIND_CONTROL, KIND_STREAM } from "../wire/record";
import { tellDrop } from "./hop-rx";
import { Cursor, cursorRead, cursorReset, fifoAppend, fifoDrop } from "./pool";
import { NO_LINK, slotFor } from "./reclaim";
import { resetFrame } from "./resets";
import {
  NO_NUMBER,
  NO_ROOM,
  STREAM_BINDING,
  STREAM_INCOMING,
  STREAM_OFFERED,
  STREAM_OPENED,
  STREAM_OPENING,
  STREAM_RECV_KEY,
  STREAM_SEND_KEY,
  STREAM_UP,
  Stream,
  StreamArea,
  streamAt,
  streamClose,
  streamFind,
  streamGrant,
  streamLoad,
  streamTake,
  tellHost,
  wantControl,
} from "./stream";

/** Time of PROTOCOL section 11. */
const BEHIND_MS: i32 = 1000;

const PROLOGUE_LEN: i32 = 101;
const PROLOGUE: usize = memory.data(104, 8);
const HASH: usize = memory.data(32, 8);
/** A cursor of its own for the message 2 that is held in front of a store. */
const HELD_AT: usize = memory.data(16, 8);
/** "sealed/1 conn", padded to 16. */
const LABEL: usize = memory.data<u8>([
  0x73, 0x65, 0x61, 0x6c, 0x65, 0x64, 0x2f, 0x31, 0x20, 0x63, 0x6f, 0x6e, 0x6e, 0, 0, 0,
]);

/** This side's configuration version, as OPEN and HELLO state it (rule F11): epoch u32, serial u64. */
export const CONFIG_VERSION: usize = memory.data(16, 8);

/** PROTOCOL 3.2, in the order given there. `binding` points to Binding id and Mapping id, 32 bytes in a row. */
function prologue(
  link: Link,
  session: Session,
  opener: bool,
  number: u32,
  binding: usize,
  kind: i32,
): void {
  const mine = LinkArea.at(link, LINK_MINE);
  const peers = LinkArea.at(link, LINK_PEERS);
  memory.copy(PROLOGUE, LABEL, 16);
  memory.copy(PROLOGUE + 16, LinkArea.hash(session), 32);
  memory.copy(PROLOGUE + 48, opener ? mine : peers, 8);
  memory.copy(PROLOGUE + 56, opener ? peers : mine, 8);
  store<u32>(PROLOGUE + 64, number);
  memory.copy(PROLOGUE + 68, binding, 32);
  store<u8>(PROLOGUE + 100, <u8>kind);
}

/** Compares two versions (epoch u32, serial u64): true when `a` is the newer one. */
export function versionNewer(a: usize, b: usize): bool {
  const epochA = load<u32>(a);
  const epochB = load<u32>(b);
  if (epochA != epochB) return epochA > epochB;
  return load<u64>(a, 4) > load<u64>(b, 4);
}

/** True when the link may carry an OPEN now: a session, the peer's HELLO under it, a turn. */
export function mayOpen(link: Link): bool {
  return (
    link.opening > 0 &&
    sessionUsable(link) &&
    LinkArea.session(link, CURRENT).greeted != 0 &&
    link.opensOut < link.peerPendingOpens
  );
}

/** Begins the handshake of the link's oldest waiting stream. STATUS_OK, NO_ENTROPY or NO_HANDSHAKE_SLOT. */
export function openNext(link: Link): i32 {
  let found = -1;
  for (let i = link.streams; i >= 0; i = streamAt(i).nextOfLink) {
    if (streamAt(i).state == STREAM_OPENING && streamAt(i).slot < 0 && !rests(streamAt(i)))
      found = i;
  }
  if (found < 0) return STATUS_BAD_STATE;
  if (!randomFresh()) return STATUS_NO_ENTROPY;
  const slotIndex = slotFor(OWNER_STREAM, found, NO_LINK);
  if (slotIndex < 0) return STATUS_NO_HANDSHAKE_SLOT;
  randomSpend();
  const stream = streamAt(found);
  const session = LinkArea.session(link, CURRENT);
  stream.slot = slotIndex;
  stream.reason = 0;
  stream.number = link.nextNumber;
  stream.sessionIndex = session.index;
  link.nextNumber += 2;
  link.opening--;
  link.opensOut++;
  stream.state = STREAM_OPENED;
  prologue(link, session, true, stream.number, StreamArea.at(stream, STREAM_BINDING), stream.kind);
  noiseBegin(slotAt(slotIndex), NNHFS, true, PROLOGUE, PROLOGUE_LEN);
  streamGrant(stream);
  return STATUS_OK;
}

/** The OPEN of a stream belongs to a session that is gone: it is made again under a new number (rule H7). */
export function reopen(stream: Stream): void {
  const link = linkAt(stream.link);
  resetFrame(link, stream.number, REASON_UNKNOWN);
  slotFree(stream.slot);
  stream.slot = -1;
  stream.number = NO_NUMBER;
  stream.handshakeDue = 0;
  stream.state = STREAM_OPENING;
  link.opensOut--;
  link.opening++;
}

/** Opened again in a second: the accepter's configuration is behind (F11), or the handshake slot was wanted. */
export function reopenLater(stream: Stream): void {
  reopen(stream);
  stream.reason = REASON_CONFIG_BEHIND;
  stream.closedAt = now + BEHIND_MS;
  wakeAt(stream.closedAt);
}

/** True while a stream waits for that second. */
function rests(stream: Stream): bool {
  return stream.reason != 0 && !due(stream.closedAt);
}

/** Notes when the streams that rest are due. */
export function restTick(link: Link): void {
  if (link.opening == 0) return;
  for (let i = link.streams; i >= 0; i = streamAt(i).nextOfLink) {
    const stream = streamAt(i);
    if (stream.state == STREAM_OPENING && rests(stream)) wakeAt(stream.closedAt);
  }
}

/** Takes OPEN. STATUS_PEER_VIOLATION ends the link; other statuses are counted. */
export function takeOpen(link: Link, session: Session, at: usize): i32 {
  const number = LinkFrame.stream(at);
  const kind = <i32>load<u8>(at, OPEN_KIND);
  if ((number & 1) != (link.lower ? 1 : 0)) return STATUS_PEER_VIOLATION;
  const known = streamFind(link, number);
  if (known >= 0) {
    const stream = streamAt(known);
    if (stream.acceptHeld) {
      stream.handshakeDue = 1;
      wantControl(stream);
    }
    return STATUS_OK;
  }
  if (number < link.peerNumber) {
    resetFrame(link, number, REASON_UNKNOWN);
    return STATUS_OK;
  }
  // Not a violation: a RESET of the opener's that was lost leaves the two counts apart (5.5).
  if (link.opensIn >= size(SIZE_PENDING_OPENS)) return STATUS_NO_HANDSHAKE_SLOT;
  if (kind < KIND_STREAM || kind > KIND_CONTROL || load<u8>(at, OPEN_VERSION) != VERSION) {
    return refuse(link, number, REASON_BAD_RECORD);
  }
  // Repeated by the opener until the Commander's word is there (rule T10).
  if (!admits(link)) return STATUS_UNKNOWN_PEER;
  if (kind != KIND_CONTROL && versionNewer(at + <usize>OPEN_EPOCH, CONFIG_VERSION)) {
    controlAsk();
    return refuse(link, number, REASON_CONFIG_BEHIND);
  }
  const refused = openRefused(link, kind, at + <usize>OPEN_MAPPING);
  if (refused) return refuse(link, number, refused);
  return answer(link, session, at, number, kind);
}

function refuse(link: Link, number: u32, reason: u8): i32 {
  link.peerNumber = number + 2;
  resetFrame(link, number, reason);
  return STATUS_OK;
}

function answer(link: Link, session: Session, at: usize, number: u32, kind: i32): i32 {
  if (!randomFresh()) return STATUS_NO_ENTROPY;
  const slotIndex = slotFor(OWNER_STREAM, -1, link.index);
  if (slotIndex < 0) return STATUS_NO_HANDSHAKE_SLOT;
  const index = streamTake(link, kind, false);
  if (index < 0) {
    slotFree(slotIndex);
    // Repeated by the opener; what was lent comes back with the next ACKs (7.7).
    if (index == NO_ROOM) return STATUS_NO_BUFFER;
    tellDrop(STATUS_NO_STREAM_SLOT);
    return refuse(link, number, REASON_TOO_MANY_STREAMS);
  }
  randomSpend();
  const stream = streamAt(index);
  const slot = slotAt(slotIndex);
  slot.ownerIndex = index;
  stream.slot = slotIndex;
  stream.number = number;
  stream.state = STREAM_INCOMING;
  stream.peerLimit = load<u64>(at, OPEN_LIMIT);
  memory.copy(StreamArea.at(stream, STREAM_BINDING), at + <usize>OPEN_BINDING, 32);
  link.peerNumber = number + 2;
  link.opensIn++;
  prologue(link, session, false, number, at + <usize>OPEN_BINDING, kind);
  noiseBegin(slot, NNHFS, false, PROLOGUE, PROLOGUE_LEN);
  streamGrant(stream);
  return noiseRead(slot, at + <usize>OPEN_MESSAGE, NN_MESSAGE1_LEN);
}

/** Takes ACCEPT. A repeated one is acknowledged again. */
export function takeAccept(stream: Stream, at: usize): i32 {
  const link = linkAt(stream.link);
  link.peerLoad = load<u8>(at, ACCEPT_LOAD);
  if (load<u8>(at, ACCEPT_VERSION) != VERSION) return STATUS_BAD_FRAME;
  if (stream.state == STREAM_OPENED && stream.slot >= 0) {
    const slot = slotAt(stream.slot);
    if (slot.state != SLOT_WAITING || slot.message != 1) return STATUS_OK;
    stream.peerLimit = load<u64>(at, ACCEPT_LIMIT);
    return noiseRead(slot, at + <usize>ACCEPT_MESSAGE, MESSAGE2_LEN);
  }
  stream.ackDue = 1;
  wantControl(stream);
  return STATUS_OK;
}

/** A message of a stream's handshake is finished. */
export function openingDone(stream: Stream): void {
  const slot = slotAt(stream.slot);
  const link = linkAt(stream.link);
  if (!slot.initiator) {
    if (slot.state != SLOT_DONE) {
      noiseWrite(slot);
      return;
    }
    takeKeys(stream);
    // The store of a new stream is empty and has room for it; so the slot is free for others at once.
    fifoAppend(StreamArea.sendFifo(stream), Area.at(slot, AREA_B), MESSAGE2_LEN);
    stream.acceptHeld = 1;
    slotFree(stream.slot);
    stream.slot = -1;
    link.opensIn--;
    stream.state = STREAM_OFFERED;
    stream.handshakeDue = 1;
    wantControl(stream);
    tellHost(stream);
    return;
  }
  if (slot.state != SLOT_DONE) {
    stream.handshakeDue = 1;
    wantControl(stream);
    return;
  }
  takeKeys(stream);
  slotFree(stream.slot);
  stream.slot = -1;
  link.opensOut--;
  stream.state = STREAM_UP;
  stream.ackDue = 1;
  wantControl(stream);
  tellHost(stream);
}

function takeKeys(stream: Stream): void {
  const send = StreamArea.at(stream, STREAM_SEND_KEY);
  noiseSplit(slotAt(stream.slot), send, StreamArea.at(stream, STREAM_RECV_KEY), HASH);
  memory.fill(HASH, 0, 32);
  stream.keyAt = now;
}

/** The peer's half of a stream's handshake is wrong: its fault, under its own session (rule S8). */
export function openingFailed(stream: Stream): void {
  resetFrame(linkAt(stream.link), stream.number, REASON_BAD_RECORD);
  streamClose(stream, REASON_BAD_RECORD);
}

/** The opener has shown that it has ACCEPT: what was held of it goes. */
export function acceptKnown(stream: Stream): void {
  if (!stream.acceptHeld) return;
  stream.acceptHeld = 0;
  stream.handshakeDue = 0;
  fifoDrop(StreamArea.sendFifo(stream), MESSAGE2_LEN);
  if (stream.sendNumber == stream.acked) StreamArea.cursor(stream).block = 0;
}

/** Writes OPEN or ACCEPT; returns its length, 0 where the room is too small. */
export function writeOpening(stream: Stream, at: usize, room: i32): i32 {
  if (stream.state == STREAM_OPENED) {
    if (room < OPEN_LEN) return 0;
    writeOpen(stream, at);
    return OPEN_LEN;
  }
  if (room < ACCEPT_LEN) return 0;
  store<u8>(at, ACCEPT);
  store<u32>(at, stream.number, 1);
  store<u8>(at, streamLoad(), ACCEPT_LOAD);
  store<u64>(at, stream.limit, ACCEPT_LIMIT);
  store<u8>(at, VERSION, ACCEPT_VERSION);
  const fifo = StreamArea.sendFifo(stream);
  const held = changetype<Cursor>(HELD_AT);
  cursorReset(held, fifo);
  cursorRead(held, fifo, at + <usize>ACCEPT_MESSAGE, MESSAGE2_LEN);
  stream.limitTold = stream.limit;
  return ACCEPT_LEN;
}

function writeOpen(stream: Stream, at: usize): void {
  store<u8>(at, OPEN);
  store<u32>(at, stream.number, 1);
  store<u8>(at, stream.kind, OPEN_KIND);
  memory.copy(at + <usize>OPEN_BINDING, StreamArea.at(stream, STREAM_BINDING), 32);
  memory.copy(at + <usize>OPEN_EPOCH, CONFIG_VERSION, 12);
  store<u64>(at, stream.limit, OPEN_LIMIT);
  store<u8>(at, VERSION, OPEN_VERSION);
  memory.copy(at + <usize>OPEN_MESSAGE, Area.at(slotAt(stream.slot), AREA_A), NN_MESSAGE1_LEN);
  stream.limitTold = stream.limit;
}
