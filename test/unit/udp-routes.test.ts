// SPDX-License-Identifier: Apache-2.0
// UDP Routes of the host on a simulated world: flows, channels that open, follow and end, limits, what is
// dropped and under which name. PROTOCOL 8.1, rules U1 to U4. Real sockets: test/e2e/udp.test.ts.

import { afterEach, describe, expect, it } from "vitest";
import type { DatagramLine } from "../../host/net/sim/datagrams.ts";
import type { RouteOptions } from "./udp-site.ts";
import { type Application, BOUND, TARGET, UdpWorld } from "./udp-world.ts";

const MINUTE = 60_000;
const PERFECT: Partial<DatagramLine> = {};

let world: UdpWorld;

afterEach(() => world.stop());

function started(seed: string, options: RouteOptions = {}, line = PERFECT): Promise<UdpWorld> {
  world = new UdpWorld(seed, line);
  return world.start(options);
}

/** Whether a question of this client has its answer within a second. */
async function isAnswered(client: Application, text: string): Promise<boolean> {
  client.send(text);
  await world.pass(1000);
  return client.texts.at(-1) === `re ${text}`;
}

describe("flows", () => {
  it("bring each answer to the source that asked", async () => {
    await started("askers");
    const target = world.target();
    const clients = Array.from({ length: 50 }, (_, i) => world.client(1000 + i));
    for (let round = 0; round < 3; round++) {
      for (const [i, client] of clients.entries()) client.send(`${i}.${round}`);
      await world.pass(500);
    }
    const expected = clients.map((_, i) => [0, 1, 2].map((round) => `re ${i}.${round}`));
    expect(clients.map(({ texts }) => texts)).toEqual(expected);
    expect(new Set(target.got.map(({ from }) => from.port)).size).toBe(50);
    expect(world.near.traffic).toMatchObject({ open: 50, datagramsIn: 150, datagramsOut: 150 });
    expect(world.far.traffic).toMatchObject({ open: 50, channelsTotal: 1, dropped: {} });
  });

  it("are forgotten at both ends when idle, and their sockets close; the channel stays", async () => {
    await started("idle", { binding: { idleMs: 5000 }, mapping: { idleMs: 5000 } });
    world.target();
    const client = world.client(1000);
    expect(await isAnswered(client, "one")).toBe(true);
    expect(world.farDatagrams.socketCount).toBe(2);
    await world.pass(8000);
    expect([world.near.traffic.open, world.far.traffic.open]).toEqual([0, 0]);
    expect(world.farDatagrams.socketCount).toBe(1);
    expect(await isAnswered(client, "two")).toBe(true);
    expect(world.near.traffic).toMatchObject({ total: 2, channelsTotal: 1 });
  });

  it("stay while something goes one way", async () => {
    await started("one way", { binding: { idleMs: 5000 }, mapping: { idleMs: 5000 } });
    world.target(() => null);
    const client = world.client(1000);
    for (let i = 0; i < 10; i++) {
      client.send("on");
      await world.pass(3000);
    }
    expect([world.near.traffic.total, world.far.traffic.total]).toEqual([1, 1]);
  });

  it("beyond the Binding's limit take the place of the one that is idle longest", async () => {
    await started("few", { binding: { flows: 2 } });
    const target = world.target(() => null);
    for (const port of [1000, 1001, 1002]) {
      world.client(port).send("hello");
      await world.pass(1000);
    }
    expect(world.near.traffic.open).toBe(2);
    for (const { from } of target.got) target.socket.send(Buffer.from("late"), from);
    await world.pass(1000);
    expect(world.near.traffic).toMatchObject({ datagramsOut: 2, dropped: { UnknownFlow: 1 } });
  });

  it("beyond the Mapping's limit are dropped and counted", async () => {
    await started("fewer", { mapping: { flows: 2 } });
    world.target();
    const clients = [1000, 1001, 1002].map((port) => world.client(port));
    for (const client of clients) await isAnswered(client, "hello");
    expect(clients.map(({ texts }) => texts.length)).toEqual([1, 1, 0]);
    expect(world.far.traffic).toMatchObject({ open: 2, dropped: { FlowLimit: 1 } });
  });

  it("come out in any order and with gaps where the network does so, but only once", async () => {
    await started("rough", {}, { loss: 0.1, jitterMs: 30 });
    const target = world.target();
    const client = world.client(1000);
    for (let i = 0; i < 500; i++) {
      client.send(String(i));
      await world.pass(5);
    }
    await world.pass(2000);
    expect(new Set(target.texts).size).toBe(target.got.length);
    expect(target.texts).not.toEqual(target.texts.toSorted((a, b) => Number(a) - Number(b)));
    expect(target.got.length).toBeGreaterThan(300);
    expect(client.got.length).toBeGreaterThan(200);
    expect(client.texts.every((text) => target.texts.includes(text.slice(3)))).toBe(true);
  });
});

