// SPDX-License-Identifier: Apache-2.0
// Moves bytes between one connection and one hop of a core, both ways, for either role. Before it: the
// connection's events. After it: the core, whose steps it reports. Reading never waits for writing
// (rule F4); bytes go to the socket only while it has none unsent (rule K8), out of the core's memory.
// Invariants: the hop is freed by `end` alone, when nothing is written from its buffer any more; peers that
// never read keep no more of the core's buffers than `loans` says.

import type { Connection } from "./transport.ts";

/** What has hops: a Core, of which this needs no more. */
export interface Hops {
  /** Gives bytes of the wire; returns how many were taken. */
  hopPut(hop: number, bytes: Uint8Array): number;
  /** Deals with one record: 0 none was whole, above 0 what it was, below 0 what ended the hop. */
  hopStep(hop: number): number;
  /** Bytes for the wire, where they stay until `hopSent` or `hopFree`; empty when there are none. */
  hopReady(hop: number): Uint8Array;
  hopSent(hop: number, len: number): void;
  hopFree(hop: number): void;
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** Hop buffers of one core that sockets are still writing: at most so many, the other hops' bytes are copied. */
export class Loans {
  readonly #most: number;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isOneLeft(): boolean {
    return this.#count < this.#most;
  }

  take(): void {
    this.#count += 1;
  }

  giveBack(): void {
    this.#count -= 1;
  }
}

export class HopWire {
  readonly connection: Connection;
  readonly hop: number;
  readonly #core: Hops;
  readonly #loans: Loans;
  #held: Uint8Array = NOTHING;
  #isPaused = false;
  #isHeldBack = false;
  /** Bytes of the hop's buffer that the connection was given and may still be writing. */
  #handedBytes = 0;
  /** They were not taken at once. */
  #isLoan = false;
  bytesIn = 0;
  bytesOut = 0;

  constructor(core: Hops, hop: number, connection: Connection, loans: Loans) {
    this.#core = core;
    this.#loans = loans;
    this.hop = hop;
    this.connection = connection;
  }

  /** Bytes came from the connection. Call `receive` next: they stand where they are until then. */
  put(bytes: Uint8Array): void {
    this.bytesIn += bytes.length;
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
  }

  /**
   * Gives the core what came and lets it deal with it; `onStep` hears of each step (HopStep).
   * Returns the status that ended the hop, or 0. Bytes wait only while a handshake computes.
   */
  receive(onStep: (step: number) => void = () => {}): number {
    for (;;) {
      const taken = this.#held.length === 0 ? 0 : this.#core.hopPut(this.hop, this.#held);
      this.#held = this.#held.subarray(taken);
      for (;;) {
        const step = this.#core.hopStep(this.hop);
        if (step < 0) return step;
        if (step === 0) break;
        onStep(step);
      }
      if (this.#held.length === 0 || taken === 0) break;
    }
    // A Buffer's slice would be no copy.
    this.#held = this.#held.length === 0 ? NOTHING : new Uint8Array(this.#held);
    this.#setPaused();
    return 0;
  }

  /** While true nothing more is read from the connection: its peer is too fast (rule F5). */
  set isHeldBack(isHeldBack: boolean) {
    this.#isHeldBack = isHeldBack;
    this.#setPaused();
  }

  get isHeldBack(): boolean {
    return this.#isHeldBack;
  }

  /** Tells the core what is written by now. True: that is all of it, and the connection takes more (K8). */
  settle(): boolean {
    if (this.connection.unsentBytes > 0) return false;
    if (this.#handedBytes > 0) this.#core.hopSent(this.hop, this.#handedBytes);
    this.#handedBytes = 0;
    this.#endLoan();
    return true;
  }

  /** Writes what the core has ready, once, after `settle` said true. True when there was something. */
  send(): boolean {
    const bytes = this.#core.hopReady(this.hop);
    if (bytes.length === 0) return false;
    this.bytesOut += bytes.length;
    if (this.#loans.isOneLeft) this.#lend(bytes);
    else this.#copy(bytes);
    return true;
  }

  /** Ends the connection, behind what was written unless that still stands in the hop's buffer; frees the hop. */
  end(): void {
    if (this.settle()) this.connection.close();
    else this.connection.reset();
    this.#endLoan();
    this.#core.hopFree(this.hop);
  }

  #lend(bytes: Uint8Array): void {
    this.#handedBytes = bytes.length;
    this.#isLoan = this.connection.write(bytes) > 0;
    if (this.#isLoan) this.#loans.take();
  }

  #copy(bytes: Uint8Array): void {
    this.connection.write(new Uint8Array(bytes));
    this.#core.hopSent(this.hop, bytes.length);
  }

  #endLoan(): void {
    if (this.#isLoan) this.#loans.giveBack();
    this.#isLoan = false;
  }

  #setPaused(): void {
    const isPaused = this.#isHeldBack || this.#held.length !== 0;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.connection.pause();
    else this.connection.resume();
  }
}
