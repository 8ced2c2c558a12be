// SPDX-License-Identifier: Apache-2.0
// What goes wrong at a simulated site, drawn from the seed: connections cut after any byte, partitions, processes that
// die at any moment, at any transaction and at any write. Before it: the plays. After it: site.ts. Those that are
// harmless no application may see.

import type { Prng } from "../../../host/net/sim/prng.ts";
import type { Site } from "./site.ts";
import type { Death, SimStlink } from "./stlink.ts";

type Fault = (site: Site, prng: Prng) => void;

/** Shorter than the 120 s that a Route's streams are held for, redials included. */
const PARTITIONS_MS = [50, 3000, 20_000];
const AWAY_MS = [1, 700, 8000];
const CUTS = [0, 1, 17, 300, 900, 4000];
const FILES: readonly Death["file"][] = ["stlink.key", "next.key", "configuration", "lease"];

export const FAULTS = {
  cut: (site, prng) => {
    for (const pipe of site.hopsOf(prng.pick(hostsOf(site)))) {
      prng.pick([pipe.client, pipe.server]).cutAfter(prng.pick(CUTS) + prng.below(100));
    }
  },
  partition: (site, prng) => site.partition(prng.pick(hostsOf(site)), prng.pick(PARTITIONS_MS)),
  connector: (site, prng) => prng.pick(site.connectors).restart(prng.pick(AWAY_MS)),
  commander: (site, prng) => site.commander.restart(prng.pick([...AWAY_MS, 60_000])),
  commit: (site, prng) => {
    const when = prng.pick(["before", "after"] as const);
    site.commander.death = { commits: prng.between(1, 8), when, awayMs: prng.pick(AWAY_MS) };
  },
  stlink: (site, prng) => prng.pick(devicesOf(site)).restart(prng.pick(AWAY_MS)),
  write: (site, prng) => {
    const when = prng.pick(["before", "half", "after"] as const);
    const file = prng.pick(FILES);
    prng.pick(devicesOf(site)).death = { file, when, awayMs: prng.pick(AWAY_MS) };
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

export const ALL = Object.keys(FAULTS) as FaultName[];
export const HARMLESS = ALL.filter((name) => name !== "stlink" && name !== "write");

/** Sets so many of them going within `ms`. */
export function trouble(
  site: Site,
  prng: Prng,
  names: readonly FaultName[],
  { most, ms }: { most: number; ms: number },
): void {
  for (let i = prng.between(0, most); i > 0; i--) {
    const name = prng.pick(names);
    site.later(prng.below(ms), () => {
      site.log(`--- ${name}`);
      FAULTS[name](site, prng);
    });
  }
}

/** What has not happened by now does not happen any more. */
export function peace(site: Site): void {
  site.commander.death = null;
  for (const device of devicesOf(site)) device.death = null;
}

function devicesOf(site: Site): readonly SimStlink[] {
  return site.devices;
}

function hostsOf(site: Site): string[] {
  return [site.commanderHost, ...devicesOf(site).map(({ host }) => host)];
}
