// SPDX-License-Identifier: Apache-2.0
//
// Layer 3: one hop's keys, counters, buffers, and the sealing and opening of its records, for both roles. Before
// it: the host's bytes in a buffer. After it: stream/hop-rx.ts and hop-tx.ts, which know the frames. Invariant:
// a record's number is its nonce and never repeats under one key. PROTOCOL section 4.

import { now } from "../clock";
import { aeadOpen, aeadSeal } from "../crypto/aead";
import { wipe } from "../crypto/wipe";
import {
  SIZE_CHANNELS,
  SIZE_HOP_BUFFER_BYTES,
  SIZE_HOP_BUFFERS,
  SIZE_HOPS,
  size,
  take,
} from "../layout";
import { slotFree } from "./slot";

/** States of a hop. */
export const HOP_FREE: u8 = 0;
/** The three handshake messages are under way. */
export const HOP_HANDSHAKE: u8 = 1;
/** Sealed; STLink: waits for WELCOME. Connector: waits for HOP_HELLO or for the host's admission. */
export const HOP_GREETING: u8 = 2;
export const HOP_UP: u8 = 3;
/** A last record is to go out, then the host closes. */
export const HOP_CLOSING: u8 = 4;
/** Over: the host closes the connection and frees the hop. */
export const HOP_CLOSED: u8 = 5;

/** What is to be written when there is room (rule F3: state, not a queue). */
export const DUE_MESSAGE: u32 = 1;
export const DUE_HELLO: u32 = 2;
export const DUE_WELCOME: u32 = 4;
export const DUE_REFUSED: u32 = 8;
export const DUE_CREDIT: u32 = 16;
export const DUE_PING: u32 = 32;
export const DUE_PONG: u32 = 64;
export const DUE_DRAIN: u32 = 128;
export const DUE_CLOSE: u32 = 256;
export const DUE_NEWKEYS: u32 = 512;
export const DUE_CHANNELS: u32 = 1024;
export const DUE_TICKET: u32 = 2048;

@unmanaged
export class Hop {
  state: u8;
  role: u8;
  reason: u8;
  /** Connector: HOP_HELLO has come; STLink: WELCOME has come */
  greeted: u8;
  /** STLink: begun under an id or key that has been replaced since */
  stale: u8;
  /** rekey: the keys in NEXT_* are not in use yet: bit 0 to open, bit 1 to seal */
  rekeyed: u8;
  /** the slot computes a message */
  slotBusy: u8;
  /** STLink: the Connector's place in the order of its Connectors */
  place: u8;
  index: i32;
  status: i32;
  due: u32;
  slot: i32;
  sendN: u64;
  recvN: u64;
  /** buffers in linear memory, 0: none borrowed */
  rx: usize;
  rxHave: i32;
  rxAt: i32;
  tx: usize;
  txFrom: i32;
  txTo: i32;
  /** largest packet the other side takes */
  peerMaxPacket: i32;
  peerChannels: i32;
  /** STLink: queue bytes stated by the Connector */
  queueBytes: u32;
  /** STLink: the Connector drains, or a newer hop to it is up: links leave it */
  retired: u8;
  /** STLink: PING asks whether the Connector is there */
  pinged: u8;
  /** a whole record waits for its key, a slot or entropy */
  held: u8;
  pongToken: u32;
  /** bytes of packets: STLink: dealt with and granted; Connector: allowed and sent */
  creditUsed: u64;
  creditTotal: u64;
  /** STLink: what the Connector has been told */
  creditTold: u64;
  bornAt: i32;
  heardAt: i32;
  sentAt: i32;
  /** the first record that went out since one came */
  askedAt: i32;
  keyedAt: i32;
  names: u32;
  nextChannel: i32;
  rxSince: i32;
}

@unmanaged
export class Channel {
  link: i32;
  /** NAMED, or a DROPPED, AWAY, BACK, MUTE that is due */
  flags: u8;
  reason: u8;
  count: u16;
}

