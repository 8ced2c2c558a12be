// SPDX-License-Identifier: Apache-2.0
// Codes at the simulated site (rules T3, T5 to T7; PROTOCOL 9.1, 10.2): the answer lost at any byte, processes that die
// at any write, two devices with one code, codes that have expired, are revoked, may not be used from there, wait for
// approval, activate several, or give an STLink to another device. Before it: play.ts. After it: scenarios/commander.ts.

import type { Prng } from "../../../host/net/sim/prng.ts";
import type { CodeRules, ShownCode } from "./administrator.ts";
import { ALL, type FaultName, peace, trouble } from "./faults.ts";
import {
  expect,
  expectOutside,
  expectRefused,
  expectTurnedAway,
  MINUTE_MS,
  type Play,
  SECOND_MS,
} from "./play.ts";
import type { Seat, Site } from "./site.ts";
import type { SimStlink } from "./stlink.ts";

/** A cut may be one of a hop that is not there yet: those that wait for a write or a commit are of more use here. */
const WHILE_ACTIVATING: FaultName[] = [...ALL, "cut", "cut", "commit", "write"];
const TROUBLE = { most: 5, ms: 4 * SECOND_MS };

const one: Play = {
  about: "one device, one code, faults at any byte, write and commit: activated once",
  run: async (site, prng) => {
    const seat = await site.seat("camera");
    const code = await site.people.code(seat.id);
    if (prng.chance(0.5)) await site.run(prng.pick([0, 500, 5000]));
    begin(seat, code);
    cutEarly(site, seat.device, prng);
    trouble(site, prng, WHILE_ACTIVATING, TROUBLE);
    await site.run(TROUBLE.ms);
    peace(site);
    await site.finish();
    expectOneUse(site, code, 1);
  },
};

/** The first hops of a device end at a byte of the activation. */
function cutEarly(site: Site, device: SimStlink, prng: Prng): void {
  for (let i = prng.below(3); i > 0; i--) {
    site.later(prng.below(400), () => {
      for (const pipe of site.hopsOf(device.host)) {
        prng.pick([pipe.client, pipe.server]).cutAfter(prng.below(3000));
      }
    });
  }
}

const two: Play = {
  about: "two devices with one code: one is activated, the other is told",
  run: async (site, prng) => {
    const seat = await site.seat("camera");
    const code = await site.people.code(prng.chance(0.5) ? seat.id : null);
    const [first, second] = [seat.device, site.device("copy")];
    first.unbox(code);
    site.later(prng.pick([0, 5, 50, 150, 250, 300, 400, 2000]) + prng.below(50), () =>
      second.unbox(code),
    );
    trouble(site, prng, ["cut", "commit", "commander", "connector"], TROUBLE);
    const isIn = ({ stored }: SimStlink) => stored !== null;
    const isDone = () => [first, second].some(isIn) && [first, second].some(isTold);
    await site.until("one is in, the other is told", isDone);
    peace(site);
    const [winner, loser] = isIn(first) ? [first, second] : [second, first];
    // Whatever it tries again, it stays outside.
    loser.restart(1);
    await site.run(2 * MINUTE_MS);
    expectOutside(loser);
    await adopt(site, winner);
    await site.finish();
    expectOneUse(site, code, 1);
  },
};

const isTold = ({ refusal }: SimStlink): boolean => refusal !== null;

/** An STLink that came by a code of no one's in particular, or of a seat whose device is another one now. */
async function adopt(site: Site, device: SimStlink): Promise<Seat> {
  const known = site.seats.find(({ id }) => id === device.id);
  if (known !== undefined) return Object.assign(known, { device, isActive: true });
  const seat = { name: device.name, id: device.id ?? "", templateId: site.newId() };
  const added: Seat = { ...seat, device, isActive: true };
  await site.people.adopt(added);
  site.seats.push(added);
  return added;
}

type Refused = { rules?: CodeRules; why: string; network?: string; prepare?: Preparation };
type Preparation = (site: Site, code: ShownCode, prng: Prng) => Promise<unknown>;

const REFUSED: Record<string, Refused> = {
  expired: {
    rules: { expiry: "1m" },
    why: "CodeExpired",
    prepare: (site) => site.run(MINUTE_MS + SECOND_MS),
  },
  network: { rules: { sources: ["10.0.1.0/24"] }, why: "WrongNetwork", network: "10.7.0" },
  revoked: { why: "CodeUnknown", prepare: (site, code) => site.people.revokeCode(code.codeId) },
  used: { why: "CodeUsed", prepare: activateAnother },
};

