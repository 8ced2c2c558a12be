// SPDX-License-Identifier: Apache-2.0
// Keys and rights at the simulated site while two STLinks talk: rotation, revocation past an honest Connector and past
// one in the hands of a thief (test 10 of the rules), an old backup brought back (test 8). Rules T3, T9 to T12. Before
// it: play.ts. After it: scenarios/commander.ts.

import { rmSync } from "node:fs";
import type { ShownCode } from "./administrator.ts";
import type { Conversation } from "./conversation.ts";
import { ALL, HARMLESS, peace, trouble } from "./faults.ts";
import {
  expect,
  expectRefused,
  expectTurnedAway,
  HOUR_MS,
  MINUTE_MS,
  type Play,
  SECOND_MS,
} from "./play.ts";
import type { Pair, Seat, Site } from "./site.ts";

const TROUBLE = { most: 5, ms: 6 * SECOND_MS };

/** Two that talk. */
async function talkers(
  site: Site,
  restMs?: number,
): Promise<{ a: Seat; b: Seat; pair: Pair; talk: Conversation }> {
  const [a, b] = (await site.active("a", "b")) as [Seat, Seat];
  const pair = await site.pair(a, b);
  return { a, b, pair, talk: await site.talk(pair, restMs) };
}

const rotation: Play = {
  about: "STLinks change their keys while bytes run through them, through faults: nothing is cut",
  run: async (site, prng) => {
    const { a, b } = await talkers(site);
    // What ends with a process that dies is not looked at: there a device dies at every write.
    trouble(site, prng, prng.chance(0.6) ? HARMLESS : ALL, TROUBLE);
    const seats = prng.pick([[a], [b], [a, b], [b, a]]);
    const before = new Map(seats.map(({ device }) => [device, device.key]));
    for (const { device } of seats) {
      await site.until(`${device.name} has a hop`, () => device.hasHop);
      await device.rotate();
      await site.run(prng.pick([0, 100, 2000]));
    }
    await site.run(TROUBLE.ms);
    peace(site);
    const isNew = () => seats.every(({ device }) => device.key !== before.get(device));
    await site.until("their keys are new", isNew);
    await site.finish();
  },
};

const revocation: Play = {
  about: "revoked past an honest Connector: the last byte comes at once",
  run: async (site, prng) => {
    const { a, b } = await talkers(site);
    trouble(site, prng, ["cut"], { most: 2, ms: SECOND_MS });
    await site.run(prng.below(2000));
    const [gone, stays] = prng.chance(0.5) ? [a, b] : [b, a];
    await site.revoke(gone);
    gone.device.silentFromMs = site.clock.nowMs + SECOND_MS;
    const isCut = () => site.conversations.every(({ isOver }) => isOver);
    await site.until("the connection is cut", isCut, SECOND_MS);
    if (prng.chance(0.5)) trouble(site, prng, ALL, TROUBLE);
    await site.run(TROUBLE.ms);
    peace(site);
    await expectTurnedAway(site, gone.device);
    await site.finish();
    expect(stays.device.stored?.peers.length === 1, `${stays.name} still knows who was revoked`);
  },
};

const LEASE_MS = HOUR_MS;
/** Between two pieces: an hour passes here. */
const TALK_REST_MS = 5 * SECOND_MS;
/** What the Commander had told when the Connector was taken may still have been under way. */
const SLACK_MS = 100;

