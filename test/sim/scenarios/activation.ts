// SPDX-License-Identifier: Apache-2.0
// Test 8 of the rules: activation with the wire cut at every byte and the device crashed at every step, two
// devices with one code, codes that have expired. Rules T5 to T7, PROTOCOL 10.2. The invariants of every
// run are those of control/site.ts and control/device.ts.

import { ControlPhase } from "../../../host/core/core.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import type { Device } from "../control/device.ts";
import { atSite, type Site } from "../control/site.ts";
import { SimFailure } from "../failure.ts";
import { type Context, QUIET, type Scenario } from "../scenario.ts";

const HOUR_MS = 3_600_000;
/** Every repetition of section 11 that a cut may wait for, and a restart. */
const DONE_MS = 120_000;
/** Reasons of 13.2. */
const CODE_USED = 64;
const CODE_EXPIRED = 65;

/** A device with a fresh code, not started yet. */
function camera(site: Site, name = "camera"): Device {
  const device = site.device(name);
  device.code = site.commander.issue("camera", HOUR_MS).text;
  return device;
}

/** Activated, confirmed under its own id, and one STLink in the database. */
function finish(site: Site, device: Device): void {
  const isDone = (): boolean => site.isSettled(device) && site.commander.got.includes(HEARD);
  const more = (): string => `${device.drops} ${device.refusals} ${site.commander.got}`;
  site.finish("not activated", isDone, DONE_MS, more);
  const count = site.commander.db.rows.length;
  if (count !== 1) throw new SimFailure(`one device made ${count} STLinks`);
}

/** The first word under the device's own id. */
const HEARD = "camera STATE";

type Place = { at: number; way: "up" | "down"; bytes: number };

let places: Place[] = [];
/** What the device had got on its first hop before the Commander answered. */
let answerFrom = 0;
let steps = 0;

/** An activation in which nothing goes wrong: its bytes, and the device's turns. */
function measure(): void {
  if (places.length > 0) return;
  atSite(QUIET, "activation", (site) => {
    const device = camera(site);
    device.start();
    site.finish("not asked", () => site.commander.got.length > 0);
    answerFrom =
      site.connections.find(({ member }) => member === device.name)?.end.receivedBytes ?? 0;
    finish(site, device);
    steps = device.turns;
    const own = site.connections.filter(({ member }) => member === device.name);
    places = own.flatMap(({ end, server }, at) => [
      ...bytesOf(server.receivedBytes).map((bytes) => ({ at, way: "up" as const, bytes })),
      ...bytesOf(end.receivedBytes).map((bytes) => ({ at, way: "down" as const, bytes })),
    ]);
  });
}

function bytesOf(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

const activationCut: Scenario = {
  name: "activation-cut",
  about: "the wire is cut after byte n of an activation, either way, on either hop",
  cases: () => {
    measure();
    return places.length;
  },
  run: (seed, context) => {
    measure();
    cutAt(context, places[seed] as Place);
  },
};

/** The bytes of `places` that come after the Commander has been asked. */
function answer(): Place[] {
  measure();
  return places.filter(({ at, way, bytes }) => at === 0 && way === "down" && bytes > answerFrom);
}

const activationAnswer: Scenario = {
  name: "activation-answer",
  about: "the wire is cut after byte n of the Commander's answer",
  cases: () => answer().length,
  run: (seed, context) => cutAt(context, answer()[seed] as Place),
};

function cutAt(context: Context, place: Place): void {
  atSite(context, "activation", (site) => {
    const device = camera(site);
    site.cut = { member: device.name, ...place };
    device.start();
    finish(site, device);
    if (device.stores !== 1) throw new SimFailure(`stored ${device.stores} times`);
  });
}

const activationCrash: Scenario = {
  name: "activation-crash",
  about:
    "the device crashes at its step n, or as it stores, with the configuration whole or not there",
  cases: () => {
    measure();
    return steps + 2;
  },
  run: (seed, context) => {
    measure();
    atSite(context, "activation", (site) => {
      const device = camera(site);
      if (seed < steps) device.crashAtTurn = seed;
      else device.storePlan = seed === steps ? "crash before" : "crash after";
      device.start();
      finish(site, device);
    });
  },
};

const activationTwice: Scenario = {
  name: "activation-twice",
  about: "two devices have one code: one is activated, the other hears CodeUsed",
  run: (seed, context) => {
    const prng = new Prng(`activation-twice ${seed}`);
    atSite(context, `activation-twice ${seed}`, (site) => {
      const first = camera(site);
      const second = site.device("copy");
      second.code = first.code;
      first.start();
      site.clock.after(prng.pick([0, 5, 50, 150, 250, 300, 400, 2000]) + prng.below(50), () => {
        second.start();
      });
      const both = [first, second];
      const isDone = (): boolean => both.some((one) => site.isSettled(one));
      site.finish("neither is activated", isDone, DONE_MS);
      const loser = both.find((one) => one.phase !== ControlPhase.Activated) ?? second;
      const isTold = (): boolean => loser.refusals.includes(CODE_USED);
      site.finish("the other is not told", isTold, DONE_MS);
      // Whatever it tries again, it stays outside.
      loser.restart();
      site.run(20_000);
      expectOutside(loser);
    });
  },
};

function expectOutside(device: Device): void {
  if (device.phase === ControlPhase.Activated || device.flash.length > 0) {
    throw new SimFailure(`${device.name} is activated`);
  }
}

/** Cases: expired or used; told by the Connector, or by the Commander behind one that admits anybody. */
const activationExpired: Scenario = {
  name: "activation-expired",
  about: "a code that has expired or is used gets nobody in, past a Connector that takes all, too",
  cases: () => 4,
  run: (seed, context) => {
    const isLax = seed % 2 === 1;
    const isUsed = seed >= 2;
    atSite(context, `activation-expired ${seed}`, (site) => {
      const device = camera(site);
      const { code } = device;
      if (isUsed) activateOther(site, device);
      else site.run(HOUR_MS + 1);
      site.register.isLax = isLax;
      const late = site.device("late");
      late.code = code;
      late.start();
      const reason = isUsed ? CODE_USED : CODE_EXPIRED;
      const isTold = (): boolean =>
        late.refusals.includes(reason) ||
        (late.isUp && late.core.controlState().refused === reason);
      site.finish(`reason ${reason} was not heard`, isTold, DONE_MS);
      site.run(20_000);
      expectOutside(late);
    });
  },
};

function activateOther(site: Site, device: Device): void {
  device.start();
  site.settle(device);
}

const activationLost: Scenario = {
  name: "activation-lost",
  about:
    "everything that the Commander says is lost for a while; the same key gets the same answer",
  run: (seed, context) => {
    const prng = new Prng(`activation-lost ${seed}`);
    atSite(context, `activation-lost ${seed}`, (site) => {
      const device = camera(site);
      const untilMs = prng.pick([2000, 20_000, 100_000]);
      const chance = prng.pick([0.3, 0.7, 1]);
      site.connector.meddle = ({ bytes, atMs }) =>
        atMs < untilMs && prng.chance(chance) ? [] : [{ bytes, delayMs: 0 }];
      device.start();
      for (let i = prng.below(4); i > 0; i--) {
        site.clock.after(prng.below(untilMs), () => device.restart());
      }
      site.run(untilMs);
      finish(site, device);
    });
  },
};

export const activation: Scenario[] = [
  activationCut,
  activationAnswer,
  activationCrash,
  activationTwice,
  activationExpired,
  activationLost,
];
