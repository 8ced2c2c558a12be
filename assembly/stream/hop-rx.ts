// SPDX-License-Identifier: Apache-2.0
//
// Takes the bytes of a hop's wire, one record a call: the handshake, then frames of layer 3, and the packets inside
// them. Before it: the host put bytes with `hop_rx_commit`. After it: link-rx.ts (STLink), or the host, which queues
// the packet (Connector). Every error of this layer closes the hop (rule S8). PROTOCOL section 4, 9.

import { now } from "../clock";
import { ctIsZero } from "../crypto/ct";
import { wipe } from "../crypto/wipe";
import { ROLE_STLINK, SIZE_HOP_CREDIT, SIZE_MAX_PACKET, size } from "../layout";
import {
  bufferFree,
  bufferTake,
  CHANNEL_AWAY,
  CHANNEL_ID,
  CHANNEL_NAMED,
  Channel,
  DUE_CREDIT,
  DUE_PONG,
  HOP_BODY_LEAST,
  HOP_CLOSED,
  HOP_CLOSING,
  HOP_DRAIN,
  HOP_FREE,
  HOP_GREETING,
  HOP_HANDSHAKE,
  HOP_ID,
  HOP_LENGTH_LEN,
  HOP_MAX_PACKET,
  HOP_TAG_LEN,
  HOP_TICKET,
  HOP_UP,
  Hop,
  HopArea,
  hopAt,
  hopBufferBytes,
  hopChannels,
  hopFail,
  hopOpen,
  hopSwitch,
  landing,
} from "../seal/hop";
import { hopExpected, hopMessage, hopRekeyMessage } from "../seal/hop-handshake";
import { LINK_ID, Link, LinkArea, linkAt, linkEnd } from "../seal/link";
import { randomFresh } from "../seal/random";
import { slotIsFree } from "../seal/slot";
import {
  REASON_NOT_PAIRED,
  REASON_UNKNOWN_CHANNEL,
  STATUS_BAD_FRAME,
  STATUS_BAD_HANDSHAKE,
  STATUS_BAD_LENGTH,
  STATUS_BAD_TAG,
  STATUS_NO_BUFFER,
  STATUS_OK,
  STATUS_PEER_VIOLATION,
  STATUS_TOO_BIG,
  STATUS_UNKNOWN_PEER,
} from "../status";
import {
  AWAY,
  BACK,
  CLASS_DATAGRAM_MOST,
  CLASS_WAKE,
  CLOSE,
  CREDIT,
  DRAIN,
  DROPPED,
  HOP_HELLO,
  HOP_PONG,
  HopFrame,
  MUTE,
  NAME,
  NEWKEYS,
  PACKET,
  PACKET_HEADER_LEN,
  PADDING,
  PING,
  REFUSED,
  REKEY,
  TICKET,
  WELCOME,
} from "../wire/hop-frames";
import { hopBetter, hopDrained, hopWelcomed } from "./hop-choice";
import { linkTake } from "./link-rx";
import { ptoHint } from "./recovery";

/** What a step of a hop says. */
export const HOP_STEP_IDLE: i32 = 0;
export const HOP_STEP_MORE: i32 = 1;
/** Connector: a packet is to be queued; PACKET_INFO says which. It is valid until the next call for this hop. */
export const HOP_STEP_PACKET: i32 = 2;
/** Connector: a channel was muted by its receiver; PACKET_INFO holds the channel, the seconds and the id. */
export const HOP_STEP_MUTE: i32 = 3;

/** u32: pointer, length, class, channel, names seen on the hop (MUTE: seconds), pointer to the destination's id. */
export const PACKET_INFO: usize = memory.data(24, 8);

let landingOwner: i32 = -1;
/** Hops that may have a record that waits have an index from `heldFrom` to below `heldTo`; 0: there is none. */
let heldFrom: i32 = 0;
let heldTo: i32 = 0;

/** Where the host puts the hop's next bytes. 0: another hop's bytes are still in the landing area. */
export function hopRxPtr(index: i32): usize {
  const hop = hopAt(index);
  if (hop.rx != 0) return hop.rx + <usize>hop.rxHave;
  if (landingOwner >= 0 && landingOwner != index) return 0;
  return landing;
}

/** How many there is room for. */
export function hopRxRoom(index: i32): i32 {
  const hop = hopAt(index);
  if (hop.state >= HOP_CLOSED) return 0;
  return hopBufferBytes() - (hop.rx != 0 || landingOwner == index ? hop.rxHave : 0);
}

