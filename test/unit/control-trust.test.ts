// SPDX-License-Identifier: Apache-2.0
// Keys and time (PROTOCOL 10.4 to 10.6; T3, T8, T11): a device that changes its key, a Commander that is
// replaced by its own key or by the recovery key, and a Commander that is not heard. Devices and Connector
// are cores; the Commander is the reference, or a core where a test is long.

import { describe, expect, it } from "vitest";
import { CoreFlag, StreamFlag } from "../../host/core/core.ts";
import { toHex } from "../reference/bytes.ts";
import type { ControlMessage } from "../reference/control.ts";
import { Commander, type Entry } from "./control-commander.ts";
import { Pair } from "./control-pair.ts";
import type { KeyPair } from "./control-world.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const LEASE_EXPIRED = 15;

describe("rotation", () => {
  /** Device `b` changes its key, and `a` is told of it as nextKey. */
  function rotate(pair: Pair): KeyPair {
    const { b } = pair;
    const keys = pair.world.keyPair();
    pair.deploy(
      pair.a,
      pair.next([pair.peer(b, b.device.keys, keys.publicKey)], [pair.binding()], true),
    );
    pair.settle(pair.a);
    b.config = { ...pair.next([pair.peer(pair.a)], [pair.mapping()]), id: b.id };
    b.device.nextKeys = keys;
    b.device.core.rotate(keys.privateKey, keys.publicKey);
    return keys;
  }

  it("switches after the Commander has published the key and flash has it, and streams go on", () => {
    const pair = new Pair("rotation");
    const stream = pair.connect();
    const keys = rotate(pair);
    const { device } = pair.b;
    expect(pair.world.run(20_000, () => device.keys === keys && device.core.flags() < 4)).toBe(
      true,
    );
    pair.world.run(5000);
    expect(pair.b.got).toContain("ROTATE");
    expect(pair.a.device.core.streamPut(stream, new Uint8Array([7]))).toBe(1);
    pair.world.run(2000);
    expect([...device.core.streamTake(device.news[0] as number)]).toEqual([7]);
    expect(pair.world.refused).toEqual([]);
  });

  it("is known to a peer by its next handshake", () => {
    const pair = new Pair("rotation peer");
    const keys = rotate(pair);
    const { device } = pair.b;
    pair.world.run(20_000, () => device.keys === keys && device.core.flags() < 4);
    pair.a.device.reboot();
    // Its first attempt is for the old key, the second one for the next.
    pair.connect(60_000);
  });

  it("does not switch before ROTATED, nor for another key", () => {
    const pair = new Pair("rotation early");
    const { b } = pair;
    const before = b.device.keys;
    pair.commander.silent = true;
    b.device.nextKeys = pair.world.keyPair();
    b.device.core.rotate(b.device.nextKeys.privateKey, b.device.nextKeys.publicKey);
    pair.world.run(5000);
    pair.commander.tell(b, { type: "ROTATED", key: pair.world.random(32) });
    pair.world.run(5000);
    expect(b.device.keys).toBe(before);
    expect(b.got).toContain("ROTATE");
  });

  it("is asked for again on the next stream, and survives a reboot in between", () => {
    const pair = new Pair("rotation reboot");
    const { b } = pair;
    pair.commander.silent = true;
    const keys = pair.world.keyPair();
    b.device.core.rotate(keys.privateKey, keys.publicKey);
    pair.world.run(5000);
    pair.commander.silent = false;
    b.device.reboot();
    b.device.nextKeys = keys;
    b.device.core.rotate(keys.privateKey, keys.publicKey);
    expect(pair.world.run(MINUTE, () => b.device.keys === keys)).toBe(true);
    expect(pair.world.run(MINUTE, () => b.device.core.flags() < 4)).toBe(true);
  });
});

/** INSTALL of new keys. */
function install(current: KeyPair, recovery: KeyPair, epoch: number): ControlMessage {
  return { type: "INSTALL", current: current.publicKey, recovery: recovery.publicKey, epoch };
}

/** What of the Commander's words had no effect, and why. */
function refusals({ device }: Entry): string[] {
  return device.drops.filter((drop) => drop.endsWith("Config"));
}

