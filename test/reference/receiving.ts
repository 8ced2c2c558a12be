// SPDX-License-Identifier: Apache-2.0
// The receiving half of a stream: it takes the next number only and holds what the application has
// not read. PROTOCOL.md sections 6, 7.2, 7.4. connection.ts opens; link-streams.ts feeds it.
// Invariants: received <= granted <= received - buffered + window; a limit never falls (F1).

import { concat } from "./bytes.ts";
import { RECORD_TYPE, RecordOpener } from "./connection.ts";
import { ProtocolError } from "./status.ts";

const NOTHING = new Uint8Array(0);
// The sealed form of RESET: type, reason, tag.
const RESET_RECORD_LEN = 18;

export type Taken = "taken" | "duplicate" | "gap" | "fin" | "connected" | "reset";

export class StreamReceiver {
  next = 0;
  finSeen = false;
  resetReason: number | undefined;
  private readonly windowBytes: number;
  private readonly wantsConnected: boolean;
  private opener: RecordOpener | undefined;
  private received = 0;
  private granted = 0;
  private buffer: Uint8Array = NOTHING;

  /** `wantsConnected`: the peer is the accepter, its record 0 must be CONNECTED or RESET. */
  constructor(windowBytes: number, wantsConnected: boolean) {
    this.windowBytes = windowBytes;
    this.wantsConnected = wantsConnected;
  }

  attach(key: Uint8Array): void {
    this.opener = new RecordOpener(key);
  }

  get buffered(): number {
    return this.buffer.length;
  }

  /** The limit to tell the peer: what the memory set aside allows now (F1). */
  grant(): number {
    this.granted = Math.max(this.granted, this.room);
    return this.granted;
  }

  /** How far the limit could be raised. */
  get ungranted(): number {
    return this.room - this.granted;
  }

  read(maxBytes: number): Uint8Array {
    const bytes = this.buffer.slice(0, maxBytes);
    this.buffer = this.buffer.slice(bytes.length);
    return bytes;
  }

  /** Takes one STREAM frame. Throws `BadRecord` (ends the stream), `PeerViolation` (the link). */
  take(number: bigint, record: Uint8Array): Taken {
    if (!this.opener) throw new ProtocolError("BadState");
    if (number < BigInt(this.next)) return "duplicate";
    if (number > BigInt(this.next)) return this.takeAhead(number, record);
    const { type, bytes } = this.opener.open(number, record);
    this.checkOrder(type);
    this.next++;
    if (type === RECORD_TYPE.reset) return this.takeReset(bytes, number);
    if (type === RECORD_TYPE.connected) return "connected";
    if (type === RECORD_TYPE.fin) {
      this.finSeen = true;
      return "fin";
    }
    if (type === RECORD_TYPE.data) this.takeData(bytes);
    return "taken";
  }

  private get room(): number {
    return this.received - this.buffer.length + this.windowBytes;
  }

  private takeData(bytes: Uint8Array): void {
    if (bytes.length + this.received > this.granted) throw new ProtocolError("PeerViolation");
    this.received += bytes.length;
    this.buffer = concat(this.buffer, bytes);
  }

  // A RESET may be opened ahead of what is missing. Anything else of its length is a gap, and so
  // is a RESET under a key whose KEY_UPDATE has not come yet.
  private takeAhead(number: bigint, record: Uint8Array): Taken {
    if (record.length !== RESET_RECORD_LEN) return "gap";
    try {
      const { type, bytes } = (this.opener as RecordOpener).open(number, record);
      return type === RECORD_TYPE.reset ? this.takeReset(bytes, number) : "gap";
    } catch {
      return "gap";
    }
  }

  private takeReset(bytes: Uint8Array, number: bigint): Taken {
    this.resetReason = bytes[0] ?? 0;
    this.next = Number(number) + 1;
    return "reset";
  }

  private checkOrder(type: number): void {
    const first = this.wantsConnected && this.next === 0;
    const isConnected = type === RECORD_TYPE.connected;
    if (isConnected !== first && type !== RECORD_TYPE.reset) throw new ProtocolError("BadRecord");
    if (type === RECORD_TYPE.data && this.finSeen) throw new ProtocolError("BadRecord");
  }
}
