// SPDX-License-Identifier: Apache-2.0
// One hop of a core on one simulated connection: bytes that arrived go in, bytes that are due go out,
// and neither waits for the other (rule F4). Before it: pipe.ts. After it: the core's hop. The STLink
// and the Connector drive the same class. Invariant: at most one filled buffer of the core is unsent
// (rule K8), so control goes first and the newest wins inside the core.

import { type Core, HopState, type HopView } from "../../core/core.ts";
import type { SimConnection } from "./pipe.ts";

const EMPTY = new Uint8Array(0);
const MOST_STEPS = 256;

export class HopLine {
  readonly core: Core;
  readonly hop: number;
  readonly connection: SimConnection;
  #in: Uint8Array = EMPTY;
  /** What the wire has not taken yet, in the module's memory as on a real host, and how much it has. */
  #out: Uint8Array = EMPTY;
  #outSent = 0;

  constructor(core: Core, hop: number, connection: SimConnection) {
    this.core = core;
    this.hop = hop;
    this.connection = connection;
  }

  get view(): HopView {
    return this.core.hopState(this.hop);
  }

  get isUp(): boolean {
    return this.view.state === HopState.Up;
  }

  /** True when the hop has ended and said so. */
  get isClosed(): boolean {
    return this.view.state === HopState.Closed && this.#out.length === 0;
  }

  /** True when the hop or its connection is over; what was last written has gone out. */
  get isOver(): boolean {
    if (this.connection.state === "reset") return true;
    if (this.connection.inputEnded && this.#in.length === 0) return true;
    return this.isClosed;
  }

  /**
   * Moves bytes from the wire into the core, record by record.
   * @param onStep what hopStep gave, when it is neither idle nor an end
   * @returns true when something was done
   */
  read(onStep: (step: number) => void): boolean {
    let busy = false;
    for (let i = 0; i < MOST_STEPS; i++) {
      if (this.#in.length === 0) this.#in = this.connection.read() ?? EMPTY;
      const taken = this.#in.length === 0 ? 0 : this.core.hopPut(this.hop, this.#landed());
      if (taken > 0) this.#in = this.#in.subarray(taken);
      const stepped = this.#steps(onStep);
      busy ||= taken > 0 || stepped;
      if (taken === 0 && !stepped) return busy;
    }
    return busy;
  }

  /** As much of what came as the landing area holds, there: a real host's sockets read into it. */
  #landed(): Uint8Array {
    const landing = this.core.hopLanding();
    if (landing === undefined) return this.#in;
    const part = this.#in.subarray(0, landing.length);
    landing.set(part);
    return landing.subarray(0, part.length);
  }

  #steps(onStep: (step: number) => void): boolean {
    let busy = false;
    for (let i = 0; i < MOST_STEPS; i++) {
      const step = this.core.hopStep(this.hop);
      if (step <= 0) return busy;
      busy = true;
      onStep(step);
    }
    return busy;
  }

  /** Moves bytes from the core onto the wire. True when something was written. */
  write(): boolean {
    let busy = false;
    for (;;) {
      if (this.#out.length === 0) this.#out = this.core.hopReady(this.hop);
      if (this.#out.length === 0) return busy;
      const written = this.connection.write(this.#out);
      if (written === 0) return busy;
      this.#out = this.#out.subarray(written);
      this.#outSent += written;
      if (this.#out.length === 0) this.#settle();
      busy = true;
    }
  }

  /** The wire has all of what the core lent. */
  #settle(): void {
    this.core.hopSent(this.hop, this.#outSent);
    this.#outSent = 0;
  }

  /** True while bytes wait for room on the wire. */
  get isBlocked(): boolean {
    return this.#out.length > 0;
  }
}
