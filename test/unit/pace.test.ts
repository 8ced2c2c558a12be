// SPDX-License-Identifier: Apache-2.0
// The token bucket of a Binding's rate by itself: who waits is served in turn, nobody overtakes, who is over
// waits no more. With connections: binding-access.test.ts.

import { beforeEach, describe, expect, it } from "vitest";
import { SimClock } from "../../host/net/sim/clock.ts";
import type { Clock } from "../../host/net/world.ts";
import { Pace, type Paced } from "../../host/stlink/pace.ts";

const RATE = 1000;

let sim: SimClock;
let clock: Clock;

beforeEach(() => {
  sim = new SimClock();
  clock = {
    now: () => Math.floor(sim.nowMs),
    after: (ms, then) => {
      const timer = sim.after(ms, then);
      return () => sim.cancel(timer);
    },
    soon: (then) => void sim.after(0, then),
  };
});

function pass(ms: number): void {
  for (const until = sim.nowMs + ms; sim.step(until); );
}

/** Wants so many bytes, and takes at most `mostAtOnce` at each turn. */
class Mover implements Paced {
  moved = 0;
  readonly #pace: Pace;
  #wants: number;

  constructor(pace: Pace, wants: number) {
    this.#pace = pace;
    this.#wants = wants;
    this.paced();
  }

  paced(): void {
    while (this.#wants > 0) {
      const bytes = Math.min(this.#pace.roomFor(this), this.#wants);
      if (bytes === 0) return;
      this.#pace.spend(bytes);
      this.#wants -= bytes;
      this.moved += bytes;
    }
  }
}

describe("a pace", () => {
  it("gives a second's worth at once and then so much in each second, never more", () => {
    const mover = new Mover(new Pace(clock, RATE), 10_000);
    expect(mover.moved).toBe(RATE);
    for (let second = 1; second <= 9; second++) {
      pass(1000);
      expect(mover.moved).toBeLessThanOrEqual(RATE * (second + 1));
    }
    expect(mover.moved).toBe(10_000);
  });

  it("saves no more than a second's worth while nobody wants anything", () => {
    const pace = new Pace(clock, RATE);
    pass(60_000);
    expect(new Mover(pace, 10_000).moved).toBe(RATE);
  });

  it("serves those who wait in turn, and nobody overtakes them", () => {
    const pace = new Pace(clock, RATE);
    const greedy = new Mover(pace, 10_000);
    const modest = new Mover(pace, 50);
    pass(150);
    expect(modest.moved).toBe(0);
    const late = new Mover(pace, 50);
    expect([greedy.moved, late.moved]).toEqual([RATE + 100, 0]);
    pass(100);
    expect([modest.moved, late.moved]).toEqual([50, 0]);
    pass(200);
    expect(late.moved).toBe(50);
  });

  it("lets nobody wait behind one who is over", () => {
    const pace = new Pace(clock, RATE);
    const gone = new Mover(pace, 10_000);
    const next = new Mover(pace, 10_000);
    pace.forget(gone);
    pass(100);
    expect([gone.moved, next.moved]).toEqual([RATE, 100]);
    pace.forget(next);
    pass(10_000);
    expect(next.moved).toBe(100);
  });

  it("serves everybody at once when the rate is taken away, and when it stops", () => {
    for (const end of [(pace: Pace) => pace.setRate(null), (pace: Pace) => pace.stop()]) {
      const pace = new Pace(clock, RATE);
      const movers = [new Mover(pace, 10_000), new Mover(pace, 10_000)];
      end(pace);
      pass(100);
      for (const mover of movers) mover.paced();
      expect(movers.map(({ moved }) => moved)).toEqual([10_000, 10_000]);
    }
  });

  it("takes a datagram larger than a second's worth, and others once that is made good", () => {
    const pace = new Pace(clock, RATE);
    expect(pace.take(3000)).toBe(true);
    pass(2000);
    expect(pace.take(1)).toBe(false);
    pass(10);
    expect(pace.take(1)).toBe(true);
  });
});
