// SPDX-License-Identifier: Apache-2.0
// Keys and rights that change while two devices talk: rotation, replacement, revocation past an honest
// Connector and past one that withholds (test 10 of the rules), yesterday's database, a stolen Commander key
// (test 8). Rules T3, T8 to T12. The invariants of every run are those of control/site.ts and device.ts.

import { Prng } from "../../../host/net/sim/prng.ts";
import { sameBytes } from "../control/database.ts";
import type { Device } from "../control/device.ts";
import { COMMANDER } from "../control/register.ts";
import { atSite, type Site } from "../control/site.ts";
import { SimFailure } from "../failure.ts";
import type { Scenario } from "../scenario.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Reasons of 13.2. */
const REVOKED = 10;
const LEASE_EXPIRED = 15;
const NOT_ADMITTED = 50;
const CODE_UNKNOWN = 66;
/** What the Connector had written when it was told may still arrive: two latencies. */
const UNDER_WAY_MS = 20;

function expect(isSo: boolean, text: string): void {
  if (!isSo) throw new SimFailure(text);
}

function expectRefused(site: Site, device: Device, reason = NOT_ADMITTED): void {
  device.refusals.length = 0;
  const isRefused = (): boolean => device.refusals.includes(reason);
  site.finish(`${device.name} is not refused with ${reason}`, isRefused, MINUTE_MS);
  expect(!device.hasHop, `${device.name} has a hop`);
}

const RENEW = { type: "RENEW" } as const;

const rotate: Scenario = {
  name: "rotate",
  about:
    "a device changes its key under load, by itself or asked to, its wire cut now and then: no stream ends",
  run: (seed, context) => {
    const prng = new Prng(`rotate ${seed}`);
    atSite(context, `rotate ${seed}`, (site) => {
      const { a, b, pair } = site.pair();
      const traffic = site.traffic(pair, a, b);
      const [device, peer] = prng.chance(0.5) ? [a, b] : [b, a];
      const before = device.keys;
      if (prng.chance(0.5)) device.rotate();
      else expect(site.commander.tell(site.commander.row(device.name), RENEW), "it is away");
      for (let i = prng.below(5); i > 0; i--) {
        const who = prng.pick(["a", "b", COMMANDER]);
        site.clock.after(prng.below(1500), () => {
          for (const pipe of site.network.connectionsOf(who)) pipe.cut();
        });
      }
      const row = (): Uint8Array => site.commander.row(device.name).key;
      const isNew = (): boolean => device.keys !== before && sameBytes(row(), device.keys.key);
      site.finish("no new key", isNew);
      site.settle(a, b);
      const got = traffic.opener.got;
      site.finish("the stream stands still", () => traffic.opener.got > got, MINUTE_MS);
      expect(!traffic.isOver, `the stream was cut: ${traffic.text}`);
      expect(peer.logged.length === 0, `${peer.name} has logged ${peer.logged}`);
      // The peer's next session is with the new key; the old one is nobody's.
      peer.restart();
      site.run(5000);
      site.traffic(pair, a, b);
      const clone = site.device("clone");
      clone.keys = before;
      clone.flash = device.flash;
      clone.start();
      expectRefused(site, clone);
    });
  },
};

const rotateCrash: Scenario = {
  name: "rotate-crash",
  about:
    "the device crashes at step n of a rotation: it has the old key or the new one, and gets in",
  cases: () => ROTATE_STEPS,
  run: (seed, context) => {
    atSite(context, "rotate-crash", (site) => {
      const device = site.activated("a");
      const keys = device.rotate();
      device.crashAtTurn = device.turns + seed;
      const isDone = (): boolean => device.keys === keys && site.isSettled(device);
      site.finish("no new key", isDone, 10 * MINUTE_MS);
      site.run(MINUTE_MS);
      expect(sameBytes(site.commander.row("a").key, keys.key), "the Commander has the old key");
      expect(site.isSettled(device), "not settled");
    });
  },
};

/** More than the turns of a rotation (measured: 40 to the new hop). */
const ROTATE_STEPS = 60;

const replace: Scenario = {
  name: "replace",
  about: "a code bound to an id gives it to another device: no overlap, PeerKeyChanged at its peer",
  run: (seed, context) => {
    const prng = new Prng(`replace ${seed}`);
    atSite(context, `replace ${seed}`, (site) => {
      const { a, b, pair } = site.pair();
      const traffic = site.traffic(pair, a, b);
      const old = site.commander.row("b");
      const [before, id] = [old.key, old.id];
      const next = site.device("b2");
      next.code = site.commander.issue("b", DAY_MS, old).text;
      site.run(prng.below(500));
      next.start();
      const isReplaced = (): boolean => !sameBytes(site.commander.row("b").key, before);
      site.finish("not replaced", isReplaced);
      site.silence("b", site.clock.nowMs + 2 * UNDER_WAY_MS);
      site.settle(a, next);
      expect(sameBytes(next.stored?.id as Uint8Array, id), "the id has changed");
      expect(traffic.opener.reason === REVOKED, `the stream goes on: ${traffic.text}`);
      expect(a.logged.join() === "PeerKeyChanged", `a has logged ${a.logged}`);
      site.traffic(pair, a, next);
      expectRefused(site, b);
    });
  },
};

