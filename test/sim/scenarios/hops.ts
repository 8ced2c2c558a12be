// SPDX-License-Identifier: Apache-2.0
// Hops and Connectors that go and come back: cuts at any byte, lines that are dead for a while,
// Connectors that are killed (test 3 of the rules), queues that are full or too old, sleeping peers.
// No byte is lost and no stream ends before its hold time. Rules S4, D5, F5, F7, K1, K7.

import { Prng } from "../../../host/net/sim/prng.ts";
import { SimFailure } from "../failure.ts";
import { inWorld, type Scenario } from "../scenario.ts";
import type { World } from "../world.ts";
import { randomPlan, randomSizes } from "./plans.ts";

/** The longest outages one after the other, and the slowest applications. */
const DONE_MS = 240_000;
/** Reasons of DROPPED (13.2), and the age of class stream (K1). */
const QUEUE_FULL = 33;
const AGED = 34;
const STREAM_AGE_MS = 120_000;

function talk(world: World, prng: Prng): void {
  const count = prng.between(1, 4);
  for (let i = 0; i < count; i++) world.flow(randomPlan(prng, { mayReset: true }));
}

function finish(world: World, ms = DONE_MS): void {
  world.finish(ms);
  world.expectEnds();
  world.settle();
}

export const cuts: Scenario = {
  name: "cuts",
  about: "connections break at any byte, up to ten times",
  run: (seed, context) => {
    const prng = new Prng(`cuts ${seed}`);
    const line = { latencyMs: prng.pick([1, 10, 60]) };
    inWorld(context, { seed: `cuts ${seed}`, line, sizes: randomSizes(prng) }, (world) => {
      talk(world, prng);
      let left = prng.between(1, 10);
      const next = (): void => {
        if (left-- === 0) return;
        for (const pipe of world.network.connectionsOf(prng.pick(["A", "B"]))) {
          const bytes = prng.pick([0, 1, 100, 1249, 3000, 9000]) + prng.below(64);
          prng.pick([pipe.client, pipe.server]).cutAfter(bytes);
        }
        world.clock.after(prng.pick([10, 300, 4000]), next);
      };
      world.clock.after(prng.below(400), next);
      finish(world);
    });
  },
};

/** Below the hold time of a stream (S4), with the time to notice and redial. */
const OUTAGES_MS = [50, 700, 5000, 30_000, 60_000];

export const outages: Scenario = {
  name: "outages",
  about: "lines are dead for up to a minute, STLinks half-close, processes stop reading",
  run: (seed, context) => {
    const prng = new Prng(`outages ${seed}`);
    inWorld(context, { seed: `outages ${seed}`, sizes: randomSizes(prng) }, (world) => {
      talk(world, prng);
      const count = prng.between(1, 3);
      for (let i = 0; i < count; i++) {
        world.clock.after(prng.below(3000), () => outage(world, prng));
      }
      finish(world);
    });
  },
};

function outage(world: World, prng: Prng): void {
  const who = prng.pick(["A", "B"]);
  const ms = prng.pick(OUTAGES_MS);
  const kind = prng.pick(["dead", "end", "sleep"]);
  world.log(`--- ${who}: ${kind} for ${ms} ms`);
  if (kind === "dead") {
    world.network.kill(who, "C");
    world.clock.after(ms, () => world.network.revive(who, "C"));
  } else if (kind === "end") {
    for (const pipe of world.network.connectionsOf(who))
      prng.pick([pipe.client, pipe.server]).end();
  } else {
    world.stlink(who).sleep();
    const isClockStopped = prng.chance(0.5);
    world.clock.after(ms, () => world.stlink(who).rouse(isClockStopped));
  }
}

