// SPDX-License-Identifier: Apache-2.0
//
// Fills a hop's outgoing buffer with sealed records: handshake messages, control from the present state, packets of
// the links (STLink), packets that the host forwards (Connector). Before it: what is due. After it: the host writes
// the bytes and calls `hop_tx_consume`. Control goes before data (rule F3). PROTOCOL 4.1 to 4.5, 9.

import { now, since, wakeAt } from "../clock";
import { ROLE_CONNECTOR, ROLE_STLINK, SIZE_MAX_PACKET, size } from "../layout";
import {
  bufferFree,
  bufferTake,
  CHANNEL_AWAY,
  CHANNEL_BACK,
  CHANNEL_DROPPED,
  CHANNEL_ID,
  CHANNEL_MUTE,
  CHANNEL_NAMED,
  Channel,
  DUE_CHANNELS,
  DUE_CLOSE,
  DUE_CREDIT,
  DUE_DRAIN,
  DUE_HELLO,
  DUE_MESSAGE,
  DUE_NEWKEYS,
  DUE_PING,
  DUE_PONG,
  DUE_REFUSED,
  DUE_TICKET,
  DUE_WELCOME,
  HOP_CLOSED,
  HOP_CLOSING,
  HOP_DRAIN,
  HOP_HANDSHAKE,
  HOP_ID,
  HOP_LENGTH_LEN,
  HOP_TAG_LEN,
  HOP_TICKET,
  HOP_UP,
  Hop,
  HopArea,
  hopAt,
  hopBufferBytes,
  hopChannels,
  hopSeal,
  hopSwitch,
} from "../seal/hop";
import { hopOutgoing, hopSent, outgoingLen } from "../seal/hop-handshake";
import { LINK_ID, LinkArea, linkAt, linkEnd } from "../seal/link";
import { randomU32 } from "../seal/random";
import {
  REASON_HOP_BUFFERS,
  STATUS_BAD_LENGTH,
  STATUS_BAD_STATE,
  STATUS_NO_BUFFER,
  STATUS_OK,
} from "../status";
import {
  AWAY,
  BACK,
  CLOSE,
  CREDIT,
  DRAIN,
  DROPPED,
  HOP_HELLO,
  HOP_PONG,
  HopFrame,
  MUTE,
  NAME_LEN,
  NEWKEYS,
  PACKET_HEADER_LEN,
  PING,
  REFUSED,
  REKEY,
  TICKET,
  WELCOME,
} from "../wire/hop-frames";
import { VERSION } from "../wire/link-frames";
import { channelOf } from "./hop-choice";
import { sameId } from "./hop-rx";
import { linkReadyOn, linkWrite, writtenClass } from "./link-tx";

/** Most bytes of control frames in one record. */
const CONTROL_ROOM: i32 = 192;
const RECORD_ALIGN: i32 = 64;
const IDLE_MS: i32 = 25_000;
const SILENT_MS: i32 = 60_000;
const REKEY_MOST_MS: i32 = 3_600_000;
const HANDSHAKE_MS: i32 = 10_000;
const INCOMPLETE_MS: i32 = 5000;

let turn: i32 = 0;

/**
 * Fills the hop's buffer as far as there is something to write and room.
 * @returns bytes ready, or STATUS_NO_BUFFER when the pool is empty
 */
export function hopTxFill(index: i32): i32 {
  const hop = hopAt(index);
  if (hop.state >= HOP_CLOSED) return hop.txTo - hop.txFrom;
  if (!hopReady(hop, index)) return hop.txTo - hop.txFrom;
  if (hop.tx == 0) {
    hop.tx = bufferTake();
    if (hop.tx == 0) return STATUS_NO_BUFFER;
  }
  if (hop.txFrom == hop.txTo) hop.txFrom = hop.txTo = 0;
  while (writeRecord(hop, index)) {}
  return settle(hop);
}

function settle(hop: Hop): i32 {
  if (hop.txFrom == hop.txTo) {
    bufferFree(hop.tx);
    hop.tx = 0;
    hop.txFrom = hop.txTo = 0;
    if (hop.state == HOP_CLOSING && !(hop.due & (DUE_CLOSE | DUE_REFUSED))) hop.state = HOP_CLOSED;
  }
  return hop.txTo - hop.txFrom;
}

/** The host has taken `n` bytes. */
export function hopTxConsume(index: i32, n: i32): i32 {
  const hop = hopAt(index);
  // The write began before the hop failed: its buffer stays as it is (hopFail).
  if (hop.status < 0) return STATUS_OK;
  if (<u32>n > <u32>(hop.txTo - hop.txFrom)) return STATUS_BAD_LENGTH;
  hop.txFrom += n;
  settle(hop);
  return STATUS_OK;
}

