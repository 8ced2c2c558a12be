// SPDX-License-Identifier: Apache-2.0
// Hops at a Connector: who gets in and under which key, who is turned away and hears why, what a flood of
// them can do, and how they go when rules change or the Connector stops. PROTOCOL section 9; rules K1 to
// K9, T2 to T4, T10.

import { describe, expect, it } from "vitest";
import { Reason } from "../../host/core/abi.gen.ts";
import { publicKey } from "../reference/noise.ts";
import { ConnectorWorld, person, rulesFor } from "./connector-world.ts";

const PACKET = 500;

describe("admission", () => {
  it("welcomes a key of the rules, and tells a stranger under the seal", async () => {
    const [office, stranger] = [person("office"), person("stranger")];
    const world = await ConnectorWorld.start(rulesFor([office]));
    expect(world.dial(office).isUp).toBe(true);
    expect(world.dial(stranger).endReason).toBe(Reason.NotAdmitted);
    expect(world.hopsRefused("NotAdmitted")).toBe(1);
  });

  it("takes the next key as the same id, and never the old one again", async () => {
    const nextSecret = person("").secret;
    const office = person("office", { nextKey: publicKey(nextSecret) });
    const world = await ConnectorWorld.start(rulesFor([office]));
    const before = world.dial(office);
    const after = world.dial(office, "192.0.2.1", nextSecret);
    expect([before.endReason, after.isUp]).toEqual([Reason.Superseded, true]);
    expect(world.dial(office).endReason).toBe(Reason.NotAdmitted);
    expect([after.isUp, world.place(office).tenancy.version]).toEqual([true, 2]);
  });

  it("does not go back to the old key when the same file is read again", async () => {
    const nextSecret = person("").secret;
    const office = person("office", { nextKey: publicKey(nextSecret) });
    const world = await ConnectorWorld.start(rulesFor([office]));
    const after = world.dial(office, "192.0.2.1", nextSecret);
    world.connector.setRules(rulesFor([office]));
    world.run(50);
    expect(after.isUp).toBe(true);
    expect(world.dial(office).endReason).toBe(Reason.NotAdmitted);
    const { key: _, ...rest } = office;
    world.connector.setRules(rulesFor([{ ...rest, key: publicKey(nextSecret), nextKey: null }]));
    world.run(50);
    expect(after.isUp).toBe(true);
  });

  it("holds both off when one key is at two places, says so once, and lets it in a minute later", async () => {
    const office = person("office");
    const world = await ConnectorWorld.start(rulesFor([office]));
    const hops = Array.from({ length: 5 }, (_, i) => world.dial(office, `192.0.2.${i}`));
    expect(hops.map(({ endReason }) => endReason)).toEqual([
      Reason.Superseded,
      Reason.Superseded,
      Reason.Superseded,
      Reason.KeyUsedTwice,
      Reason.KeyUsedTwice,
    ]);
    expect(world.dial(office).endReason).toBe(Reason.KeyUsedTwice);
    expect(world.connector.counters.alarms).toEqual({ KeyUsedTwice: 1 });
    expect(world.events.filter(({ kind }) => kind === "KeyUsedTwice")).toHaveLength(1);
    world.run(60_000);
    expect(world.dial(office).isUp).toBe(true);
  });
});

