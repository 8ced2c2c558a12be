// SPDX-License-Identifier: Apache-2.0
// The access list of a UDP Binding on a simulated network: sources, flows at once, bytes in a second; what is
// dropped is counted by name. Connections: binding-access.test.ts.

import { afterEach, describe, expect, it } from "vitest";
import { type BindingAccess, OPEN_ACCESS } from "../../host/stlink/site.ts";
import { type Application, UdpWorld } from "./udp-world.ts";

let world: UdpWorld;

afterEach(() => world.stop());

/** The Binding has this access list; the rest is open to all. */
async function started(seed: string, list: Partial<BindingAccess>): Promise<void> {
  world = new UdpWorld(seed);
  set(list);
  await world.start({ binding: { idleMs: 5000 } });
  world.target();
}

function set(list: Partial<BindingAccess>): void {
  world.near.access.set({ ...OPEN_ACCESS, ...list });
}

/** Whether a question of this client has its answer within a second. */
async function isAnswered(client: Application, text: string): Promise<boolean> {
  client.send(text);
  await world.pass(1000);
  return client.texts.at(-1) === `re ${text}`;
}

describe("a datagram", () => {
  it("from a network of the list gets through, from another it is dropped and counted", async () => {
    await started("sources", { sources: ["10.0.0.0/8"] });
    expect(await isAnswered(world.client(1000, "10.0.0.1"), "one")).toBe(true);
    expect(await isAnswered(world.client(1000, "::ffff:10.0.0.2"), "two")).toBe(true);
    expect(await isAnswered(world.client(1000, "11.0.0.1"), "three")).toBe(false);
    expect(world.near.traffic).toMatchObject({ total: 2, dropped: { SourceNotAllowed: 1 } });
    expect(world.near.traffic.lastError).toMatch(/a datagram from 11\.0\.0\.1 was refused/);
  });

  it("of a source beyond the limit is dropped, until a flow is idle", async () => {
    await started("limit", { connections: 2 });
    const clients = [1000, 1001, 1002].map((port) => world.client(port));
    const answers: boolean[] = [];
    for (const client of clients) answers.push(await isAnswered(client, "now"));
    expect(answers).toEqual([true, true, false]);
    expect(world.near.traffic).toMatchObject({ open: 2, dropped: { TooManyConnections: 1 } });
    await world.pass(7000);
    expect(await isAnswered(world.client(1003), "later")).toBe(true);
  });

  it("beyond the rate is dropped and counted, into the tunnel and out of it", async () => {
    await started("rate", { bytesPerSecond: 1024 });
    const client = world.client(1000);
    for (let i = 0; i < 100; i++) client.send("x".repeat(100));
    await world.pass(500);
    // Eleven: the last of a second's worth may leave a debt. Answers are three bytes longer.
    expect(world.near.traffic).toMatchObject({ datagramsIn: 11, datagramsOut: 10 });
    expect(world.near.traffic.dropped).toEqual({ RateExceeded: 89 + 1 });
    expect(world.near.warnings).toEqual([expect.stringMatching(/allow a higher rate/)]);
    await world.pass(5000);
    expect(await isAnswered(client, "after a while")).toBe(true);
  });

  it("beyond the rate leaves no flow that is never forgotten", async () => {
    await started("rate and idle", { bytesPerSecond: 1024 });
    const first = world.client(1000);
    first.send("x".repeat(1100));
    await world.pass(10);
    for (let i = 1; i <= 20; i++) world.client(1000 + i).send("late");
    await world.pass(100);
    expect(world.near.traffic.dropped).toMatchObject({ RateExceeded: 20 });
    await world.pass(10_000);
    expect(world.near.traffic.open).toBe(0);
  });

  it("that is larger than a second's worth gets through, and others wait the longer", async () => {
    await started("large", { bytesPerSecond: 1024 });
    const client = world.client(1000);
    expect(await isAnswered(client, "x".repeat(1200))).toBe(true);
    await world.pass(2000);
    expect(await isAnswered(client, "next")).toBe(true);
  });
});

describe("a flood from thousands of sources", () => {
  it("that are not allowed leaves no flow, no channel and one line in the log", async () => {
    await started("flood", { sources: ["10.0.0.0/8"] });
    const clients = Array.from({ length: 3000 }, (_, i) =>
      world.client(1000 + i, `11.0.${i >> 8}.${i & 255}`),
    );
    for (const client of clients) client.send("hello");
    await world.pass(1000);
    expect(world.near.traffic).toMatchObject({ open: 0, total: 0, channelsTotal: 0 });
    expect(world.near.traffic.dropped).toEqual({ SourceNotAllowed: 3000 });
    expect(world.near.warnings.length).toBe(1);
  });

  it("that are allowed has no more flows than connections", async () => {
    await started("crowd", { connections: 20 });
    const clients = Array.from({ length: 1000 }, (_, i) => world.client(1000 + i));
    for (const client of clients) client.send("hello");
    await world.pass(1000);
    expect(world.near.traffic).toMatchObject({ open: 20, total: 20 });
    expect(world.near.traffic.dropped).toEqual({ TooManyConnections: 980 });
  });
});

describe("another list", () => {
  it("forgets the flows of sources that it does not allow, and no others", async () => {
    await started("narrower", {});
    const [kept, gone] = [world.client(1000, "10.0.0.1"), world.client(1000, "192.168.0.1")];
    expect(await isAnswered(kept, "before")).toBe(true);
    expect(await isAnswered(gone, "before")).toBe(true);
    set({ sources: ["10.0.0.0/8"] });
    expect(world.near.traffic.open).toBe(1);
    expect(await isAnswered(gone, "after")).toBe(false);
    expect(await isAnswered(kept, "after")).toBe(true);
    expect(world.near.traffic).toMatchObject({ open: 1, total: 2 });
  });

  it("with a smaller limit forgets nobody, and takes nobody until there are fewer", async () => {
    await started("smaller", {});
    const clients = [1000, 1001].map((port) => world.client(port));
    for (const client of clients) await isAnswered(client, "before");
    set({ connections: 1 });
    for (const client of clients) expect(await isAnswered(client, "after")).toBe(true);
    expect(await isAnswered(world.client(1002), "new")).toBe(false);
    await world.pass(7000);
    expect(await isAnswered(world.client(1002, "other"), "new")).toBe(true);
  });
});
