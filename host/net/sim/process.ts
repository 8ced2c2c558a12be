// SPDX-License-Identifier: Apache-2.0
// A process on the simulated network: the World (transport, clock, entropy) that the real STLink and
// Connector take, what they have in use of it, and a sudden death. Before it: a test. After it:
// transport.ts. Invariant: after `kill` nothing of it runs, and every connection of it is reset.

import type { Clock, World } from "../world.ts";
import type { SimClock, SimTimer } from "./clock.ts";
import type { Prng } from "./prng.ts";
import { type SimHost, SimTransport } from "./transport.ts";

/** Connections that are not over, listeners, and timers that would still run. */
export type InUse = { sockets: number; listeners: number; timers: number };

export class SimProcess implements World {
  readonly transport: SimTransport;
  readonly clock: Clock;
  readonly #clock: SimClock;
  readonly #prng: Prng;
  readonly #timers = new Set<SimTimer>();
  #isDead = false;

  constructor(host: SimHost) {
    const { clock, prng, clockBaseMs = 0 } = host;
    this.transport = new SimTransport(host);
    this.#clock = clock;
    this.#prng = prng;
    this.clock = {
      now: () => Math.floor(clock.nowMs) + clockBaseMs,
      after: (ms, then) => this.#after(ms, then),
      soon: (then) => void this.#after(0, then),
    };
  }

  entropy(len: number): Uint8Array {
    return this.#prng.bytes(len);
  }

  get inUse(): InUse {
    const { sockets, listening } = this.transport;
    return { sockets: sockets.size, listeners: listening.size, timers: this.#timers.size };
  }

  /** The process is gone, without a goodbye to anybody. */
  kill(): void {
    this.#isDead = true;
    for (const timer of this.#timers) this.#clock.cancel(timer);
    this.#timers.clear();
    this.transport.die();
  }

  #after(ms: number, then: () => void): () => void {
    if (this.#isDead) return () => {};
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(timer);
      then();
    });
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      this.#clock.cancel(timer);
    };
  }
}
