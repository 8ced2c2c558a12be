// SPDX-License-Identifier: Apache-2.0
//
// The boundary: every export but the primitives' and the tests'. i32 in, i32 out; `>= 0` a count, a handle or a
// pointer, `< 0` a status (PROTOCOL 13.1). Checks handles and states, then hands over; knows no protocol. Before it:
// a host. After it: work.ts, seal/, stream/. Larger arguments travel in the argument area. DESIGN section 6.

import { clockSet } from "./clock";
import {
  controlFlags,
  controlHopUp,
  controlLayout,
  controlStop,
  takeControlStatus,
} from "./control/control";
import { wipe } from "./crypto/wipe";
import { x25519Canonical } from "./crypto/x25519";
import {
  ARG,
  layoutBegin,
  layoutEnd,
  layoutTop,
  ROLE_CONNECTOR,
  ROLE_STLINK,
  SIZE_BLOCK_BYTES,
  SIZE_CHANNELS,
  SIZE_HANDSHAKES,
  SIZE_HOP_BUFFER_BYTES,
  SIZE_HOP_BUFFERS,
  SIZE_HOP_CREDIT,
  SIZE_HOPS,
  SIZE_LINKS,
  SIZE_MAX_PACKET,
  SIZE_MAX_RECORD,
  SIZE_PENDING_OPENS,
  SIZE_REPLAY_BITS,
  SIZE_STREAMS,
  SIZE_WINDOW,
  SIZES,
  size,
} from "./layout";
import {
  CHANNEL_AWAY,
  CHANNEL_BACK,
  CHANNEL_DROPPED,
  CHANNEL_MUTE,
  DUE_CHANNELS,
  DUE_CLOSE,
  DUE_DRAIN,
  DUE_REFUSED,
  DUE_TICKET,
  DUE_WELCOME,
  HOP_CLOSING,
  HOP_GREETING,
  HOP_HANDSHAKE,
  HOP_ID,
  HOP_PEER_KEY,
  HOP_PSK,
  HOP_TICKET,
  HOP_UP,
  HopArea,
  hopAt,
  hopFree,
  hopKnown,
  hopsLayout,
  hopTake,
} from "./seal/hop";
import { hopAnswer, hopBegin } from "./seal/hop-handshake";
import { IDENTITY, IDENTITY_PUBLIC, MY_ID } from "./seal/identity";
import { LINK_GOODBYE, linkAt, linkCount, linkKnown, linksLayout } from "./seal/link";
import { ENTROPY, randomFeed, randomFresh, randomWanted, randomWipe } from "./seal/random";
import { SLOT_ASKING, slotAt, slotsLayout } from "./seal/slot";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_BAD_HANDLE,
  STATUS_BAD_KEY,
  STATUS_BAD_LENGTH,
  STATUS_BAD_STATE,
  STATUS_NO_ENTROPY,
  STATUS_NO_HOP_SLOT,
  STATUS_NO_STREAM_SLOT,
  STATUS_OK,
} from "./status";
import { datagramFlow, datagramMost, datagramOut, datagramPut } from "./stream/datagram";
import {
  hopRxCommit,
  hopRxForget,
  hopRxPtr,
  hopRxReset,
  hopRxRoom,
  hopRxStep,
  linkFind,
  PACKET_INFO,
  takeLastDrop,
} from "./stream/hop-rx";
import { forwardCommit, forwardPtr, hopTxConsume, hopTxFill } from "./stream/hop-tx";
import { endStreams } from "./stream/link-rx";
import { peerAdd, peerRemove } from "./stream/peers";
import { poolLayout } from "./stream/pool";
import {
  inCommit,
  inRoom,
  outConsume,
  outLength,
  outPtr,
  putConnected,
  putReset,
  recordsLayout,
  stagePtr,
  streamPump,
} from "./stream/record";
import { ptoArm } from "./stream/recovery";
import { resetFrame } from "./stream/resets";
import {
  anyNews,
  FLAG_CLOSED,
  FLAG_CONNECTED,
  FLAG_FIN,
  FLAG_OFFERED,
  FLAG_READABLE,
  FLAG_WRITABLE,
  nextNews,
  STREAM_BINDING,
  STREAM_CLOSED,
  STREAM_OFFERED,
  STREAM_OPENING,
  STREAM_RESETTING,
  STREAM_UP,
  StreamArea,
  streamAt,
  streamClose,
  streamKnown,
  streamsLayout,
  streamTake,
} from "./stream/stream";
import { KIND_CONTROL, KIND_DATAGRAM, KIND_STREAM } from "./wire/record";
import { findHop, takeLastFailure, tickAll, waitsForHop, workReset, workStep } from "./work";

