// SPDX-License-Identifier: Apache-2.0
// The typed core's streams, their bytes and datagrams. Before: core-links.ts. After: core.ts; host/stlink.
// PROTOCOL 5.5 to 8.

import { Status } from "./abi.gen.ts";
import { EMPTY } from "./core-calls.ts";
import { CoreLinks } from "./core-links.ts";

/** Flags of a stream, as `stream_flags` gives them. */
export const StreamFlag = {
  Connected: 1,
  Readable: 2,
  Writable: 4,
  Fin: 8,
  Offered: 16,
  Closed: 32,
  /** Opener of a channel: open the next one, send there as soon as it is writable (rule U3). */
  Successor: 64,
} as const;

/** Some of the states of `StreamView.state`. */
export const StreamState = {
  /** Opener: until its OPEN is made, and until the peer has accepted it. */
  Opening: 1,
  Opened: 2,
} as const;

export type StreamView = {
  link: number;
  number: number;
  kind: number;
  isOpener: boolean;
  reason: number;
  state: number;
  bindingId: Uint8Array;
  mappingId: Uint8Array;
  /** Datagrams that were too old to be sent, or had to go for newer ones, in either direction. */
  dropped: number;
};

export class CoreStreams extends CoreLinks {
  /** Opens a stream; kind 1 bytes, 2 datagrams, 3 control. Throws CoreError: PeerKeyChanged. */
  streamOpen(link: number, kind: number, bindingId: Uint8Array, mappingId: Uint8Array): number {
    this.put(bindingId, mappingId);
    return this.check("stream_open", this.f.stream_open(link, kind));
  }

  /** The next stream with news, or -1. */
  streamNext(): number {
    return this.f.stream_next();
  }

  streamFlags(stream: number): number {
    return this.f.stream_flags(stream);
  }

  streamInfo(stream: number): StreamView {
    this.check("stream_info", this.f.stream_info(stream));
    const bytes = this.engine.read(this.arg, 48);
    const view = new DataView(bytes.buffer);
    return {
      link: view.getInt32(0, true),
      number: view.getUint32(4, true),
      kind: bytes[8] ?? 0,
      isOpener: bytes[9] === 1,
      reason: bytes[10] ?? 0,
      state: bytes[11] ?? 0,
      bindingId: bytes.slice(12, 28),
      mappingId: bytes.slice(28, 44),
      dropped: view.getUint32(44, true),
    };
  }

  streamConnected(stream: number): void {
    this.check("stream_connected", this.f.stream_connected(stream));
  }

  streamReset(stream: number, reason: number): void {
    this.f.stream_reset(stream, reason);
  }

  streamFin(stream: number): void {
    this.f.stream_fin(stream);
  }

  streamRelease(stream: number): number {
    return this.f.stream_release(stream);
  }

  streamHold(stream: number, ms: number): void {
    this.check("stream_hold", this.f.stream_hold(stream, ms));
  }

  /** How old a datagram of a channel may get before it is dropped: 50 to 10,000 ms, 2,000 at first (rule U4). */
  datagramAge(stream: number, ms: number): void {
    this.check("stream_hold", this.f.stream_hold(stream, ms));
  }

  /** Bytes that the stream takes now, at most one record. */
  inRoom(stream: number): number {
    return this.f.in_room(stream);
  }

  /**
   * Where an application's bytes may land before they are given to `streamPut`, which then copies nothing: one record.
   * Any call that stages bytes writes there too. undefined where the engine's memory is out of reach.
   */
  streamLanding(): Uint8Array | undefined {
    const at = this.f.in_ptr();
    return this.engine.view?.().subarray(at, at + this.started.maxRecordBytes);
  }

  /** True for bytes in the module's memory. */
  isLanded(bytes: Uint8Array): boolean {
    return bytes.buffer === this.engine.view?.().buffer;
  }

  /** Gives application bytes; returns how many were taken (one record at most). */
  streamPut(stream: number, bytes: Uint8Array): number {
    const room = this.f.in_room(stream);
    if (room <= 0) return 0;
    const part = bytes.length > room ? bytes.subarray(0, room) : bytes;
    this.engine.write(this.f.in_ptr(), part);
    return this.check("in_commit", this.f.in_commit(stream, part.length));
  }

  /**
   * A row of application bytes in the module's memory; empty when there are none. They stay there until `streamTaken`
   * or `streamRelease`, also when the stream is reset: whoever writes them ends the write before it releases the stream.
   */
  streamReady(stream: number): Uint8Array {
    const len = this.f.out_len(stream);
    return len <= 0 ? EMPTY : this.look(this.f.out_ptr(stream), len);
  }

  /** The first `len` bytes of `streamReady` are written, or of no use any more. */
  streamTaken(stream: number, len: number): void {
    this.f.out_consume(stream, len);
  }

  /** Takes application bytes, a copy of one row; empty when there are none. */
  streamTake(stream: number, most = 1 << 30): Uint8Array {
    const bytes = this.streamReady(stream).slice(0, most);
    if (bytes.length > 0) this.streamTaken(stream, bytes.length);
    return bytes;
  }

  /** Sends a datagram; its age counts from `now`. Returns a status: Ok, TooBig (U4), NoBuffer, BadState. */
  datagramPut(stream: number, flow: number, bytes: Uint8Array, now: number): number {
    const room = this.f.in_room(stream);
    if (bytes.length > room) return room < 0 ? room : Status.TooBig;
    this.engine.write(this.f.in_ptr(), bytes);
    return this.f.datagram_commit(stream, flow, bytes.length, now | 0);
  }

  /** Takes the oldest datagram, or null. */
  datagramTake(stream: number): { flow: number; bytes: Uint8Array } | null {
    const len = this.f.datagram_out(stream);
    if (len < 0) return null;
    return { flow: this.f.datagram_flow(), bytes: this.engine.read(this.f.in_ptr(), len) };
  }
}