/** The host has put `n` bytes. */
export function hopRxCommit(index: i32, n: i32): i32 {
  const hop = hopAt(index);
  if (<u32>n > <u32>hopRxRoom(index)) return STATUS_BAD_LENGTH;
  if (n == 0) return STATUS_OK;
  if (hop.rx == 0) landingOwner = index;
  if (hop.rxHave == hop.rxAt) hop.rxSince = now;
  hop.rxHave += n;
  return STATUS_OK;
}

/** A new instance begins. A Connector has left the place of its last record behind, which is another's memory now. */
export function hopRxReset(): void {
  landingOwner = -1;
  heldTo = 0;
  packetLink = -1;
  recordLen = 0;
}

/** Forgets what the landing area holds of a hop that is freed. */
export function hopRxForget(index: i32): void {
  if (landingOwner == index) landingOwner = -1;
}

/** The record that was opened last; its packet, which is always its last frame, and the link that is to take it. */
let recordAt: usize = 0;
let recordLen: i32 = 0;
let packetAt: usize = 0;
let packetLen: i32 = 0;
let packetLink: i32 = -1;

/**
 * Deals with at most one record of the hop. An STLink's packet is dealt with behind the record's frames and not
 * among them: so the calls below it begin on a short stack.
 * @returns HOP_STEP_*, or the status that closed the hop
 */
export function hopRxStep(index: i32): i32 {
  const hop = hopAt(index);
  const result = takeRecord(index, hop);
  if (hop.role != ROLE_STLINK) return result;
  if (packetLink >= 0) takePacket(index);
  // What was opened in place has been copied or dropped (a Connector's host still needs its sealed packet).
  wipe(recordAt, recordLen);
  recordLen = 0;
  return result;
}

/** The link's part of a record. What is wrong with it is the peer's fault, and no reason to close the hop. */
function takePacket(index: i32): void {
  const link = linkAt(packetLink);
  packetLink = -1;
  const status = linkTake(link, index, packetAt, packetLen);
  if (status == STATUS_OK) return;
  link.dropped++;
  link.lastDrop = status;
  lastDrop = status;
}

function takeRecord(index: i32, hop: Hop): i32 {
  const buffer = hop.rx != 0 ? hop.rx : landingOwner == index ? landing : 0;
  if (buffer == 0 || hop.state >= HOP_CLOSED) return settle(index, hop);
  // While a handshake message is being computed, later records wait: their keys are not there yet.
  const have = hop.rxHave - hop.rxAt;
  hop.held = 0;
  if (hopWaits(hop)) {
    if (have > 0) hold(hop, index);
    return settle(index, hop);
  }
  if (have < HOP_LENGTH_LEN) return settle(index, hop);
  const at = buffer + <usize>hop.rxAt;
  const len = <i32>load<u16>(at);
  if (hop.state == HOP_HANDSHAKE && len != hopExpected(hop))
    return close(index, hop, STATUS_BAD_HANDSHAKE);
  if (len < HOP_BODY_LEAST || len + HOP_LENGTH_LEN > hopBufferBytes())
    return close(index, hop, STATUS_BAD_LENGTH);
  if (have < len + HOP_LENGTH_LEN) return settle(index, hop);
  hop.rxAt += len + HOP_LENGTH_LEN;
  hop.rxSince = now;
  if (hop.state == HOP_HANDSHAKE) {
    const status = hopMessage(hop, index, at + 2, len);
    return status == STATUS_OK ? HOP_STEP_MORE : close(index, hop, status);
  }
  if (!hopOpen(hop, at, len)) return close(index, hop, STATUS_BAD_TAG);
  recordAt = at;
  recordLen = len;
  const result = takeFrames(hop, index, at + 2, at + <usize>(HOP_LENGTH_LEN + len - HOP_TAG_LEN));
  if (result >= 0) return result;
  wipe(at, len);
  recordLen = 0;
  return close(index, hop, result);
}

/**
 * True while the slot computes a message that the next record's key depends on (message 3 and NEWKEYS may come in
 * one piece), or while there is no slot or entropy for a new hop yet.
 */
function hopWaits(hop: Hop): bool {
  if (hop.slot >= 0)
    return hop.slotBusy != 0 && (hop.state == HOP_HANDSHAKE || hop.role != ROLE_STLINK);
  return hop.state == HOP_HANDSHAKE && (!randomFresh() || !slotIsFree());
}

