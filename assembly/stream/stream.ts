// SPDX-License-Identifier: Apache-2.0
//
// The table of streams: one application connection, or one datagram channel, each. Before it: OPEN, or the host's
// `stream_open`. After it: record.ts cuts and takes records, link-tx.ts sends them. Streams with something to do
// stand in rings of their own: control, data, and news for the host, so nothing scans the table. PROTOCOL 5.5 to 7.

import { now } from "../clock";
import { wipe } from "../crypto/wipe";
import {
  SIZE_MAX_RECORD,
  SIZE_RECV_BLOCKS,
  SIZE_SEND_BLOCKS,
  SIZE_STREAMS,
  SIZE_WINDOW,
  size,
  take,
} from "../layout";
import { Link, linkAt, replayBytes } from "../seal/link";
import { slotFree } from "../seal/slot";
import { CLASS_DATAGRAM } from "../wire/hop-frames";
import { KIND_DATAGRAM } from "../wire/record";
import {
  blockPayload,
  blocksFor,
  blocksLeft,
  Cursor,
  Fifo,
  fifoClear,
  promise,
  RECV_SIDE,
  SEND_SIDE,
} from "./pool";
import { rememberFinished } from "./resets";

/** States of a stream. */
export const STREAM_FREE: u8 = 0;
/** Opener: OPEN is not made yet (waits for a session, a slot, or its turn). */
export const STREAM_OPENING: u8 = 1;
/** Opener: OPEN is made; ACCEPT has not come. */
export const STREAM_OPENED: u8 = 2;
/** Accepter: OPEN has come; the handshake is being computed. */
export const STREAM_INCOMING: u8 = 3;
/** Accepter: ACCEPT is out; the host is to dial and call `stream_connected` or `stream_reset`. */
export const STREAM_OFFERED: u8 = 4;
export const STREAM_UP: u8 = 5;
/** This side has reset it: a RESET record is to be acknowledged. */
export const STREAM_RESETTING: u8 = 6;
/** Over. It is remembered for a while so that late frames have an answer. */
export const STREAM_CLOSED: u8 = 7;

/** Flags for the host (`stream_flags`). */
export const FLAG_CONNECTED: u32 = 1;
export const FLAG_READABLE: u32 = 2;
export const FLAG_WRITABLE: u32 = 4;
/** The peer's FIN has been taken and all its bytes consumed. */
export const FLAG_FIN: u32 = 8;
export const FLAG_OFFERED: u32 = 16;
export const FLAG_CLOSED: u32 = 32;
/** Opener of a channel: its keys are nearly used up, the next one is to be opened (rule U3). */
export const FLAG_SUCCESSOR: u32 = 64;

@unmanaged
export class Stream {
  state: u8;
  kind: u8;
  opener: u8;
  reason: u8;
  /** the host has let it go */
  released: u8;
  connected: u8;
  finWanted: u8;
  finSent: u8;
  finTaken: u8;
  /** accepter: message 2 stands in front of the sealed store until the opener has shown that it has ACCEPT */
  acceptHeld: u8;
  /** OPEN or ACCEPT is to be written; it has been written since the last PROBE */
  handshakeDue: u8;
  handshakeSent: u8;
  /** flags for control frames: ACK due, gap seen, immediate */
  ackDue: u8;
  gapSeen: u8;
  /** rings it stands in: 1 control, 2 data, 4 news */
  queued: u8;
  /** KEY_UPDATE waits for room; of a channel: 1 a successor is wanted, 2 there is one */
  keyUpdateDue: u8;
  /** how old its datagrams may get, in 50 ms: the class of their packets (4.3) */
  age: u8;
  /** a channel that this side has ended: 1 the peer may not know, 2 RESET is in the packet of the last PROBE */
  unconfirmed: u8;
  index: i32;
  link: i32;
  number: u32;
  slot: i32;
  nextOfLink: i32;
  nextControl: i32;
  nextData: i32;
  nextNews: i32;
  /** numbers: next to seal, next to transmit, lowest not acknowledged, highest ever transmitted + 1, wanted */
  sendNext: u64;
  sendNumber: u64;
  acked: u64;
  sentTop: u64;
  recvNext: u64;
  /** plaintext bytes: sealed, allowed by the peer, received, consumed, allowed to the peer, told to the peer */
  sentBytes: u64;
  peerLimit: u64;
  recvBytes: u64;
  consumed: u64;
  limit: u64;
  limitTold: u64;
  /** sealed bytes out and not acknowledged */
  outBytes: u32;
  /** records below this were out when the last PROBE went */
  probeMark: u64;
  openMark: u8;
  wentBackAt: i32;
  /** when something of it was last acknowledged, or first went out */
  progressAt: i32;
  bornAt: i32;
  keyAt: i32;
  keyRecords: u32;
  holdMs: i32;
  closedAt: i32;
  sessionIndex: u32;
  dropped: u32;
}