/** True when the hop has something to write. */
export function hopReady(hop: Hop, index: i32): bool {
  if (hop.due & DUE_MESSAGE) return true;
  if (hop.state == HOP_HANDSHAKE || hop.state >= HOP_CLOSED) return false;
  if (hop.due != 0) return true;
  if (hop.role != ROLE_STLINK || hop.state != HOP_UP) return false;
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (link.used && linkReadyOn(link, index)) return true;
  }
  return false;
}

/** Room behind what is written. */
function roomOf(hop: Hop): i32 {
  return hopBufferBytes() - hop.txTo;
}

/** Appends one record. False: nothing is due, or it does not fit. */
function writeRecord(hop: Hop, index: i32): bool {
  if (hop.state == HOP_HANDSHAKE) return hop.due & DUE_MESSAGE ? writeOpenMessage(hop) : false;
  if (hop.due != 0) return writeControl(hop);
  if (hop.role == ROLE_STLINK && hop.state == HOP_UP) return writePacket(hop, index);
  return false;
}

/** A handshake message in the open: length, version, message. */
function writeOpenMessage(hop: Hop): bool {
  const from = hopOutgoing(hop);
  const len = outgoingLen + 1;
  if (roomOf(hop) < len + HOP_LENGTH_LEN) return false;
  const at = hop.tx + <usize>hop.txTo;
  store<u16>(at, <u16>len);
  store<u8>(at, VERSION, 2);
  memory.copy(at + 3, from, outgoingLen);
  hop.txTo += len + HOP_LENGTH_LEN;
  hop.sentAt = now;
  hopSent(hop);
  return true;
}

/** A record of control frames; REKEY and NEWKEYS come last and alone, since what follows depends on them. */
function writeControl(hop: Hop): bool {
  const at = hop.tx + <usize>(hop.txTo + HOP_LENGTH_LEN);
  if (hop.due & DUE_MESSAGE) return writeRekey(hop, at);
  if (roomOf(hop) < CONTROL_ROOM + HOP_LENGTH_LEN + HOP_TAG_LEN + RECORD_ALIGN) return false;
  let to = writeGreeting(hop, at);
  to = writeState(hop, to);
  if (hop.due & DUE_CHANNELS) to = writeChannels(hop, to, at + CONTROL_ROOM);
  const newKeys = hop.due == DUE_NEWKEYS;
  if (newKeys) {
    store<u8>(to++, NEWKEYS);
    hop.due = 0;
  }
  if (to == at) return false;
  hop.txTo += hopSeal(hop, at - HOP_LENGTH_LEN, padded(at, to));
  if (newKeys) {
    hopSwitch(hop, true);
    hop.rekeyed &= ~2;
  }
  return true;
}

/** Pads a control record so that its body is a multiple of 64. Returns the plaintext's length. */
function padded(at: usize, to: usize): i32 {
  const len =
    ((<i32>(to - at) + HOP_TAG_LEN + RECORD_ALIGN - 1) & ~(RECORD_ALIGN - 1)) - HOP_TAG_LEN;
  memory.fill(to, 0, <usize>len - (to - at));
  return len;
}

function writeRekey(hop: Hop, at: usize): bool {
  const from = hopOutgoing(hop);
  const len = outgoingLen + 2;
  if (roomOf(hop) < len + HOP_LENGTH_LEN + HOP_TAG_LEN + RECORD_ALIGN) return false;
  store<u8>(at, REKEY);
  store<u8>(at, VERSION, 1);
  memory.copy(at + 2, from, outgoingLen);
  hop.txTo += hopSeal(hop, at - HOP_LENGTH_LEN, padded(at, at + <usize>len));
  hopSent(hop);
  return true;
}

/** The frames that open a hop: HOP_HELLO and TICKET, WELCOME, REFUSED. */
function writeGreeting(hop: Hop, start: usize): usize {
  let at = start;
  if (hop.due & DUE_HELLO) {
    HopFrame.emit16(at, HOP_HELLO, size(SIZE_MAX_PACKET));
    store<u16>(at, <u16>hopChannels(), 3);
    at += 5;
  }
  if (hop.due & DUE_TICKET) {
    store<u8>(at, TICKET);
    memory.copy(at + 1, HopArea.at(hop, HOP_TICKET), 40);
    at += 41;
  }
  if (hop.due & DUE_WELCOME) {
    store<u8>(at, WELCOME);
    memory.copy(at + 1, HopArea.at(hop, HOP_ID), 16);
    store<u16>(at, <u16>size(SIZE_MAX_PACKET), 17);
    store<u16>(at, <u16>hopChannels(), 19);
    store<u32>(at, hop.queueBytes, 21);
    at += 25;
  }
  if (hop.due & DUE_REFUSED) at = emitByte(at, REFUSED, hop.reason);
  hop.due &= ~(DUE_HELLO | DUE_TICKET | DUE_WELCOME | DUE_REFUSED);
  return at;
}

