// SPDX-License-Identifier: Apache-2.0
// Two Connectors that know nothing of each other, and STLinks with a hop to each: one dies, drains, is cut
// off, lies, or passes on one direction alone, in every role that it can have in a link. Streams survive
// while one Connector is honest for each direction. PROTOCOL 7.6; rules D1, D5, K7.

import type { Delivery, SeenPacket } from "../../../host/net/sim/connector.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import { SimFailure } from "../failure.ts";
import { type Context, inWorld, type Scenario } from "../scenario.ts";
import type { World, WorldOptions } from "../world.ts";
import { randomPlan } from "./plans.ts";

const DONE_MS = 240_000;
/** Reason of DROPPED (13.2). */
const NOT_PAIRED = 32;
/** 4 probes of a first PTO of 1.5 s that doubles, for each of two moves, and handshake repetitions. */
const MOVED_MS = 60_000;

type Trouble = {
  name: string;
  about: string;
  /** Begins the trouble at the Connector `bad`, for good. */
  begin: (world: World, bad: string, prng: Prng) => void;
};

/** Packets that `isLost` names are dropped by the Connector. */
function drop(world: World, connector: string, isLost: (packet: SeenPacket) => boolean): void {
  world.connector(connector).meddle = (packet): Delivery[] =>
    isLost(packet) ? [] : [{ bytes: packet.bytes, delayMs: 0 }];
}

const TROUBLES: Trouble[] = [
  {
    name: "dies",
    about: "one of two Connectors dies",
    begin: (world, bad) => world.connector(bad).crash(),
  },
  {
    name: "partitioned",
    about: "one STLink's line to one of two Connectors is dead",
    begin: (world, bad, prng) => world.network.kill(prng.pick(["A", "B"]), bad),
  },
  {
    name: "swallows",
    about: "one of two Connectors takes every packet and delivers none",
    begin: (world, bad) => drop(world, bad, () => true),
  },
  {
    name: "one-way",
    about: "each of two Connectors passes on one direction alone, another one each",
    begin: (world, bad) => {
      drop(world, "C", ({ from }) => (from === "A") === (bad === "C"));
      drop(world, "E", ({ from }) => (from === "A") === (bad === "E"));
    },
  },
  {
    name: "liar",
    about:
      "one of two Connectors says AWAY, BACK and NotPaired at random, and drops every other packet",
    begin: (world, bad, prng) => {
      let n = 0;
      drop(world, bad, ({ from, to }) => {
        world.connector(bad).lie(from, to, prng.pick(["away", "back", NOT_PAIRED]));
        return n++ % 2 === 0;
      });
    },
  },
  {
    name: "drains",
    about: "one of two Connectors drains, and stops ten seconds later",
    begin: (world, bad) => {
      world.connector(bad).drain(10_000);
      world.clock.after(10_000, () => world.connector(bad).crash());
    },
  },
];

function inTwo(
  context: Context,
  options: Partial<WorldOptions>,
  body: (world: World) => void,
): void {
  inWorld(context, { connectors: ["C", "E"], hops: "each", ...options }, body);
}

function finish(world: World): void {
  world.finish(DONE_MS);
  world.expectEnds();
  world.settle();
}

function scenario({ name, about, begin }: Trouble): Scenario {
  return {
    name: `two-${name}`,
    about,
    run: (seed, context) => {
      const prng = new Prng(`two-${name} ${seed}`);
      inTwo(context, { seed: `two-${name} ${seed}` }, (world) => {
        for (let i = prng.between(1, 3); i > 0; i--) world.flow(randomPlan(prng));
        // From before the first handshake on, or in the middle.
        const atMs = prng.pick([0, prng.below(400), prng.below(4000)]);
        world.clock.after(atMs, () => begin(world, prng.pick(["C", "E"]), prng));
        world.run(atMs + 1);
        const late = world.flow({ upBytes: 9000, downBytes: 9000 });
        if (!world.run(MOVED_MS, () => late.isOver)) {
          throw new SimFailure(`no way round after ${MOVED_MS} ms`);
        }
        finish(world);
      });
    },
  };
}

/** The lists of the two overlap in one Connector, which is first for one and last for the other. */
const overlap: Scenario = {
  name: "two-overlap",
  about: "two STLinks whose lists of Connectors have one in common",
  run: (seed, context) => {
    const prng = new Prng(`two-overlap ${seed}`);
    const connectorsOf = { A: ["C", "E"], B: prng.pick([["F", "E"], ["E", "F"], ["E"]]) };
    const options = { seed: `two-overlap ${seed}`, connectors: ["C", "E", "F"], connectorsOf };
    inTwo(context, options, (world) => {
      for (let i = prng.between(1, 3); i > 0; i--) world.flow(randomPlan(prng));
      world.flow({ opener: "B", accepter: "A", upBytes: 5000, downBytes: 5000 });
      finish(world);
    });
  },
};

export const connectors: Scenario[] = [...TROUBLES.map(scenario), overlap];
