// SPDX-License-Identifier: Apache-2.0
//
// Writes the next packet of a link: a handshake packet, or HELLO while it is wanted, control from the present
// state, and then one OPEN, ACCEPT, STREAM or DATAGRAM (rules F3, F8). Before it: streams and timers say what is
// due. After it: hop-tx.ts puts the packet into a hop record. PROTOCOL 5.1 to 5.4, 7.1.

import { due, now } from "../clock";
import { SIZE_MAX_PACKET, SIZE_MAX_RECORD, SIZE_PENDING_OPENS, size } from "../layout";
import {
  ACK_NONE,
  ACK_TIMED,
  ACK_URGENT,
  CURRENT,
  LINK_GOODBYE,
  LINK_HELLO,
  LINK_MESSAGE1,
  LINK_MESSAGE2,
  LINK_MESSAGE3,
  LINK_MINE,
  LINK_NO_SESSION,
  LINK_PEERS,
  LINK_PONG,
  LINK_PROBE,
  LINK_RESETS,
  LINK_RESUME,
  Link,
  LinkArea,
  PREVIOUS,
  packetSeal,
  Session,
  sessionUsable,
  sessionWipe,
} from "../seal/link";
import { handshakeWrite } from "../seal/link-handshake";
import { CLASS_STREAM, CLASS_WAKE } from "../wire/hop-frames";
import {
  ACK,
  ACK_FLAGS,
  ACK_GAP,
  ACK_LEN,
  ACK_LIMIT,
  ACK_NEXT,
  DATA_HEADER_LEN,
  GOODBYE,
  GOODBYE_LEN,
  HELLO,
  HELLO_EPOCH,
  HELLO_IN_FLIGHT,
  HELLO_LEN,
  HELLO_LOAD,
  HELLO_MAX_PACKET,
  HELLO_MAX_RECORD,
  HELLO_MINE,
  HELLO_PENDING_OPENS,
  HELLO_YOURS,
  LinkFrame,
  MESSAGE1_PACKET_LEN,
  NO_SESSION_LEN,
  PACKET_ALIGN,
  PACKET_NO_SESSION,
  PONG,
  PONG_LEN,
  PROBE,
  PROBE_LEN,
  RESUME,
  STREAM,
  STREAM_HEADER_LEN,
  STREAM_NUMBER,
} from "../wire/link-frames";
import { KIND_DATAGRAM, RECORD_OVERHEAD } from "../wire/record";
import { datagramWrite } from "./datagram";
import { CONFIG_VERSION, reopen, writeOpening } from "./opening";
import { IN_FLIGHT_OVERHEAD, nextRecord, nextRecordLen, recordMost } from "./record";
import { probeMark, ptoArm } from "./recovery";
import { writeEnds, writeResets } from "./resets";
import {
  STREAM_OPENED,
  STREAM_RESETTING,
  STREAM_UP,
  Stream,
  streamAt,
  streamLoad,
  takeControl,
  takeData,
  wantControl,
  wantData,
} from "./stream";

const TAG_LEN: i32 = 16;
const HANDSHAKE_DUE: u32 = LINK_MESSAGE1 | LINK_MESSAGE2 | LINK_MESSAGE3;
const CONTROL_DUE: u32 =
  LINK_HELLO | LINK_PONG | LINK_RESUME | LINK_PROBE | LINK_GOODBYE | LINK_RESETS;

/** Class of the packet that `linkWrite` wrote last (PROTOCOL 4.3). */
export let writtenClass: i32 = 0;

/** True when the link has something to write on its own hop now. */
export function linkReady(link: Link): bool {
  if (link.due & (LINK_MESSAGE1 | LINK_MESSAGE3 | LINK_NO_SESSION)) return true;
  if (!sessionUsable(link)) return false;
  if (link.due & CONTROL_DUE) return true;
  if (link.ackTimer == ACK_URGENT && link.controlHead >= 0) return true;
  return link.controlHead >= 0 ? controlNow(link) || dataNow(link) : dataNow(link);
}

/** True when a stream in the control ring has more than a delayed ACK to say. */
function controlNow(link: Link): bool {
  return (
    link.ackTimer == ACK_NONE || (link.ackTimer == ACK_TIMED && due(link.ackAt)) || opensWait(link)
  );
}

function opensWait(link: Link): bool {
  for (let i = link.controlHead; i >= 0; i = streamAt(i).nextControl)
    if (streamAt(i).handshakeDue) return true;
  return false;
}

/** True when data may go: the peer's HELLO is known and maxInFlight leaves room for the largest record (F6). */
function dataNow(link: Link): bool {
  if (link.dataHead < 0 || link.peerMaxPacket == 0) return false;
  const out = link.inFlight + link.datagramBytes;
  return (
    out == 0 ||
    out + <u32>(recordMost(link) + RECORD_OVERHEAD + IN_FLIGHT_OVERHEAD) <= link.peerInFlight
  );
}