/** `flags` bits. */
export const CORE_NEWS: i32 = 1;
export const CORE_WANTS_ENTROPY: i32 = 2;
export const CORE_WANTS_HOP: i32 = 4;
/** `config_len` bytes at `config_ptr` are to be stored, then `config_stored`. */
export const CORE_WANTS_STORE: i32 = 8;
/** The key pair that `rotate` gave is to be stored as the present one, then `config_stored`. */
export const CORE_WANTS_KEY: i32 = 16;
/** Id, key or Connectors have changed: a new hop is to be dialled, then the older ones closed. */
export const CORE_WANTS_REDIAL: i32 = 32;

let role: i32 = 0;

/** Pointer to the sizes: SIZE_COUNT × u32, to be written before `start` (PROTOCOL section 12). */
export function sizes_ptr(): i32 {
  return <i32>SIZES;
}

/** Pointer to the argument area, 512 bytes. */
export function arg_ptr(): i32 {
  return <i32>ARG;
}

/** Pointer to the seed buffer, 32 bytes; `feed` takes them in. */
export function entropy_ptr(): i32 {
  return <i32>ENTROPY;
}

function sizesFit(): bool {
  const maxPacket = size(SIZE_MAX_PACKET);
  const block = size(SIZE_BLOCK_BYTES);
  const replay = size(SIZE_REPLAY_BITS);
  if (maxPacket < 2048 || maxPacket > 65_000) return false;
  if (size(SIZE_HOP_BUFFER_BYTES) < maxPacket + 256 || size(SIZE_HOP_CREDIT) < maxPacket)
    return false;
  if (<u32>(size(SIZE_HOPS) - 1) > 65_534 || <u32>(size(SIZE_CHANNELS) - 1) > 4095) return false;
  if (size(SIZE_HANDSHAKES) < 1 || size(SIZE_HANDSHAKES) > 1024 || size(SIZE_HOP_BUFFERS) < 1)
    return false;
  if (replay < 64 || replay > 1024 || (replay & (replay - 1)) != 0) return false;
  if (role == ROLE_CONNECTOR) return size(SIZE_LINKS) == 0;
  const maxRecord = size(SIZE_MAX_RECORD);
  if (<u32>size(SIZE_LINKS) > 65_535 || maxRecord < 512 || maxRecord > maxPacket - 128)
    return false;
  if (
    <u32>size(SIZE_STREAMS) > 65_535 ||
    size(SIZE_PENDING_OPENS) < 1 ||
    size(SIZE_WINDOW) < maxRecord << 1
  )
    return false;
  return block >= 64 && block <= 65_536 && (block & (block - 1)) == 0;
}

/**
 * Starts an instance with the sizes that were written.
 * @returns STATUS_OK, BAD_STATE (it runs already), BAD_ARGUMENT (a size out of range), NO_BUFFER (memory too small)
 */
