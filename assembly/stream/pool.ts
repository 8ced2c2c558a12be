// SPDX-License-Identifier: Apache-2.0
//
// The block pool: one store of equal blocks (a power of two) for the received bytes and the sealed records of all streams
// (rule M1). A FIFO is a chain of blocks. Before it: records, opened or sealed. After it: the application's `out` pair,
// or a packet. Invariants: `used <= quota` for each FIFO; all quotas add up to at most all blocks (rule F1), so an
// append within its quota cannot fail; those to receive, to at most SIZE_RECV_BLOCKS, since they never come back.

import { wipe } from "../crypto/wipe";
import { SIZE_BLOCK_BYTES, SIZE_RECV_BLOCKS, SIZE_SEND_BLOCKS, size, take } from "../layout";

@unmanaged
export class Fifo {
  head: usize;
  tail: usize;
  /** first byte in the head block, first free byte in the tail block */
  headAt: i32;
  tailAt: i32;
  /** bytes held */
  length: i32;
  /** blocks held, and blocks promised */
  used: i32;
  quota: i32;
  /** 0: receive side, 1: send side */
  side: i32;
}

/** A place in a FIFO's chain. */
@unmanaged
export class Cursor {
  block: usize;
  at: i32;
  unused: i32;
}

export const RECV_SIDE: i32 = 0;
export const SEND_SIDE: i32 = 1;

let free: usize = 0;
let payload: i32 = 0;
let shift: i32 = 0;
let blocks: usize = 0;
/** For each block the address of the next one in its chain, u32. */
let links: usize = 0;
/** Blocks that may still be promised, i32 each: to receive, and in all. */
const UNPROMISED: usize = memory.data(8, 4);

/** Takes the pool's memory. */
export function poolLayout(): void {
  payload = size(SIZE_BLOCK_BYTES);
  shift = 31 - clz<i32>(payload);
  const recv = size(SIZE_RECV_BLOCKS);
  const send = size(SIZE_SEND_BLOCKS);
  store<i32>(UNPROMISED, recv);
  store<i32>(UNPROMISED, recv + send, 4);
  blocks = take(recv + send, payload);
  links = take(recv + send, 4);
  free = 0;
  if (links == 0) return;
  for (let i = recv + send - 1; i >= 0; i--) {
    const at = blocks + ((<usize>i) << shift);
    store<usize>(linkOf(at), free);
    free = at;
  }
}

/** Where a block's successor is kept. */
function linkOf(block: usize): usize {
  return links + (((block - blocks) >> shift) << 2);
}

/** Blocks that `bytes` need when they may begin inside a block. */
export function blocksFor(bytes: i32): i32 {
  return ((bytes + payload - 1) >> shift) + 1;
}

/** SEND_SIDE: blocks that are promised to nobody. RECV_SIDE: how many of them may be promised to receive, at most. */
export function blocksLeft(side: i32): i32 {
  return load<i32>(UNPROMISED + ((<usize>side) << 2));
}

/** Bytes in a block. */
export function blockPayload(): i32 {
  return payload;
}

/** Makes a FIFO's quota `blocks`, which is not less than it holds. False: not that many are left. */
export function promise(fifo: Fifo, blocks: i32): bool {
  const more = blocks - fifo.quota;
  const recv = blocksLeft(RECV_SIDE) - (fifo.side == RECV_SIDE ? more : 0);
  const all = blocksLeft(SEND_SIDE) - more;
  if ((recv | all) < 0) return false;
  store<i32>(UNPROMISED, recv);
  store<i32>(UNPROMISED, all, 4);
  fifo.quota = blocks;
  return true;
}

/** Lowers a FIFO's quota to `blocks`, or to what it holds. */
export function unpromise(fifo: Fifo, blocks: i32): void {
  const to = max<i32>(blocks, fifo.used);
  if (to < fifo.quota) promise(fifo, to);
}

/** Bytes that can be appended within the quota. */
export function fifoRoom(fifo: Fifo): i32 {
  const tail = fifo.tail != 0 ? payload - fifo.tailAt : 0;
  return tail + (fifo.quota - fifo.used) * payload;
}

