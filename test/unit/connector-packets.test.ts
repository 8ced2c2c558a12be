// SPDX-License-Identifier: Apache-2.0
// Packets at a Connector: what is refused, to whom it is told, and what it costs the others when somebody
// sends too fast, sends tiny packets, or never reads. PROTOCOL section 9; rules F5, F7, K2, K3, T4.

import { describe, expect, it } from "vitest";
import { Bucket } from "../../host/connector/bucket.ts";
import { Reason } from "../../host/core/abi.gen.ts";
import { ConnectorWorld, person, rulesFor } from "./connector-world.ts";

const KIB = 1024;
const PLENTY = 1 << 30;

describe("a packet", () => {
  it("is refused by its reason, counted by its sender, and told", async () => {
    const [office, camera, other] = [person("office"), person("camera"), person("other")];
    const groups = [["office", "camera"]];
    const world = await ConnectorWorld.start(rulesFor([office, camera, other], { groups }));
    const hop = world.dial(office);
    hop.send(other, 100, 2);
    hop.say({ type: "PACKET", class: 0, channel: 9, packet: new Uint8Array(10) });
    world.run(50);
    hop.send(camera, 65_200);
    world.run(50);
    expect(hop.dropped.toSorted()).toEqual([
      Reason.NotPaired,
      Reason.TooBig,
      Reason.UnknownChannel,
    ]);
    const counted = { NotPaired: 2, UnknownChannel: 1, TooBig: 1 };
    expect(world.connector.counters.refused).toEqual(counted);
    expect(world.place(office).refused).toEqual(counted);
  });

  it("larger than its receiver takes is refused at the sender, and the rest goes on", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const world = await ConnectorWorld.start(rulesFor([office, camera]));
    const hop = world.dial(office);
    const device = world.dial(camera, "192.0.2.2");
    device.allow(PLENTY);
    hop.send(camera, 65_000);
    hop.send(camera, 100);
    world.run(100);
    expect(device.bytesHeard()).toBe(65_100);
    const small = world.dialSmall(camera, 2048);
    small.allow(PLENTY);
    hop.send(camera, 2049);
    hop.send(camera, 100);
    world.run(100);
    expect([small.bytesHeard(), hop.dropped]).toEqual([100, [Reason.TooBig]]);
  });

  it("finds ids inside its sender's tenant alone, also where two tenants have the same", async () => {
    const red = [person("red-a", { tenant: "red" }), person("red-b", { tenant: "red" })] as const;
    const blue = person("blue-b", { tenant: "blue", id: red[1].id });
    const alone = person("blue-c", { tenant: "blue" });
    const world = await ConnectorWorld.start(rulesFor([...red, blue, alone]));
    const hop = world.dial(red[0]);
    hop.send(red[1], 100);
    hop.send(alone, 100);
    world.run(50);
    expect(world.place(red[1]).queue.heldPackets).toBe(1);
    expect(world.place(blue).queue.heldPackets).toBe(0);
    expect(hop.dropped).toEqual([Reason.NotPaired]);
  });

  it("is refused at its sender while its receiver mutes that one", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const world = await ConnectorWorld.start(rulesFor([office, camera]));
    const [hop, device] = [world.dial(office), world.dial(camera)];
    device.allow(PLENTY);
    hop.send(camera, 100);
    world.run(50);
    device.say({ type: "MUTE", channel: 0, seconds: 5 });
    hop.send(camera, 100);
    world.run(50);
    expect(hop.dropped).toEqual([Reason.Muted]);
    world.run(5000);
    hop.send(camera, 100);
    world.run(50);
    expect(device.bytesHeard()).toBe(200);
  });
});