export function start(asRole: i32, ms: i32): i32 {
  if (role != 0) return STATUS_BAD_STATE;
  if (asRole != ROLE_STLINK && asRole != ROLE_CONNECTOR) return STATUS_BAD_ARGUMENT;
  role = asRole;
  if (!sizesFit()) {
    role = 0;
    return STATUS_BAD_ARGUMENT;
  }
  clockSet(ms);
  layoutBegin();
  slotsLayout();
  hopsLayout();
  linksLayout();
  streamsLayout();
  poolLayout();
  if (asRole == ROLE_STLINK) recordsLayout();
  controlLayout();
  const status = layoutEnd();
  if (status != STATUS_OK) role = 0;
  hopRxReset();
  workReset();
  return status;
}

/** Wipes everything: tables, pools, keys, generator, workspaces. The instance can be started again. */
export function stop(): i32 {
  workReset();
  if (role != 0) wipe(__heap_base, <i32>(layoutTop() - __heap_base));
  wipe(IDENTITY, 32);
  wipe(ARG, 512);
  randomWipe();
  controlStop();
  role = 0;
  return STATUS_OK;
}

/** ARG: static private key [32], its public key [32], this STLink's id [16]. Before the first hop. */
export function identity_set(): i32 {
  if (!x25519Canonical(ARG + 32)) return STATUS_BAD_KEY;
  memory.copy(IDENTITY, ARG, 32);
  memory.copy(IDENTITY_PUBLIC, ARG + 32, 32);
  memory.copy(MY_ID, ARG + 64, 16);
  wipe(ARG, 32);
  return STATUS_OK;
}

/** Takes in 32 fresh bytes from the seed buffer, with the boot counter in two halves (rule H8). */
export function feed(bootsLow: i32, bootsHigh: i32): i32 {
  randomFeed(IDENTITY, ((<u64>(<u32>bootsHigh)) << 32) | <u64>(<u32>bootsLow));
  return STATUS_OK;
}

/** Sets the clock and runs the timers. Returns milliseconds to the next deadline, 0 when something is to be sent. */
export function tick(ms: i32): i32 {
  return role == 0 ? STATUS_BAD_STATE : tickAll(ms);
}

/** One bounded step of handshake computation. 1 while there is more, else 0. */
export function work(): i32 {
  return role != 0 && workStep() ? 1 : 0;
}

/** CORE_* bits: what the host should look at. */
export function flags(): i32 {
  let bits = anyNews() ? CORE_NEWS : 0;
  if (randomWanted()) bits |= CORE_WANTS_ENTROPY;
  if (role == ROLE_STLINK && waitsForHop()) bits |= CORE_WANTS_HOP;
  if (role == ROLE_STLINK) bits |= controlFlags();
  return bits;
}

/** Takes the last reason for a dropped packet or a failed handshake: a status, or 0. */
export function take_drop(): i32 {
  const status = takeLastDrop();
  if (status != STATUS_OK) return status;
  const failure = takeLastFailure();
  return failure != STATUS_OK ? failure : takeControlStatus();
}

// Hops.

/**
 * Takes a hop. STLink: ARG holds the Connector's key [32], the PSK [32], and, with `ticket` 1, codeId and ticket
 * [40]; the handshake begins. Connector: waits for message 1.
 * @returns a hop, NO_HOP_SLOT, NO_ENTROPY, NO_HANDSHAKE_SLOT, BAD_KEY
 */
export function hop_open(ticket: i32): i32 {
  if (role == 0) return STATUS_BAD_STATE;
  if (role == ROLE_STLINK && !x25519Canonical(ARG)) return STATUS_BAD_KEY;
  if (role == ROLE_STLINK && !randomFresh()) return STATUS_NO_ENTROPY;
  const index = hopTake(role);
  if (index < 0) return STATUS_NO_HOP_SLOT;
  if (role == ROLE_CONNECTOR) return index;
  const hop = hopAt(index);
  memory.copy(HopArea.at(hop, HOP_PEER_KEY), ARG, 32);
  memory.copy(HopArea.at(hop, HOP_PSK), ARG + 32, 32);
  if (ticket) {
    memory.copy(HopArea.at(hop, HOP_TICKET), ARG + 64, 40);
    hop.due |= DUE_TICKET;
  }
  wipe(ARG + 32, 72);
  const status = hopBegin(index);
  if (status == STATUS_OK) return index;
  hopFree(index);
  return status;
}

