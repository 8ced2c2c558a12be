// SPDX-License-Identifier: Apache-2.0
// The control plane's main stories with bytes that come whole, in random splits and one by one, with the
// reference and with a core as the Commander (PROTOCOL section 10). Before it: control-pair.ts. What each
// message does is the matter of the other control* tests.

import { describe, expect, it } from "vitest";
import { StreamFlag } from "../../host/core/core.ts";
import { toHex } from "../reference/bytes.ts";
import type { Cut } from "../reference/wire.ts";
import { Commander } from "./control-commander.ts";
import { Pair } from "./control-pair.ts";
import type { WorldOptions } from "./control-world.ts";

const MINUTE = 60_000;
const REVOKED = 10;
const LEASE_EXPIRED = 15;
const WITHDRAWN = 18;
const CUTS: readonly Cut[] = ["whole", "random", "byte"];
const COMMANDERS = ["reference", "core"] as const;
const WAYS = CUTS.flatMap((cut) =>
  COMMANDERS.map((commander): [Cut, (typeof COMMANDERS)[number]] => [cut, commander]),
);

describe.each(WAYS)("bytes %s, Commander %s", (cut, commander) => {
  const options: WorldOptions = { cut, commander };
  const pairOf = (seed: string) => new Pair(`${seed} ${cut} ${commander}`, options);

  it("activates, configures, and lets a stream through", () => {
    const pair = pairOf("cuts");
    const stream = pair.connect();
    const [a, b] = pair.devices;
    expect(a.core.streamPut(stream, new Uint8Array([1, 2, 3]))).toBe(3);
    pair.world.run(1000);
    expect([...b.core.streamTake(b.news[0] as number)]).toEqual([1, 2, 3]);
    expect(pair.b.got).toEqual(expect.arrayContaining(["ACTIVATE", "CONFIRM", "STATE", "REPORT"]));
  });

  it("withdraws a Route, then revokes the peer", () => {
    const pair = pairOf("withdraws");
    const { a, b } = pair;
    const stream = pair.connect();
    pair.deploy(b, pair.next([pair.peer(a)], [], true));
    pair.settle(b);
    expect(pair.end(a, stream)).toBe(WITHDRAWN);
    pair.deploy(a, pair.next([pair.peer(b)], [pair.binding()]));
    pair.deploy(b, pair.next([pair.peer(a)], [pair.mapping()], true));
    for (const entry of [a, b]) pair.settle(entry);
    pair.connect();
    pair.deploy(b, pair.next([], [], true));
    pair.settle(b);
    expect(b.device.core.streamInfo(b.device.news.at(-1) as number).reason).toBe(REVOKED);
  });

  it("rotates a key while a stream runs", () => {
    const pair = pairOf("rotates");
    const { a, b, world } = pair;
    const stream = pair.connect();
    const keys = world.keyPair();
    const announced = pair.peer(b, b.device.keys, keys.publicKey);
    pair.deploy(a, pair.next([announced], [pair.binding()], true));
    pair.settle(a);
    b.config = { ...pair.next([pair.peer(a)], [pair.mapping()]), id: b.id };
    b.device.nextKeys = keys;
    b.device.core.rotate(keys.privateKey, keys.publicKey);
    const isDone = () => b.device.keys === keys && b.device.core.flags() < 4;
    expect(world.run(MINUTE, isDone)).toBe(true);
    a.device.core.linkConnect(pair.link(a, b));
    world.run(MINUTE);
    expect(a.device.core.streamFlags(stream) & StreamFlag.Closed).toBe(0);
  });

  it("is recovered by the recovery key", () => {
    const pair = pairOf("recovers");
    const { world, b } = pair;
    const [current, recovery] = [world.keyPair(), world.keyPair()];
    const { commander: before } = pair;
    const successor = (keys: typeof current) => {
      for (const one of world.members.filter((member) => member instanceof Commander)) {
        one.hangUp();
        world.members.splice(world.members.indexOf(one), 1);
      }
      const next = new Commander(world, keys, recovery, before.id, "successor");
      world.admit(keys.publicKey, before.id);
      world.add(next).dial();
      for (const entry of [pair.a, pair.b]) next.knows(entry);
      b.got.length = 0;
      return next;
    };
    successor(before.recovery).onState = () => [
      { type: "INSTALL", current: current.publicKey, recovery: recovery.publicKey, epoch: 2 },
    ];
    expect(world.run(20 * MINUTE, () => b.device.stored === 3)).toBe(true);
    successor(current);
    expect(world.run(10 * MINUTE, () => b.got.includes("STATE"))).toBe(true);
  });

  it("cuts links when the lease ends, and gives them back", () => {
    const pair = pairOf("lease");
    const { world, a, b } = pair;
    const lease = { leaseSeconds: 600 };
    pair.deploy(a, { ...pair.next([pair.peer(b)], [pair.binding()], true), ...lease });
    pair.deploy(b, { ...pair.next([pair.peer(a)], [pair.mapping()]), ...lease });
    for (const entry of [a, b]) pair.settle(entry);
    const stream = pair.connect();
    world.withheld.add(toHex(pair.commander.id));
    expect(pair.end(a, stream, 11 * MINUTE)).toBe(LEASE_EXPIRED);
    world.withheld.clear();
    const isBack = () => [a, b].every(({ device }) => !device.core.controlState().leaseExpired);
    expect(world.run(5 * MINUTE, isBack)).toBe(true);
    pair.connect();
  });
});
