// SPDX-License-Identifier: Apache-2.0
//
// The map of linear memory: static areas first, then the tables and pools of a started instance, whose sizes the
// host writes into SIZES before `start`. Comes before everything; nothing here knows what the tables hold.
// Invariants: every area is 8-aligned; nothing moves or grows after `start`; `top <= memory bytes`.
// DESIGN section 6, PROTOCOL section 12.

import { STATUS_NO_BUFFER, STATUS_OK } from "./status";

/** Role of an instance: the endpoint. */
export const ROLE_STLINK: i32 = 1;
/** Role of an instance: the relay's hops. */
export const ROLE_CONNECTOR: i32 = 2;

/** u32 fields of the sizes area, by index. The host fills them before `start`. */
export const SIZE_HOPS: i32 = 0;
export const SIZE_LINKS: i32 = 1;
export const SIZE_STREAMS: i32 = 2;
export const SIZE_HANDSHAKES: i32 = 3;
export const SIZE_MAX_PACKET: i32 = 4;
export const SIZE_MAX_RECORD: i32 = 5;
export const SIZE_WINDOW: i32 = 6;
export const SIZE_BLOCK_BYTES: i32 = 7;
export const SIZE_RECV_BLOCKS: i32 = 8;
export const SIZE_SEND_BLOCKS: i32 = 9;
export const SIZE_CHANNELS: i32 = 10;
export const SIZE_REPLAY_BITS: i32 = 11;
export const SIZE_PENDING_OPENS: i32 = 12;
export const SIZE_HOP_BUFFERS: i32 = 13;
export const SIZE_HOP_BUFFER_BYTES: i32 = 14;
export const SIZE_HOP_CREDIT: i32 = 15;
/** Two halves, the configuration in force and the one that arrives; 0: no control plane. */
export const SIZE_CONFIG: i32 = 16;
export const SIZE_MEMORY_BYTES: i32 = 17;
export const SIZE_COUNT: i32 = 18;

/** The sizes area: SIZE_COUNT × u32. */
export const SIZES: usize = memory.data(72, 8);

/** Argument area: keys, ids and records that a call takes or returns. */
export const ARG_LEN: i32 = 512;
export const ARG: usize = memory.data(512, 8);

/** ROLE_* of the running instance; 0: none runs. */
export let role: i32 = 0;

/** An instance begins, or ends (0). */
export function roleSet(to: i32): void {
  role = to;
}

let top: usize = 0;
let limit: usize = 0;
let overflow: bool = false;

/** Reads a size by its index. */
export function size(index: i32): i32 {
  return load<i32>(SIZES + ((<usize>index) << 2));
}

/** Begins the map of a new instance behind the static data; the whole rest is zeroed. */
export function layoutBegin(): void {
  const stated = <usize>size(SIZE_MEMORY_BYTES);
  const pages = (<usize>memory.size()) << 16;
  limit = (stated != 0 ? stated : pages) & ~7;
  top = (__heap_base + 7) & ~7;
  overflow = limit < top || limit > pages;
  if (overflow) return;
  // What is zero is not written: fresh memory that nobody touches costs an operating system nothing.
  for (let at = limit; at > top; at -= 8) if (load<u64>(at - 8) != 0) store<u64>(at - 8, 0);
}

/** Takes `count × bytes`, 8-aligned and zeroed. Returns 0 and remembers when memory is too small. */
export function take(count: i32, bytes: i32): usize {
  const want = <u64>(<u32>count) * <u64>(<u32>bytes) + 7;
  if (overflow || want > <u64>(limit - top)) {
    overflow = true;
    return 0;
  }
  const at = top;
  top = (top + <usize>want) & ~7;
  return at;
}

/** Ends the map. STATUS_NO_BUFFER when something did not fit. */
export function layoutEnd(): i32 {
  return overflow ? STATUS_NO_BUFFER : STATUS_OK;
}

/** First byte behind the instance's tables: what `wipe` clears ends here. */
export function layoutTop(): usize {
  return top;
}
