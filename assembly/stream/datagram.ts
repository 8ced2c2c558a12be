// SPDX-License-Identifier: Apache-2.0
//
// Datagram channels (kind 2): newest wins in both directions; nothing is acknowledged, ordered or sent again.
// Before it: the host's `datagram_commit`, or a DATAGRAM frame. After it: link-tx.ts, or the host's `out` pair.
// An entry of either FIFO is `length u16, flow u16, bytes`. PROTOCOL section 8, rules U1 to U4.

import { SIZE_MAX_PACKET, size } from "../layout";
import { datagramOpen, datagramSeal } from "../seal/connection";
import { linkAt, replayFresh, replayMark } from "../seal/link";
import {
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
} from "../wire/link-frames";
import {
  blocksFor,
  cursorRead,
  cursorReset,
  Fifo,
  fifoAppend,
  fifoByte,
  fifoDropWiped,
  fifoRoom,
  promise,
} from "./pool";
import { STREAM_SEEN, STREAM_UP, Stream, StreamArea, tellHost, wantData } from "./stream";

const ENTRY_HEADER_LEN: i32 = 4;
const TAG_LEN: i32 = 16;
const HEADER: usize = memory.data(4, 4);

/** Appends an entry; the oldest ones make room. False: it is larger than all the room there is. */
function push(stream: Stream, fifo: Fifo, flow: i32, at: usize, len: i32): bool {
  // A whole datagram may be larger than what a stream is promised at the start.
  promise(fifo, blocksFor(len + ENTRY_HEADER_LEN));
  while (fifoRoom(fifo) < len + ENTRY_HEADER_LEN) {
    if (fifo.length == 0) return false;
    dropOldest(fifo);
    stream.dropped++;
  }
  store<u16>(HEADER, <u16>len);
  store<u16>(HEADER, <u16>flow, 2);
  fifoAppend(fifo, HEADER, ENTRY_HEADER_LEN);
  fifoAppend(fifo, at, len);
  return true;
}

function oldestLen(fifo: Fifo): i32 {
  return <i32>fifoByte(fifo, 0) | ((<i32>fifoByte(fifo, 1)) << 8);
}

function dropOldest(fifo: Fifo): void {
  fifoDropWiped(fifo, oldestLen(fifo) + ENTRY_HEADER_LEN);
}

/** Copies the oldest entry's bytes to `at` and drops it; its flow stays in HEADER. Returns its length. */
function popOldest(stream: Stream, fifo: Fifo, at: usize): i32 {
  const len = oldestLen(fifo);
  const cursor = StreamArea.cursor(stream);
  cursorReset(cursor, fifo);
  cursorRead(cursor, fifo, HEADER, ENTRY_HEADER_LEN);
  cursorRead(cursor, fifo, at, len);
  cursor.block = 0;
  fifoDropWiped(fifo, len + ENTRY_HEADER_LEN);
  return len;
}

/** Largest datagram to this peer (rule U4). */
export function datagramMost(stream: Stream): i32 {
  const own = size(SIZE_MAX_PACKET);
  const peer = linkAt(stream.link).peerMaxPacket;
  const path = peer != 0 ? min<i32>(own, peer) : 2048;
  return path - DATA_HEADER_LEN - TAG_LEN - DATAGRAM_HEADER_LEN - TAG_LEN;
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

/** Seals the oldest queued datagram into a DATAGRAM frame; returns the end, or `at` when there is none or no room. */
export function datagramWrite(stream: Stream, at: usize, end: usize): usize {
  const fifo = StreamArea.sendFifo(stream);
  if (stream.state != STREAM_UP || stream.acceptHeld || fifo.length == 0) return at;
  if (oldestLen(fifo) + DATAGRAM_HEADER_LEN + TAG_LEN > <i32>(end - at)) {
    wantData(stream);
    return at;
  }
  const body = at + <usize>DATAGRAM_HEADER_LEN;
  const len = popOldest(stream, fifo, body);
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
  if (oldestLen(fifo) > room) return STATUS_BAD_LENGTH;
  const len = popOldest(stream, fifo, at);
  return len;
}

/** Flow of the datagram that `datagramOut` gave last. */
export function datagramFlow(): i32 {
  return <i32>load<u16>(HEADER, 2);
}