/** Another Commander under the same id, which knows the devices. */
function successor(pair: Pair, keys: KeyPair, recovery: KeyPair): Commander {
  const { world, commander } = pair;
  for (const before of world.members.filter((member) => member instanceof Commander)) {
    before.hangUp();
    world.members.splice(world.members.indexOf(before), 1);
  }
  const next = new Commander(world, keys, recovery, commander.id, "successor");
  world.admit(keys.publicKey, commander.id);
  world.add(next).dial();
  for (const entry of [pair.a, pair.b]) {
    entry.got.length = 0;
    next.knows(entry);
  }
  return next;
}

describe("INSTALL", () => {
  it("of the current key replaces it, and not the recovery key", () => {
    const pair = new Pair("install");
    const { world, commander, b } = pair;
    const keys = world.keyPair();
    commander.tell(b, install(keys, world.keyPair(), 2));
    world.run(2000);
    expect(b.device.drops).toEqual(["BadConfig"]);
    commander.tell(b, install(keys, commander.recovery, 2));
    world.run(2000);
    expect(b.device.stored).toBe(3);
    successor(pair, keys, commander.recovery);
    expect(world.run(5 * MINUTE, () => b.got.includes("STATE"))).toBe(true);
    expect(pair.a.got).toEqual([]);
  });

  it.each([0, 1])("of epoch %i is refused", (epoch) => {
    const pair = new Pair(`epoch ${epoch}`);
    const { world, commander, b } = pair;
    commander.tell(b, install(world.keyPair(), commander.recovery, epoch));
    world.run(2000);
    expect(b.device.drops).toEqual(["OldConfig"]);
    expect(b.device.stored).toBe(2);
  });

  it("of an epoch that was installed before is refused after a reboot too", () => {
    const pair = new Pair("for ever");
    const { world, commander, b } = pair;
    const keys = world.keyPair();
    commander.tell(b, install(keys, commander.recovery, 7));
    world.run(2000);
    b.device.reboot();
    const next = successor(pair, keys, commander.recovery);
    expect(world.run(5 * MINUTE, () => b.got.includes("STATE"))).toBe(true);
    next.tell(b, install(world.keyPair(), commander.recovery, 7));
    world.run(2000);
    expect(refusals(b)).toEqual(["OldConfig"]);
    // So is a configuration of an older epoch.
    next.deploy(b, { ...next.configuration(b.id, 9n), epoch: 6 });
    world.run(2000);
    expect(refusals(b)).toEqual(["OldConfig", "OldConfig"]);
    next.deploy(b, { ...next.configuration(b.id, 1n), epoch: 7 });
    expect(world.run(MINUTE, () => b.confirmed.includes(next.hash(b)))).toBe(true);
  });

  it("has no effect when flash fails", () => {
    const pair = new Pair("install flash");
    const { world, commander, b } = pair;
    b.device.stores = false;
    commander.tell(b, install(world.keyPair(), commander.recovery, 2));
    world.run(2000);
    b.device.stores = true;
    expect(commander.tell(b, { type: "REFUSED", reason: 3 })).toBe(true);
    world.run(2000);
    expect(b.device.core.controlState().refused).toBe(3);
  });
});

describe("recovery", () => {
  /** A Commander with the recovery key, which answers STATE with `answer`. */
  function recover(pair: Pair, answer: (entry: Entry) => ControlMessage[]): Commander {
    const next = successor(pair, pair.commander.recovery, pair.world.keyPair());
    next.onState = answer;
    return next;
  }

  it("is found after ten minutes of silence, and gives the device to new keys", () => {
    const pair = new Pair("recovery");
    const { world, b } = pair;
    const [keys, recovery] = [world.keyPair(), world.keyPair()];
    recover(pair, () => [install(keys, recovery, 2)]);
    const began = world.now;
    expect(world.run(20 * MINUTE, () => b.device.stored === 3)).toBe(true);
    expect(world.now - began).toBeGreaterThan(9 * MINUTE);
    successor(pair, keys, recovery);
    expect(world.run(10 * MINUTE, () => b.got.includes("STATE"))).toBe(true);
    expect(b.device.core.controlState().byRecoveryKey).toBe(false);
  });

  it("may do nothing else", () => {
    const pair = new Pair("only install");
    const { world, b } = pair;
    const before = pair.inForce(b);
    recover(pair, (entry) => {
      const config = { ...pair.next([], [], true), id: entry.id, epoch: 3 };
      pair.deploy(entry, config);
      return [
        { type: "CURRENT", epoch: 1, serial: 2n },
        { type: "REFUSED", reason: 10 },
        { type: "ROTATED", key: world.random(32) },
        { type: "RENEW" },
      ];
    });
    expect(world.run(20 * MINUTE, () => b.got.includes("STATE"))).toBe(true);
    expect(b.device.core.controlState().byRecoveryKey).toBe(true);
    world.run(5000);
    expect(b.device.core.flags() & CoreFlag.WantsRenew).toBe(0);
    expect(pair.inForce(b)).toBe(before);
    expect(b.device.core.controlState().refused).toBe(0);
    expect(b.device.stored).toBe(2);
  });

  it("is left again when it installs nothing", () => {
    const pair = new Pair("left");
    const { world, b, commander } = pair;
    recover(pair, () => []);
    expect(world.run(20 * MINUTE, () => b.got.includes("STATE"))).toBe(true);
    successor(pair, commander.keys, commander.recovery);
    expect(world.run(5 * MINUTE, () => b.got.includes("STATE"))).toBe(true);
    expect(b.device.core.controlState().byRecoveryKey).toBe(false);
  });

  it("is tried once a day while the current key answers, and changes nothing", () => {
    const pair = new Pair("daily", { commander: "core" });
    const { world, b, commander } = pair;
    const stream = pair.connect();
    commander.drops.length = 0;
    world.run(DAY + 5 * MINUTE);
    expect(commander.drops).toContain("BadTag");
    expect(b.device.core.controlState().byRecoveryKey).toBe(false);
    expect(pair.a.device.core.streamFlags(stream) & StreamFlag.Closed).toBe(0);
  });
});