const BASE: i32 = offsetof<Stream>();
const SEND_FIFO: i32 = BASE;
const RECV_FIFO: i32 = SEND_FIFO + offsetof<Fifo>();
const CURSOR: i32 = RECV_FIFO + offsetof<Fifo>();
export const STREAM_SEND_KEY: i32 = CURSOR + offsetof<Cursor>();
export const STREAM_RECV_KEY: i32 = STREAM_SEND_KEY + 32;
export const STREAM_BINDING: i32 = STREAM_RECV_KEY + 32;
export const STREAM_MAPPING: i32 = STREAM_BINDING + 16;
export const STREAM_SEEN: i32 = STREAM_MAPPING + 16;

export const IN_CONTROL: u8 = 1;
export const IN_DATA: u8 = 2;
const IN_NEWS: u8 = 4;

/** The number of a stream that has none (yet, or any more): no frame ever names it. */
export const NO_NUMBER: u32 = u32.MAX_VALUE;

/** Of streamTake: a slot is free, its memory is not. */
export const NO_ROOM: i32 = -2;

/** The largest entry that a sealed store has to hold: an OPEN with its length. */
const OPEN_ENTRY_LEN: i32 = 1277;
const DEFAULT_HOLD_MS: i32 = 120_000;

let base: usize = 0;
let streamBytes: i32 = 0;
let count: i32 = 0;
let open: i32 = 0;
/** Blocks: of a whole window; that a stream is guaranteed to receive; that its sealed store is, a whole record or an OPEN. */
let windowBlocks: i32 = 0;
let recvBase: i32 = 0;
export let sendBase: i32 = 0;
/** Blocks that are kept for new streams at most. */
let keptMost: i32 = 0;
let newsHead: i32 = -1;
let newsTail: i32 = -1;

/** Takes the streams' memory. After the pool: what is counted in blocks is counted here, once. */
export function streamsLayout(): void {
  count = size(SIZE_STREAMS);
  windowBlocks = blocksFor(size(SIZE_WINDOW));
  recvBase = blocksFor(size(SIZE_MAX_RECORD));
  // An empty store begins with a block.
  sendBase = blocksFor(max<i32>(size(SIZE_MAX_RECORD) + 19, OPEN_ENTRY_LEN)) - 1;
  keptMost = ((size(SIZE_RECV_BLOCKS) + size(SIZE_SEND_BLOCKS)) * 5) >> 4;
  streamBytes = (STREAM_SEEN + replayBytes() + 7) & ~7;
  base = take(count, streamBytes);
  open = 0;
  newsHead = newsTail = -1;
}

/** Open streams in sixteenths of the limit (rule D10). */
export function streamLoad(): u8 {
  let load = 0;
  for (let left = open << 4; left >= count && load < 15; left -= count) load++;
  return <u8>load;
}

/** The stream with an index in range. */
export function streamAt(index: i32): Stream {
  return changetype<Stream>(base + <usize>(index * streamBytes));
}

/** True when the index names a stream that the host may touch. */
export function streamKnown(index: i32): bool {
  return (
    <u32>index < <u32>count && streamAt(index).state != STREAM_FREE && !streamAt(index).released
  );
}

export class StreamArea {
  @inline static at(stream: Stream, offset: i32): usize {
    return changetype<usize>(stream) + <usize>offset;
  }

  @inline static sendFifo(stream: Stream): Fifo {
    return changetype<Fifo>(changetype<usize>(stream) + <usize>SEND_FIFO);
  }

  /** True once the application has nothing more to read: either side has reset the stream. */
  @inline static isCut(stream: Stream): bool {
    return (
      stream.state == STREAM_RESETTING || (stream.state == STREAM_CLOSED && stream.reason != 0)
    );
  }

  @inline static recvFifo(stream: Stream): Fifo {
    return changetype<Fifo>(changetype<usize>(stream) + <usize>RECV_FIFO);
  }

  @inline static cursor(stream: Stream): Cursor {
    return changetype<Cursor>(changetype<usize>(stream) + <usize>CURSOR);
  }
}

/** The stream of a link with this number, or -1. */
export function streamFind(link: Link, number: u32): i32 {
  for (let i = link.streams; i >= 0; ) {
    const stream = streamAt(i);
    if (stream.number == number && number != NO_NUMBER) return i;
    i = stream.nextOfLink;
  }
  return -1;
}