const withheld: Play = {
  about: "revoked past a Connector that withholds it: the last byte comes before the lease's end",
  options: { lease: "1h", connectors: 1 },
  run: async (site, prng) => {
    const { a, b, pair, talk } = await talkers(site, TALK_REST_MS);
    await site.settle();
    const [connector] = site.connectors;
    if (connector === undefined) throw new Error("a site has a Connector");
    connector.lie([a, b].map((seat) => site.people.accomplice(seat, connector)));
    const beganMs = site.clock.nowMs;
    const last = site.open(pair, TALK_REST_MS);
    await site.revoke(a);
    for (const { device } of [a, b]) device.silentFromMs = beganMs + LEASE_MS + SLACK_MS;
    const isRebooting = prng.chance(0.4);
    const talks = [talk, last];
    while (site.clock.nowMs < beganMs + LEASE_MS + 10 * MINUTE_MS) {
      await site.run(prng.between(5, 20) * MINUTE_MS);
      if (!isRebooting) continue;
      prng.pick([a, b]).device.restart(1);
      await site.run(10 * SECOND_MS);
      const again = site.open(pair, TALK_REST_MS);
      again.excuse = "revoked";
      talks.push(again);
    }
    const lastByteAtMs = Math.max(...talks.map((one) => one.lastByteAtMs));
    expect(lastByteAtMs > beganMs + SECOND_MS, "the Connector did not withhold");
    if (!isRebooting) {
      expect(lastByteAtMs > beganMs + LEASE_MS - MINUTE_MS, "the lease has ended early");
    }
    // Then it is its owner's again: what was withheld comes, and the lease with it.
    connector.repent();
    b.device.silentFromMs = Number.POSITIVE_INFINITY;
    await site.settle();
    await expectTurnedAway(site, a.device);
    await site.finish();
    expect(b.device.stored?.peers.length === 1, "b still knows a");
  },
};

const restored: Play = {
  about:
    "an old backup is brought back: every STLink takes it, no code is used again, no key comes back",
  run: async (site, prng) => {
    const { a, b, pair } = await talkers(site);
    const gone = prng.chance(0.4) ? (await site.active("gone"))[0] : undefined;
    const open = await site.people.code(null);
    const backup = await site.people.backUp();
    for (let i = prng.between(1, 4); i > 0; i--) {
      await site.people.touch();
      await site.run(prng.pick([0, 10, 2000]));
    }
    if (gone !== undefined) await site.revoke(gone);
    const isRotated = prng.chance(0.4);
    if (isRotated) await rotateNow(site, a);
    const late = await lateComer(site, open);
    const newest = site.people.version.epoch;
    trouble(site, prng, prng.chance(0.5) ? HARMLESS : ALL, TROUBLE);
    await bringBack(site, backup, {
      isLost: !isRotated && gone === undefined && prng.chance(0.4),
      newest,
    });
    late.isActive = false;
    await site.run(TROUBLE.ms);
    peace(site);
    await site.finish();
    expect(site.people.version.epoch > newest, "the epoch has not risen");
    expect(pair.isAllowed, "the pair is gone");
    // Who came after the backup is a stranger, and its code is nobody's.
    await expectTurnedAway(site, late.device);
    if (gone !== undefined) await expectTurnedAway(site, gone.device);
    const copy = site.device("copy");
    copy.unbox(open);
    await expectRefused(site, copy, "CodeUnknown");
    const fresh = await site.people.code(b.id);
    await site.people.revokeCode(fresh.codeId);
    await site.finish();
  },
};

async function bringBack(
  site: Site,
  backup: string,
  { isLost, newest }: { isLost: boolean; newest: number },
): Promise<void> {
  if (isLost) await site.people.restore(backup, newest, (file) => rmSync(file));
  else await site.people.restore(backup, null);
}

async function rotateNow(site: Site, { device }: Seat): Promise<void> {
  const before = device.key;
  await device.rotate();
  await site.until("its key is new", () => device.key !== before);
  await site.settle();
}

async function lateComer(site: Site, open: ShownCode): Promise<Seat> {
  const device = site.device("late");
  device.unbox(open);
  await site.until("the late one is activated", () => device.stored !== null);
  const seat = { name: "late", id: device.id ?? "", templateId: site.newId(), device };
  const added: Seat = { ...seat, isActive: true };
  site.seats.push(added);
  await site.settle();
  return added;
}

export const trust: Record<string, Play> = { rotation, revocation, withheld, restored };
