// SPDX-License-Identifier: Apache-2.0
// Everything at the simulated site at random, for some hours: STLinks that come, change their keys, are replaced and
// revoked, Routes that come and go, backups that are brought back, faults of every kind; then peace, and everybody is
// where he should be. Before it: play.ts. After it: scenarios/commander.ts.

import type { Prng } from "../../../host/net/sim/prng.ts";
import { changeSomething } from "./deployment.ts";
import { ALL, FAULTS, peace } from "./faults.ts";
import { HOUR_MS, MINUTE_MS, type Play, SECOND_MS } from "./play.ts";
import type { Seat, Site } from "./site.ts";

const STLINKS_MOST = 5;
const RESTS_MS = [100, 2 * SECOND_MS, 20 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS];
/** Between two pieces of a connection, and how many there are: hours pass here. */
const TALK_REST_MS = 5 * SECOND_MS;
const TALKS_MOST = 4;

type Deed = (site: Site, prng: Prng) => Promise<unknown>;

const DEEDS: readonly (readonly [weight: number, Deed])[] = [
  [6, (site, prng) => changeSomething(site, site.pairs, prng)],
  [3, talk],
  [3, rotate],
  [2, join],
  [1, replace],
  [1, revoke],
  [1, backUpAndRestore],
  [8, fault],
];

export const mixed: Play = {
  about: "all of it at random for some hours, then peace",
  run: async (site, prng) => {
    const seats = await site.active("a", "b", "c");
    for (const from of seats) {
      for (const to of seats) if (from !== to && prng.chance(0.5)) await site.pair(from, to);
    }
    if (site.pairs.length === 0) await site.pair(seats[0] as Seat, seats[1] as Seat);
    const endMs = site.clock.nowMs + prng.pick([0.1, 0.1, 0.3, 1, 3]) * HOUR_MS;
    while (site.clock.nowMs < endMs) {
      await site.run(prng.pick(RESTS_MS));
      await weighted(prng)(site, prng);
    }
    peace(site);
    await site.run(MINUTE_MS);
    await site.finish();
  },
};

function weighted(prng: Prng): Deed {
  let dice = prng.below(DEEDS.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, deed] of DEEDS) {
    if (dice < weight) return deed;
    dice -= weight;
  }
  return fault;
}

async function fault(site: Site, prng: Prng): Promise<void> {
  const name = prng.pick(ALL);
  site.log(`--- ${name}`);
  FAULTS[name](site, prng);
}

async function talk(site: Site, prng: Prng): Promise<void> {
  const [oldest, ...others] = site.conversations.filter(({ isOver }) => !isOver);
  if (others.length >= TALKS_MOST) oldest?.close();
  site.open(prng.pick(site.pairs), TALK_REST_MS);
}

/** Those that have a device which is to be there. */
function activeSeats({ seats }: Site): Seat[] {
  return seats.filter(({ isActive, device }) => isActive && device.stored !== null);
}

async function rotate(site: Site, prng: Prng): Promise<void> {
  const seats = activeSeats(site).filter(({ device }) => device.isUp);
  if (seats.length > 0) await prng.pick(seats).device.rotate();
}

async function join(site: Site, prng: Prng): Promise<void> {
  if (activeSeats(site).length >= STLINKS_MOST) return;
  const seat = await site.seat(`stlink-${site.seats.length}`);
  seat.device.unbox(await site.people.code(seat.id, { expiry: "365d" }));
  seat.isActive = true;
  const others = activeSeats(site).filter((one) => one !== seat);
  if (others.length > 0) await site.pair(seat, prng.pick(others));
}

async function replace(site: Site, prng: Prng): Promise<void> {
  const seats = activeSeats(site);
  if (seats.length === 0) return;
  const seat = prng.pick(seats);
  const code = await site.people.code(seat.id, { expiry: "365d" });
  // Whoever dies, it comes to an end: the old key is gone when the new one is there, and not before.
  site.excuse("replaced", ({ pair: { from, to } }) => from === seat || to === seat);
  seat.device.kill();
  seat.device = site.device(`${seat.name}-anew`);
  seat.device.unbox(code);
}

async function revoke(site: Site, prng: Prng): Promise<void> {
  const seats = activeSeats(site);
  if (seats.length < 3) return;
  await site.revoke(prng.pick(seats));
}

/** What happens between the two is forgotten, but for keys and revocations. */
async function backUpAndRestore(site: Site, prng: Prng): Promise<void> {
  // A code that somebody shows at that moment is void then, and its device needs another.
  await site.settle();
  const backup = await site.people.backUp();
  for (let i = prng.below(4); i > 0; i--) {
    await site.run(prng.pick([100, 20 * SECOND_MS]));
    await prng.pick([rotate, fault, changeOne])(site, prng);
  }
  await site.people.restore(backup, null);
  await site.reread();
}

const changeOne: Deed = (site, prng) => changeSomething(site, site.pairs, prng);