describe("a lease", () => {
  /** Both devices with a lease of an hour. */
  function leased(seed: string): Pair {
    const pair = new Pair(seed);
    const config = pair.next([], [], true);
    const sides = [
      [pair.a, [pair.peer(pair.b)], [pair.binding()]],
      [pair.b, [pair.peer(pair.a)], [pair.mapping()]],
    ] as const;
    for (const [entry, peers, routes] of sides) {
      pair.deploy(entry, { ...config, peers: [...peers], routes: [...routes], leaseSeconds: 3600 });
      pair.settle(entry);
    }
    return pair;
  }

  it("is whole while the Commander is heard", () => {
    const pair = leased("heard");
    const stream = pair.connect();
    pair.world.run(3 * 60 * MINUTE);
    expect(pair.a.device.core.streamFlags(stream) & StreamFlag.Closed).toBe(0);
    expect(pair.b.device.core.leaseLeftMs()).toBeGreaterThan(59 * MINUTE - 1024);
  });

  it("cuts everything but the control link when it ends, and gives it back", () => {
    const pair = leased("ends");
    const { world, a, b } = pair;
    const stream = pair.connect();
    world.withheld.add(toHex(pair.commander.id));
    world.run(55 * MINUTE);
    expect(a.device.core.streamFlags(stream) & StreamFlag.Closed).toBe(0);
    expect(pair.end(a, stream, 6 * MINUTE)).toBe(LEASE_EXPIRED);
    world.run(MINUTE);
    expect(b.device.core.controlState().leaseExpired).toBe(true);
    expect(pair.end(a, pair.open(), 2 * MINUTE)).toBe(LEASE_EXPIRED);
    world.withheld.clear();
    const isBack = () => [a, b].every(({ device }) => !device.core.controlState().leaseExpired);
    expect(world.run(5 * MINUTE, isBack)).toBe(true);
    pair.connect();
  });

  it("is not renewed by a reboot", () => {
    const pair = leased("saved");
    const { world, b } = pair;
    world.withheld.add(toHex(pair.commander.id));
    world.run(50 * MINUTE);
    const saved = b.device.core.leaseLeftMs();
    expect(saved).toBeLessThanOrEqual(10 * MINUTE + 41_000);
    b.device.reboot();
    b.device.core.setLeaseLeftMs(saved);
    expect(b.device.core.leaseLeftMs()).toBe(saved);
    world.run(12 * MINUTE);
    expect(b.device.core.controlState().leaseExpired).toBe(true);
    expect(b.device.core.flags() & CoreFlag.WantsStore).toBe(0);
  });

  it("of zero seconds never ends", () => {
    const pair = new Pair("never");
    const config = { ...pair.next([pair.peer(pair.a)], [pair.mapping()], true), leaseSeconds: 0 };
    pair.deploy(pair.b, config);
    pair.settle(pair.b);
    expect(pair.b.device.core.leaseLeftMs()).toBe(Number.POSITIVE_INFINITY);
  });
});