describe("a token bucket", () => {
  it("gives a burst of one second, then the rate, in bytes and in packets", () => {
    const bucket = new Bucket({ bytesPerSecond: 1000, packetsPerSecond: 10 }, 0);
    const take = (bytes: number, nowMs: number) => {
      const has = bucket.has(bytes, nowMs);
      if (has) bucket.spend(bytes, 1);
      return has;
    };
    expect([take(600, 0), take(600, 0), take(400, 0), take(1, 0)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect([take(500, 400), take(500, 500)]).toEqual([false, true]);
    const tiny = Array.from({ length: 20 }, () => take(1, 60_000));
    expect(tiny.filter(Boolean)).toHaveLength(10);
  });

  it("owes at most a second's worth, and says how long to wait", () => {
    const bucket = new Bucket({ bytesPerSecond: 1000, packetsPerSecond: 10 }, 0);
    expect(bucket.waitMs(0)).toBe(0);
    bucket.spend(50_000, 0);
    expect(bucket.waitMs(0)).toBe(1100);
    expect(bucket.has(1, 1000)).toBe(false);
    expect(bucket.has(1, 1001)).toBe(true);
  });
});

describe("a sender that is too fast", () => {
  const rate = { bytesPerSecond: 640 * KIB, packetsPerSecond: 1000 };

  it("is not read for at most 100 ms at a time, and gets its rate and no more", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const rules = rulesFor([office, camera], { limits: { rate, queueBytes: 64 << 20 } });
    const world = await ConnectorWorld.start(rules);
    const hop = world.dial(office);
    for (let i = 0; i < 1000; i++) hop.send(camera, 8 * KIB);
    world.run(4000);
    const held = world.place(camera).queue.heldBytes;
    expect(hop.line.longestPauseMs).toBeLessThanOrEqual(100);
    expect(hop.line.waitingBytes).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(5 * 640 * KIB);
    expect(held).toBeGreaterThan(4 * 640 * KIB);
    expect(world.refused("RateLimited")).toBe(0);
    expect(world.connector.counters.pauses).toBeGreaterThan(10);
  });

  it("that puts more into one piece than its rate allows is refused, and told", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const world = await ConnectorWorld.start(rulesFor([office, camera], { limits: { rate } }));
    const hop = world.dial(office);
    hop.send(camera, 64, 1500);
    world.run(100);
    expect(world.refused("RateLimited")).toBe(500);
    expect(hop.dropped).toEqual([Reason.RateLimited]);
    expect(world.place(office).refused).toEqual({ RateLimited: 500 });
  });

  it("pays for what is no packet too", async () => {
    const office = person("office");
    const world = await ConnectorWorld.start(rulesFor([office], { limits: { rate } }));
    const hop = world.dial(office);
    for (let i = 0; i < 12_000; i++) hop.say({ type: "PING", token: i });
    world.run(200);
    expect(hop.line.pauses).toBeGreaterThan(0);
    expect(hop.line.waitingBytes).toBeGreaterThan(0);
    expect(hop.line.longestPauseMs).toBeLessThanOrEqual(100);
  });

  it("slows its tenant when that has a rate, and no other tenant", async () => {
    const [red, redB] = [person("red", { tenant: "red" }), person("red-b", { tenant: "red" })];
    const [blue, blueB] = [
      person("blue", { tenant: "blue" }),
      person("blue-b", { tenant: "blue" }),
    ];
    const tenants = [{ name: "red", rate }];
    const world = await ConnectorWorld.start(rulesFor([red, redB, blue, blueB], { tenants }));
    const [fast, other, free] = [world.dial(red), world.dial(redB), world.dial(blue)];
    fast.send(redB, 64, 1200);
    other.send(red, 64, 10);
    free.send(blueB, 64, 1200);
    world.run(10);
    expect(world.place(red).refused).toEqual({ RateLimited: 200 });
    expect(world.place(redB).refused.RateLimited).toBe(10);
    expect(world.place(blue).refused).toEqual({});
  });
});

