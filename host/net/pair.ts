// SPDX-License-Identifier: Apache-2.0
// A connection that never leaves the process: two ends, each the other's network. Before it: who dials
// inside (the desk of a Connector). After it: hop-wire.ts at both ends. The rules of transport.ts hold: no
// event comes before the caller's own call has returned, `closed` is the last one and comes once.

import type { Connection, ConnectionEvents, Ending } from "./transport.ts";
import type { Clock } from "./world.ts";

/** Takes the far end: gives who listens to it, or null to refuse. */
export type Take = (connection: Connection) => ConnectionEvents | null;

/** A connection to whoever `take` gives the other end to; `host` is what that one sees of this side. */
export function dialPair(
  clock: Clock,
  host: string,
  events: ConnectionEvents,
  take: Take,
): Connection {
  const [near, far] = [new End(clock, host), new End(clock, host)];
  near.other = far;
  far.other = near;
  near.events = events;
  clock.soon(() => {
    if (near.isOver) return;
    far.events = take(far);
    if (far.events === null) return near.finish("Refused");
    events.opened?.();
  });
  return near;
}

class End implements Connection {
  readonly remoteHost: string;
  readonly #clock: Clock;
  other: End | null = null;
  events: ConnectionEvents | null = null;
  isOver = false;
  unsentBytes = 0;
  #unsent: Uint8Array[] = [];
  #isPaused = false;
  #hasEnded = false;
  /** The other side has heard of it. */
  #hasTold = false;
  #isClosing = false;
  #isDue = false;

  constructor(clock: Clock, host: string) {
    this.#clock = clock;
    this.remoteHost = host;
  }

  write(bytes: Uint8Array): number {
    if (this.isOver || this.#hasEnded) return 0;
    this.#unsent.push(bytes);
    this.unsentBytes += bytes.length;
    this.#deliverSoon();
    return this.unsentBytes;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.other !== null) this.other.#deliverSoon();
  }

  end(): void {
    this.#hasEnded = true;
    this.#deliverSoon();
  }

  close(): void {
    this.#isClosing = true;
    this.end();
  }

  reset(): void {
    if (this.isOver) return;
    this.#clock.soon(() => {
      this.finish(null);
      this.other?.finish("Reset");
    });
    this.#unsent = [];
  }

  /** The last event, from the clock alone. */
  finish(why: Ending | null): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#unsent = [];
    this.unsentBytes = 0;
    this.events?.closed(why);
  }

  #deliverSoon(): void {
    if (this.#isDue || this.isOver) return;
    this.#isDue = true;
    this.#clock.soon(() => this.#deliver());
  }

  #deliver(): void {
    this.#isDue = false;
    const { other } = this;
    if (other === null || this.isOver || other.isOver) return;
    const hadAny = this.unsentBytes > 0;
    while (this.#unsent.length > 0 && !other.#isPaused && !other.isOver) {
      const [bytes = new Uint8Array(0)] = this.#unsent.splice(0, 1);
      this.unsentBytes -= bytes.length;
      other.events?.data(bytes);
    }
    if (this.isOver || this.unsentBytes > 0) return;
    if (hadAny) this.events?.drained();
    if (this.#isClosing) return this.#closeBoth();
    if (this.#hasEnded && !this.#hasTold) other.events?.ended();
    this.#hasTold = this.#hasEnded;
  }

  #closeBoth(): void {
    this.finish(null);
    this.other?.finish(null);
  }
}
