// SPDX-License-Identifier: Apache-2.0
//
// The boundary of streams: open, news, state, half-close, reset, release; their bytes stand in bytes.ts. Before it: a
// host's applications. After it: stream/stream.ts, record.ts. PROTOCOL 5.5, 6.

import { bindingRefuses } from "../control/in-force";
import { ARG, ROLE_STLINK, role } from "../layout";
import { linkAt, linkKnown } from "../seal/link";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_BAD_HANDLE,
  STATUS_BAD_STATE,
  STATUS_NO_STREAM_SLOT,
  STATUS_OK,
  STATUS_PEER_KEY_CHANGED,
} from "../status";
import { fifoClear } from "../stream/pool";
import { inRoom, putConnected, streamPump, streamReset } from "../stream/record";
import { ptoArm } from "../stream/recovery";
import {
  FLAG_CLOSED,
  FLAG_CONNECTED,
  FLAG_FIN,
  FLAG_OFFERED,
  FLAG_READABLE,
  FLAG_SUCCESSOR,
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
  streamKnown,
  streamTake,
} from "../stream/stream";
import { KIND_CONTROL, KIND_DATAGRAM, KIND_STREAM } from "../wire/record";

/**
 * Opens a stream of `kind` to the link's peer. ARG: Binding id [16], Mapping id [16].
 * @returns a stream, NO_STREAM_SLOT, PEER_KEY_CHANGED (the Binding is pinned)
 */
export function stream_open(index: i32, kind: i32): i32 {
  if (!linkKnown(index)) return STATUS_BAD_HANDLE;
  if (kind < KIND_STREAM || kind > KIND_CONTROL) return STATUS_BAD_ARGUMENT;
  const link = linkAt(index);
  if (bindingRefuses(link, kind, ARG)) return STATUS_PEER_KEY_CHANGED;
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
  const cut = StreamArea.isCut(stream);
  const held = cut ? 0 : StreamArea.recvFifo(stream).length;
  let bits: u32 = stream.connected ? FLAG_CONNECTED : 0;
  if (held > 0) bits |= FLAG_READABLE;
  if (stream.kind == KIND_DATAGRAM ? stream.state == STREAM_UP : inRoom(stream) > 0)
    bits |= FLAG_WRITABLE;
  if (stream.finTaken && held == 0 && !cut) bits |= FLAG_FIN;
  if (stream.state == STREAM_OFFERED) bits |= FLAG_OFFERED;
  if (stream.state == STREAM_CLOSED || stream.state == STREAM_RESETTING) bits |= FLAG_CLOSED;
  if (stream.keyUpdateDue == 1 && stream.kind == KIND_DATAGRAM) bits |= FLAG_SUCCESSOR;
  return <i32>bits;
}

/**
 * ARG: link i32, number u32, kind u8, opener u8, reason u8, state u8, Binding id [16], Mapping id [16],
 * datagrams dropped by age or for newer ones u32.
 */
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
  store<u32>(ARG, stream.dropped, 44);
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
  streamReset(streamAt(index), <u8>reason);
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

/**
 * How long the stream is held while the peer is silent (rule S4), 0 to 24 h. Datagram channel: how old a datagram
 * may get, 50 ms to 10 s, in steps of 50 ms rounded down (rule U4).
 */
export function stream_hold(index: i32, ms: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  if (<u32>ms > 86_400_000) return STATUS_BAD_ARGUMENT;
  const stream = streamAt(index);
  if (stream.kind != KIND_DATAGRAM) {
    stream.holdMs = ms;
    return STATUS_OK;
  }
  if (<u32>(ms - 50) > 9950) return STATUS_BAD_ARGUMENT;
  // A fiftieth, exact up to 10 s: the core divides nowhere (rule H5).
  stream.age = <u8>((ms * 5243) >> 18);
  return STATUS_OK;
}

/** The host has done with a closed stream, and writes no more out of its memory. */
export function stream_release(index: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  if (stream.state != STREAM_CLOSED && stream.state != STREAM_RESETTING) return STATUS_BAD_STATE;
  stream.released = 1;
  fifoClear(StreamArea.recvFifo(stream));
  return STATUS_OK;
}