describe("one queue and several senders", () => {
  it("gives a quiet sender its guarantee while another floods", async () => {
    const [office, camera, flood] = [person("office"), person("camera"), person("flood")];
    const limits = { queueBytes: 256 * KIB };
    const world = await ConnectorWorld.start(rulesFor([office, camera, flood], { limits }));
    const [quiet, loud, device] = [world.dial(office), world.dial(flood), world.dial(camera)];
    loud.send(camera, 1400, 2000);
    quiet.send(camera, 1400, 90);
    world.run(50);
    expect(world.place(office).refused).toEqual({});
    expect(world.place(flood).refused.QueueFull).toBeGreaterThan(1000);
    // As the receiver pulls, both get the same share, to a quantum, whatever the one that floods does.
    device.allow(200 * KIB);
    world.run(100);
    const taken = [device.bytesHeard(office), device.bytesHeard(flood)] as const;
    expect(taken[0] + taken[1]).toBeGreaterThan(198 * KIB);
    expect(Math.abs(taken[0] - taken[1])).toBeLessThanOrEqual(65_000);
  });

  it("is bounded in packets: one byte counts as 256", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const limits = { queueBytes: 256 * KIB };
    const world = await ConnectorWorld.start(rulesFor([office, camera], { limits }));
    world.dial(office).send(camera, 1, 3000);
    world.run(100);
    expect(world.place(camera).queue.heldPackets).toBe(1024);
    expect(world.refused("QueueFull")).toBe(1976);
  });

  it("holds what a receiver that never reads has not taken, and bounds it", async () => {
    const [office, camera, good] = [person("office"), person("camera"), person("good")];
    const limits = { queueBytes: 256 * KIB };
    const world = await ConnectorWorld.start(rulesFor([office, camera, good], { limits }));
    const [hop, deaf, device] = [world.dial(office), world.dial(camera), world.dial(good)];
    deaf.allow(PLENTY);
    deaf.line.isRead = false;
    device.allow(PLENTY);
    hop.send(camera, 16 * KIB, 100);
    hop.send(good, 16 * KIB, 10);
    world.run(1000);
    expect(deaf.line.unsentBytes).toBeLessThan(64 * KIB + 128 * KIB);
    expect(world.place(camera).queue.heldBytes).toBeLessThanOrEqual(256 * KIB);
    expect(world.refused("QueueFull")).toBeGreaterThan(50);
    expect(device.bytesHeard()).toBe(160 * KIB);
  });

  it("goes on while more STLinks than there are hop buffers never read theirs", async () => {
    const senders = Array.from({ length: 8 }, (_, i) => person(`sender-${i}`));
    const deaf = Array.from({ length: 96 }, (_, i) => person(`deaf-${i}`));
    const reader = person("reader");
    const everyone = [...senders, ...deaf, reader];
    const world = await ConnectorWorld.start(rulesFor(everyone, { limits: { hops: 128 } }));
    const hops = senders.map((sender) => world.dial(sender));
    const device = world.dial(reader);
    device.allow(PLENTY);
    for (const [i, one] of deaf.entries()) {
      const hop = world.dial(one);
      hop.allow(PLENTY);
      hop.line.isRead = false;
      hops[i % hops.length]?.send(one, 60_000);
    }
    world.run(50);
    for (const hop of hops) hop.send(reader, 60_000);
    world.run(50);
    expect(device.bytesHeard()).toBe(60_000 * hops.length);
    expect(world.hopsRefused("HopBuffers")).toBe(0);
  });

  it("says how much waits in it, and since when", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const world = await ConnectorWorld.start(rulesFor([office, camera]));
    const { queue } = world.place(camera);
    expect(queue.oldestSinceMs()).toBe(null);
    const hop = world.dial(office);
    const sinceMs = Math.floor(world.clock.nowMs);
    hop.send(camera, 100);
    world.run(3000);
    hop.send(camera, 100);
    world.run(10);
    expect(queue.oldestSinceMs()).toBe(sinceMs);
  });
});