/** Takes a stream slot with its guaranteed memory. -1: none is free; NO_ROOM: what was lent has not come back yet. */
export function streamTake(link: Link, kind: i32, opener: bool): i32 {
  for (let i = 0; i < count; i++) {
    const stream = streamAt(i);
    const isSaid = stream.unconfirmed != 1;
    if (stream.state == STREAM_CLOSED && stream.released && isSaid) streamFree(stream);
    if (stream.state != STREAM_FREE) continue;
    if (!reserve(stream)) return NO_ROOM;
    stream.index = i;
    stream.link = link.index;
    stream.kind = <u8>kind;
    stream.opener = opener ? 1 : 0;
    stream.slot = -1;
    stream.number = NO_NUMBER;
    stream.bornAt = stream.progressAt = now;
    stream.keyAt = now;
    stream.holdMs = DEFAULT_HOLD_MS;
    stream.age = <u8>CLASS_DATAGRAM;
    stream.nextOfLink = link.streams;
    link.streams = i;
    open++;
    return i;
  }
  return -1;
}

/**
 * Blocks that may be lent to a side. What is guaranteed to streams that may still come is kept back: in all, for the
 * next few; to receive, for every one while that is at most three quarters, since windows never come back (rule M1,
 * PROTOCOL 7.7).
 */
export function lendable(side: i32): i32 {
  const closed = count - open;
  const left = blocksLeft(SEND_SIDE) - min<i32>(closed * (recvBase + sendBase), keptMost);
  if (side == SEND_SIDE) return max<i32>(left, 0);
  const recv = size(SIZE_RECV_BLOCKS);
  const recvLeft = blocksLeft(RECV_SIDE) - min<i32>(closed * recvBase, recv - (recv >> 2));
  return max<i32>(min<i32>(left, recvLeft), 0);
}

/** Promises what every stream is guaranteed: one record each way, two to receive where there is room (rule M1). */
function reserve(stream: Stream): bool {
  const recv = StreamArea.recvFifo(stream);
  const send = StreamArea.sendFifo(stream);
  recv.side = RECV_SIDE;
  send.side = SEND_SIDE;
  const wide = blocksFor(size(SIZE_MAX_RECORD) << 1);
  const isWide = wide <= lendable(RECV_SIDE) >> 1;
  const recvDone = promise(recv, isWide ? wide : recvBase);
  if (recvDone && promise(send, sendBase)) return true;
  fifoClear(recv);
  fifoClear(send);
  return false;
}

/**
 * Raises the limit that the peer may be told, over memory that is set aside for it (rules F1, M1, M4). A window grows
 * once the peer has used it: requests of a few bytes take no memory from what is sent.
 */
export function streamGrant(stream: Stream): void {
  const fifo = StreamArea.recvFifo(stream);
  if (fifo.quota < windowBlocks && stream.recvBytes > stream.limit - stream.consumed) {
    const lent = lendable(RECV_SIDE) >> 2;
    if (lent > 0) promise(fifo, min<i32>(windowBlocks, fifo.quota + lent));
  }
  const window = min<i32>(size(SIZE_WINDOW), (fifo.quota - 1) * blockPayload());
  const limit = stream.consumed + <u64>window;
  if (limit > stream.limit) stream.limit = limit;
}

/** Puts a stream into the ring of its link for control frames. */
export function wantControl(stream: Stream): void {
  if (stream.queued & IN_CONTROL) return;
  const link = linkAt(stream.link);
  stream.queued |= IN_CONTROL;
  stream.nextControl = -1;
  if (link.controlTail >= 0) streamAt(link.controlTail).nextControl = stream.index;
  else link.controlHead = stream.index;
  link.controlTail = stream.index;
}

/** Takes the first stream with control due, or -1. */
export function takeControl(link: Link): i32 {
  const head = link.controlHead;
  if (head < 0) return -1;
  const stream = streamAt(head);
  stream.queued &= ~IN_CONTROL;
  link.controlHead = stream.nextControl;
  if (link.controlHead < 0) link.controlTail = -1;
  return head;
}

/** Puts a stream at the end of its link's ring for data: with one record a turn that is round robin (F8). */
export function wantData(stream: Stream): void {
  if (stream.queued & IN_DATA) return;
  const link = linkAt(stream.link);
  stream.queued |= IN_DATA;
  stream.nextData = -1;
  if (link.dataTail >= 0) streamAt(link.dataTail).nextData = stream.index;
  else link.dataHead = stream.index;
  link.dataTail = stream.index;
}