/** The connection is gone, or the hop is over: everything of it is wiped. */
export function hop_free(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  hopRxForget(index);
  hopFree(index);
  for (let i = 0; i < linkCount(); i++)
    if (linkAt(i).used && linkAt(i).hop == index) findHop(linkAt(i));
  return STATUS_OK;
}

/** `state | reason << 8 | (slot waits for hop_answer) << 16 | greeted << 17`. */
export function hop_state(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  const asking = hop.slot >= 0 && slotAt(hop.slot).state == SLOT_ASKING ? 1 : 0;
  return <i32>hop.state | ((<i32>hop.reason) << 8) | (asking << 16) | ((<i32>hop.greeted) << 17);
}

/** The status that ended the hop, or 0. */
export function hop_status(index: i32): i32 {
  return hopKnown(index) ? hopAt(index).status : STATUS_BAD_HANDLE;
}

/** Pointer to the hop's peer key [32] at 0, id [16] at 64, codeId and ticket [40] at 80, maxPacket u32 at 120. */
export function hop_peer_ptr(index: i32): i32 {
  return hopKnown(index) ? <i32>HopArea.at(hopAt(index), HOP_PEER_KEY) : STATUS_BAD_HANDLE;
}

/** Where the hop's next bytes go; 0 while another hop's are in the landing area. */
export function hop_rx_ptr(index: i32): i32 {
  return hopKnown(index) ? <i32>hopRxPtr(index) : STATUS_BAD_HANDLE;
}

/** How many fit there. */
export function hop_rx_room(index: i32): i32 {
  return hopKnown(index) ? hopRxRoom(index) : STATUS_BAD_HANDLE;
}

/** `n` bytes were put there. */
export function hop_rx_commit(index: i32, n: i32): i32 {
  return hopKnown(index) ? hopRxCommit(index, n) : STATUS_BAD_HANDLE;
}

/** Deals with one record: HOP_STEP_* (0 none, 1 one, 2 a packet to queue, 3 MUTE), or the status that ended the hop. */
export function hop_rx_step(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  const before = hop.state;
  const result = hopRxStep(index);
  if (before != HOP_UP && hop.state == HOP_UP) controlHopUp(hop);
  return result;
}

/** Pointer to u32 × 6 about the packet of the last step: pointer, length, class, channel, names, id pointer or 0. */
export function packet_info_ptr(): i32 {
  return <i32>PACKET_INFO;
}

/** Fills the outgoing buffer. Returns the bytes ready, or NO_BUFFER. */
export function hop_tx_fill(index: i32): i32 {
  return hopKnown(index) ? hopTxFill(index) : STATUS_BAD_HANDLE;
}

/** Where they are. */
export function hop_tx_ptr(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  return <i32>(hop.tx + <usize>hop.txFrom);
}

/** `n` of them were taken. */
export function hop_tx_consume(index: i32, n: i32): i32 {
  return hopKnown(index) ? hopTxConsume(index, n) : STATUS_BAD_HANDLE;
}

/** Connector: the PSK [32] of the key that was shown is in ARG; the handshake goes on. */
export function hop_answer(index: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  if (hop.slot < 0 || slotAt(hop.slot).state != SLOT_ASKING) return STATUS_BAD_STATE;
  memory.copy(HopArea.at(hop, HOP_PSK), ARG, 32);
  wipe(ARG, 32);
  hopAnswer(hop);
  return STATUS_OK;
}