/** True when the link has something to write on this hop now. */
export function linkReadyOn(link: Link, hop: i32): bool {
  if (link.due & LINK_MESSAGE2 && link.answerHop == hop) return true;
  return link.hop == hop && linkReady(link);
}

/**
 * Writes the link's next packet for a hop at `at`, at most `room` bytes.
 * @returns its length, or 0 when nothing is due or fits
 */
export function linkWrite(link: Link, hop: i32, at: usize, room: i32): i32 {
  writtenClass = CLASS_STREAM;
  if (link.due & HANDSHAKE_DUE) {
    const len = handshakeWrite(link, hop, at, room);
    if (len == MESSAGE1_PACKET_LEN) writtenClass = CLASS_WAKE;
    if (len != 0) return len;
  }
  if (link.hop != hop) return 0;
  if (link.due & LINK_NO_SESSION && room >= NO_SESSION_LEN) return writeNoSession(link, at);
  if (!sessionUsable(link)) return 0;
  const most = packetMost(link, room);
  if (most < DATA_HEADER_LEN + TAG_LEN + HELLO_LEN) return 0;
  const begin = at + <usize>DATA_HEADER_LEN;
  const end = at + <usize>(most - TAG_LEN);
  const body = writeBody(link, begin, end);
  if (body == begin) return 0;
  const len = packetSeal(link, at, <i32>(body - begin));
  // GOODBYE of a violation is the last packet of the sessions (rule F10).
  if (link.penalty && !(link.due & LINK_GOODBYE)) {
    sessionWipe(link, CURRENT);
    sessionWipe(link, PREVIOUS);
  }
  return len;
}

/** Largest packet to this peer over this hop. */
function packetMost(link: Link, room: i32): i32 {
  const own = size(SIZE_MAX_PACKET);
  const peer = link.peerMaxPacket != 0 ? link.peerMaxPacket : 2048;
  return min<i32>(min<i32>(own, peer), room);
}

function writeNoSession(link: Link, at: usize): i32 {
  link.due &= ~LINK_NO_SESSION;
  memory.fill(at, 0, NO_SESSION_LEN);
  store<u8>(at, PACKET_NO_SESSION);
  store<u32>(at, link.noSessionIndex, 1);
  return NO_SESSION_LEN;
}

function writeBody(link: Link, begin: usize, end: usize): usize {
  const session = LinkArea.session(link, CURRENT);
  let at = begin;
  if (!session.heard || link.due & LINK_HELLO) at = writeHello(link, session, at);
  const bare = at;
  at = writeControl(link, at, end);
  const last = writeLast(link, at, end);
  if (last != at) return last;
  // Nothing but the HELLO that every packet carries: only worth a packet when it is asked for.
  if (at == bare && !(link.due & LINK_HELLO)) return begin;
  link.due &= ~LINK_HELLO;
  return pad(begin, at, end);
}

/** Pads with zeros so that the packet is a multiple of 64 bytes, where there is room. */
function pad(begin: usize, at: usize, end: usize): usize {
  const total = <i32>(at - begin) + DATA_HEADER_LEN + TAG_LEN;
  const padded = (total + PACKET_ALIGN - 1) & ~(PACKET_ALIGN - 1);
  const target = begin + <usize>(padded - DATA_HEADER_LEN - TAG_LEN);
  if (target > end) return at;
  memory.fill(at, 0, target - at);
  return target;
}

function writeHello(link: Link, session: Session, at: usize): usize {
  store<u8>(at, HELLO);
  memory.copy(at + <usize>HELLO_MINE, LinkArea.at(link, LINK_MINE), 8);
  // Named only once the peer's HELLO of this session has been opened: that is what tells it to stop (5.4).
  if (session.greeted) memory.copy(at + <usize>HELLO_YOURS, LinkArea.at(link, LINK_PEERS), 8);
  else store<u64>(at, 0, HELLO_YOURS);
  store<u16>(at, <u16>size(SIZE_MAX_PACKET), HELLO_MAX_PACKET);
  store<u16>(at, <u16>size(SIZE_MAX_RECORD), HELLO_MAX_RECORD);
  store<u32>(at, link.myInFlight, HELLO_IN_FLIGHT);
  store<u16>(at, <u16>size(SIZE_PENDING_OPENS), HELLO_PENDING_OPENS);
  store<u8>(at, streamLoad(), HELLO_LOAD);
  memory.copy(at + <usize>HELLO_EPOCH, CONFIG_VERSION, 12);
  return at + <usize>HELLO_LEN;
}