describe("hops that are half-open", () => {
  it("are bounded for each source network, and the next network gets in", async () => {
    const office = person("office");
    const world = await ConnectorWorld.start(rulesFor([office]));
    const flood = Array.from({ length: 1000 }, (_, i) => world.connect(`198.51.100.${i % 256}`));
    expect(flood.filter(({ isClosed }) => !isClosed)).toHaveLength(4);
    expect(world.hopsRefused("HalfOpen")).toBe(996);
    expect(world.dial(office).isUp).toBe(true);
  });

  it("displace those of the most crowded network when all places are taken", async () => {
    const office = person("office");
    const world = await ConnectorWorld.start(rulesFor([office]));
    const flood = Array.from({ length: 16 }, (_, i) => world.connect(`198.51.${i % 4}.1`));
    expect(flood.some(({ isClosed }) => isClosed)).toBe(false);
    expect(world.dial(office).isUp).toBe(true);
    expect(world.hopsRefused("Displaced")).toBe(1);
    expect(flood.map(({ isClosed }) => isClosed).indexOf(true)).toBe(0);
  });

  it("count an IPv6 network as one source, and an IPv4 address inside IPv6 as itself", async () => {
    const world = await ConnectorWorld.start(rulesFor([person("office")]));
    const hosts = [
      "2001:db8:0:1::1",
      "2001:db8:0:1:ffff::2",
      "2001:db8::1:0:0:0:3",
      "2001:db8:0:1::4",
    ];
    for (const host of hosts) expect(world.connect(host).isClosed).toBe(false);
    expect(world.connect("2001:db8:0:1::5").isClosed).toBe(true);
    expect(world.connect("2001:db8:0:2::5").isClosed).toBe(false);
    for (let i = 0; i < 4; i++) expect(world.connect(`::ffff:203.0.113.${i}`).isClosed).toBe(false);
    expect(world.connect("203.0.113.9").isClosed).toBe(true);
  });

  it("end after 10 s: silent, half a handshake, or a handshake without HOP_HELLO", async () => {
    const office = person("office");
    const world = await ConnectorWorld.start(rulesFor([office]));
    const finished = world.dialMute(office);
    const silent = world.connect("192.0.2.1");
    const half = world.connect("192.0.2.1");
    half.give(Uint8Array.of(0xe1, 0x04, 1, 2, 3));
    world.run(11_000);
    expect([silent, half, finished.line].map(({ isClosed }) => isClosed)).toEqual([
      true,
      true,
      true,
    ]);
    expect(world.hopsRefused("HandshakeTimeout")).toBe(3);
    expect(world.connector.halfOpen).toBe(0);
  });

  it("end at once for what is no handshake, each under the status's name", async () => {
    const world = await ConnectorWorld.start(rulesFor([person("office")]));
    const lines = [
      [0x47, 0x45, 0x54, 0x20, 0x2f, 0x20, 0x48, 0x54],
      [0xe1, 0x04, 9, ...new Uint8Array(1248)],
    ].map((bytes) => {
      const line = world.connect("192.0.2.1");
      line.give(Uint8Array.from(bytes));
      return line;
    });
    world.run(50);
    expect(lines.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    expect([world.hopsRefused("BadHandshake"), world.hopsRefused("BadVersion")]).toEqual([1, 1]);
  });

  it("in a number that has every slot do not keep a hop that is up from its rekey", async () => {
    const office = person("office");
    const rules = rulesFor([office], { limits: { halfOpen: 2, halfOpenPerSource: 2 } });
    const world = await ConnectorWorld.start(rules);
    const hop = world.dial(office);
    for (let i = 0; i < 2; i++) world.connect("198.51.100.1").give(Uint8Array.of(0xe1, 0x04, 1));
    hop.rekey();
    world.run(50);
    hop.say({ type: "PING", token: 7 });
    world.run(50);
    expect(hop.heard).toContainEqual({ type: "PONG", token: 7 });
  });
});

describe("a hop that is up", () => {
  it("is told HopBuffers when a record is not finished in 5 s", async () => {
    const office = person("office");
    const world = await ConnectorWorld.start(rulesFor([office]));
    const hop = world.dial(office);
    hop.line.give(Uint8Array.of(0xff, 0xff, 1, 2, 3));
    world.run(7000);
    expect([hop.endReason, hop.line.isClosed]).toEqual([Reason.HopBuffers, true]);
    expect(world.hopsRefused("HopBuffers")).toBe(1);
  });

  it("ends for a broken record, alone", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const world = await ConnectorWorld.start(rulesFor([office, camera]));
    const [bad, good] = [world.dial(office), world.dial(camera)];
    bad.line.give(new Uint8Array(64).fill(0x20));
    world.run(6000);
    expect([bad.line.isClosed, good.isUp]).toEqual([true, true]);
  });

  it("whose peer never reads is cut when it is turned away", async () => {
    const office = person("office");
    const world = await ConnectorWorld.start(rulesFor([office]));
    const hop = world.dial(office);
    hop.line.isRead = false;
    hop.line.unsentBytes = 70_000;
    world.connector.setRules(rulesFor([person("camera")]));
    world.run(4000);
    expect(hop.line.isClosed).toBe(false);
    world.run(2500);
    expect(hop.line.isClosed).toBe(true);
  });
});