/** Appends `len` bytes; the caller has checked `fifoRoom`. */
export function fifoAppend(fifo: Fifo, from: usize, len: i32): void {
  fifo.length += len;
  while (len > 0) {
    if (fifo.tail == 0 || fifo.tailAt == payload) {
      const block = free;
      free = load<usize>(linkOf(block));
      store<usize>(linkOf(block), 0);
      if (fifo.tail != 0) store<usize>(linkOf(fifo.tail), block);
      else {
        fifo.head = block;
        fifo.headAt = 0;
      }
      fifo.tail = block;
      fifo.tailAt = 0;
      fifo.used++;
    }
    const part = min<i32>(len, payload - fifo.tailAt);
    memory.copy(fifo.tail + <usize>fifo.tailAt, from, part);
    fifo.tailAt += part;
    from += <usize>part;
    len -= part;
  }
}

/** Bytes in one row at the head. */
export function fifoHeadLength(fifo: Fifo): i32 {
  return min<i32>(fifo.length, payload - fifo.headAt);
}

/** The byte at `offset` (0 or 1) of the head. */
export function fifoByte(fifo: Fifo, offset: i32): u8 {
  const at = fifo.headAt + offset;
  if (at < payload) return load<u8>(fifo.head + <usize>at);
  return load<u8>(load<usize>(linkOf(fifo.head)) + <usize>(at - payload));
}

/** Drops `len <= length` bytes at the head; emptied blocks go back to the pool. */
export function fifoDrop(fifo: Fifo, len: i32): void {
  fifo.length -= len;
  fifo.headAt += len;
  while (fifo.head != 0 && (fifo.headAt >= payload || fifo.length == 0)) {
    const block = fifo.head;
    fifo.head = load<usize>(linkOf(block));
    fifo.headAt -= payload;
    store<usize>(linkOf(block), free);
    free = block;
    fifo.used--;
    if (fifo.head == 0) {
      fifo.tail = 0;
      break;
    }
  }
}

/** Drops `len <= length` bytes that somebody could read, wiping them. */
export function fifoDropWiped(fifo: Fifo, len: i32): void {
  while (len > 0) {
    const part = min<i32>(len, payload - fifo.headAt);
    wipe(fifo.head + <usize>fifo.headAt, part);
    fifoDrop(fifo, part);
    len -= part;
  }
}

/** Points a cursor at the head. */
export function cursorReset(cursor: Cursor, fifo: Fifo): void {
  cursor.block = fifo.head;
  cursor.at = fifo.headAt;
}

/** Moves the cursor over `len` bytes that the FIFO holds there. */
export function cursorSkip(cursor: Cursor, len: i32): void {
  cursor.at += len;
  while (cursor.at > payload) {
    cursor.block = load<usize>(linkOf(cursor.block));
    cursor.at -= payload;
  }
}

/** Copies `len` bytes at the cursor and moves it; the FIFO holds that many there. */
export function cursorRead(cursor: Cursor, fifo: Fifo, to: usize, len: i32): void {
  if (cursor.block == 0) cursorReset(cursor, fifo);
  while (len > 0) {
    if (cursor.at == payload) {
      cursor.block = load<usize>(linkOf(cursor.block));
      cursor.at = 0;
    }
    const part = min<i32>(len, payload - cursor.at);
    memory.copy(to, cursor.block + <usize>cursor.at, part);
    cursor.at += part;
    to += <usize>part;
    len -= part;
  }
}

/** Empties a FIFO, wiped: it may hold what an application wrote or would have read. Gives its promise back. */
export function fifoClear(fifo: Fifo): void {
  let block = fifo.head;
  while (block != 0) {
    const next = load<usize>(linkOf(block));
    wipe(block, payload);
    store<usize>(linkOf(block), free);
    free = block;
    block = next;
  }
  fifo.head = fifo.tail = 0;
  fifo.length = fifo.used = 0;
  unpromise(fifo, 0);
}