export const CHANNEL_NAMED: u8 = 1;
export const CHANNEL_DROPPED: u8 = 2;
export const CHANNEL_AWAY: u8 = 4;
export const CHANNEL_BACK: u8 = 8;
export const CHANNEL_MUTE: u8 = 16;

const BASE: i32 = offsetof<Hop>();
export const HOP_SEND_KEY: i32 = BASE;
export const HOP_RECV_KEY: i32 = BASE + 32;
export const HOP_NEXT_SEND: i32 = BASE + 64;
export const HOP_NEXT_RECV: i32 = BASE + 96;
export const HOP_HASH: i32 = BASE + 128;
export const HOP_PEER_KEY: i32 = BASE + 160;
export const HOP_PSK: i32 = BASE + 192;
/** Connector: the id it knows the STLink by. STLink: as WELCOME said. 16 B. */
export const HOP_ID: i32 = BASE + 224;
/** codeId and ticket (40 B): shown by an STLink, or received by a Connector. */
export const HOP_TICKET: i32 = BASE + 240;
/** Copy of the other side's maxPacket, u32, for a Connector's host (TooBig, 4.2). */
export const HOP_MAX_PACKET: i32 = BASE + 280;
/** What DRAIN says, milliseconds, u32; 0: the Connector does not drain. */
export const HOP_DRAIN: i32 = BASE + 284;
/** STLink: how often a link found the Connector silent (`ConnectorSuspect`), u32. */
export const HOP_SUSPECTED: i32 = BASE + 288;
const CHANNELS_AT: i32 = BASE + 296;
const CHANNEL_LEN: i32 = 24;
export const CHANNEL_ID: usize = 8;

/** length u16 in front of a body. */
export const HOP_LENGTH_LEN: i32 = 2;
export const HOP_TAG_LEN: i32 = 16;
/** A body is at most the buffer, at least a frame and a tag. */
export const HOP_BODY_LEAST: i32 = 17;

let base: usize = 0;
let hopBytes: i32 = 0;
let count: i32 = 0;
let channels: i32 = 0;
let free: usize = 0;
/** No hop below this one is free. */
let firstFree: i32 = 0;
let bufferBytes: i32 = 0;
/** Where a hop without a buffer reads into. */
export let landing: usize = 0;

/** Takes the hops' memory and their buffers. */
export function hopsLayout(): void {
  count = size(SIZE_HOPS);
  channels = size(SIZE_CHANNELS);
  hopBytes = CHANNELS_AT + 2 * channels * CHANNEL_LEN;
  base = take(count, hopBytes);
  bufferBytes = size(SIZE_HOP_BUFFER_BYTES);
  landing = take(1, bufferBytes);
  const bufferCount = size(SIZE_HOP_BUFFERS);
  const buffers = take(bufferCount, bufferBytes);
  free = 0;
  if (buffers == 0) return;
  for (let i = bufferCount - 1; i >= 0; i--) {
    const at = buffers + <usize>(i * bufferBytes);
    store<usize>(at, free);
    free = at;
  }
}

/** The instance stops: all its hops are wiped. */
export function hopsForget(): void {
  firstFree = 0;
}

/** Number of hop slots. */
export function hopCount(): i32 {
  return count;
}

/** Channels that this side takes from the other. */
export function hopChannels(): i32 {
  return channels;
}

/** Bytes of a hop buffer. */
export function hopBufferBytes(): i32 {
  return bufferBytes;
}

/** The hop with an index in range. */
export function hopAt(index: i32): Hop {
  return changetype<Hop>(base + <usize>(index * hopBytes));
}

/** True when the index names a hop in use. */
export function hopKnown(index: i32): bool {
  return <u32>index < <u32>count && hopAt(index).state != HOP_FREE;
}

export class HopArea {
  @inline static at(hop: Hop, offset: i32): usize {
    return changetype<usize>(hop) + <usize>offset;
  }

