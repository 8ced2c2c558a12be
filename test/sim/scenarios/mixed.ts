// SPDX-License-Identifier: Apache-2.0
// Everything at once: two or three STLinks, one or two Connectors, random sizes, lines and
// applications; for a while everything that can go wrong does; then the faults stop. What may recover
// recovers, what lost its state ends with a reason, and afterwards everybody talks to everybody.

import type { Delivery, SeenPacket } from "../../../host/net/sim/connector.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import { SimFailure } from "../failure.ts";
import { inWorld, type Scenario } from "../scenario.ts";
import type { World } from "../world.ts";
import { damaged } from "./loss.ts";
import { LARGE_SIZES, randomPlan, randomSizes } from "./plans.ts";

/** Faults stop: then the slowest application is done, and after that every quick one. */
const RECOVERY_MS = 60_000;
const PEACE_MS = 15_000;
/** The last flow begins; at least so long after it all faults are over. */
const LATEST_MS = 4000;
const LONGEST_FAULT_MS = 31_000;
/** Reasons of 13.2 where a side lost its state: PeerLost, HoldExpired, Revoked (evicted), SessionGone. */
const LOST = [8, 9, 10, 14];
const REVOKED = 10;

type Fault = (world: World, prng: Prng, names: string[]) => void;

const FAULTS: Record<string, Fault> = {
  cut: (world, prng, names) => {
    for (const pipe of world.network.connectionsOf(prng.pick(names))) {
      prng.pick([pipe.client, pipe.server]).cutAfter(prng.below(4000));
    }
  },
  dead: (world, prng, names) => {
    const [who, where] = [prng.pick(names), prng.pick([...world.connectors.keys()])];
    world.network.kill(who, where);
    world.clock.after(prng.pick([100, 3000, 20_000]), () => world.network.revive(who, where));
  },
  sleep: (world, prng, names) => {
    const stlink = world.stlink(prng.pick(names));
    stlink.sleep();
    const isClockStopped = prng.chance(0.5);
    world.clock.after(prng.pick([40, 2000, 30_000]), () => stlink.rouse(isClockStopped));
  },
  rekey: (world, prng, names) => {
    const who = prng.pick(names);
    world.stlink(who).rekey(prng.pick(names.filter((name) => name !== who)));
  },
  connector: (world, prng) => {
    const name = prng.pick([...world.connectors.keys()]);
    world.restartConnector(name, prng.pick([1, 900, 8000]));
  },
  reboot: (world, prng, names) => world.reboot(prng.pick(names), prng.pick([1, 400, 9000])),
  evict: (world, prng, names) => {
    const who = prng.pick(names);
    world.evict(who, prng.pick(names.filter((name) => name !== who)), REVOKED);
  },
};

/** Faults after which streams of the STLink may end with LOST. */
const HARMLESS = Object.keys(FAULTS).filter((name) => name !== "reboot" && name !== "evict");

export const mixed: Scenario = {
  name: "mixed",
  about: "everything at once, then peace: what may recover recovers",
  run: (seed, context) => {
    const prng = new Prng(`mixed ${seed}`);
    const names = prng.chance(0.3) ? ["A", "B", "D"] : ["A", "B"];
    const options = {
      seed: `mixed ${seed}`,
      stlinks: names,
      connectors: prng.chance(0.3) ? ["C", "E"] : ["C"],
      sizes: randomSizes(prng),
      sizesOf: prng.chance(0.3) ? { [prng.pick(names)]: LARGE_SIZES } : {},
      line: { latencyMs: prng.pick([1, 10, 50]), bytesPerMs: prng.pick([300, 10_000]) },
      stepsPerMs: prng.pick([5, 50, 1000]),
      entropyEveryMs: prng.pick([0, 0, 100]),
      hasPsk: prng.chance(0.5),
    };
    inWorld(context, options, (world) => {
      begin(world, prng, names);
      world.run(trouble(world, prng, names));
      world.finish(RECOVERY_MS);
      world.expectEnds(LOST);
      peace(world, names);
    });
  },
};

function begin(world: World, prng: Prng, names: string[]): void {
  const count = prng.between(1, 6);
  for (let i = 0; i < count; i++) {
    const plan = randomPlan(prng, { names: pair(prng, names), mayReset: true });
    world.clock.after(prng.pick([0, 0, 500, LATEST_MS]), () => world.flow(plan));
  }
}

function pair(prng: Prng, names: string[]): [string, string] {
  const first = prng.pick(names);
  return [first, prng.pick(names.filter((name) => name !== first))];
}

/** Sets the faults going. Returns when the last of them is over. */
function trouble(world: World, prng: Prng, names: string[]): number {
  const untilMs = prng.pick([3000, 20_000, 60_000]);
  const kinds = prng.chance(0.6) ? HARMLESS : Object.keys(FAULTS);
  const badness = prng.pick([0, 0, 0.01, 0.05]);
  const kept: SeenPacket[] = [];
  world.meddle((packet) => lie(world, prng, packet, packet.atMs > untilMs ? 0 : badness, kept));
  let left = prng.between(0, 6);
  const next = (): void => {
    if (left-- === 0 || world.clock.nowMs > untilMs) return;
    const kind = prng.pick(kinds);
    world.log(`--- ${kind}`);
    FAULTS[kind]?.(world, prng, names);
    world.clock.after(prng.below(untilMs / 4), next);
  };
  world.clock.after(prng.below(1000), next);
  return untilMs + LONGEST_FAULT_MS;
}

/** Lost, doubled, delayed, damaged; and now and then something old comes again. */
function lie(
  world: World,
  prng: Prng,
  packet: SeenPacket,
  badness: number,
  kept: SeenPacket[],
): Delivery[] {
  const { bytes } = packet;
  if (badness === 0) return [{ bytes, delayMs: 0 }];
  if (prng.chance(0.05)) kept.push(packet);
  if (kept.length > 0 && prng.chance(badness)) {
    const old = prng.pick(kept);
    world.connector(old.connector).inject(old.from, old.to, old.bytes);
  }
  if (prng.chance(badness)) return [];
  if (prng.chance(badness)) return [{ bytes, delayMs: prng.below(2000) }];
  if (prng.chance(badness)) return [{ bytes: damaged(prng, bytes), delayMs: 0, class: 0 }];
  return [{ bytes, delayMs: 0 }];
}

/** Everybody talks to everybody, and nothing is left over. */
function peace(world: World, names: string[]): void {
  const before = world.flows.length;
  for (const opener of names) {
    for (const accepter of names) {
      if (opener !== accepter) world.flow({ opener, accepter, upBytes: 900, downBytes: 900 });
    }
  }
  world.finish(PEACE_MS);
  for (const flow of world.flows.slice(before)) {
    for (const end of flow.ends) {
      if (end.reason !== 0) throw new SimFailure(`${end.text}: not clean, though nothing is wrong`);
    }
  }
  world.settle();
}