/** Test 3: a fleet of two Connectors; the one with the receiver's hop dies, the sender's does not. */
const receiverKilled: Scenario = {
  name: "receiver-killed",
  about: "in a fleet of two, the receiver's Connector is killed in the middle, again and again",
  run: (seed, context) => {
    const prng = new Prng(`receiver-killed ${seed}`);
    const options = { seed: `receiver-killed ${seed}`, connectors: ["C", "E"] };
    inWorld(context, { ...options, sizes: randomSizes(prng) }, (world) => {
      talk(world, prng);
      let left = prng.between(1, 5);
      const next = (): void => {
        if (left-- === 0) return;
        const receiver = prng.pick(["A", "B"]);
        const connector = ["C", "E"].find((name) => world.connector(name).hasHop(receiver));
        if (connector !== undefined) world.restartConnector(connector, prng.pick([1, 500, 20_000]));
        world.clock.after(prng.pick([50, 800, 5000]), next);
      };
      world.clock.after(prng.between(60, 900), next);
      finish(world);
    });
  },
};

/** Test 3: a queue that holds less than honest senders were told. */
const queueFull: Scenario = {
  name: "queue-full",
  about: "the queue's limits in bytes or packets are hit in mid-stream",
  run: (seed, context) => {
    const prng = new Prng(`queue-full ${seed}`);
    const queue = {
      bytes: prng.pick([4096, 6000, 10_000]),
      packets: prng.pick([2, 4, 16]),
      statedBytes: 65_536,
    };
    const sizes = { hopCreditBytes: 2048 };
    inWorld(context, { seed: `queue-full ${seed}`, queue, sizes }, (world) => {
      for (let i = 0; i < 3; i++) world.flow({ upBytes: 8000, downBytes: 8000 });
      finish(world);
      const dropped = world.connector().dropped[QUEUE_FULL] ?? 0;
      if (queue.packets === 2 && dropped === 0) throw new SimFailure("no packet was refused");
    });
  },
};

/** Test 3: packets wait longer than their class, because the receiver sleeps. */
const queueAge: Scenario = {
  name: "queue-age",
  about: "the receiver sleeps until what waits for it is too old",
  run: (seed, context) => {
    const prng = new Prng(`queue-age ${seed}`);
    inWorld(context, { seed: `queue-age ${seed}` }, (world) => {
      const holdMs = 3_600_000;
      const sleepMs = prng.pick([100_000, 400_000]);
      world.flow({ upBytes: 20_000, downBytes: 20_000, holdMs });
      world.flow({ opener: "B", accepter: "A", upBytes: 20_000, downBytes: 9000, holdMs });
      world.clock.after(prng.between(150, 300), () => {
        const who = prng.pick(["A", "B"]);
        world.cut(who);
        world.stlink(who).sleep();
        world.clock.after(sleepMs, () => world.stlink(who).rouse(true));
      });
      finish(world, sleepMs + DONE_MS);
      const aged = world.connector().dropped[AGED] ?? 0;
      if (sleepMs > STREAM_AGE_MS * 2 && aged === 0) throw new SimFailure("no packet was too old");
    });
  },
};

const slowReader: Scenario = {
  name: "slow-reader",
  about: "one application reads slowly: the streams beside it do not wait for it",
  run: (seed, context) => {
    const prng = new Prng(`slow-reader ${seed}`);
    inWorld(context, { seed: `slow-reader ${seed}`, sizes: { hopCreditBytes: 2048 } }, (world) => {
      const slow = world.flow({ upBytes: 30_000, downBytes: 30_000, readPauseMs: 2000 });
      world.run(prng.between(200, 3000));
      const quick = world.flow({ upBytes: 9000, downBytes: 9000 });
      const before = world.clock.nowMs;
      world.run(DONE_MS, () => quick.isOver);
      const took = world.clock.nowMs - before;
      if (slow.isOver || took > QUICK_MS) {
        throw new SimFailure(`the quick stream took ${took} ms beside a slow one`);
      }
      finish(world);
    });
  },
};

/** 9,000 bytes at a window of 2,800 over a round trip of 40 ms, and a margin. */
const QUICK_MS = 1500;

export const hops: Scenario[] = [cuts, outages, receiverKilled, queueFull, queueAge, slowReader];