/** Frames of fixed length, in the order that 7.2 wants: resets, ACKs, then PONG, RESUME, PROBE behind all ACKs. */
function writeControl(link: Link, start: usize, end: usize): usize {
  let at = start;
  if (link.due & LINK_GOODBYE && at + <usize>GOODBYE_LEN <= end) {
    store<u8>(at, GOODBYE);
    store<u8>(at, link.goodbyeReason, 1);
    link.due &= ~LINK_GOODBYE;
    at += GOODBYE_LEN;
  }
  at = writeResets(link, at, end);
  at = writeAcks(link, at, end);
  if (anyAckLeft(link) || link.due & LINK_RESETS) return at;
  if (link.due & LINK_PONG && at + <usize>PONG_LEN <= end) {
    at = LinkFrame.emitByte(at, PONG, link.pongToken, streamLoad());
    link.due &= ~LINK_PONG;
  }
  if (link.due & LINK_RESUME && at + 1 <= end) {
    store<u8>(at++, RESUME);
    link.due &= ~LINK_RESUME;
  }
  if (link.due & LINK_PROBE && at + <usize>PROBE_LEN <= end) {
    at = writeEnds(link, at, end - <usize>PROBE_LEN);
    store<u8>(at, PROBE);
    store<u32>(at, probeMark(link), 1);
    link.due &= ~LINK_PROBE;
    at += PROBE_LEN;
  }
  return at;
}

/** True while a stream in the control ring still has an ACK to state. */
function anyAckLeft(link: Link): bool {
  for (let i = link.controlHead; i >= 0; i = streamAt(i).nextControl)
    if (streamAt(i).ackDue) return true;
  return false;
}

/** One pass over the control ring: ACKs as they fit; what is left stays in the ring. */
function writeAcks(link: Link, start: usize, end: usize): usize {
  let at = start;
  const last = link.controlTail;
  while (link.controlHead >= 0) {
    const index = takeControl(link);
    const stream = streamAt(index);
    const fits = at + <usize>ACK_LEN <= end;
    if (stream.ackDue && fits) at = writeAck(stream, at);
    if (stream.handshakeDue || stream.ackDue) wantControl(stream);
    if (index == last) break;
  }
  if (!anyAckLeft(link)) link.ackTimer = ACK_NONE;
  return at;
}

function writeAck(stream: Stream, at: usize): usize {
  store<u8>(at, ACK);
  store<u32>(at, stream.number, 1);
  store<u8>(at, stream.gapSeen ? ACK_GAP : 0, ACK_FLAGS);
  // A datagram channel counts no records: its ACK only says that ACCEPT has come.
  store<u64>(at, stream.kind == KIND_DATAGRAM ? 0 : stream.recvNext, ACK_NEXT);
  store<u64>(at, stream.limit, ACK_LIMIT);
  stream.limitTold = stream.limit;
  stream.ackDue = 0;
  stream.gapSeen = 0;
  return at + <usize>ACK_LEN;
}

/** The frame that takes the rest: OPEN or ACCEPT, else a record or a datagram. */
function writeLast(link: Link, at: usize, end: usize): usize {
  const session = LinkArea.session(link, CURRENT);
  const opened = writeOpenings(link, at, end);
  if (opened != at) return opened;
  if (!session.greeted && link.peerMaxPacket == 0) return at;
  if (!dataNow(link)) return at;
  const turns = link.dataTail;
  while (true) {
    const index = takeData(link);
    if (index < 0) return at;
    const stream = streamAt(index);
    const next = writeData(link, stream, at, end);
    if (next != at || index == turns) return next;
  }
}

function writeOpenings(link: Link, at: usize, end: usize): usize {
  for (let i = link.controlHead; i >= 0; ) {
    const stream = streamAt(i);
    i = stream.nextControl;
    if (!stream.handshakeDue || (stream.slot < 0 && !stream.acceptHeld)) continue;
    if (
      stream.state == STREAM_OPENED &&
      stream.sessionIndex != LinkArea.session(link, CURRENT).index
    ) {
      reopen(stream);
      continue;
    }
    const len = writeOpening(stream, at, <i32>(end - at));
    if (len == 0) return at;
    stream.handshakeDue = 0;
    stream.handshakeSent = 1;
    stream.progressAt = now;
    ptoArm(link);
    return at + <usize>len;
  }
  return at;
}

/** Writes DATAGRAM, or STREAM with the next record; the stream goes to the end of its ring when it has more. */
function writeData(link: Link, stream: Stream, at: usize, end: usize): usize {
  if (stream.kind == KIND_DATAGRAM) {
    const next = datagramWrite(stream, at, end);
    // An old datagram is of no use; what else the packet says is said again (rules K1, U4).
    if (next != at) writtenClass = stream.age;
    return next;
  }
  if (stream.state != STREAM_UP && stream.state != STREAM_RESETTING) return at;
  const len = nextRecordLen(stream);
  if (len == 0) return at;
  const room = <i32>(end - at) - STREAM_HEADER_LEN;
  if (len > room) {
    wantData(stream);
    return at;
  }
  store<u8>(at, STREAM);
  store<u32>(at, stream.number, 1);
  store<u64>(at, stream.sendNumber, STREAM_NUMBER);
  if (stream.sendNumber == stream.acked) stream.progressAt = now;
  nextRecord(stream, at + <usize>STREAM_HEADER_LEN, len);
  if (stream.sendNumber != stream.sendNext) wantData(stream);
  ptoArm(link);
  return at + <usize>(STREAM_HEADER_LEN + len);
}
