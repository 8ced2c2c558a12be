// SPDX-License-Identifier: Apache-2.0
//
// A stream's two ends towards the application: `in` cuts bytes into records, numbered and sealed once into the
// sealed store; records that arrive are opened, checked and put where `out` takes them. Before it: the host, and
// link-rx.ts. After it: link-tx.ts sends from the store. PROTOCOL section 6, 7.1, 7.4; rules D6 to D9, F1, F2.

import { now, since } from "../clock";
import { wipe } from "../crypto/wipe";
import { SIZE_MAX_PACKET, SIZE_MAX_RECORD, size, take } from "../layout";
import { recordOpen, recordRekey, recordSeal } from "../seal/connection";
import { ACK_URGENT, Link, linkAt } from "../seal/link";
import { REASON_PEER_LOST, STATUS_BAD_RECORD, STATUS_OK, STATUS_PEER_VIOLATION } from "../status";
import {
  KIND_DATAGRAM,
  RECORD_CONNECTED,
  RECORD_DATA,
  RECORD_FIN,
  RECORD_KEY_UPDATE,
  RECORD_OVERHEAD,
  RECORD_RESET,
} from "../wire/record";
import { channelEnd } from "./datagram";
import {
  blocksFor,
  cursorRead,
  cursorReset,
  cursorSkip,
  Fifo,
  fifoAppend,
  fifoByte,
  fifoClear,
  fifoDrop,
  fifoHeadLength,
  fifoRoom,
  promise,
  SEND_SIDE,
  unpromise,
} from "./pool";
import { resetFrame } from "./resets";
import {
  lendable,
  STREAM_CLOSED,
  STREAM_OFFERED,
  STREAM_OPENING,
  STREAM_RESETTING,
  STREAM_UP,
  Stream,
  StreamArea,
  sendBase,
  streamAt,
  streamClose,
  streamGrant,
  tellHost,
  wantControl,
  wantData,
} from "./stream";

/** Times and counts of PROTOCOL section 11. */
const KEY_RECORDS: u32 = 1 << 24;
const KEY_MS: i32 = 3_000_000;
/** What a record in flight counts besides its bytes: the packet around it, and an ACK (7.1). */
export const IN_FLIGHT_OVERHEAD: i32 = 64;

/** Where records are cut and sealed: type byte, bytes, tag. */
let stage: usize = 0;
const LENGTH: usize = memory.data(4, 4);

/** The stream that was refused a loan, of several the one that held least; -1: none. */
let waiting: i32 = -1;

/** Takes the staging area: one record, or the largest datagram that fits a packet. */
export function recordsLayout(): void {
  stage = take(1, size(SIZE_MAX_PACKET));
  waiting = -1;
}

/** Where the application's next bytes go. */
export function stagePtr(): usize {
  return stage + 1;
}

/** Largest plaintext of a record to this peer. */
export function recordMost(link: Link): i32 {
  const own = size(SIZE_MAX_RECORD);
  return link.peerMaxRecord != 0 ? min<i32>(own, link.peerMaxRecord) : own;
}

/**
 * Bytes that `in` takes now: what the peer's limit and the sealed store allow, at most one record. While records are
 * out, a rest of room is not filled: small ones cost as much as whole ones, and room comes with the next ACK.
 */
export function inRoom(stream: Stream): i32 {
  if (stream.state != STREAM_UP || stream.finWanted || stream.finSent || stream.keyUpdateDue)
    return 0;
  const allowed = stream.peerLimit - stream.sentBytes;
  const most = recordMost(linkAt(stream.link));
  const room = storeRoom(stream) - RECORD_OVERHEAD - 2;
  const least = allowed < <u64>most ? <i32>allowed : most;
  if (room < least && stream.acked != stream.sendNext) return 0;
  return max<i32>(min<i32>(least, room), 0);
}

/**
 * Room in the sealed store: the stream's own, and what it may borrow where that leaves two records' to a stream that
 * found nothing and holds less (ACKs return two at a time): so streams that send at once come to hold the same (7.7).
 */