/** Connector: admits a greeted hop under the id [16] in ARG, with a queue of `queueBytes`. */
export function hop_admit(index: i32, queueBytes: i32): i32 {
  if (!hopKnown(index) || role != ROLE_CONNECTOR) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  if (hop.state != HOP_GREETING || !hop.greeted) return STATUS_BAD_STATE;
  memory.copy(HopArea.at(hop, HOP_ID), ARG, 16);
  hop.queueBytes = <u32>queueBytes;
  hop.state = HOP_UP;
  hop.due |= DUE_WELCOME;
  return STATUS_OK;
}

/** Ends a sealed hop with a last record: REFUSED before admission, CLOSE after it. */
export function hop_close(index: i32, reason: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  const hop = hopAt(index);
  if (hop.state == HOP_HANDSHAKE || hop.state >= HOP_CLOSING) return STATUS_BAD_STATE;
  hop.due |= role == ROLE_CONNECTOR && hop.state == HOP_GREETING ? DUE_REFUSED : DUE_CLOSE;
  hop.reason = <u8>reason;
  hop.state = HOP_CLOSING;
  return STATUS_OK;
}

/** Connector: tells every STLink on the hop to come back after `ms`. */
export function hop_drain(index: i32, ms: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  hopAt(index).drainMs = <u32>ms;
  hopAt(index).due |= DUE_DRAIN;
  return STATUS_OK;
}

/**
 * Connector: a hint about a channel that the STLink named: DROPPED with `reason`, AWAY (`reason` -1), BACK (-2).
 * STLink: MUTE for `seconds` about a channel named to it (`reason` -3).
 */
export function hop_tell(index: i32, number: i32, reason: i32, seconds: i32): i32 {
  if (!hopKnown(index)) return STATUS_BAD_HANDLE;
  if (<u32>number >= <u32>size(SIZE_CHANNELS) || reason < -3 || reason > 255)
    return STATUS_BAD_ARGUMENT;
  const hop = hopAt(index);
  const channel = HopArea.incoming(hop, number);
  if (reason == -1) channel.flags = (channel.flags & ~CHANNEL_BACK) | CHANNEL_AWAY;
  else if (reason == -2) channel.flags = (channel.flags & ~CHANNEL_AWAY) | CHANNEL_BACK;
  else if (reason == -3) {
    channel.flags |= CHANNEL_MUTE;
    channel.count = <u16>seconds;
  } else {
    channel.flags |= CHANNEL_DROPPED;
    channel.reason = <u8>reason;
    if (channel.count < 0xffff) channel.count++;
  }
  hop.due |= DUE_CHANNELS;
  return STATUS_OK;
}

/** Connector: where a packet of `len` bytes for this hop goes; 0: later (credit, room). */
export function forward_ptr(index: i32, len: i32): i32 {
  if (!hopKnown(index) || role != ROLE_CONNECTOR) return STATUS_BAD_HANDLE;
  if (len <= 0 || len > hopAt(index).peerMaxPacket) return STATUS_BAD_LENGTH;
  return <i32>forwardPtr(index, len);
}

/** Connector: seals it, of class `kind`, from the id [16] in ARG. */
export function forward_commit(index: i32, kind: i32, len: i32): i32 {
  if (!hopKnown(index) || role != ROLE_CONNECTOR) return STATUS_BAD_HANDLE;
  return forwardCommit(index, kind, len, ARG);
}

// Links.

/**
 * Adds a peer, or changes its keys. ARG: id [16], key [32], nextKey [32] or zeros, PSK [32], PSK name [8].
 * @returns the link, NO_LINK_SLOT, BAD_KEY
 */
export function link_add(): i32 {
  return role == ROLE_STLINK ? peerAdd() : STATUS_BAD_STATE;
}

/** The link with the peer id [16] in ARG, or BAD_HANDLE. */
export function link_find(): i32 {
  const index = linkFind(ARG);
  return index < 0 ? STATUS_BAD_HANDLE : index;
}

