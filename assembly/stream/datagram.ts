// SPDX-License-Identifier: Apache-2.0
//
// Datagram channels (kind 2): newest wins in both directions; nothing is acknowledged, ordered or sent again.
// Before it: the host's `datagram_commit`, or a DATAGRAM frame. After it: link-tx.ts, or the host's `out` pair.
// An entry of either FIFO is `length u16, flow u16, time u32, bytes`. PROTOCOL section 8, rules U1 to U4.

import { now, since, wakeAt } from "../clock";
import { ctEqual } from "../crypto/ct";
import { SIZE_MAX_PACKET, SIZE_MAX_RECORD, SIZE_WINDOW, size } from "../layout";
import { datagramOpen, datagramSeal } from "../seal/connection";
import { LINK_PROBE, Link, linkAt, replayFresh, replayMark } from "../seal/link";
import {
  REASON_SESSION_GONE,
  STATUS_BAD_LENGTH,
  STATUS_BAD_TAG,
  STATUS_NO_BUFFER,
  STATUS_OK,
  STATUS_STALE,
  STATUS_TOO_BIG,
} from "../status";
import {
  DATA_HEADER_LEN,
  DATAGRAM,
  DATAGRAM_COUNTER,
  DATAGRAM_FLOW,
  DATAGRAM_HEADER_LEN,
  HELLO_LEN,
} from "../wire/link-frames";
import { KIND_DATAGRAM } from "../wire/record";
import {
  blocksFor,
  cursorRead,
  cursorReset,
  Fifo,
  fifoAppend,
  fifoDropWiped,
  fifoRoom,
  promise,
  RECV_SIDE,
  unpromise,
} from "./pool";
import { IN_FLIGHT_OVERHEAD } from "./record";
import { ptoArm, ptoProgress } from "./recovery";
import {
  lendable,
  STREAM_BINDING,
  STREAM_SEEN,
  STREAM_UP,
  Stream,
  StreamArea,
  sendBase,
  streamAt,
  streamClose,
  tellHost,
  wantData,
} from "./stream";

/** Times and counts of PROTOCOL section 11. */
const SUCCESSOR_MS: i32 = 3_000_000;
const OVER_MS: i32 = 3_600_000;
const RETIRED_MS: i32 = 10_000;
const AGE_UNIT_MS: i32 = 50;
/** `keyUpdateDue` of a channel that has a successor. */
const RETIRED: u8 = 2;

const ENTRY_HEADER_LEN: i32 = 8;
const TAG_LEN: i32 = 16;
const HEADER: usize = memory.data(8, 4);

/**
 * Appends an entry. For a burst the pool lends room, up to a quarter of a window (rule M1); beyond that the oldest
 * entries go. False: it is larger than all the room there is.
 */
function push(stream: Stream, fifo: Fifo, flow: i32, at: usize, len: i32): bool {
  const entry = len + ENTRY_HEADER_LEN;
  // A whole datagram may be larger than what a stream is promised at the start.
  const blocks = fifo.used + blocksFor(entry);
  const isLent =
    blocks <= blocksFor(size(SIZE_WINDOW) >> 2) && blocks - fifo.quota <= lendable(fifo.side);
  const wanted = isLent ? blocks : blocksFor(entry);
  if (wanted > fifo.quota && !promise(fifo, wanted)) return false;
  while (fifoRoom(fifo) < entry) dropOldest(stream, fifo);
  store<u16>(HEADER, <u16>len);
  store<u16>(HEADER, <u16>flow, 2);
  store<i32>(HEADER, now, 4);
  fifoAppend(fifo, HEADER, ENTRY_HEADER_LEN);
  fifoAppend(fifo, at, len);
  return true;
}

/** The burst is over: what every stream is guaranteed stays. */
function giveBack(fifo: Fifo): void {
  const isIn = fifo.side == RECV_SIDE;
  unpromise(fifo, isIn ? blocksFor(size(SIZE_MAX_RECORD) << 1) : sendBase);
}