const revoke: Scenario = {
  name: "revoke",
  about: "revocation past an honest Connector: packets purged, streams reset, at once",
  run: (seed, context) => {
    const prng = new Prng(`revoke ${seed}`);
    atSite(context, `revoke ${seed}`, (site) => {
      const { a, b, pair } = site.pair();
      const traffic = site.traffic(pair, a, b);
      site.run(prng.below(2000));
      const [gone, stays] = prng.chance(0.5) ? [a, b] : [b, a];
      const end = gone === a ? traffic.accepter : traffic.opener;
      site.commander.revoke(gone.name, () => {
        site.silence(gone.name, site.clock.nowMs + UNDER_WAY_MS);
      });
      site.finish("the stream is not reset", () => end.reason === REVOKED, 1000);
      site.settle(stays);
      expectRefused(site, gone);
      gone.restart();
      expectRefused(site, gone);
      expect(site.isSettled(stays), `${stays.name} is not settled any more`);
    });
  },
};

const LEASE_MS = 2 * 3_600_000;
/** A message of the Commander may have been under way when the Connector began to withhold. */
const LEASE_SLACK_MS = 100;

/** Test 10. Kinds: both hold to their lease; the revoked one has none; the other one reboots on and on. */
const withhold: Scenario = {
  name: "withhold",
  about: "a Connector withholds a revocation: the last byte is before the lease's end",
  run: (seed, context) => {
    const prng = new Prng(`withhold ${seed}`);
    const kind = prng.pick(["leases", "no lease", "reboots"]);
    atSite(context, `withhold ${seed}`, (site) => {
      site.leaseSeconds = LEASE_MS / 1000;
      const { a, b, pair } = site.pair();
      if (kind === "no lease") {
        site.commander.row("a").leaseSeconds = 0;
        site.commander.deploy();
        site.settle(a, b);
      }
      let traffic = site.traffic(pair, a, b);
      traffic.restMs = 5000;
      const beganMs = site.clock.nowMs;
      site.register.isDeaf = true;
      site.connector.meddle = ({ from, to, bytes }) =>
        [from, to].includes(COMMANDER) ? [] : [{ bytes, delayMs: 0 }];
      site.commander.revoke("a");
      site.silence("a", beganMs + LEASE_MS + LEASE_SLACK_MS);
      let lastByteAtMs = 0;
      const everyMs = prng.between(5, 50) * MINUTE_MS;
      for (let at = 0; at < LEASE_MS + 30 * MINUTE_MS; at += everyMs) {
        site.run(everyMs);
        lastByteAtMs = Math.max(lastByteAtMs, traffic.lastByteAtMs);
        if (kind !== "reboots") continue;
        b.restart();
        site.run(5000);
        if (traffic.isOver) {
          traffic = site.connect(pair, a, b);
          traffic.restMs = 5000;
        }
      }
      expect(lastByteAtMs > beganMs, "the Connector did not withhold");
      if (kind !== "reboots") {
        expect(lastByteAtMs > beganMs + LEASE_MS - 10_000, "the lease has ended early");
        const { reason } = traffic.accepter;
        expect(reason === LEASE_EXPIRED, `ended with ${reason}`);
      }
      // Then it is honest: what was withheld comes, and the lease with it.
      site.register.isDeaf = false;
      site.connector.meddle = null;
      site.commander.publish();
      site.finish("not settled", () => site.isSettled(b), 10 * MINUTE_MS);
      expect(b.stored?.peers.length === 0, "b still knows a");
      expectRefused(site, a);
    });
  },
};

/** Test 8: `sealed restore`. */
const restore: Scenario = {
  name: "restore",
  about:
    "yesterday's database is restored: the epoch rises, nobody refuses it, no code is used again",
  run: (seed, context) => {
    const prng = new Prng(`restore ${seed}`);
    atSite(context, `restore ${seed}`, (site) => {
      const { commander } = site;
      const { a, b, pair } = site.pair();
      const traffic = site.traffic(pair, a, b);
      const open = commander.issue("late", 2 * DAY_MS).text;
      const backup = structuredClone(commander.db);
      for (let i = prng.between(1, 4); i > 0; i--) {
        commander.deploy();
        site.run(prng.pick([0, 10, 2000]));
      }
      const late = site.device("late");
      late.code = open;
      late.start();
      site.settle(late, a, b);
      if (prng.chance(0.3)) site.clock.after(20, () => b.restart(prng.pick([1, 5000, 60_000])));
      // Before, a version may have come twice.
      for (const device of [a, b]) device.drops.length = 0;
      const newest = commander.db;
      commander.restore(backup, newest.epoch);
      site.settle(a, b);
      const isOlder = commander.db.serial < newest.serial && a.stored?.epoch === newest.epoch + 1;
      expect(isOlder, "nothing was restored");
      for (const { name, drops } of [a, b]) {
        expect(!drops.includes("OldConfig"), `${name} refuses the restored database`);
      }
      if (b.life === 1) expect(!traffic.isOver, `the stream was cut: ${traffic.text}`);
      // Who came after the backup is a stranger, and so is who has its code; a new code gets it in.
      expectRefused(site, late);
      const copy = site.device("copy");
      copy.code = open;
      copy.start();
      expectRefused(site, copy, CODE_UNKNOWN);
      late.code = commander.issue("late", DAY_MS).text;
      late.reset();
      site.settle(late);
    });
  },
};

