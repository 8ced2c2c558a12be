// SPDX-License-Identifier: Apache-2.0
// An application's connection through the tunnel: a client that dials a Binding and what the Mapping's
// target accepted for it, with what each sends, reads, and how it ends. Before it: applications.ts makes
// them. After it: the simulated Transport. Invariants checked here: bytes are the other end's, in order,
// once; the end of input comes behind all of them and only where the other end has half-closed.

import type { Connection, ConnectionEvents, Ending } from "../../../host/net/transport.ts";
import type { Clock } from "../../../host/net/world.ts";
import { SimFailure } from "../failure.ts";
import { patternAt, patternStart } from "../pattern.ts";

/** The first bytes of a client say which connection it is; the target knows its part by them. */
export const HEADER_LEN = 4;

/** The STLinks. */
export const NAMES = ["A", "B"] as const;
export type Name = (typeof NAMES)[number];

export type EndPlan = {
  sendBytes: number;
  pieceBytes: number;
  /** Rest after each REST_EACH_BYTES. */
  readPauseMs: number;
  /** Nothing is read before so long has passed. */
  deafMs: number;
  /** Resets after so many bytes have come; null: never. */
  resetAfter: number | null;
};

export type Plan = {
  number: number;
  /** The STLinks: with the Binding, with the Mapping. */
  from: Name;
  to: Name;
  /** What the Mapping points to: somebody, a port where nobody listens, a line that is dead. */
  target: "serves" | "refuses" | "hangs";
  client: EndPlan;
  server: EndPlan;
};

const REST_EACH_BYTES = 500;
/** A writer looks again whether its socket has taken everything. */
const WRITE_AGAIN_MS = 5;

export class End implements ConnectionEvents {
  readonly name: string;
  readonly plan: EndPlan;
  other: End | null = null;
  sent = 0;
  got = 0;
  hasHalfClosed = false;
  sawEnd = false;
  hasReset = false;
  /** undefined: open; null: closed without an error. */
  outcome: Ending | null | undefined;
  connection: Connection | null = null;
  readonly #clock: Clock;
  readonly #header: Uint8Array;
  readonly #start: number;
  readonly #otherStart: number;
  readonly #otherHeader: Uint8Array;
  #isResting = false;
  #restedAt = 0;
  #begunMs = 0;
  #endedMs = 0;

  constructor(plan: Plan, isClient: boolean, clock: Clock) {
    const name = (side: string): string => `connection ${plan.number} ${side}`;
    const header = new Uint8Array(HEADER_LEN);
    new DataView(header.buffer).setUint32(0, plan.number);
    const none = new Uint8Array(0);
    this.name = name(isClient ? "client" : "target");
    this.plan = isClient ? plan.client : plan.server;
    this.#clock = clock;
    this.#header = isClient ? header : none;
    this.#otherHeader = isClient ? none : header;
    this.#start = patternStart(name(isClient ? "client" : "target"));
    this.#otherStart = patternStart(name(isClient ? "target" : "client"));
  }

  get isOver(): boolean {
    return this.outcome !== undefined;
  }

  get text(): string {
    const { name, sent, got, outcome } = this;
    const end = outcome === undefined ? "open" : (outcome ?? "closed");
    return `${name}: ${end}, sent ${sent} of ${this.plan.sendBytes}, got ${got}`;
  }

  /** How long it was there, once it is over. */
  get lastedMs(): number {
    return this.#endedMs - this.#begunMs;
  }

  /** The connection is there: writes, and reads unless it is deaf at first. */
  begin(connection: Connection): void {
    this.connection = connection;
    this.#begunMs = this.#clock.now();
    if (this.plan.deafMs > 0) this.#rest(this.plan.deafMs);
    this.#write();
  }

  data(bytes: Uint8Array): void {
    const { other } = this;
    const end = this.got + bytes.length;
    if (other === null || end > other.sent) throw new SimFailure(`${this.text}: ${end} bytes came`);
    if (Buffer.compare(bytes, this.#expected(this.got, bytes.length)) !== 0) {
      throw new SimFailure(`${this.text}: wrong bytes at ${this.got}`);
    }
    this.got = end;
    const { resetAfter, readPauseMs } = this.plan;
    if (resetAfter !== null && this.got >= resetAfter) return this.#reset();
    if (readPauseMs === 0 || this.got - this.#restedAt < REST_EACH_BYTES) return;
    this.#restedAt = this.got;
    this.#rest(readPauseMs);
  }

  drained(): void {
    this.#write();
  }

  ended(): void {
    this.sawEnd = true;
    const { other } = this;
    // The target of a client without a byte does not know whose it is: it half-closes at once.
    if (this.plan.sendBytes === 0 && other?.other === null) return;
    const isWhole = other?.hasHalfClosed === true && this.got === other.plan.sendBytes;
    if (!isWhole) throw new SimFailure(`${this.text}: the end of input came too early`);
  }

  closed(why: Ending | null): void {
    this.outcome = why;
    this.#endedMs = this.#clock.now();
    const isClean = this.sawEnd && this.hasHalfClosed;
    if (why === null && !isClean && !this.hasReset) {
      throw new SimFailure(`${this.text}: closed cleanly without both half-closes`);
    }
  }

  #expected(from: number, len: number): Uint8Array {
    const bytes = Buffer.from(patternAt(this.#otherStart, from, len));
    bytes.set(this.#otherHeader.subarray(from, from + len));
    return bytes;
  }

  #piece(): Uint8Array {
    const left = this.plan.sendBytes - this.sent;
    const len = Math.min(left, this.plan.pieceBytes);
    const bytes = Buffer.from(patternAt(this.#start, this.sent, len));
    bytes.set(this.#header.subarray(this.sent, this.sent + len));
    return bytes;
  }

  #write(): void {
    const { connection } = this;
    if (connection === null || this.isOver || this.hasReset || this.hasHalfClosed) return;
    while (this.sent < this.plan.sendBytes && connection.unsentBytes === 0) {
      const piece = this.#piece();
      this.sent += piece.length;
      connection.write(piece);
    }
    if (this.sent < this.plan.sendBytes) {
      this.#clock.after(WRITE_AGAIN_MS, () => this.#write());
      return;
    }
    this.hasHalfClosed = true;
    connection.end();
  }

  #reset(): void {
    this.hasReset = true;
    this.connection?.reset();
  }

  #rest(ms: number): void {
    if (this.#isResting) return;
    this.#isResting = true;
    this.connection?.pause();
    this.#clock.after(ms, () => {
      this.#isResting = false;
      if (!this.isOver) this.connection?.resume();
    });
  }
}