/** Copies the header of the oldest entry to HEADER; the cursor stands behind it. Returns the entry's length. */
function peek(stream: Stream, fifo: Fifo): i32 {
  const cursor = StreamArea.cursor(stream);
  cursorReset(cursor, fifo);
  cursorRead(cursor, fifo, HEADER, ENTRY_HEADER_LEN);
  return <i32>load<u16>(HEADER);
}

function dropOldest(stream: Stream, fifo: Fifo): void {
  fifoDropWiped(fifo, peek(stream, fifo) + ENTRY_HEADER_LEN);
  stream.dropped++;
}

/** Copies the bytes of the oldest entry, whose length `peek` gave, to `at` and drops it; its flow stays in HEADER. */
function popOldest(stream: Stream, fifo: Fifo, at: usize, len: i32): void {
  cursorRead(StreamArea.cursor(stream), fifo, at, len);
  fifoDropWiped(fifo, len + ENTRY_HEADER_LEN);
  if (fifo.length == 0) giveBack(fifo);
}

/** Largest datagram to this peer: it fits a packet of the path beside HELLO (rule U4). */
export function datagramMost(stream: Stream): i32 {
  const own = size(SIZE_MAX_PACKET);
  const peer = linkAt(stream.link).peerMaxPacket;
  const path = peer != 0 ? min<i32>(own, peer) : 2048;
  return path - DATA_HEADER_LEN - TAG_LEN - HELLO_LEN - DATAGRAM_HEADER_LEN - TAG_LEN;
}

/** Queues a datagram of the application. STATUS_TOO_BIG: nothing is fragmented. */
export function datagramPut(stream: Stream, flow: i32, at: usize, len: i32): i32 {
  if (len > datagramMost(stream)) return STATUS_TOO_BIG;
  if (stream.acceptHeld) {
    // Message 2 stands in front of the queue until the opener has shown that it has ACCEPT: too early.
    stream.dropped++;
    return STATUS_OK;
  }
  if (!push(stream, StreamArea.sendFifo(stream), flow, at, len)) return STATUS_NO_BUFFER;
  wantData(stream);
  return STATUS_OK;
}

/** Drops what is too old to be sent. Returns the length of the oldest that is left, or -1. */
function oldestLen(stream: Stream, fifo: Fifo): i32 {
  while (fifo.length != 0) {
    const len = peek(stream, fifo);
    if (since(load<i32>(HEADER, 4)) <= <i32>stream.age * AGE_UNIT_MS) return len;
    dropOldest(stream, fifo);
  }
  giveBack(fifo);
  return -1;
}

/** Seals the oldest queued datagram into a DATAGRAM frame; returns the end, or `at` when there is none or no room. */
export function datagramWrite(stream: Stream, at: usize, end: usize): usize {
  const fifo = StreamArea.sendFifo(stream);
  if (stream.state != STREAM_UP || stream.acceptHeld) return at;
  const len = oldestLen(stream, fifo);
  if (len < 0) return at;
  const link = linkAt(stream.link);
  const body = at + <usize>DATAGRAM_HEADER_LEN;
  const out = <u32>(len + TAG_LEN + IN_FLIGHT_OVERHEAD);
  if (body + <usize>(len + TAG_LEN) > end || aboveHalf(link, out)) {
    wantData(stream);
    return at;
  }
  if (link.datagramBytes == 0) link.datagramAt = now;
  link.datagramBytes += out;
  popOldest(stream, fifo, body, len);
  if (stream.sendNext == 0) retireOlder(stream);
  const flow = <i32>load<u16>(HEADER, 2);
  const counter = stream.sendNext++;
  store<u8>(at, DATAGRAM);
  store<u32>(at, stream.number, 1);
  store<u16>(at, <u16>flow, DATAGRAM_FLOW);
  store<u32>(at, <u32>counter, DATAGRAM_COUNTER);
  store<u16>(at, <u16>(counter >> 32), DATAGRAM_COUNTER + 4);
  datagramSeal(stream, flow, counter, body, len);
  if (fifo.length != 0) wantData(stream);
  return body + <usize>(len + TAG_LEN);
}