describe("the channel", () => {
  it("is opened by the first datagram, not before", async () => {
    await started("lazy");
    await world.pass(MINUTE);
    expect(world.near.traffic.channelsTotal).toBe(0);
    world.target();
    expect(await isAnswered(world.client(1000), "now")).toBe(true);
    expect(world.near.traffic.channelsTotal).toBe(1);
  });

  it("has the newest few sent when it is there, and the others counted", async () => {
    await started("held");
    const target = world.target(() => null);
    const client = world.client(1000);
    for (let i = 0; i < 100; i++) client.send(String(i));
    await world.pass(1000);
    expect(target.texts).toEqual(Array.from({ length: 64 }, (_, i) => String(36 + i)));
    expect(world.near.traffic.dropped).toEqual({ NoChannel: 36 });
  });

  it("has nothing sent that has waited for longer than the Route's age", async () => {
    world = new UdpWorld("late");
    await world.startConnector();
    await world.startNear({ ageMs: 500 });
    const target = world.target(() => null);
    const client = world.client(1000);
    client.send("old");
    await world.pass(5000);
    world.startFar();
    await world.pass(30_000);
    client.send("new");
    await world.pass(2000);
    expect(target.texts).toEqual(["new"]);
    expect(world.near.traffic.dropped).toEqual({ Aged: 1 });
  });

  it("is followed by its successor after 50 minutes, and no datagram is lost over it", async () => {
    await started("hours");
    const target = world.target();
    const client = world.client(1000);
    for (let i = 0; i < 600; i++) expect(await isAnswered(client, String(i))).toBe(true);
    for (let i = 600; i < 900; i++) {
      client.send(String(i));
      await world.pass(10_000);
    }
    expect(target.texts).toEqual(Array.from({ length: 900 }, (_, i) => String(i)));
    expect(client.got.length).toBe(900);
    expect(world.near.traffic).toMatchObject({ channelsTotal: 2, total: 1, dropped: {} });
    expect(world.far.traffic).toMatchObject({ channelsTotal: 2, total: 1, dropped: {} });
  });

  it("ends ten minutes after the last datagram, and is opened again by the next", async () => {
    await started("warm");
    world.target();
    const client = world.client(1000);
    await isAnswered(client, "one");
    await world.pass(9 * MINUTE);
    expect(world.near.agent.core.streamFlags(0)).toBeGreaterThanOrEqual(0);
    await world.pass(2 * MINUTE);
    expect(world.near.agent.core.streamFlags(0)).toBeLessThan(0);
    expect(world.far.agent.core.streamFlags(0)).toBeLessThan(0);
    expect(await isAnswered(client, "two")).toBe(true);
    expect(world.near.traffic.channelsTotal).toBe(2);
  });

  it("is asked for again where the peer serves no such Mapping, once a second", async () => {
    await started("stranger", { mapping: { links: [] } });
    const client = world.client(1000);
    for (let i = 0; i < 100; i++) {
      client.send(String(i));
      await world.pass(100);
    }
    expect(world.near.traffic.channelsTotal).toBeGreaterThan(3);
    expect(world.near.traffic.channelsTotal).toBeLessThan(12);
    expect(world.near.traffic.lastError).toContain("NoSuchMapping");
    expect(world.near.warnings.length).toBe(1);
  });
});

describe("a burst", () => {
  it("of a video's key frame comes whole, again and again", async () => {
    await started("key frames");
    const target = world.target(() => null);
    const client = world.client(1000);
    await isAnswered(client, "first");
    for (let frame = 0; frame < 20; frame++) {
      for (let i = 0; i < 100; i++) client.send(`${i}`.padStart(1200));
      await world.pass(200);
    }
    expect(target.got.length).toBe(1 + 20 * 100);
    expect([world.near.traffic.dropped, world.far.traffic.dropped]).toEqual([{}, {}]);
  });
});

describe("a Connector that dies", () => {
  it("is lived through: datagrams go on over the same channel and flow", async () => {
    await started("killed");
    world.target();
    const client = world.client(1000);
    expect(await isAnswered(client, "before")).toBe(true);
    world.stopConnector();
    await world.pass(100);
    expect(await isAnswered(client, "meanwhile")).toBe(false);
    await world.pass(5000);
    await world.startConnector();
    await world.pass(3000);
    expect(await isAnswered(client, "after")).toBe(true);
    expect(client.texts).toEqual(["re before", "re after"]);
    expect(world.near.traffic).toMatchObject({ channelsTotal: 1, dropped: { Overtaken: 1 } });
  });
});