/** Ends a link towards the applications with `reason`; GOODBYE goes out when it can. */
export function link_goodbye(index: i32, reason: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  const link = linkAt(index);
  endStreams(link, <u8>reason);
  link.goodbyeReason = <u8>reason;
  link.due |= LINK_GOODBYE;
  return STATUS_OK;
}

/** Removes a link: sessions wiped, streams freed (rule T10). BAD_STATE: it is the Commander's, or a revoked peer's. */
export function link_remove(index: i32, reason: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  if (linkAt(index).commander) return STATUS_BAD_STATE;
  peerRemove(linkAt(index), <u8>reason);
  return STATUS_OK;
}

/** Wishes for a session with the peer, without a stream. */
export function link_connect(index: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  linkAt(index).wanted = 1;
  return STATUS_OK;
}

/** Pointer to the link's state, whose offsets stand in the generated ABI. */
export function link_ptr(index: i32): i32 {
  return linkKnown(index) ? <i32>changetype<usize>(linkAt(index)) : STATUS_BAD_HANDLE;
}

// Streams.

/**
 * Opens a stream of `kind` to the link's peer. ARG: Binding id [16], Mapping id [16].
 * @returns a stream, NO_STREAM_SLOT
 */
export function stream_open(index: i32, kind: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  if (kind < KIND_STREAM || kind > KIND_CONTROL) return STATUS_BAD_ARGUMENT;
  const link = linkAt(index);
  const handle = streamTake(link, kind, true);
  if (handle < 0) return STATUS_NO_STREAM_SLOT;
  const stream = streamAt(handle);
  stream.state = STREAM_OPENING;
  memory.copy(StreamArea.at(stream, STREAM_BINDING), ARG, 32);
  link.opening++;
  ptoArm(link);
  return handle;
}

/** The next stream whose flags may have changed, or -1 (BAD_STATE) when there is none. */
export function stream_next(): i32 {
  return role == ROLE_STLINK ? nextNews() : STATUS_BAD_STATE;
}

/** FLAG_* bits. */
export function stream_flags(index: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  const held = StreamArea.recvFifo(stream).length;
  let bits: u32 = stream.connected ? FLAG_CONNECTED : 0;
  if (held > 0) bits |= FLAG_READABLE;
  if (stream.kind == KIND_DATAGRAM ? stream.state == STREAM_UP : inRoom(stream) > 0)
    bits |= FLAG_WRITABLE;
  const cut =
    stream.state == STREAM_RESETTING || (stream.state == STREAM_CLOSED && stream.reason != 0);
  if (stream.finTaken && held == 0 && !cut) bits |= FLAG_FIN;
  if (stream.state == STREAM_OFFERED) bits |= FLAG_OFFERED;
  if (stream.state == STREAM_CLOSED || stream.state == STREAM_RESETTING) bits |= FLAG_CLOSED;
  return <i32>bits;
}

/** ARG: link i32, number u32, kind u8, opener u8, reason u8, state u8, Binding id [16], Mapping id [16]. */
export function stream_info(index: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  store<i32>(ARG, stream.link);
  store<u32>(ARG, stream.number, 4);
  store<u8>(ARG, stream.kind, 8);
  store<u8>(ARG, stream.opener, 9);
  store<u8>(ARG, stream.reason, 10);
  store<u8>(ARG, stream.state, 11);
  memory.copy(ARG + 12, StreamArea.at(stream, STREAM_BINDING), 32);
  return STATUS_OK;
}

/** Accepter: the target has answered. */
export function stream_connected(index: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  if (stream.state != STREAM_OFFERED) return STATUS_BAD_STATE;
  if (stream.kind == KIND_DATAGRAM) {
    stream.state = STREAM_UP;
    stream.connected = 1;
  } else putConnected(stream);
  return STATUS_OK;
}