function hold(hop: Hop, index: i32): void {
  hop.held = 1;
  heldFrom = heldTo == 0 ? index : min<i32>(heldFrom, index);
  heldTo = max<i32>(heldTo, index + 1);
}

/** True while records that waited for a key, a slot or entropy can be taken: `hop_rx_step` is to be called again. */
export function hopsHeld(): bool {
  for (; heldFrom < heldTo; heldFrom++) if (isHeld(hopAt(heldFrom))) break;
  for (let i = heldFrom; i < heldTo; i++) {
    const hop = hopAt(i);
    if (isHeld(hop) && !hopWaits(hop)) return true;
  }
  if (heldFrom >= heldTo) heldTo = 0;
  return false;
}

function isHeld(hop: Hop): bool {
  return hop.held != 0 && hop.state != HOP_FREE && hop.state < HOP_CLOSED;
}

function close(index: i32, hop: Hop, status: i32): i32 {
  hop.rxHave = hop.rxAt = 0;
  settle(index, hop);
  return hopFail(hop, status);
}

/** No whole record is left: what remains moves to the front, out of the landing area (rule K9). */
function settle(index: i32, hop: Hop): i32 {
  const left = hop.rxHave - hop.rxAt;
  if (left == 0) {
    bufferFree(hop.rx);
    hop.rx = 0;
    hopRxForget(index);
  } else if (hop.rx != 0) {
    if (hop.rxAt != 0) memory.copy(hop.rx, hop.rx + <usize>hop.rxAt, left);
  } else {
    hop.rx = bufferTake();
    hopRxForget(index);
    if (hop.rx == 0) {
      hop.rxHave = hop.rxAt = 0;
      return hopFail(hop, STATUS_NO_BUFFER);
    }
    memory.copy(hop.rx, landing + <usize>hop.rxAt, left);
  }
  hop.rxHave = left;
  hop.rxAt = 0;
  return HOP_STEP_IDLE;
}

function takeFrames(hop: Hop, index: i32, start: usize, end: usize): i32 {
  let at = start;
  let result = HOP_STEP_MORE;
  while (at < end) {
    const type = load<u8>(at);
    if (type == PADDING) return result;
    const len = HopFrame.length(at, <i32>(end - at));
    if (len == 0) return STATUS_BAD_FRAME;
    const status =
      hop.role == ROLE_STLINK
        ? stlinkFrame(hop, index, type, at, len)
        : connectorFrame(hop, type, at, len);
    if (status < 0) return status;
    if (status != STATUS_OK) result = status;
    at += <usize>len;
  }
  return result;
}

/** Frames that travel both ways. STATUS_BAD_FRAME: not one of them. */
function commonFrame(hop: Hop, type: u8, at: usize, len: i32): i32 {
  if (type == PING) {
    hop.pongToken = HopFrame.token(at);
    hop.due |= DUE_PONG;
    return STATUS_OK;
  }
  if (type == HOP_PONG) return STATUS_OK;
  if (type == CLOSE) {
    hop.reason = load<u8>(at, 1);
    hop.state = HOP_CLOSED;
    return STATUS_OK;
  }
  if (type == NAME) return takeName(hop, at);
  if (type == REKEY) return hopRekeyMessage(hop, at + 1, len - 1);
  if (type == NEWKEYS) {
    if (!(hop.rekeyed & 1)) return STATUS_BAD_FRAME;
    hopSwitch(hop, false);
    hop.rekeyed &= ~1;
    return STATUS_OK;
  }
  return STATUS_BAD_FRAME;
}

function takeName(hop: Hop, at: usize): i32 {
  const number = HopFrame.channel(at);
  if (number >= hopChannels() || ctIsZero(at + 3, 16)) return STATUS_BAD_FRAME;
  const channel = HopArea.incoming(hop, number);
  memory.copy(changetype<usize>(channel) + CHANNEL_ID, at + 3, 16);
  channel.flags = CHANNEL_NAMED;
  channel.link = -1;
  hop.names++;
  return STATUS_OK;
}

/** Frames from a Connector. */
function stlinkFrame(hop: Hop, index: i32, type: u8, at: usize, len: i32): i32 {
  if (type == PACKET) return hop.greeted ? stlinkPacket(hop, at, len) : STATUS_BAD_FRAME;
  if (type == WELCOME) return takeWelcome(hop, at);
  if (type == REFUSED) {
    hop.reason = load<u8>(at, 1);
    hop.state = HOP_CLOSED;
    return STATUS_OK;
  }
  if (type == DRAIN) {
    store<u32>(HopArea.at(hop, HOP_DRAIN), max<u32>(HopFrame.token(at), 1));
    hopDrained(hop);
    return STATUS_OK;
  }
  if (type == DROPPED || type == AWAY || type == BACK) {
    takeHint(hop, type, at);
    return STATUS_OK;
  }
  return commonFrame(hop, type, at, len);
}

