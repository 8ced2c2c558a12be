// SPDX-License-Identifier: Apache-2.0
// The real Commander, Connectors and STLinks of one site in the simulation: activation, deployment, rotation, revocation,
// restore, and all of it mixed; faults at any byte, commit and write. The seed says which play it is, and everything in
// it. Before it: run.ts, commander.test.ts. After it: ../commander/. Invariants: those of ../commander/site.ts.

import { LINE } from "../../../host/net/sim/pipe.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import { activation } from "../commander/activation.ts";
import { deployment } from "../commander/deployment.ts";
import { mixed } from "../commander/mixed.ts";
import type { Play } from "../commander/play.ts";
import { Site } from "../commander/site.ts";
import { trust } from "../commander/trust.ts";
import type { Context, Scenario } from "../scenario.ts";

export const PLAYS: Readonly<Record<string, Play>> = {
  ...activation,
  ...deployment,
  ...trust,
  mixed,
};
const NAMES = Object.keys(PLAYS);

async function perform(play: Play, seed: string, context: Context): Promise<void> {
  const prng = new Prng(seed);
  const latencyMs = prng.pick([0, 1, 20]);
  const bufferBytes = prng.pick([4096, 65_536]);
  const connectors = prng.pick([1, 1, 2] as const);
  const line = { ...LINE, latencyMs, bufferBytes };
  const site = new Site({ seed, context, connectors, line, ...play.options });
  try {
    site.start();
    if (prng.chance(0.8)) await site.settle();
    await play.run(site, prng);
    await site.stop();
  } finally {
    site.close();
  }
}

const each: Scenario = {
  name: "commander",
  about: "the real Commander, Connectors and STLinks: one of the plays below for each seed",
  run: (seed, context) => {
    const name = NAMES[seed % NAMES.length] as string;
    context.trace?.(`play: ${name}`);
    return perform(PLAYS[name] as Play, `${name} ${seed}`, context);
  },
};

/** Each play by itself too. */
export const commander: Scenario[] = [
  each,
  ...NAMES.map((name) => {
    const play = PLAYS[name] as Play;
    const run = (seed: number, context: Context) => perform(play, `${name} ${seed}`, context);
    return { name: `commander-${name}`, about: play.about, run };
  }),
];
