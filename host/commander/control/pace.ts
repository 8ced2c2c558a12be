// SPDX-License-Identifier: Apache-2.0
// How often something may happen: so many at once, then one for each while. Before it: who counts what an STLink
// or a Connector makes a Commander do. After it: true, or how long to wait. Time is the world's.

import type { Clock } from "../../net/world.ts";

export type Rate = { burst: number; everyMs: number };

export class Pace {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #left: number;
  #atMs: number;

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#left = rate.burst;
    this.#atMs = clock.now();
  }

  /** Takes one; false: there is none now. */
  take(): boolean {
    this.#fill();
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /** Until there is one again; 0: there is one now. */
  waitMs(): number {
    this.#fill();
    return this.#left >= 1 ? 0 : Math.ceil((1 - this.#left) * this.#rate.everyMs);
  }

  #fill(): void {
    const now = this.#clock.now();
    const { burst, everyMs } = this.#rate;
    this.#left = Math.min(burst, this.#left + (now - this.#atMs) / everyMs);
    this.#atMs = now;
  }
}