/** Hints about the peer of a channel: they hasten or slow a PROBE, or move the link to another hop (rule D5). */
function takeHint(hop: Hop, type: u8, at: usize): void {
  const number = HopFrame.channel(at);
  if (number >= hop.peerChannels) return;
  const channel = HopArea.outgoing(hop, number);
  if (!(channel.flags & CHANNEL_NAMED) || !linkAt(channel.link).used) return;
  const link = linkAt(channel.link);
  const reason = load<u8>(at, 3);
  const refused = reason == REASON_NOT_PAIRED || reason == REASON_UNKNOWN_CHANNEL;
  const away = type == AWAY || (type == DROPPED && refused);
  if (away) channel.flags |= CHANNEL_AWAY;
  else if (type == BACK) channel.flags &= ~CHANNEL_AWAY;
  // For a link on another hop it only says what this one would be good for.
  if (link.hop == hop.index && type == AWAY) link.probeBackoff = <u8>max<i32>(link.probeBackoff, 2);
  else if (link.hop == hop.index) ptoHint(link);
  hopBetter(link, true);
}

/** WELCOME: the hop is up; what the links have outstanding goes on over it (rule D5). */
function takeWelcome(hop: Hop, at: usize): i32 {
  if (hop.greeted) return STATUS_BAD_FRAME;
  const maxPacket = <i32>load<u16>(at, 17);
  if (maxPacket < 2048 || maxPacket > 65_000 || load<u16>(at, 19) == 0) return STATUS_BAD_FRAME;
  hop.greeted = 1;
  hop.state = HOP_UP;
  memory.copy(HopArea.at(hop, HOP_ID), at + 1, 16);
  hop.peerMaxPacket = maxPacket;
  hop.peerChannels = min<i32>(<i32>load<u16>(at, 19), hopChannels());
  hop.queueBytes = load<u32>(at, 21);
  hop.creditTotal = <u64>size(SIZE_HOP_CREDIT);
  hop.due |= DUE_CREDIT;
  shareInFlight(hop.queueBytes);
  hopWelcomed(hop);
  return STATUS_OK;
}

/**
 * Rule F6: the sum of maxInFlight over all links is at most three quarters of the queue. Each link gets a quarter
 * of what is left, at least two packets, and nothing is taken back.
 */
export function shareInFlight(queueBytes: u32): void {
  const least = <u32>(size(SIZE_MAX_PACKET) << 1);
  let left = queueBytes - (queueBytes >> 2);
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (link.used) left -= min<u32>(left, link.myInFlight);
  }
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (!link.used) continue;
    const share = max<u32>(left >> 2, least);
    if (share <= link.myInFlight) continue;
    left -= min<u32>(left, share - link.myInFlight);
    link.myInFlight = share;
  }
}

function stlinkPacket(hop: Hop, at: usize, len: i32): i32 {
  const number = <i32>load<u16>(at, 2);
  const packet = len - PACKET_HEADER_LEN;
  hop.creditUsed += <u64>packet;
  if (hop.creditUsed > hop.creditTold) return STATUS_PEER_VIOLATION;
  const window = <u64>size(SIZE_HOP_CREDIT);
  const left = hop.creditTotal - hop.creditUsed;
  if (left <= window >> 1 || left < <u64>size(SIZE_MAX_PACKET)) {
    // Dealt with before this call returns: the credit comes back at once (rule F2).
    hop.creditTotal = hop.creditUsed + window;
    hop.due |= DUE_CREDIT;
  }
  if (packet > size(SIZE_MAX_PACKET)) {
    lastDrop = STATUS_TOO_BIG;
    return STATUS_OK;
  }
  if (number >= hopChannels()) return STATUS_OK;
  const channel = HopArea.incoming(hop, number);
  const link = linkOfChannel(channel);
  if (link < 0) {
    lastDrop = STATUS_UNKNOWN_PEER;
    return STATUS_OK;
  }
  packetLink = link;
  packetAt = at + <usize>PACKET_HEADER_LEN;
  packetLen = packet;
  return STATUS_OK;
}

