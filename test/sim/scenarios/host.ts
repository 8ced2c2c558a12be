// SPDX-License-Identifier: Apache-2.0
// The host's own code on the simulated network: STLinks (Agent, hops, Bindings, Mappings, pumps) and the
// Connector, unchanged; applications of every kind; cuts, partitions, processes that die and come back.
// Then peace: all that may go through does, and nothing is left over. Rules S4, F1 to F7, K1, K7, D10.

import type { Sizes } from "../../../host/core/core.ts";
import { LINE } from "../../../host/net/sim/pipe.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import { SimFailure } from "../failure.ts";
import type { Pair } from "../host/applications.ts";
import { type EndPlan, HEADER_LEN, NAMES, type Name, type Plan } from "../host/connection.ts";
import { otherThan, Site, type SiteOptions } from "../host/site.ts";
import type { Scenario } from "../scenario.ts";
import { SMALL_SIZES } from "../world.ts";
import { randomSizes } from "./plans.ts";

/** Faults are over by then; the longest lasts 20 s. */
const TROUBLE_MS = 10_000;
const LONGEST_FAULT_MS = 20_000;
/** The slowest application, a target that hangs, redials and probes. */
const DONE_MS = 180_000;
const PEACE_MS = 20_000;
const AMOUNTS = [0, 1, 100, 699, 701, 3000, 20_000];
/** The last is more than all buffers between two applications hold; the others end in one of them. */
const FLOODS = [70_000, 90_000, 140_000, 170_000, 300_000];
const DEAF_MS = 30_000;
const UNANSWERED_MS = 10_000;

type Fault = (site: Site, prng: Prng) => void;

const FAULTS: Record<string, Fault> = {
  cut: (site, prng) => {
    for (const pipe of site.hopsOf(prng.pick(NAMES))) {
      prng.pick([pipe.client, pipe.server]).cutAfter(prng.pick([0, 1, 17, 900, 4000]));
    }
  },
  partition: (site, prng) =>
    site.partition(prng.pick(NAMES), prng.pick([50, 3000, LONGEST_FAULT_MS])),
  connector: (site, prng) => site.killConnector(prng.pick([1, 700, 8000])),
  stlink: (site, prng) => site.killStlink(prng.pick(NAMES), prng.pick([1, 500, 8000])),
};

/** Faults that no application may see. */
const HARMLESS = ["cut", "partition", "connector"];

export const host: Scenario = {
  name: "host",
  about: "the host's STLinks and Connector: applications of every kind, faults, then peace",
  run: async (seed, context) => {
    const prng = new Prng(`host ${seed}`);
    const site = new Site({ ...context, ...randomOptions(prng), seed: `host ${seed}` });
    try {
      await play(site, prng);
    } finally {
      site.close();
    }
  },
};

function randomOptions(prng: Prng): Omit<SiteOptions, "seed" | "trace" | "isFresh"> {
  const sizes: Sizes = { ...SMALL_SIZES, ...randomSizes(prng), streams: 24 };
  const line = {
    ...LINE,
    latencyMs: prng.pick([0, 1, 20]),
    bufferBytes: prng.pick([4096, 65_536]),
  };
  const clientLine = { ...LINE, latencyMs: 0, bufferBytes: prng.pick([2000, 16_384]) };
  return {
    sizes,
    queueBytes: prng.pick([140_000, 1 << 20]),
    line,
    clientLine,
    hasPsk: prng.chance(0.5),
  };
}

async function play(site: Site, prng: Prng): Promise<void> {
  await site.start();
  let number = 0;
  for (let i = prng.between(1, 5); i > 0; i--) {
    const plan = randomPlan(prng, number++);
    site.clock.after(prng.pick([0, 0, 400, 5000]), () => site.open(plan));
  }
  trouble(site, prng);
  await site.run(TROUBLE_MS + LONGEST_FAULT_MS);
  await finish(site, DONE_MS);
  await site.recover();
  for (const from of NAMES) site.open(quietPlan(number++, from));
  const before = site.applications.pairs.length - NAMES.length;
  await finish(site, PEACE_MS);
  for (const pair of site.applications.pairs.slice(before)) expectClean(pair);
  await site.settle();
  await site.stop();
}