  /** Channels that the other side named. */
  @inline static incoming(hop: Hop, channel: i32): Channel {
    return changetype<Channel>(
      changetype<usize>(hop) + <usize>(CHANNELS_AT + channel * CHANNEL_LEN),
    );
  }

  /** Channels that this side named. */
  @inline static outgoing(hop: Hop, channel: i32): Channel {
    return HopArea.incoming(hop, channels + channel);
  }
}

/** Borrows a buffer; 0 when the pool is empty (rule K9). */
export function bufferTake(): usize {
  const at = free;
  if (at == 0) return 0;
  free = load<usize>(at);
  return at;
}

/** Gives a buffer back. It holds sealed bytes only: what is opened in place is wiped when it has been dealt with. */
export function bufferFree(at: usize): void {
  if (at == 0) return;
  store<usize>(at, free);
  free = at;
}

/** Takes the first free hop. -1 when there is none. */
export function hopTake(role: i32): i32 {
  for (let i = firstFree; i < count; i++) {
    const hop = hopAt(i);
    if (hop.state != HOP_FREE) continue;
    firstFree = i + 1;
    hop.state = HOP_HANDSHAKE;
    hop.role = <u8>role;
    hop.slot = -1;
    hop.index = i;
    hop.bornAt = now;
    hop.heardAt = now;
    hop.sentAt = now;
    return i;
  }
  return -1;
}

/** Wipes a hop's keys and gives everything back. */
export function hopFree(index: i32): void {
  const hop = hopAt(index);
  slotFree(hop.slot);
  bufferFree(hop.rx);
  bufferFree(hop.tx);
  wipe(changetype<usize>(hop), hopBytes);
  firstFree = min<i32>(firstFree, index);
}

/**
 * Ends a hop for an error on its wire: nothing more is written (rule S8). What is being written already may still be on
 * its way from this memory to the socket, so the buffer goes back with hopFree and not before.
 */
export function hopFail(hop: Hop, status: i32): i32 {
  if (hop.state < HOP_CLOSED) hop.state = HOP_CLOSED;
  hop.status = status;
  slotFree(hop.slot);
  hop.slot = -1;
  hop.txFrom = hop.txTo = 0;
  wipe(HopArea.at(hop, HOP_SEND_KEY), 160);
  wipe(HopArea.at(hop, HOP_PSK), 32);
  return status;
}

/** Seals the `len` bytes behind the length field at `at`; returns the whole record's length. */
export function hopSeal(hop: Hop, at: usize, len: i32): i32 {
  store<u16>(at, <u16>(len + HOP_TAG_LEN));
  aeadSeal(HopArea.at(hop, HOP_SEND_KEY), 0, hop.sendN++, at, 2, at + 2, len);
  if (hop.sentAt - hop.heardAt <= 0) hop.askedAt = now;
  hop.sentAt = now;
  return len + HOP_LENGTH_LEN + HOP_TAG_LEN;
}

/** Opens the body of `len` bytes behind the length field at `at`, in place. False: the tag is wrong. */
export function hopOpen(hop: Hop, at: usize, len: i32): bool {
  if (!aeadOpen(HopArea.at(hop, HOP_RECV_KEY), 0, hop.recvN, at, 2, at + 2, len - HOP_TAG_LEN))
    return false;
  hop.recvN++;
  hop.heardAt = now;
  hop.pinged = 0;
  return true;
}

/** From the next record on this direction is under the new session (PROTOCOL 4.4). */
export function hopSwitch(hop: Hop, sending: bool): void {
  const next = HopArea.at(hop, sending ? HOP_NEXT_SEND : HOP_NEXT_RECV);
  memory.copy(HopArea.at(hop, sending ? HOP_SEND_KEY : HOP_RECV_KEY), next, 32);
  wipe(next, 32);
  if (sending) hop.sendN = 0;
  else hop.recvN = 0;
}