/** Why the last packet was dropped: a status of PROTOCOL 13.1, for the host's counters. */
export let lastDrop: i32 = 0;

/** What a packet wanted was refused for want of room: the host is told as of a drop. */
export function tellDrop(status: i32): void {
  lastDrop = status;
}

/** Takes and clears `lastDrop`. */
export function takeLastDrop(): i32 {
  const status = lastDrop;
  lastDrop = STATUS_OK;
  return status;
}

/** The link whose peer the Connector named on a channel, or -1. */
function linkOfChannel(channel: Channel): i32 {
  if (!(channel.flags & CHANNEL_NAMED)) return -1;
  const id = changetype<usize>(channel) + CHANNEL_ID;
  const known = channel.link;
  if (known >= 0 && linkAt(known).used && sameId(id, linkAt(known))) return known;
  channel.link = linkFind(id);
  return channel.link;
}

/** True when the 16 bytes at `id` are the link's peer id. */
export function sameId(id: usize, link: Link): bool {
  const other = LinkArea.at(link, LINK_ID);
  return load<u64>(id) == load<u64>(other) && load<u64>(id, 8) == load<u64>(other, 8);
}

/** The link with this peer id, or -1. */
export function linkFind(id: usize): i32 {
  for (let i = 0; i < linkEnd; i++) if (linkAt(i).used && sameId(id, linkAt(i))) return i;
  return -1;
}

/** Frames from an STLink. */
function connectorFrame(hop: Hop, type: u8, at: usize, len: i32): i32 {
  if (type == HOP_HELLO) {
    if (hop.greeted) return STATUS_BAD_FRAME;
    const maxPacket = HopFrame.channel(at);
    if (maxPacket < 2048 || maxPacket > 65_000 || load<u16>(at, 3) == 0) return STATUS_BAD_FRAME;
    hop.greeted = 1;
    hop.peerMaxPacket = maxPacket;
    store<u32>(HopArea.at(hop, HOP_MAX_PACKET), <u32>maxPacket);
    hop.peerChannels = <i32>load<u16>(at, 3);
    return STATUS_OK;
  }
  if (!hop.greeted) return STATUS_BAD_FRAME;
  if (type == TICKET) {
    memory.copy(HopArea.at(hop, HOP_TICKET), at + 1, 40);
    return STATUS_OK;
  }
  if (hop.state == HOP_GREETING && type != PING && type != HOP_PONG) return STATUS_BAD_FRAME;
  if (hop.state == HOP_CLOSING) return STATUS_OK;
  if (type == PACKET) return connectorPacket(hop, at, len);
  if (type == CREDIT) {
    const total = HopFrame.total(at);
    if (total < hop.creditTotal) return STATUS_BAD_FRAME;
    hop.creditTotal = total;
    return STATUS_OK;
  }
  if (type == MUTE) {
    const number = HopFrame.channel(at);
    if (number >= min<i32>(hop.peerChannels, hopChannels())) return STATUS_BAD_FRAME;
    store<u32>(PACKET_INFO, <u32>number, 12);
    store<u32>(PACKET_INFO, <u32>load<u16>(at, 3), 16);
    const channel = HopArea.outgoing(hop, number);
    const id = changetype<usize>(channel) + CHANNEL_ID;
    store<u32>(PACKET_INFO, channel.flags & CHANNEL_NAMED ? <u32>id : 0, 20);
    return HOP_STEP_MUTE;
  }
  return commonFrame(hop, type, at, len);
}

function connectorPacket(hop: Hop, at: usize, len: i32): i32 {
  const kind = <i32>load<u8>(at, 1);
  const number = <i32>load<u16>(at, 2);
  if (kind > CLASS_DATAGRAM_MOST && kind != CLASS_WAKE) return STATUS_BAD_FRAME;
  const named = number < hopChannels() && HopArea.incoming(hop, number).flags & CHANNEL_NAMED;
  store<u32>(PACKET_INFO, <u32>(at + <usize>PACKET_HEADER_LEN));
  store<u32>(PACKET_INFO, <u32>(len - PACKET_HEADER_LEN), 4);
  store<u32>(PACKET_INFO, <u32>kind, 8);
  store<u32>(PACKET_INFO, <u32>number, 12);
  store<u32>(PACKET_INFO, hop.names, 16);
  store<u32>(
    PACKET_INFO,
    named ? <u32>(changetype<usize>(HopArea.incoming(hop, number)) + CHANNEL_ID) : 0,
    20,
  );
  return HOP_STEP_PACKET;
}
