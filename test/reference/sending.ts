// SPDX-License-Identifier: Apache-2.0
// The sending half of a stream: it keeps its records until they are acknowledged. PROTOCOL.md
// sections 6, 7.1, 7.2. connection.ts seals; link-writer.ts decides when the next one goes.
// Invariants: base <= cursor <= next number; plain bytes sealed <= limit; a record is sealed once.

import { concat } from "./bytes.ts";
import { RECORD_OVERHEAD, RECORD_TYPE, RecordSealer } from "./connection.ts";
import { ProtocolError } from "./status.ts";

const NOTHING = new Uint8Array(0);

interface Plan {
  type: number;
  bytes: Uint8Array;
}

/** A record that has been sealed and not been acknowledged. */
export interface KeptRecord {
  number: number;
  sealed: Uint8Array;
  type: number;
  sends: number;
  sentAt: number;
  /** The link's count of sends when this record last went out. */
  sentOrder: number;
}

export interface UpdateRule {
  records: number;
  ms: number;
}

/** What a record of `sealed` bytes counts in flight: its packet lies in the queue too (7.1). */
export function inFlight(sealed: number): number {
  return sealed + 64;
}

/** Section 6: KEY_UPDATE after 2^24 records or 50 minutes. */
export const KEY_UPDATE_RULE: UpdateRule = { records: 2 ** 24, ms: 50 * 60_000 };

export class StreamSender {
  limit = 0;
  finSealed = false;
  private readonly rule: UpdateRule;
  private sealer: RecordSealer | undefined;
  private queue: Uint8Array = NOTHING;
  private records: KeptRecord[] = [];
  private base = 0;
  private cursor = 0;
  private plainSealed = 0;
  private connectedDue = false;
  private finDue = false;
  private resetDue: number | undefined;
  private resetSealed = false;
  private sinceUpdate = 0;
  private updatedAt = 0;

  constructor(rule: UpdateRule) {
    this.rule = rule;
  }

  /** Gives the keys; from here on records can be sealed. */
  attach(key: Uint8Array, now: number): void {
    this.sealer = new RecordSealer(key);
    this.updatedAt = now;
  }

  get queued(): number {
    return this.queue.length;
  }

  /** In flight (7.1): what has been sent and is neither acknowledged nor taken back. */
  get outstanding(): number {
    const sent = this.records.filter((record) => record.number < this.cursor);
    return sent.reduce((sum, record) => sum + inFlight(record.sealed.length), 0);
  }

  get unacknowledged(): boolean {
    return this.records.length > 0;
  }

  get blockedByLimit(): boolean {
    return this.queue.length > 0 && !this.resetDue && this.plainSealed >= this.limit;
  }

  /** Whether FIN is sealed and every record before it is acknowledged (5.4). */
  get onlyFinMissing(): boolean {
    return this.finSealed && this.records.every(({ type }) => type === RECORD_TYPE.fin);
  }

  get finAcknowledged(): boolean {
    return this.finSealed && this.records.length === 0;
  }

  /** The reason of a RESET that the peer has taken. */
  get takenReset(): number | undefined {
    return this.resetSealed && this.records.length === 0 ? this.resetDue : undefined;
  }

  write(bytes: Uint8Array): void {
    if (this.finDue || this.resetDue !== undefined) throw new ProtocolError("BadState");
    this.queue = concat(this.queue, bytes);
  }

  connected(): void {
    this.connectedDue = true;
  }

  fin(): void {
    this.finDue = true;
  }

  reset(reason: number): void {
    if (this.resetDue === undefined) this.resetDue = reason;
  }

  /** Sealed length of what `next` would return; 0 if nothing may go. A RESET ignores flow. */
  nextLength(maxRecord: number, now: number): number {
    const kept = this.records[this.cursor - this.base];
    if (kept) return kept.sealed.length;
    const plan = this.plan(maxRecord, now);
    return plan ? plan.bytes.length + RECORD_OVERHEAD : 0;
  }

  /** The next record to send; cut and sealed now if it is new. */
  next(maxRecord: number, now: number, order: number): KeptRecord {
    const record = this.records[this.cursor - this.base] ?? this.sealNext(maxRecord, now);
    record.sends++;
    record.sentAt = now;
    record.sentOrder = order;
    this.cursor = record.number + 1;
    return record;
  }

  /** Takes an ACK's `next`. Returns the newest record that it frees, if any. */
  acknowledge(next: bigint): KeptRecord | undefined {
    if (next > BigInt(this.sealer?.nextNumber ?? 0)) throw new ProtocolError("PeerViolation");
    const freed = this.records.filter((record) => record.number < next);
    this.records = this.records.filter((record) => record.number >= next);
    this.base = Math.max(this.base, Number(next));
    this.cursor = Math.max(this.cursor, this.base);
    return freed.at(-1);
  }

  /** Whether a record that went out before `order` is still not acknowledged. */
  lostBefore(order: number): boolean {
    return this.records.some((record) => record.number < this.cursor && record.sentOrder < order);
  }

  /** Goes back to the acknowledged record (7.2). */
  goBack(): void {
    this.cursor = this.base;
  }

  // What a new record would be.
  private plan(maxRecord: number, now: number): Plan | undefined {
    if (!this.sealer || this.resetSealed) return undefined;
    if (this.connectedDue) return { type: RECORD_TYPE.connected, bytes: NOTHING };
    if (this.resetDue !== undefined) {
      return { type: RECORD_TYPE.reset, bytes: Uint8Array.of(this.resetDue) };
    }
    const room = Math.min(this.queue.length, maxRecord, this.limit - this.plainSealed);
    if (room > 0 && this.updateDue(now)) return { type: RECORD_TYPE.keyUpdate, bytes: NOTHING };
    if (room > 0) return { type: RECORD_TYPE.data, bytes: this.queue.slice(0, room) };
    if (this.queue.length === 0 && this.finDue && !this.finSealed) {
      return { type: RECORD_TYPE.fin, bytes: NOTHING };
    }
    return undefined;
  }

  private updateDue(now: number): boolean {
    return this.sinceUpdate >= this.rule.records || now - this.updatedAt >= this.rule.ms;
  }

  private sealNext(maxRecord: number, now: number): KeptRecord {
    const plan = this.plan(maxRecord, now);
    if (!plan || !this.sealer) throw new ProtocolError("BadState");
    const { type, bytes } = plan;
    const number = this.sealer.nextNumber;
    const sealed = this.sealer.seal(type, bytes);
    const record = { number, sealed, type, sends: 0, sentAt: now, sentOrder: 0 };
    this.sealed(type, bytes.length, now);
    this.records.push(record);
    return record;
  }

  private sealed(type: number, length: number, now: number): void {
    this.sinceUpdate++;
    if (type === RECORD_TYPE.connected) this.connectedDue = false;
    if (type === RECORD_TYPE.fin) this.finSealed = true;
    if (type === RECORD_TYPE.reset) this.sealedReset();
    if (type === RECORD_TYPE.data) {
      this.plainSealed += length;
      this.queue = this.queue.slice(length);
    }
    if (type === RECORD_TYPE.keyUpdate) {
      this.sinceUpdate = 0;
      this.updatedAt = now;
    }
  }

  // Nothing before a RESET has to arrive any more, unless it changes the key that opens the RESET.
  private sealedReset(): void {
    this.resetSealed = true;
    this.queue = NOTHING;
    if (this.records.some(({ type }) => type === RECORD_TYPE.keyUpdate)) return;
    this.records = [];
    this.base = (this.sealer?.nextNumber ?? 1) - 1;
    this.cursor = this.base;
  }
}