function emitByte(at: usize, type: u8, byte: u8): usize {
  store<u8>(at, type);
  store<u8>(at, byte, 1);
  return at + 2;
}

/** Numbers and flags of the hop itself. */
function writeState(hop: Hop, start: usize): usize {
  let at = start;
  if (hop.due & DUE_CREDIT) {
    store<u8>(at, CREDIT);
    store<u64>(at, hop.creditTotal, 1);
    hop.creditTold = hop.creditTotal;
    at += 9;
  }
  if (hop.due & DUE_PING) at = HopFrame.emit32(at, PING, randomU32());
  if (hop.due & DUE_PONG) at = HopFrame.emit32(at, HOP_PONG, hop.pongToken);
  if (hop.due & DUE_DRAIN) at = HopFrame.emit32(at, DRAIN, load<u32>(HopArea.at(hop, HOP_DRAIN)));
  if (hop.due & DUE_CLOSE) at = emitByte(at, CLOSE, hop.reason);
  hop.due &= ~(DUE_CREDIT | DUE_PING | DUE_PONG | DUE_DRAIN | DUE_CLOSE);
  return at;
}

/** Connector: DROPPED, AWAY, BACK of the channels that the STLink named. STLink: MUTE of those named to it. */
function writeChannels(hop: Hop, start: usize, end: usize): usize {
  let at = start;
  for (let i = 0; i < hopChannels(); i++) {
    const channel = HopArea.incoming(hop, i);
    if (!(channel.flags & ~CHANNEL_NAMED)) continue;
    if (at + 12 > end) return at;
    at = writeChannel(hop.role, channel, i, at);
  }
  hop.due &= ~DUE_CHANNELS;
  return at;
}

function writeChannel(role: i32, channel: Channel, number: i32, start: usize): usize {
  let at = start;
  if (channel.flags & CHANNEL_MUTE) {
    HopFrame.emit16(at, MUTE, number);
    store<u16>(at, channel.count, 3);
    at += 5;
  }
  if (role == ROLE_CONNECTOR) {
    if (channel.flags & CHANNEL_DROPPED) {
      HopFrame.emit16(at, DROPPED, number);
      store<u8>(at, channel.reason, 3);
      store<u16>(at, channel.count, 4);
      at += 6;
    }
    if (channel.flags & CHANNEL_AWAY) at = HopFrame.emit16(at, AWAY, number);
    if (channel.flags & CHANNEL_BACK) at = HopFrame.emit16(at, BACK, number);
  }
  channel.flags &= CHANNEL_NAMED;
  channel.count = 0;
  return at;
}

/** STLink: one packet of the next link in turn, with NAME before it where the Connector does not know the id. */
function writePacket(hop: Hop, index: i32): bool {
  const links = linkEnd;
  for (let i = 0; i < links; i++) {
    if (++turn >= links) turn = 0;
    const link = linkAt(turn);
    if (!link.used || !linkReadyOn(link, index)) continue;
    if (writeLinkPacket(hop, turn)) return true;
  }
  return false;
}

function writeLinkPacket(hop: Hop, linkIndex: i32): bool {
  const link = linkAt(linkIndex);
  const number = channelOf(hop, linkIndex);
  const channel = HopArea.outgoing(hop, number);
  const id = LinkArea.at(link, LINK_ID);
  // A slot may have become another peer's since its channel was named.
  const named =
    channel.flags & CHANNEL_NAMED && sameId(changetype<usize>(channel) + CHANNEL_ID, link);
  const begin = hop.tx + <usize>(hop.txTo + HOP_LENGTH_LEN);
  const head = begin + <usize>(named ? 0 : NAME_LEN);
  const overhead = <i32>(head - begin) + HOP_LENGTH_LEN + HOP_TAG_LEN + PACKET_HEADER_LEN;
  const most = min<i32>(hop.peerMaxPacket, size(SIZE_MAX_PACKET));
  // A room for less than a whole packet waits for the next buffer, so that records are not cut smaller for it.
  if (roomOf(hop) - overhead < most) return false;
  const len = linkWrite(link, hop.index, head + <usize>PACKET_HEADER_LEN, most);
  if (len <= 0) return false;
  if (!named) {
    HopFrame.emitName(begin, number, id);
    memory.copy(changetype<usize>(channel) + CHANNEL_ID, id, 16);
    channel.flags = CHANNEL_NAMED;
    channel.link = linkIndex;
  }
  HopFrame.emitPacket(head, writtenClass, number);
  hop.txTo += hopSeal(hop, begin - HOP_LENGTH_LEN, <i32>(head - begin) + PACKET_HEADER_LEN + len);
  return true;
}

