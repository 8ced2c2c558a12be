// SPDX-License-Identifier: Apache-2.0
// Deployment at the simulated site (rules T9, F11): Templates that change, Routes that are withdrawn and come back, a
// document that is imported, a Commander that is away for long. Before it: play.ts. After it: scenarios/commander.ts.
// Each connection that is still allowed never notices.

import type { Prng } from "../../../host/net/sim/prng.ts";
import { ALL, HARMLESS, peace, trouble } from "./faults.ts";
import { expect, HOUR_MS, MINUTE_MS, type Play, SECOND_MS } from "./play.ts";
import type { Pair, Seat, Site } from "./site.ts";

const TROUBLE = { most: 6, ms: 8 * SECOND_MS };
const ROUNDS_MOST = 8;
/** From an STLink to its application. */
const UNDER_WAY_MS = 50;

const templates: Play = {
  about: "Routes come and go by Templates and documents, through faults: what is allowed goes on",
  run: async (site, prng) => {
    const [a, b, c] = (await site.active("a", "b", "c")) as [Seat, Seat, Seat];
    const always = await site.pair(a, b);
    const sometimes = [await site.pair(b, a), await site.pair(c, b, false), await site.pair(a, b)];
    await site.talk(always);
    trouble(site, prng, prng.chance(0.6) ? HARMLESS : ALL, TROUBLE);
    for (let i = prng.between(2, ROUNDS_MOST); i > 0; i--) {
      const pair = prng.pick(sometimes);
      if (pair.isAllowed && prng.chance(0.3)) site.open(pair);
      await changeSomething(site, sometimes, prng);
      await site.run(prng.pick([0, 20, 300, 2000]));
    }
    await site.run(TROUBLE.ms);
    peace(site);
    await site.finish();
  },
};

/** One of the things that people do with Routes. */
export async function changeSomething(
  site: Site,
  pairs: readonly Pair[],
  prng: Prng,
): Promise<void> {
  const pair = prng.pick(pairs);
  const dice = prng.below(10);
  if (dice < 3) return site.people.touch();
  if (dice < 5) return site.people.importTags(prng.below(1000));
  if (!pair.isAllowed) return site.allow(pair);
  return site.withdraw(pair, prng.pick(["mapping", "binding", "both"] as const));
}

/** Rule F11, and the second in which a change reaches everybody. */
const prompt: Play = {
  about: "without faults a change is in force everywhere within a second",
  run: async (site, prng) => {
    const [a, b] = (await site.active("a", "b")) as [Seat, Seat];
    const pair = await site.pair(a, b);
    const talk = await site.talk(pair);
    for (let i = 0; i < 3; i++) {
      await site.run(prng.below(20_000));
      await site.withdraw(pair, prng.pick(["mapping", "binding", "both"] as const));
      const isGone = () => [a, b].every(({ device }) => device.stored?.routes.length === 0);
      await site.until("withdrawn everywhere", isGone, SECOND_MS);
      await site.run(UNDER_WAY_MS);
      expect(
        site.conversations.every(({ isOver }) => isOver),
        `${talk.text}: goes on`,
      );
      await site.allow(pair);
      const isThere = () => [a, b].every(({ device }) => device.stored?.routes.length === 1);
      await site.until("deployed everywhere", isThere, SECOND_MS);
      await site.talk(pair);
    }
    await site.finish();
  },
};

const away: Play = {
  about:
    "the Commander is away for long: all goes on until the lease ends, and again when it is back",
  options: { lease: "1h" },
  run: async (site, prng) => {
    const [a, b] = (await site.active("a", "b")) as [Seat, Seat];
    const pair = await site.pair(a, b);
    const talk = await site.talk(pair, 5 * SECOND_MS);
    await site.settle();
    const isLong = prng.chance(0.4);
    const awayMs = isLong ? HOUR_MS + 20 * MINUTE_MS : prng.between(5, 50) * MINUTE_MS;
    const endMs = site.clock.nowMs + awayMs;
    if (isLong) site.later(HOUR_MS - MINUTE_MS, () => site.excuse("the lease ends", () => true));
    site.commander.restart(awayMs);
    // A Connector admits out of its own folder, an STLink comes up from its own.
    for (let i = prng.below(3); i > 0; i--) {
      site.later(prng.below(awayMs), () =>
        prng.pick(site.connectors).restart(prng.pick([1, 8000])),
      );
    }
    if (prng.chance(0.4)) site.later(prng.below(awayMs), () => prng.pick([a, b]).device.restart(1));
    await site.run(awayMs - MINUTE_MS);
    if (!isLong) await site.talk(pair);
    else expect(talk.isOver, `${talk.text}: goes on after the lease's end`);
    await site.run(endMs - site.clock.nowMs);
    await site.finish();
  },
};

export const deployment: Record<string, Play> = { templates, prompt, away };