describe("rules that change", () => {
  it("break no hop and no packet that they still allow", async () => {
    const [office, camera, fresh] = [person("office"), person("camera"), person("fresh")];
    const world = await ConnectorWorld.start(rulesFor([office, camera]));
    const hop = world.dial(office);
    hop.send(camera, PACKET, 3);
    world.run(50);
    world.connector.setRules(
      rulesFor([camera, fresh, office], { limits: { queueBytes: 300_000 } }),
    );
    world.run(50);
    expect(hop.isUp).toBe(true);
    expect(world.place(camera).queue.heldPackets).toBe(3);
    expect(world.dial(fresh).isUp).toBe(true);
    expect(world.place(office).tenancy.version).toBe(2);
  });

  it("drop the hop, refuse the key and purge what is from and to one who is removed", async () => {
    const [office, camera, thief] = [person("office"), person("camera"), person("thief")];
    const world = await ConnectorWorld.start(rulesFor([office, camera, thief]));
    const [hop, bad] = [world.dial(office), world.dial(thief)];
    bad.send(camera, PACKET, 2);
    hop.send(thief, PACKET);
    hop.send(camera, PACKET);
    world.run(50);
    bad.line.isRead = false;
    hop.send(thief, PACKET, 1);
    world.connector.setRules(rulesFor([office, camera]));
    bad.line.isRead = true;
    world.run(50);
    expect([bad.endReason, bad.line.isClosed]).toEqual([Reason.Revoked, true]);
    expect(world.dial(thief).endReason).toBe(Reason.NotAdmitted);
    expect(world.place(camera).queue.senders()).toEqual([world.place(office).id]);
    expect(hop.isUp).toBe(true);
    expect(world.refused("Purged")).toBeGreaterThanOrEqual(2);
  });

  it("purge what two who are no longer paired had for one another, and say so", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const world = await ConnectorWorld.start(rulesFor([office, camera]));
    const hop = world.dial(office);
    hop.send(camera, PACKET, 2);
    world.run(50);
    world.connector.setRules(rulesFor([office, camera], { groups: [] }));
    world.run(50);
    expect([hop.isUp, world.place(camera).queue.heldPackets]).toEqual([true, 0]);
    expect(hop.dropped).toEqual([Reason.Purged]);
    expect(world.refused("Purged")).toBe(2);
  });

  it("cut a hop that was made with another PSK or under a key that is gone", async () => {
    const office = person("office");
    const world = await ConnectorWorld.start(rulesFor([office]));
    const first = world.dial(office);
    const psk = new Uint8Array(32).fill(7);
    world.connector.setRules(rulesFor([{ ...office, psk }]));
    world.run(50);
    expect(first.endReason).toBe(Reason.Revoked);
    const second = world.dial({ ...office, psk });
    expect(second.isUp).toBe(true);
    world.connector.setRules(rulesFor([{ ...office, psk, key: person("").key }]));
    world.run(50);
    expect(second.endReason).toBe(Reason.Revoked);
  });
});

describe("a Connector that drains", () => {
  it("tells each hop when to come back, lets no one in, and closes with Draining", async () => {
    const [office, camera] = [person("office"), person("camera")];
    const world = await ConnectorWorld.start(rulesFor([office, camera]));
    const hop = world.dial(office);
    let isOver = false;
    void world.connector.drain().then(() => {
      isOver = true;
    });
    world.run(20);
    const drain = hop.heard.find(({ type }) => type === "DRAIN");
    expect(drain).toMatchObject({ type: "DRAIN" });
    expect(world.connect("192.0.2.7").isClosed).toBe(true);
    await world.runUntil(() => isOver, 3000);
    expect([hop.endReason, hop.line.isClosed]).toEqual([Reason.Draining, true]);
    world.connector.stop();
  });

  it("goes at once when nobody is there", async () => {
    const world = await ConnectorWorld.start(rulesFor([person("office")]));
    await world.connector.drain();
    expect(world.clock.nowMs).toBeLessThan(100);
  });
});