describe("a peer that dies", () => {
  it("comes back with the Mapping: the next datagrams find it", async () => {
    await started("mapping again");
    world.target();
    const client = world.client(1000);
    await isAnswered(client, "before");
    world.far.again();
    world.startFar();
    client.send("into the dark");
    await world.pass(10_000);
    expect(await isAnswered(client, "after")).toBe(true);
  });

  it("comes back with the Binding: no answer to its old flows reaches its new ones", async () => {
    await started("binding again");
    const target = world.target(() => null);
    world.client(1000).send("old");
    await world.pass(1000);
    world.near.again();
    await world.startNear();
    const other = world.client(1001);
    other.send("new");
    await world.pass(20_000);
    other.send("newer");
    await world.pass(2000);
    expect(target.texts).toEqual(["old", expect.any(String), "newer"]);
    const [old] = target.got;
    target.socket.send(Buffer.from("to the old one"), old?.from ?? BOUND);
    await world.pass(2000);
    expect(other.got).toEqual([]);
    target.socket.send(Buffer.from("to the new one"), target.got.at(-1)?.from ?? BOUND);
    await world.pass(2000);
    expect(other.texts).toEqual(["to the new one"]);
  });
});

describe("a target", () => {
  it("that refuses is counted, and its owner told once a minute what may be wrong", async () => {
    await started("refused");
    const client = world.client(1000);
    for (let i = 0; i < 20; i++) await isAnswered(client, "anyone?");
    expect(world.far.traffic.dropped).toEqual({ Refused: 20 });
    expect(world.far.warnings).toEqual([expect.stringContaining("own loopback")]);
    world.target();
    expect(await isAnswered(client, "and now?")).toBe(true);
  });

  it("with two addresses is reached at the one that does not refuse", async () => {
    const hosts = ["10.0.0.8", TARGET.host];
    await started("two", { mapping: { resolve: async () => ({ hosts }) } });
    world.target();
    const client = world.client(1000);
    expect(await isAnswered(client, "first")).toBe(false);
    expect(await isAnswered(client, "second")).toBe(true);
    expect(await isAnswered(world.client(1001), "third")).toBe(true);
  });

  it("whose name does not resolve is looked at again a second later", async () => {
    let isThere = false;
    const resolve = async () =>
      isThere
        ? { hosts: [TARGET.host] }
        : { refusal: "db does not resolve: check the name.", isPublic: false };
    await started("nameless", { mapping: { resolve } });
    world.target();
    const client = world.client(1000);
    expect(await isAnswered(client, "one")).toBe(false);
    expect(world.far.traffic.dropped).toEqual({ NoTarget: 1 });
    expect(world.far.warnings).toEqual(["db does not resolve: check the name."]);
    isThere = true;
    await world.pass(1000);
    expect(await isAnswered(client, "two")).toBe(true);
  });
});

describe("a datagram", () => {
  it("larger than the path is dropped, counted and told once a minute", async () => {
    await started("large");
    const target = world.target(() => null);
    const client = world.client(1000);
    const most = 65_000 - 98;
    client.send("x".repeat(most));
    await world.pass(1000);
    for (let i = 0; i < 5; i++) client.send("x".repeat(most + 1));
    await world.pass(1000);
    expect(target.got.map(({ text }) => text.length)).toEqual([most]);
    expect(world.near.traffic.dropped).toEqual({ DatagramTooBig: 5 });
    expect(world.near.warnings).toEqual([expect.stringContaining("smaller")]);
    await world.pass(MINUTE);
    client.send("x".repeat(most + 1));
    await world.pass(1000);
    expect(world.near.warnings.length).toBe(2);
  });

  it("without a byte goes through", async () => {
    await started("empty");
    const target = world.target(() => null);
    const client = world.client(1000);
    client.send("");
    await world.pass(1000);
    expect(target.texts).toEqual([""]);
  });
});

describe("listening", () => {
  it("fails where the port is in use, and leaves nothing behind", async () => {
    await started("taken");
    const before = world.nearDatagrams.socketCount;
    await expect(world.near.listen(BOUND.host, BOUND.port)).rejects.toThrow("in use");
    expect(world.nearDatagrams.socketCount).toBe(before);
  });

  it("ends with its channels and sockets", async () => {
    await started("closed");
    world.target();
    await isAnswered(world.client(1000), "one");
    world.near.listener?.close();
    await world.pass(5000);
    expect(world.far.traffic.open).toBe(0);
    expect(world.farDatagrams.socketCount).toBe(1);
  });
});