/** Takes the first stream with data to send, or -1. */
export function takeData(link: Link): i32 {
  const head = link.dataHead;
  if (head < 0) return -1;
  const stream = streamAt(head);
  stream.queued &= ~IN_DATA;
  link.dataHead = stream.nextData;
  if (link.dataHead < 0) link.dataTail = -1;
  return head;
}

/** Tells the host that the flags of a stream may have changed. */
export function tellHost(stream: Stream): void {
  if (stream.queued & IN_NEWS || stream.released) return;
  stream.queued |= IN_NEWS;
  stream.nextNews = -1;
  if (newsTail >= 0) streamAt(newsTail).nextNews = stream.index;
  else newsHead = stream.index;
  newsTail = stream.index;
}

/** True when some stream has news. */
export function anyNews(): bool {
  return newsHead >= 0;
}

/** The next stream with news that the host still has, or -1. */
export function nextNews(): i32 {
  let index = takeNews();
  while (index >= 0 && streamAt(index).released) index = takeNews();
  return index;
}

/** Takes the next stream of the ring for news, or -1. */
function takeNews(): i32 {
  const head = newsHead;
  if (head < 0) return -1;
  const stream = streamAt(head);
  stream.queued &= ~IN_NEWS;
  newsHead = stream.nextNews;
  if (newsHead < 0) newsTail = -1;
  return head;
}

/** Ends a stream towards the application and forgets its bytes; the slot stays until it is released and old. */
export function streamClose(stream: Stream, reason: u8): void {
  if (stream.state == STREAM_CLOSED || stream.state == STREAM_FREE) return;
  const link = linkAt(stream.link);
  if (stream.slot >= 0) slotFree(stream.slot);
  stream.slot = -1;
  if (stream.state == STREAM_OPENING) link.opening--;
  if (stream.state == STREAM_OPENED) link.opensOut--;
  if (stream.state == STREAM_INCOMING) link.opensIn--;
  link.inFlight -= stream.outBytes;
  stream.outBytes = 0;
  stream.state = STREAM_CLOSED;
  stream.reason = reason;
  stream.closedAt = now;
  stream.handshakeDue = 0;
  stream.acceptHeld = 0;
  stream.finWanted = 0;
  stream.keyUpdateDue = 0;
  fifoClear(StreamArea.sendFifo(stream));
  StreamArea.cursor(stream).block = 0;
  // A clean end leaves what was received for the application to read. A reset does not; but a host may be writing it to
  // a socket out of this very memory, so it goes back when the host has released the stream.
  if (reason != 0 && (stream.released || stream.kind == KIND_DATAGRAM))
    fifoClear(StreamArea.recvFifo(stream));
  wipe(StreamArea.at(stream, STREAM_SEND_KEY), 64);
  open--;
  tellHost(stream);
}

/** Gives the slot back: nothing of the stream is left. */
export function streamFree(stream: Stream): void {
  const link = linkAt(stream.link);
  if (stream.state == STREAM_CLOSED && stream.reason == 0 && stream.kind != KIND_DATAGRAM) {
    rememberFinished(link, stream.number, stream.recvNext);
  }
  unqueue(link, stream);
  fifoClear(StreamArea.recvFifo(stream));
  fifoClear(StreamArea.sendFifo(stream));
  wipe(changetype<usize>(stream), streamBytes);
}

/** Takes a stream out of every ring. Rare, so it walks. */
function unqueue(link: Link, stream: Stream): void {
  const index = stream.index;
  let before = -1;
  for (let i = link.streams; i >= 0 && i != index; i = streamAt(i).nextOfLink) before = i;
  if (before < 0) link.streams = stream.nextOfLink;
  else streamAt(before).nextOfLink = stream.nextOfLink;
  if (stream.queued & IN_CONTROL) rotate(link, index, IN_CONTROL);
  if (stream.queued & IN_DATA) rotate(link, index, IN_DATA);
  if (stream.queued & IN_NEWS) rotate(link, index, IN_NEWS);
}

/** Walks one ring once, leaving `index` out. */
function rotate(link: Link, index: i32, ring: u8): void {
  const last = ring == IN_CONTROL ? link.controlTail : ring == IN_DATA ? link.dataTail : newsTail;
  while (true) {
    const i =
      ring == IN_CONTROL ? takeControl(link) : ring == IN_DATA ? takeData(link) : takeNews();
    if (i != index) {
      if (ring == IN_CONTROL) wantControl(streamAt(i));
      else if (ring == IN_DATA) wantData(streamAt(i));
      else tellHost(streamAt(i));
    }
    if (i == last) return;
  }
}
