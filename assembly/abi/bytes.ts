// SPDX-License-Identifier: Apache-2.0
//
// The boundary of a stream's bytes and datagrams, in and out. Before it: a host's applications. After it:
// stream/record.ts, datagram.ts. Invariant: what is put is at most `in_room`, what is taken at most `out_len`.
// PROTOCOL 6 to 8.

import { clockSet } from "../clock";
import { wipe } from "../crypto/wipe";
import { SIZE_MAX_PACKET, size } from "../layout";
import { STATUS_BAD_HANDLE, STATUS_BAD_LENGTH, STATUS_BAD_STATE, STATUS_OK } from "../status";
import { datagramFlow, datagramMost, datagramOut, datagramPut } from "../stream/datagram";
import { inCommit, inRoom, outConsume, outLength, outPtr, stagePtr } from "../stream/record";
import { STREAM_UP, StreamArea, streamAt, streamKnown } from "../stream/stream";
import { KIND_DATAGRAM } from "../wire/record";

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

/** Where they are, and stay until they are taken or the stream is released. */
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

/**
 * Datagram channel: `n` bytes at `in_ptr` for `flow`, `ms` is now: their age counts from here, not from the last
 * `tick`. TOO_BIG, NO_BUFFER.
 */
export function datagram_commit(index: i32, flow: i32, n: i32, ms: i32): i32 {
  if (!streamKnown(index)) return STATUS_BAD_HANDLE;
  const stream = streamAt(index);
  if (stream.kind != KIND_DATAGRAM || stream.state != STREAM_UP) return STATUS_BAD_STATE;
  if (n < 0) return STATUS_BAD_LENGTH;
  clockSet(ms);
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
