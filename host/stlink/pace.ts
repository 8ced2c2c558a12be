// SPDX-License-Identifier: Apache-2.0
// How fast a Binding may be, in one direction: a token bucket in bytes over all its connections, who wait in
// turn and lose nothing. Before it: access.ts. After it: pump.ts stops reading; datagram-binding.ts drops.
// Invariants: what is left <= one second's worth; while somebody waits nobody else is served before.

import type { Clock } from "../net/world.ts";

/** Who waits for a turn. */
export interface Paced {
  /** There is room: to be asked for in this call. */
  paced(): void;
}

/** Into the tunnel, and out of it. */
export type Paces = { readonly in: Pace; readonly out: Pace };

/** Those who wait are served when so much of a second's worth is there, so that records are not tiny. */
const SERVED_PART = 0.1;

export class Pace {
  readonly #clock: Clock;
  /** null: as fast as it goes. */
  #rate: number | null;
  #bytes: number;
  #atMs: number;
  /** In the order in which they came. */
  readonly #waiting = new Set<Paced>();
  #served: Paced | null = null;
  #cancelTimer: (() => void) | null = null;

  /** Bytes in a second. */
  constructor(clock: Clock, rate: number | null) {
    this.#clock = clock;
    this.#rate = rate;
    this.#bytes = rate ?? 0;
    this.#atMs = clock.now();
  }

  /** Another rate from now on; who waits under the old one is served by the new one. */
  setRate(rate: number | null): void {
    this.#refill();
    if (this.#rate === null) this.#bytes = rate ?? 0;
    this.#rate = rate;
    this.#refill();
  }

  /** Bytes that `one` may move now, and then is to `spend`; 0: it waits, and `paced` follows. */
  roomFor(one: Paced): number {
    if (this.#rate === null) return Number.POSITIVE_INFINITY;
    const room = this.#waiting.size > 0 && one !== this.#served ? 0 : this.#room();
    if (room > 0) return room;
    this.#waiting.add(one);
    this.#serveLater();
    return 0;
  }

  spend(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Takes a datagram, which may leave a debt: else one that is larger than a second's worth never passed. */
  take(bytes: number): boolean {
    if (this.#rate === null) return true;
    if (this.#room() === 0) return false;
    this.spend(bytes);
    return true;
  }

  /** Whoever is over waits no more. */
  forget(one: Paced): void {
    this.#waiting.delete(one);
  }

  /** Nobody waits for anything any more. */
  stop(): void {
    this.#rate = null;
    this.#waiting.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #room(): number {
    this.#refill();
    return Math.max(Math.floor(this.#bytes), 0);
  }

  #refill(): void {
    const now = this.#clock.now();
    const rate = this.#rate ?? 0;
    this.#bytes = Math.min(this.#bytes + ((now - this.#atMs) / 1000) * rate, rate);
    this.#atMs = now;
  }

  #serveLater(): void {
    if (this.#waiting.size === 0 || this.#cancelTimer !== null) return;
    this.#cancelTimer = this.#clock.after(this.#waitMs(), () => {
      this.#cancelTimer = null;
      this.#serve();
      this.#serveLater();
    });
  }

  #waitMs(): number {
    if (this.#rate === null) return 0;
    this.#refill();
    const missing = SERVED_PART - this.#bytes / this.#rate;
    return Math.max(Math.ceil(1000 * missing), 1);
  }

  /** Each at most once: who wants more waits again, behind the others. */
  #serve(): void {
    for (const one of [...this.#waiting]) {
      if (this.#rate !== null && this.#room() === 0) break;
      // One that was served may have ended another.
      if (!this.#waiting.delete(one)) continue;
      this.#served = one;
      one.paced();
    }
    this.#served = null;
  }
}