/** Sets the faults going. */
function trouble(site: Site, prng: Prng): void {
  const kinds = prng.chance(0.6) ? HARMLESS : Object.keys(FAULTS);
  for (let i = prng.between(0, 5); i > 0; i--) {
    const kind = prng.pick(kinds);
    site.clock.after(prng.below(TROUBLE_MS), () => {
      site.log(`--- ${kind}`);
      FAULTS[kind]?.(site, prng);
    });
  }
}

/** Runs until every connection is over at both ends, then looks how each ended. */
async function finish(site: Site, ms: number): Promise<void> {
  const { applications } = site;
  const isOver = ({ client, server }: Pair): boolean =>
    client.isOver && (server.other === null || server.isOver);
  const isDone = (): boolean => applications.pairs.every(isOver) && applications.unknown.size === 0;
  if (!(await site.run(ms, isDone))) {
    const open = applications.pairs.filter((pair) => !isOver(pair));
    const texts = open.map(({ client, server }) => `${client.text}; ${server.text}`);
    const unknown = `${applications.unknown.size} connections without a byte at targets`;
    throw new SimFailure(`not over after ${ms} ms: ${unknown}\n  ${texts.join("\n  ")}`);
  }
  for (const pair of applications.pairs) expectLawful(site, pair);
}

/** What the plan says, or a reset where a side lost its state. */
function expectLawful(site: Site, pair: Pair): void {
  const { plan, client, server } = pair;
  if (site.deaths.A + site.deaths.B > 0) return;
  if (plan.target !== "serves") {
    if (client.outcome === "Reset" && client.got === 0) return;
    throw new SimFailure(`${client.text}: its target ${plan.target}`);
  }
  if (client.hasReset || server.hasReset) return;
  // Where nobody answered for ten seconds, the Binding gives up (rule D10).
  if (client.outcome === "Reset" && client.got === 0 && client.lastedMs >= UNANSWERED_MS) return;
  expectClean(pair);
}

function expectClean({ client, server }: Pair): void {
  for (const end of [client, server]) {
    // A client that sends nothing is not known to its target.
    if (end === server && client.plan.sendBytes === 0) continue;
    const isClean = end.outcome === null && end.sawEnd && end.got === end.other?.plan.sendBytes;
    if (!isClean) throw new SimFailure(`${end.text}: not clean, though nobody has reset`);
  }
}

function randomPlan(prng: Prng, number: number): Plan {
  const from = prng.pick(NAMES);
  const plan = { number, from, to: otherThan(from), target: prng.pick(TARGETS) };
  if (prng.chance(0.1)) return { ...plan, client: endPlan(0), server: endPlan(0) };
  if (prng.chance(0.15)) return floodPlan(plan, prng);
  const client = randomEnd(prng);
  client.sendBytes = Math.max(client.sendBytes, HEADER_LEN);
  const server = randomEnd(prng);
  const resetter = prng.chance(0.25) ? prng.pick([client, server]) : null;
  const other = resetter === client ? server : client;
  if (resetter !== null) resetter.resetAfter = prng.below(other.sendBytes + 1);
  return { ...plan, client, server };
}

/** A side that does not read for long, and one that never stops to send until it must. */
function floodPlan(plan: Omit<Plan, "client" | "server">, prng: Prng): Plan {
  const flood = { ...endPlan(prng.pick(FLOODS)), pieceBytes: 16_384 };
  const deaf = { ...endPlan(HEADER_LEN), deafMs: DEAF_MS };
  return prng.chance(0.5)
    ? { ...plan, target: "serves", client: flood, server: deaf }
    : { ...plan, target: "serves", client: deaf, server: flood };
}

function quietPlan(number: number, from: Name): Plan {
  const [client, server] = [endPlan(5000), endPlan(5000)];
  return { number, from, to: otherThan(from), target: "serves", client, server };
}

const TARGETS: Plan["target"][] = ["serves", "serves", "serves", "serves", "refuses", "hangs"];

function endPlan(sendBytes: number): EndPlan {
  return { sendBytes, pieceBytes: 4096, readPauseMs: 0, deafMs: 0, resetAfter: null };
}

function randomEnd(prng: Prng): EndPlan {
  const sendBytes = prng.pick(AMOUNTS);
  const pieceBytes = sendBytes > 701 ? prng.pick([500, 4096, 65_536]) : prng.pick([7, 100, 4096]);
  const readPauseMs = prng.pick([0, 0, 0, 3, 40]);
  return { ...endPlan(sendBytes), pieceBytes, readPauseMs, deafMs: prng.pick([0, 0, 0, 4000]) };
}
