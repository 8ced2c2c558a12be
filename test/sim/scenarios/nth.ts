// SPDX-License-Identifier: Apache-2.0
// One fixed conversation (a link is made, streams are opened, refused, reset, half-closed), and one
// thing that goes wrong at its packet n, for every n: tests 2 and 4 of the rules. The seed is n.

import { SimFailure } from "../failure.ts";
import { type Context, inWorld, QUIET, type Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

const DONE_MS = 300_000;
/** Three PTO before there is a sample (1,525 ms each), which is more than message 1's repetition. */
const LOSS_MS = 5000;
const CONNECTOR_MS = 2000;
const REKEY_MS = 1000;
/** NO_SESSION and new handshakes are allowed once in 5 s (S9). */
const LOST_MS = 15_000;
/** Reasons of 13.2 for a stream whose other side has lost its state, or whose session went. */
const PEER_LOST = 8;
const SESSION_GONE = 14;
const REVOKED = 10;

/** The conversation: duplex, one echo, one refused, one reset in the middle, one empty. */
function talk(world: World): void {
  world.flow({ upBytes: 2500, downBytes: 1500 });
  world.flow({ opener: "B", accepter: "A", isEcho: true, upBytes: 1500, downBytes: 1500 });
  world.flow({ refusal: 2 });
  const reset = { by: "opener", afterBytes: 800 } as const;
  world.flow({ opener: "B", accepter: "A", upBytes: 4000, downBytes: 4000, reset });
  world.flow({ upBytes: 0, downBytes: 0 });
}

type Trouble = {
  name: string;
  about: string;
  /** Reasons that a stream may end with beside its own. */
  lawful: readonly number[];
  /** All streams are over so soon: the undisturbed conversation takes a quarter of a second. */
  mostMs: number;
  /** At packet n. True: the packet is lost. */
  strike: (world: World) => boolean;
};

function scenarioOf(trouble: Trouble): Scenario {
  const { name, about } = trouble;
  return {
    name,
    about,
    cases: countPackets,
    run: (seed, context) => {
      const struck = converse(context, seed, trouble);
      if (!struck) throw new SimFailure(`there was no packet ${seed}`);
    },
  };
}

let counted = 0;

/** How many packets the conversation has when nothing goes wrong. */
function countPackets(): number {
  if (counted > 0) return counted;
  const packets = inWorld(QUIET, { seed: "nth" }, (world) => {
    talk(world);
    world.finish(DONE_MS);
    return world.wire.packets;
  });
  counted = packets;
  return packets;
}

function converse(context: Context, n: number, trouble: Trouble): boolean {
  const { lawful, mostMs, strike } = trouble;
  return inWorld(context, { seed: "nth" }, (world) => {
    let at = 0;
    let struck = false;
    world.meddle(({ bytes }) => {
      if (at++ !== n) return [{ bytes, delayMs: 0 }];
      struck = true;
      world.log(`--- packet ${n}`);
      return strike(world) ? [] : [{ bytes, delayMs: 0 }];
    });
    talk(world);
    world.finish(mostMs);
    world.expectEnds(lawful);
    // Whatever happened, both sides can talk again.
    world.flow({ upBytes: 700, downBytes: 700 });
    world.flow({ opener: "B", accepter: "A", upBytes: 700, downBytes: 700 });
    world.finish(mostMs);
    world.expectEnds(lawful);
    for (const flow of world.flows.slice(-2)) {
      for (const end of flow.ends) {
        if (end.reason !== 0 || end.state === "gone")
          throw new SimFailure(`${end.text}: not clean`);
      }
    }
    world.settle();
    return struck;
  });
}

const lost = [PEER_LOST, SESSION_GONE];

export const nth: Scenario[] = [
  scenarioOf({
    name: "drop-nth",
    about: "packet n is lost, both hops healthy",
    mostMs: LOSS_MS,
    lawful: [],
    strike: () => true,
  }),
  ...["A", "B"].flatMap((who) => [
    scenarioOf({
      name: `reboot-${who}`,
      about: `${who} loses its state at packet n and comes back`,
      mostMs: LOST_MS,
      lawful: lost,
      strike: (world) => {
        world.clock.after(0, () => world.reboot(who, 1000));
        return false;
      },
    }),
    scenarioOf({
      name: `evict-${who}`,
      about: `${who} drops its table for the other at packet n`,
      mostMs: LOST_MS,
      lawful: [...lost, REVOKED],
      strike: (world) => {
        world.clock.after(0, () => world.evict(who, who === "A" ? "B" : "A", REVOKED));
        return false;
      },
    }),
    scenarioOf({
      name: `rekey-${who}`,
      about: `${who} begins a new session at packet n`,
      mostMs: REKEY_MS,
      lawful: [],
      strike: (world) => {
        const other = who === "A" ? "B" : "A";
        world.clock.after(0, () => world.stlink(who).rekey(other));
        return false;
      },
    }),
    scenarioOf({
      name: `rehop-${who}`,
      about: `${who}'s connection breaks at packet n, with the packet`,
      mostMs: LOSS_MS,
      lawful: [],
      strike: (world) => {
        world.clock.after(0, () => world.cut(who));
        return true;
      },
    }),
  ]),
  scenarioOf({
    name: "connector-nth",
    about: "the Connector dies at packet n and comes back empty",
    mostMs: LOSS_MS + CONNECTOR_MS,
    lawful: [],
    strike: (world) => {
      world.clock.after(0, () => world.restartConnector("C", CONNECTOR_MS));
      return true;
    },
  }),
  scenarioOf({
    name: "rekey-both",
    about: "both sides begin a new session at packet n",
    mostMs: REKEY_MS,
    lawful: [],
    strike: (world) => {
      world.clock.after(0, () => world.stlink("A").rekey("B"));
      world.clock.after(0, () => world.stlink("B").rekey("A"));
      return false;
    },
  }),
];
