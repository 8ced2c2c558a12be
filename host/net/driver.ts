// SPDX-License-Identifier: Apache-2.0
// Drives one core: gives it time and entropy, lets it compute in slices, and calls its owner's turn,
// which moves bytes. Before it: wake(), from any event. After it: the STLink's agent, or the Connector.
// Invariant: a turn at a time, and never inside another event (DESIGN section 6: no call runs for long).

import type { World } from "./world.ts";

/** Computation between two turns; one step may be longer on a slow engine. */
const SLICE_MS = 4;
/** Something is to be sent and no socket takes it; `drained` usually comes first. */
const STUCK_MS = 20;
const WANTS_ENTROPY = 2;

/** What is driven: a Core, of which this needs no more. */
export interface Driven {
  /** Sets the clock, runs the timers; milliseconds to the next deadline, 0: something is to be sent. */
  tick(nowMs: number): number;
  flags(): number;
  /** Takes in 32 bytes. */
  feed(entropy: Uint8Array): void;
  /** One bounded step; true while there is more. */
  work(): boolean;
}

export class Driver {
  readonly #core: Driven;
  readonly #world: World;
  readonly #turn: () => boolean;
  #isScheduled = false;
  #isStopped = false;
  #cancelTimer = (): void => {};

  /** `turn` moves what there is to move and says whether anything moved. */
  constructor(core: Driven, world: World, turn: () => boolean) {
    this.#core = core;
    this.#world = world;
    this.#turn = turn;
  }

  /** Something has changed: a turn comes soon. */
  wake(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    this.#world.clock.soon(() => this.#run());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
  }

  /** Entropy before anything that begins a handshake (rule H8). */
  feed(): void {
    if (this.#core.flags() & WANTS_ENTROPY) this.#core.feed(this.#world.entropy(32));
  }

  #run(): void {
    this.#isScheduled = false;
    if (this.#isStopped) return;
    this.#cancelTimer();
    this.#core.tick(this.#world.clock.now());
    const isComputing = this.#compute();
    const hasMoved = this.#turn();
    const waitMs = this.#core.tick(this.#world.clock.now());
    if (isComputing || (waitMs === 0 && hasMoved)) this.wake();
    else this.#sleep(waitMs === 0 ? STUCK_MS : waitMs);
  }

  /** True when there is more to compute. */
  #compute(): boolean {
    const { clock } = this.#world;
    const end = clock.now() + SLICE_MS;
    do {
      this.feed();
      if (!this.#core.work()) return false;
    } while (clock.now() < end);
    return true;
  }

  #sleep(ms: number): void {
    this.#cancelTimer = this.#world.clock.after(ms, () => this.wake());
  }
}