/** Test 8: a thief has the current key; the operator has the recovery key. */
const takeover: Scenario = {
  name: "takeover",
  about: "a thief has the Commander's key: the recovery key takes the site back, for ever",
  run: (seed, context) => {
    const prng = new Prng(`takeover ${seed}`);
    atSite(context, `takeover ${seed}`, (site) => {
      const { a, b, pair } = site.pair();
      const both = [a, b];
      const traffic = site.traffic(pair, a, b);
      traffic.restMs = 5000;
      const { commander } = site;
      const db = structuredClone(commander.db);
      const thiefKeys = site.keyPair("thief");
      const thief = site.replaceCommander(commander.keys, site.recovery.key, commander.db);
      const thiefEpoch = prng.pick([2, 7]);
      thief.onState = () => [install(thiefKeys, thiefKeys, thiefEpoch)];
      site.finish(
        "the thief is not heard",
        () => both.every(hasDropped("BadConfig")),
        2 * MINUTE_MS,
      );
      if (prng.chance(0.5)) {
        // Its own key instead of the stolen one is the most that the current key can install.
        thief.onState = () => [install(thiefKeys, site.recovery, thiefEpoch)];
        for (const { name } of both)
          thief.tell(thief.row(name), install(thiefKeys, site.recovery, thiefEpoch));
        site.finish("not installed", () => both.every(isPinned(thiefEpoch)), MINUTE_MS);
      }
      const epoch = thiefEpoch + prng.between(1, 9);
      const [current, recovery] = [site.keyPair("current'"), site.keyPair("recovery'")];
      move(site, site.recovery.key);
      const operator = site.replaceCommander(site.recovery, recovery.key, structuredClone(db));
      operator.onState = () => [install(current, recovery, epoch)];
      site.finish("not taken back", () => both.every(isPinned(epoch)), 30 * MINUTE_MS);
      move(site, current.key);
      site.replaceCommander(current, recovery.key, { ...structuredClone(db), epoch });
      site.finish("not settled", () => both.every((one) => site.isSettled(one)), 30 * MINUTE_MS);
      expect(!traffic.isOver, `the stream was cut: ${traffic.text}`);
      expectForEver(site, both, epoch, prng);
      // A Connector that lets the thief in again helps it to nothing.
      const before = both.map(({ flash }) => flash);
      move(site, commander.keys.key);
      const again = site.replaceCommander(commander.keys, site.recovery.key, structuredClone(db));
      again.onState = () => [install(thiefKeys, site.recovery, epoch + 100)];
      site.run(20 * MINUTE_MS);
      expect(again.got.length === 0, `the thief has got ${again.got}`);
      expect(
        both.every(({ flash }, i) => flash === before[i]),
        "the thief has changed something",
      );
    });
  },
};

type Keys = { key: Uint8Array };

function install(current: Keys, recovery: Keys, epoch: number) {
  return { type: "INSTALL" as const, current: current.key, recovery: recovery.key, epoch };
}

const hasDropped =
  (status: string) =>
  ({ drops }: Device): boolean =>
    drops.includes(status);

const isPinned =
  (epoch: number) =>
  (device: Device): boolean =>
    device.pinnedEpoch === epoch;

/** The operator tells the Connector which key the Commander's id has now; the hop before is shut. */
function move(site: Site, key: Uint8Array): void {
  site.register.moveCommander(key);
  site.connector.purge(COMMANDER);
}

/** A lower or equal epoch is refused, and is refused after a reboot too (T8). */
function expectForEver(site: Site, devices: Device[], epoch: number, prng: Prng): void {
  const { commander } = site;
  const keys = site.keyPair("too late");
  for (const device of devices) {
    if (prng.chance(0.5)) device.restart();
    site.settle(device);
    site.run(5000);
    const before = device.flash;
    device.drops.length = 0;
    const recovery = { key: commander.authority.recoveryKey };
    for (const lower of [epoch, epoch - 1, 0]) {
      commander.tell(commander.row(device.name), install(keys, recovery, lower));
    }
    const isRefused = (): boolean => device.drops.includes("OldConfig");
    site.finish(`${device.name} does not refuse a lower epoch`, isRefused, MINUTE_MS);
    expect(device.flash === before, `${device.name} has taken a lower epoch`);
  }
}

export const trust: Scenario[] = [
  rotate,
  rotateCrash,
  replace,
  revoke,
  withhold,
  restore,
  takeover,
];