async function activateAnother(site: Site, code: ShownCode): Promise<void> {
  const device = site.device("first");
  device.unbox(code);
  await site.until("the first one is activated", () => device.stored !== null);
  await adopt(site, device);
  await site.settle();
}

const refused: Play = {
  about: "a code that has expired, was used or revoked, or may not be used from there",
  run: async (site, prng) => {
    const { rules, why, network, prepare } = REFUSED[prng.pick(Object.keys(REFUSED))] as Refused;
    const seat = await site.seat("camera");
    const code = await site.people.code(seat.id, rules);
    await prepare?.(site, code, prng);
    // A Connector that has not heard of the code yet knows no better reason than that.
    await site.run(SECOND_MS);
    trouble(site, prng, ["cut", "commander", "connector"], TROUBLE);
    const device = site.device("late", network);
    device.unbox(code);
    await expectRefused(site, device, why);
    await site.run(MINUTE_MS);
    expectOutside(device);
    peace(site);
    await site.settle();
  },
};

const approval: Play = {
  about: "a key waits until a person has compared it, through faults; then it is activated once",
  run: async (site, prng) => {
    const seat = await site.seat("camera");
    const code = await site.people.code(seat.id, { approval: true });
    begin(seat, code);
    trouble(site, prng, WHILE_ACTIVATING, { most: 4, ms: 20 * SECOND_MS });
    await site.until("its key waits", () => site.people.waitsWith(code.codeId) !== null);
    await site.run(prng.pick([0, 500, 30_000, 5 * MINUTE_MS]));
    expectOutside(seat.device);
    const key = seat.device.key;
    await site.people.approve(code.codeId, key);
    peace(site);
    await site.finish();
    expect(seat.device.key === key, "another key was activated");
    expectOneUse(site, code, 1);
  },
};

const several: Play = {
  about: "a code of three uses and four devices at once: three are in, each once",
  run: async (site, prng) => {
    const code = await site.people.code(null, { uses: 3 });
    const devices = ["a", "b", "c", "d"].map((name) => site.device(name));
    for (const device of devices) site.later(prng.below(3000), () => device.unbox(code));
    trouble(site, prng, WHILE_ACTIVATING, { most: 4, ms: 5 * SECOND_MS });
    const inside = () => devices.filter(({ stored }) => stored !== null);
    await site.until("three are in", () => inside().length === 3, 20 * MINUTE_MS);
    peace(site);
    for (const device of inside()) await adopt(site, device);
    await site.run(2 * MINUTE_MS);
    await site.finish();
    expectOneUse(site, code, 3);
    const outside = devices.filter(({ stored }) => stored === null);
    expect(outside.length === 1, `${outside.length} of four are outside`);
  },
};

const replace: Play = {
  about:
    "a code gives an STLink to another device: its id and Routes stay, the old key is nobody's",
  run: async (site, prng) => {
    const [a, b] = (await site.active("a", "b")) as [Seat, Seat];
    const pair = await site.pair(a, b);
    await site.talk(pair);
    const [seat, code] = [b, await site.people.code(b.id)];
    const [old, next] = [seat.device, site.device("next-b")];
    site.excuse("replaced", (one) => one.pair === pair);
    trouble(site, prng, ["cut", "commit", "commander", "connector"], TROUBLE);
    next.unbox(code);
    await site.until("it is replaced", () => next.stored !== null);
    seat.device = next;
    peace(site);
    await site.settle();
    old.silentFromMs = site.clock.nowMs + SECOND_MS;
    expect(next.id === seat.id, "the id has changed");
    await site.finish();
    await expectTurnedAway(site, old);
    await site.finish();
  },
};

function begin(seat: Seat, code: ShownCode): void {
  seat.device.unbox(code);
  seat.isActive = true;
}

/** What the database says of it. */
function expectOneUse(site: Site, { codeId }: ShownCode, most: number): void {
  const uses = site.people.usesOf(codeId);
  const keys = new Set(uses.map(({ key }) => key));
  expect(keys.size === most && uses.length === most, `a code has ${uses.length} uses`);
  expect(
    uses.every(({ confirmedAtMs }) => confirmedAtMs !== null),
    "a use is not confirmed",
  );
}

export const activation: Record<string, Play> = { one, two, refused, approval, several, replace };
