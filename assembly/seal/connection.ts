// SPDX-License-Identifier: Apache-2.0
//
// Layer 1: a stream's keys, its records sealed once under their number, and its datagrams. Before it: the bytes of
// an application. After it: the sealed store, or the receive FIFO. Invariants: a number seals one plaintext, ever
// (rule D6); a datagram's counter likewise; KEY_UPDATE changes the key, not the numbers. PROTOCOL sections 6 and 8.

import { now } from "../clock";
import { AEAD_TAG_LEN, aeadOpen, aeadSeal } from "../crypto/aead";
import { wipe } from "../crypto/wipe";
import { STREAM_RECV_KEY, STREAM_SEND_KEY, Stream, StreamArea } from "../stream/stream";
import { RECORD_TYPE_LEN } from "../wire/record";

const REKEYED: usize = memory.data(48, 8);
const FLOW: usize = memory.data(8, 8);

/** Seals the record of type `type` whose `len` bytes stand behind `at` + 1. Returns its sealed length. */
export function recordSeal(stream: Stream, type: u8, at: usize, len: i32): i32 {
  store<u8>(at, type);
  const key = StreamArea.at(stream, STREAM_SEND_KEY);
  aeadSeal(key, 0, stream.sendNext++, 0, 0, at, RECORD_TYPE_LEN + len);
  stream.keyRecords++;
  return RECORD_TYPE_LEN + len + AEAD_TAG_LEN;
}

/** Opens a sealed record of `len` bytes in place under `number`. False: the tag is wrong, the bytes are unchanged. */
export function recordOpen(stream: Stream, number: u64, at: usize, len: i32): bool {
  return aeadOpen(StreamArea.at(stream, STREAM_RECV_KEY), 0, number, 0, 0, at, len - AEAD_TAG_LEN);
}

/** Rekey(k) of one direction (Noise section 11.3), after a KEY_UPDATE record. */
export function recordRekey(stream: Stream, sending: bool): void {
  const key = StreamArea.at(stream, sending ? STREAM_SEND_KEY : STREAM_RECV_KEY);
  memory.fill(REKEYED, 0, 48);
  aeadSeal(key, 0, u64.MAX_VALUE, 0, 0, REKEYED, 32);
  memory.copy(key, REKEYED, 32);
  wipe(REKEYED, 48);
  if (!sending) return;
  stream.keyRecords = 0;
  stream.keyAt = now;
}

/** Seals a datagram of `len` bytes at `at` under `counter`; the tag goes behind it. */
export function datagramSeal(stream: Stream, flow: i32, counter: u64, at: usize, len: i32): void {
  store<u16>(FLOW, <u16>flow);
  aeadSeal(StreamArea.at(stream, STREAM_SEND_KEY), 0, counter, FLOW, 2, at, len);
}

/** Opens a datagram of `len` bytes, the tag included, in place. */
export function datagramOpen(stream: Stream, flow: i32, counter: u64, at: usize, len: i32): bool {
  store<u16>(FLOW, <u16>flow);
  return aeadOpen(
    StreamArea.at(stream, STREAM_RECV_KEY),
    0,
    counter,
    FLOW,
    2,
    at,
    len - AEAD_TAG_LEN,
  );
}