function storeRoom(stream: Stream): i32 {
  const fifo = StreamArea.sendFifo(stream);
  const own = fifoRoom(fifo);
  const want = recordMost(linkAt(stream.link)) + RECORD_OVERHEAD + 2;
  if (own >= want) return own;
  const more = blocksFor(want - own) - 1;
  const kept =
    waiting >= 0 && waiting != stream.index && holdsLess(waiting, fifo) ? sendBase << 1 : 0;
  if (more + kept <= lendable(SEND_SIDE)) {
    promise(fifo, fifo.quota + more);
    if (waiting == stream.index) waiting = -1;
  } else if (kept == 0) waiting = stream.index;
  return fifoRoom(fifo);
}

/** True when a stream that is sending, or has just been acknowledged, holds less than `fifo`. */
function holdsLess(index: i32, fifo: Fifo): bool {
  const stream = streamAt(index);
  const other = StreamArea.sendFifo(stream);
  return other.quota < fifo.quota && (other.used > 0 || stream.progressAt == now);
}

/** Seals `len` staged bytes as one DATA record. The caller has checked `inRoom`. */
export function inCommit(stream: Stream, len: i32): void {
  stream.sentBytes += <u64>len;
  put(stream, RECORD_DATA, len);
  if (stream.keyRecords >= KEY_RECORDS || since(stream.keyAt) >= KEY_MS) stream.keyUpdateDue = 1;
  streamPump(stream);
}

/** Seals the staged bytes under the next number and puts them into the store. */
function put(stream: Stream, type: u8, len: i32): void {
  const sealed = recordSeal(stream, type, stage, len);
  store<u16>(LENGTH, <u16>sealed);
  const fifo = StreamArea.sendFifo(stream);
  fifoAppend(fifo, LENGTH, 2);
  fifoAppend(fifo, stage, sealed);
  wantData(stream);
}

/** Seals a record without bytes when the store has room for it. */
function putBare(stream: Stream, type: u8): bool {
  const fifo = StreamArea.sendFifo(stream);
  if (
    fifoRoom(fifo) < RECORD_OVERHEAD + 2 &&
    !promise(fifo, fifo.used + blocksFor(RECORD_OVERHEAD + 2))
  ) {
    return false;
  }
  put(stream, type, 0);
  return true;
}

/** Puts what waits for room: KEY_UPDATE, CONNECTED's follower FIN. */
export function streamPump(stream: Stream): void {
  if (stream.state != STREAM_UP) return;
  if (stream.keyUpdateDue && putBare(stream, RECORD_KEY_UPDATE)) {
    stream.keyUpdateDue = 0;
    recordRekey(stream, true);
  }
  if (stream.finWanted && !stream.keyUpdateDue && putBare(stream, RECORD_FIN)) {
    stream.finWanted = 0;
    stream.finSent = 1;
  }
}

/** The accepter's target has answered: record 0. The store of a new stream always has room for it. */
export function putConnected(stream: Stream): void {
  stream.state = STREAM_UP;
  stream.connected = 1;
  putBare(stream, RECORD_CONNECTED);
  tellHost(stream);
}

/** Ends a stream with `reason`: by a RESET record where there are keys, else by the frame; nothing where it has ended. */
export function streamReset(stream: Stream, reason: u8): void {
  if (stream.state == STREAM_CLOSED || stream.state == STREAM_RESETTING) return;
  if (stream.state == STREAM_OFFERED || stream.state == STREAM_UP) {
    if (stream.kind == KIND_DATAGRAM) channelEnd(stream, reason);
    else putReset(stream, reason);
    return;
  }
  if (stream.state != STREAM_OPENING) resetFrame(linkAt(stream.link), stream.number, reason);
  streamClose(stream, reason);
}

