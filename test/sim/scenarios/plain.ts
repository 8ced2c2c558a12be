// SPDX-License-Identifier: Apache-2.0
// Nothing goes wrong: transfers of every shape between two STLinks. All ends are clean, nothing is
// sent twice, and nothing stands still for longer than three probe time-outs.

import { Prng } from "../../../host/net/sim/prng.ts";
import { SimFailure } from "../failure.ts";
import { inWorld, ptoMs, type Scenario } from "../scenario.ts";
import type { World } from "../world.ts";
import { randomPlan } from "./plans.ts";

const DONE_MS = 120_000;

export const plain: Scenario = {
  name: "plain",
  about: "transfers of every shape over healthy lines: clean ends, nothing sent twice, no stall",
  run: (seed, context) => {
    const prng = new Prng(`plain ${seed}`);
    const latencyMs = prng.pick([0, 1, 10, 40, 150]);
    const line = { latencyMs, bytesPerMs: prng.pick([100, 1000, 10_000]) };
    inWorld(context, { seed: `plain ${seed}`, line }, (world) => {
      const count = prng.between(1, 5);
      for (let i = 0; i < count; i++)
        world.flow(randomPlan(prng, { isQuick: true, mayReset: true }));
      world.run(DONE_MS, () => world.flows.some((flow) => flow.opener.connected));
      world.beginStallCount();
      world.finish(DONE_MS);
      world.expectEnds();
      expectNoStall(world, 4 * latencyMs + QUEUEING_MS);
      world.settle();
    });
  },
};

/** What slow lines and other streams add to a round trip here. */
const QUEUEING_MS = 100;

function expectNoStall(world: World, rttMs: number): void {
  const most = 3 * ptoMs(rttMs);
  if (world.longestStallMs <= most) return;
  const ms = Math.round(world.longestStallMs);
  throw new SimFailure(
    `nothing arrived for ${ms} ms over healthy lines, more than 3 PTO (${most})`,
  );
}
