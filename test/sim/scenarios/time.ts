// SPDX-License-Identifier: Apache-2.0
// Hours on the fake clock: sessions of both layers are renewed at 50 minutes, stream keys too, idle
// and sleeping STLinks come back after hours, entropy is scarce. Rules S4, S10, H8.

import { Prng } from "../../../host/net/sim/prng.ts";
import { SimFailure } from "../failure.ts";
import { inWorld, type Scenario } from "../scenario.ts";
import { randomPlan } from "./plans.ts";

const HOUR_MS = 3_600_000;
const LONGEST_SLEEP_MS = 5 * HOUR_MS;
const DAY_MS = 24 * HOUR_MS;

export const hours: Scenario = {
  name: "hours",
  about:
    "streams that trickle for hours, through renewals of every key, with cuts and resets of time",
  run: (seed, context) => {
    const prng = new Prng(`hours ${seed}`);
    inWorld(context, { seed: `hours ${seed}` }, (world) => {
      const pauseMs = prng.pick([20_000, 45_000, 110_000]);
      const pieces = Math.ceil((prng.pick([1.2, 2.3]) * HOUR_MS) / pauseMs);
      const amounts = { upBytes: pieces * 90, downBytes: pieces * 90, pieceBytes: 90 };
      world.flow({ ...amounts, isEcho: prng.chance(0.5), writePauseMs: pauseMs, holdMs: DAY_MS });
      world.flow({ opener: "B", accepter: "A", ...amounts, writePauseMs: pauseMs + 777 });
      const cutEach = prng.pick([0, 500_000, 1_700_000]);
      const next = (): void => {
        if (world.areFlowsOver) return;
        world.cut(prng.pick(["A", "B"]));
        world.clock.after(cutEach, next);
      };
      if (cutEach > 0) world.clock.after(cutEach, next);
      world.finish(4 * HOUR_MS);
      world.expectEnds();
      if (world.wire.sessionCount < 2) throw new SimFailure("no session was renewed");
      world.settle();
    });
  },
};

export const sleepers: Scenario = {
  name: "sleepers",
  about: "an STLink sleeps for up to five hours in the middle of streams that are held a day",
  run: (seed, context) => {
    const prng = new Prng(`sleepers ${seed}`);
    inWorld(context, { seed: `sleepers ${seed}` }, (world) => {
      const who = prng.pick(["A", "B"]);
      world.flow({ upBytes: 9000, downBytes: 9000, holdMs: DAY_MS });
      world.flow({ opener: "B", accepter: "A", isEcho: true, holdMs: DAY_MS });
      world.clock.after(prng.between(50, 400), () => {
        world.stlink(who).sleep();
        if (prng.chance(0.5)) world.cut(who);
        const isClockStopped = prng.chance(0.5);
        const ms = prng.pick([70_000, 0.9 * HOUR_MS, 1.5 * HOUR_MS, LONGEST_SLEEP_MS]);
        world.clock.after(ms, () => world.stlink(who).rouse(isClockStopped));
      });
      world.run(LONGEST_SLEEP_MS + 1000);
      world.finish(6 * HOUR_MS);
      world.expectEnds();
      world.flow(randomPlan(prng));
      world.finish(HOUR_MS);
      world.expectEnds();
      world.settle();
    });
  },
};

export const entropy: Scenario = {
  name: "entropy",
  about: "32 fresh bytes come rarely: handshakes wait for them, and all of them are made",
  run: (seed, context) => {
    const prng = new Prng(`entropy ${seed}`);
    const entropyEveryMs = prng.pick([20, 300, 2000]);
    inWorld(context, { seed: `entropy ${seed}`, entropyEveryMs }, (world) => {
      for (let i = 0; i < 6; i++) world.flow(randomPlan(prng, { mayReset: true }));
      world.finish(300_000);
      world.expectEnds();
      world.settle();
    });
  },
};

/** Test 7: what goes out again is what went out first; the checker compares every record. */
export const resend: Scenario = {
  name: "resend",
  about: "records that are sent again after a cut and in a new session are the same bytes",
  run: (seed, context) => {
    const prng = new Prng(`resend ${seed}`);
    inWorld(context, { seed: `resend ${seed}`, line: { latencyMs: 40 } }, (world) => {
      world.flow({ upBytes: 30_000, downBytes: 30_000 });
      for (let i = 0; i < 6; i++) {
        world.clock.after(500 + i * 900 + prng.below(400), () => {
          world.cut(prng.pick(["A", "B"]));
          world.stlink("A").rekey("B");
        });
      }
      world.finish(120_000);
      world.expectEnds();
      if (world.wire.resentRecords === 0) throw new SimFailure("no record was sent again");
      world.settle();
    });
  },
};

/** Rule M1: what is lent to busy streams is not what the others are guaranteed. */
export const crowd: Scenario = {
  name: "crowd",
  about: "every stream slot is used while the first streams hold all they may borrow",
  cases: () => 8,
  run: (seed, context) => {
    const prng = new Prng(`crowd ${seed}`);
    inWorld(context, { seed: `crowd ${seed}` }, (world) => {
      for (let i = 0; i < 3; i++)
        world.flow({ upBytes: 30_000, downBytes: 30_000, readPauseMs: 90 });
      world.run(prng.between(300, 1500));
      for (let i = 0; i < 9; i++) world.flow({ upBytes: 900, downBytes: 900 });
      world.finish(300_000);
      world.expectEnds();
      world.settle();
    });
  },
};

export const time: Scenario[] = [hours, sleepers, entropy, resend, crowd];