/** Abandons what the store holds and puts a RESET record, the last of this direction (rule D9). */
function putReset(stream: Stream, reason: u8): void {
  if (stream.finSent && stream.acked == stream.sendNext && stream.finTaken) {
    // The peer has ended cleanly and forgotten the stream: only this side's application had not read it all.
    streamClose(stream, reason);
    return;
  }
  const link = linkAt(stream.link);
  if (stream.acceptHeld && stream.state == STREAM_UP) {
    // Nobody has shown that they have ACCEPT, and records follow it already: the frame says it instead.
    resetFrame(link, stream.number, reason);
    streamClose(stream, reason);
    return;
  }
  const fifo = StreamArea.sendFifo(stream);
  link.inFlight -= stream.outBytes;
  stream.outBytes = 0;
  if (!stream.acceptHeld) fifoClear(fifo);
  promise(fifo, sendBase);
  StreamArea.cursor(stream).block = 0;
  stream.acked = stream.sendNumber = stream.sendNext;
  store<u8>(stage, reason, 1);
  put(stream, RECORD_RESET, 1);
  stream.state = STREAM_RESETTING;
  stream.reason = reason;
}

/** Bytes in front of the first record: message 2 of an ACCEPT that is not acknowledged (7.2). */
export const ACCEPT_HELD_LEN: i32 = 1152;

/** Points the cursor at the lowest record that is not acknowledged. */
function toFirst(stream: Stream): void {
  const cursor = StreamArea.cursor(stream);
  cursorReset(cursor, StreamArea.sendFifo(stream));
  if (stream.acceptHeld) cursorSkip(cursor, ACCEPT_HELD_LEN);
}

/** Sealed length of the record at the cursor, 0 when all have been sent. */
export function nextRecordLen(stream: Stream): i32 {
  if (stream.sendNumber == stream.sendNext) return 0;
  const cursor = StreamArea.cursor(stream);
  const fifo = StreamArea.sendFifo(stream);
  if (cursor.block == 0) toFirst(stream);
  const block = cursor.block;
  const at = cursor.at;
  cursorRead(cursor, fifo, LENGTH, 2);
  cursor.block = block;
  cursor.at = at;
  return <i32>load<u16>(LENGTH);
}

/** Copies the record at the cursor, whose length is known, and counts it as out. */
export function nextRecord(stream: Stream, to: usize, len: i32): void {
  const cursor = StreamArea.cursor(stream);
  const fifo = StreamArea.sendFifo(stream);
  cursorRead(cursor, fifo, LENGTH, 2);
  cursorRead(cursor, fifo, to, len);
  stream.sendNumber++;
  if (stream.sendNumber > stream.sentTop) stream.sentTop = stream.sendNumber;
  const out = <u32>(len + IN_FLIGHT_OVERHEAD);
  stream.outBytes += out;
  linkAt(stream.link).inFlight += out;
}

/** Frees everything below `next`, which has arrived at the peer (rule D8). True when something was new. */
export function storeAck(stream: Stream, next: u64): bool {
  if (next <= stream.acked) return false;
  const fifo = StreamArea.sendFifo(stream);
  const cursor = StreamArea.cursor(stream);
  const link = linkAt(stream.link);
  while (stream.acked < next && fifo.length > 0) {
    const len = <i32>fifoByte(fifo, 0) | ((<i32>fifoByte(fifo, 1)) << 8);
    if (stream.acked < stream.sendNumber) {
      const out = <u32>(len + IN_FLIGHT_OVERHEAD);
      stream.outBytes -= out;
      link.inFlight -= out;
    } else {
      // Acknowledged after this side had gone back: the cursor goes along.
      stream.sendNumber++;
    }
    fifoDrop(fifo, len + 2);
    stream.acked++;
  }
  if (stream.sendNumber == stream.acked) cursor.block = 0;
  unpromise(fifo, sendBase);
  return true;
}

/** Goes back to the acknowledged record: the same bytes go out again (rules D3, D6). */
export function storeGoBack(stream: Stream): void {
  linkAt(stream.link).inFlight -= stream.outBytes;
  stream.outBytes = 0;
  stream.sendNumber = stream.acked;
  StreamArea.cursor(stream).block = 0;
  if (stream.sendNumber < stream.sendNext) wantData(stream);
}

/**
 * Takes one sealed record of `len` bytes, the number wanted (or a RESET ahead of it), in place.
 * @returns STATUS_OK, STATUS_BAD_RECORD (the stream is at an end) or STATUS_PEER_VIOLATION (the link is)
 */