/** True when `out` more bytes would take datagrams above half of maxInFlight, and a stream waits (rule U4). */
function aboveHalf(link: Link, out: u32): bool {
  if (link.datagramBytes == 0 || (link.datagramBytes + out) << 1 <= link.peerInFlight) return false;
  for (let i = link.dataHead; i >= 0; i = streamAt(i).nextData)
    if (streamAt(i).kind != KIND_DATAGRAM) return true;
  return false;
}

/** Takes a DATAGRAM frame of `len` bytes, its header included. */
export function datagramTake(stream: Stream, at: usize, len: i32): i32 {
  const flow = <i32>load<u16>(at, DATAGRAM_FLOW);
  const counter =
    <u64>load<u32>(at, DATAGRAM_COUNTER) | ((<u64>load<u16>(at, DATAGRAM_COUNTER + 4)) << 32);
  const seen = StreamArea.at(stream, STREAM_SEEN);
  if (!replayFresh(stream.recvNext, seen, counter)) return STATUS_STALE;
  const body = at + <usize>DATAGRAM_HEADER_LEN;
  const sealed = len - DATAGRAM_HEADER_LEN;
  if (!datagramOpen(stream, flow, counter, body, sealed)) return STATUS_BAD_TAG;
  if (stream.recvNext == 0) retireOlder(stream);
  stream.recvNext = replayMark(stream.recvNext, seen, counter);
  if (!push(stream, StreamArea.recvFifo(stream), flow, body, sealed - TAG_LEN))
    return STATUS_NO_BUFFER;
  tellHost(stream);
  return STATUS_OK;
}

/**
 * Copies the oldest datagram that has arrived to `at` and drops it.
 * @returns its length, or STATUS_BAD_LENGTH when `room` is too small; the FIFO is not empty
 */
export function datagramOut(stream: Stream, at: usize, room: i32): i32 {
  const fifo = StreamArea.recvFifo(stream);
  const len = peek(stream, fifo);
  if (len > room) return STATUS_BAD_LENGTH;
  popOldest(stream, fifo, at, len);
  return len;
}

/** Flow of the datagram that `datagramOut` gave last. */
export function datagramFlow(): i32 {
  return <i32>load<u16>(HEADER, 2);
}

/** The first datagram of a channel: those before it for the same ids have ten seconds left (rule U3). */
function retireOlder(stream: Stream): void {
  for (let i = linkAt(stream.link).streams; i >= 0; ) {
    const other = streamAt(i);
    i = other.nextOfLink;
    if (other.kind != KIND_DATAGRAM || other.opener != stream.opener) continue;
    if (other.number >= stream.number || other.keyUpdateDue == RETIRED || !sameIds(other, stream))
      continue;
    other.keyUpdateDue = RETIRED;
    other.keyAt = now - (OVER_MS - RETIRED_MS);
  }
}

function sameIds(a: Stream, b: Stream): bool {
  return ctEqual(StreamArea.at(a, STREAM_BINDING), StreamArea.at(b, STREAM_BINDING), 32);
}

/** Time passes for a channel with keys: a successor is wanted, or it is over (rule U3). */
export function channelTick(stream: Stream): void {
  const used = (stream.sendNext | stream.recvNext) >> 32;
  const age = since(stream.keyAt);
  if (age >= OVER_MS || used > 1) {
    channelEnd(stream, REASON_SESSION_GONE);
    return;
  }
  wakeAt(stream.keyAt + OVER_MS);
  if (!stream.opener || stream.keyUpdateDue || (age < SUCCESSOR_MS && used == 0)) return;
  stream.keyUpdateDue = 1;
  tellHost(stream);
}

/** Ends a channel with keys: RESET goes beside a PROBE until that is answered (8.4). */
export function channelEnd(stream: Stream, reason: u8): void {
  const link = linkAt(stream.link);
  streamClose(stream, reason);
  stream.unconfirmed = 1;
  link.due |= LINK_PROBE;
  // A new question: it does not wait as long as an old one that had no answer.
  ptoProgress(link, stream);
  ptoArm(link);
}