/** The application, or the target, ends the stream: `reason` travels in a RESET record. */
export function stream_reset(index: i32, reason: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  if (<u32>(reason - 1) > 254) return STATUS_BAD_ARGUMENT;
  const stream = streamAt(index);
  if (stream.state == STREAM_CLOSED || stream.state == STREAM_RESETTING) return STATUS_OK;
  if (
    stream.kind != KIND_DATAGRAM &&
    (stream.state == STREAM_OFFERED || stream.state == STREAM_UP)
  ) {
    putReset(stream, <u8>reason);
    return STATUS_OK;
  }
  if (stream.state != STREAM_OPENING) resetFrame(linkAt(stream.link), stream.number, <u8>reason);
  streamClose(stream, <u8>reason);
  return STATUS_OK;
}

/** No more bytes from this side: half-close. */
export function stream_fin(index: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  if (stream.state != STREAM_UP || stream.kind == KIND_DATAGRAM) return STATUS_BAD_STATE;
  if (!stream.finSent) stream.finWanted = 1;
  streamPump(stream);
  return STATUS_OK;
}

/** How long the stream is held while the peer is silent (rule S4), 0 to 24 h. */
export function stream_hold(index: i32, ms: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  if (<u32>ms > 86_400_000) return STATUS_BAD_ARGUMENT;
  streamAt(index).holdMs = ms;
  return STATUS_OK;
}

/** The host has done with a closed stream. */
export function stream_release(index: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  if (stream.state != STREAM_CLOSED && stream.state != STREAM_RESETTING) return STATUS_BAD_STATE;
  stream.released = 1;
  return STATUS_OK;
}

/** Where the application's next bytes go, at most `in_room`. */
export function in_ptr(): i32 {
  return <i32>stagePtr();
}

/** Bytes that the stream takes now. */
export function in_room(index: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  return stream.kind == KIND_DATAGRAM ? datagramMost(stream) : inRoom(stream);
}

/** `n` bytes were put: one record is cut, numbered and sealed (rule D6). */
export function in_commit(index: i32, n: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  if (stream.kind == KIND_DATAGRAM) return STATUS_BAD_STATE;
  if (n < 0 || n > inRoom(stream)) return STATUS_BAD_LENGTH;
  if (n > 0) inCommit(stream, n);
  return n;
}

/** Bytes in one row that the application can take. */
export function out_len(index: i32): i32 {
  return streamKnown(index) ? outLength(streamAt(index)) : STATUS_BAD_HANDLE;
}

/** Where they are. */
export function out_ptr(index: i32): i32 {
  return streamKnown(index) ? <i32>outPtr(streamAt(index)) : STATUS_BAD_HANDLE;
}

/** The application took `n` of them. */
export function out_consume(index: i32, n: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  if (stream.kind == KIND_DATAGRAM) return STATUS_BAD_STATE;
  if (<u32>n > <u32>outLength(stream)) return STATUS_BAD_LENGTH;
  outConsume(stream, n);
  return STATUS_OK;
}

/** Datagram channel: `n` bytes at `in_ptr` for `flow`. TOO_BIG, NO_BUFFER. */
export function datagram_commit(index: i32, flow: i32, n: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  if (stream.kind != KIND_DATAGRAM || stream.state != STREAM_UP) return STATUS_BAD_STATE;
  if (n < 0) return STATUS_BAD_LENGTH;
  const status = datagramPut(stream, flow, stagePtr(), n);
  // Unlike a record, a datagram is not sealed where it was put.
  if (status == STATUS_OK) wipe(stagePtr(), n);
  return status;
}

/** Datagram channel: takes the oldest datagram to `in_ptr`. Returns its length; `datagram_flow` says whose it is. */
export function datagram_out(index: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  if (stream.kind != KIND_DATAGRAM || StreamArea.recvFifo(stream).length == 0)
    return STATUS_BAD_STATE;
  return datagramOut(stream, stagePtr(), size(SIZE_MAX_PACKET));
}

/** Flow of the datagram that `datagram_out` gave. */
export function datagram_flow(): i32 {
  return datagramFlow();
}