export function recordTake(stream: Stream, number: u64, at: usize, len: i32): i32 {
  const ahead = number != stream.recvNext;
  // Ahead of a gap only a RESET is of use, and its length tells; everything else comes again.
  if (ahead && len != RECORD_OVERHEAD + 1) return STATUS_OK;
  if (len < RECORD_OVERHEAD || !recordOpen(stream, number, at, len)) {
    return ahead ? STATUS_OK : STATUS_BAD_RECORD;
  }
  const type = load<u8>(at);
  const bytes = len - RECORD_OVERHEAD;
  if (ahead && type != RECORD_RESET) return STATUS_OK;
  if (stream.opener && number == 0 && type != RECORD_CONNECTED && type != RECORD_RESET)
    return STATUS_BAD_RECORD;
  stream.recvNext = number + 1;
  if (type == RECORD_DATA) return takeData(stream, at + 1, bytes);
  if (type == RECORD_RESET && bytes == 1) {
    const reason = load<u8>(at, 1);
    // 0 would read as a clean end (rule D8).
    streamClose(stream, reason == 0 ? REASON_PEER_LOST : reason);
    return STATUS_OK;
  }
  if (bytes != 0) return STATUS_BAD_RECORD;
  if (type == RECORD_FIN && !stream.finTaken) {
    stream.finTaken = 1;
    tellHost(stream);
    streamFinish(stream);
    return STATUS_OK;
  }
  if (type == RECORD_KEY_UPDATE) {
    recordRekey(stream, false);
    return STATUS_OK;
  }
  if (type == RECORD_CONNECTED && stream.opener && number == 0) {
    stream.connected = 1;
    tellHost(stream);
    return STATUS_OK;
  }
  return STATUS_BAD_RECORD;
}

function takeData(stream: Stream, at: usize, bytes: i32): i32 {
  if (bytes == 0 || bytes > size(SIZE_MAX_RECORD) || stream.finTaken) return STATUS_BAD_RECORD;
  if (stream.recvBytes + <u64>bytes > stream.limit) return STATUS_PEER_VIOLATION;
  stream.recvBytes += <u64>bytes;
  // The limit was granted over memory that is set aside (F1), so there is room, unless this side is resetting.
  if (stream.state != STREAM_RESETTING) {
    fifoAppend(StreamArea.recvFifo(stream), at, bytes);
    tellHost(stream);
  }
  return STATUS_OK;
}

/** Bytes in one row that the application can take. They stay where they are until taken, or the stream is released. */
export function outLength(stream: Stream): i32 {
  if (StreamArea.isCut(stream)) return 0;
  return fifoHeadLength(StreamArea.recvFifo(stream));
}

/** Where they stand. */
export function outPtr(stream: Stream): usize {
  const fifo = StreamArea.recvFifo(stream);
  return fifo.head + <usize>fifo.headAt;
}

/** The application took `len` bytes of that row: they are wiped; a new limit is told when half the window is free (D2, M2). */
export function outConsume(stream: Stream, len: i32): void {
  const fifo = StreamArea.recvFifo(stream);
  wipe(fifo.head + <usize>fifo.headAt, len);
  fifoDrop(fifo, len);
  stream.consumed += <u64>len;
  if (stream.state == STREAM_CLOSED) return;
  streamGrant(stream);
  const window = stream.limit - stream.consumed;
  if ((stream.limit - stream.limitTold) << 1 >= window) {
    stream.ackDue = 1;
    linkAt(stream.link).ackTimer = ACK_URGENT;
    wantControl(stream);
  }
  if (stream.finTaken) streamFinish(stream);
}

/** Closes a stream whose both halves have ended, been acknowledged and been read. */
export function streamFinish(stream: Stream): void {
  if (stream.acked != stream.sendNext) return;
  if (stream.state == STREAM_RESETTING) streamClose(stream, stream.reason);
  else if (stream.finSent && stream.finTaken && StreamArea.recvFifo(stream).length == 0)
    streamClose(stream, 0);
}