/**
 * Connector: where a packet of `len` bytes for this hop goes, from the id at `id`.
 * @returns a pointer, or 0 when credit, room or a buffer is missing: later
 */
export function forwardPtr(index: i32, len: i32): usize {
  const hop = hopAt(index);
  if (hop.state != HOP_UP || hop.creditUsed + <u64>len > hop.creditTotal) return 0;
  if (hop.due != 0) hopTxFill(index);
  if (hop.tx == 0) {
    hop.tx = bufferTake();
    if (hop.tx == 0) return 0;
  }
  if (hop.txFrom == hop.txTo) hop.txFrom = hop.txTo = 0;
  if (roomOf(hop) < HOP_LENGTH_LEN + NAME_LEN + PACKET_HEADER_LEN + len + HOP_TAG_LEN) {
    settle(hop);
    return 0;
  }
  return hop.tx + <usize>(hop.txTo + HOP_LENGTH_LEN + NAME_LEN + PACKET_HEADER_LEN);
}

/** Connector: seals the packet that was put at `forwardPtr`, from the STLink with the 16-byte id at `id`. */
export function forwardCommit(index: i32, kind: i32, len: i32, id: usize): i32 {
  const hop = hopAt(index);
  if (hop.tx == 0 || hop.creditUsed + <u64>len > hop.creditTotal) return STATUS_BAD_STATE;
  const begin = hop.tx + <usize>(hop.txTo + HOP_LENGTH_LEN);
  const number = channelFor(hop, id);
  const fresh = HopArea.outgoing(hop, number).count != 0;
  const head = begin + <usize>NAME_LEN;
  HopFrame.emitPacket(head, kind, number);
  hop.creditUsed += <u64>len;
  if (fresh) {
    HopArea.outgoing(hop, number).count = 0;
    HopFrame.emitName(begin, number, id);
    hop.txTo += hopSeal(hop, begin - HOP_LENGTH_LEN, NAME_LEN + PACKET_HEADER_LEN + len);
    return STATUS_OK;
  }
  memory.copy(begin, head, PACKET_HEADER_LEN + len);
  hop.txTo += hopSeal(hop, begin - HOP_LENGTH_LEN, PACKET_HEADER_LEN + len);
  return STATUS_OK;
}

/** The channel by which this hop knows `id`; a new one, or the oldest named, where there is none (`count` is 1 then). */
function channelFor(hop: Hop, id: usize): i32 {
  const most = min<i32>(hopChannels(), hop.peerChannels);
  for (let i = 0; i < most; i++) {
    const channel = HopArea.outgoing(hop, i);
    const at = changetype<usize>(channel) + CHANNEL_ID;
    if (
      channel.flags & CHANNEL_NAMED &&
      load<u64>(at) == load<u64>(id) &&
      load<u64>(at, 8) == load<u64>(id, 8)
    ) {
      return i;
    }
  }
  const number = hop.nextChannel;
  if (++hop.nextChannel >= most) hop.nextChannel = 0;
  const channel = HopArea.outgoing(hop, number);
  memory.copy(changetype<usize>(channel) + CHANNEL_ID, id, 16);
  channel.flags = CHANNEL_NAMED;
  channel.count = 1;
  return number;
}

/** Liveness of a hop: PING when nothing was sent, an end when nothing is heard or a key is too old. */
export function hopTick(hop: Hop): void {
  if (hop.state >= HOP_CLOSED) return;
  if (hop.state == HOP_HANDSHAKE && since(hop.bornAt) >= HANDSHAKE_MS) {
    hop.state = HOP_CLOSED;
    return;
  }
  if (
    since(hop.heardAt) >= SILENT_MS ||
    (hop.keyedAt != 0 && since(hop.keyedAt) >= REKEY_MOST_MS)
  ) {
    hop.state = HOP_CLOSED;
    return;
  }
  if (hop.role == ROLE_CONNECTOR && hop.rxHave != 0) {
    // A large buffer is lent for the time of one record (rule K9).
    if (since(hop.rxSince) >= INCOMPLETE_MS) {
      // It is told, where it can be; if that doesn't go out in the same time, it ends all the same.
      hop.rxSince = now;
      hop.reason = REASON_HOP_BUFFERS;
      if (hop.state == HOP_UP) hop.due |= DUE_CLOSE;
      hop.state = hop.state == HOP_UP ? HOP_CLOSING : HOP_CLOSED;
      return;
    }
    wakeAt(hop.rxSince + INCOMPLETE_MS);
  }
  if (hop.state == HOP_HANDSHAKE) {
    wakeAt(hop.bornAt + HANDSHAKE_MS);
    return;
  }
  if (since(hop.sentAt) >= IDLE_MS) hop.due |= DUE_PING;
  else wakeAt(hop.sentAt + IDLE_MS);
  wakeAt(hop.heardAt + SILENT_MS);
}
