// SPDX-License-Identifier: Apache-2.0
// A Binding's access list on a simulated network: source networks, connections at once, bytes in a second,
// and what another list does to those who are connected. Datagrams: datagram-access.test.ts. Real sockets:
// test/e2e/stlink-access.test.ts.

import { afterEach, describe, expect, it, vi } from "vitest";
import { Core } from "../../host/core/core.ts";
import { type Application, mappingTo, StlinkWorld, TARGET_PORT } from "./stlink-world.ts";

const PORT = 8080;
const KIB = 1024;

let world: StlinkWorld;

afterEach(async () => {
  vi.restoreAllMocks();
  await world.end();
});

function bindingWith(access: object, peers: readonly string[] = ["camera"]): object {
  return { bindings: [{ name: "here", mapping: "web", port: PORT, peers, access }] };
}

/** An office whose Binding has this access list, and a camera; hops and sessions are up. */
async function started(seed: string, access: object, cameras = ["camera"]): Promise<void> {
  world = new StlinkWorld(seed, ["connector", "office", ...cameras]);
  await world.startConnector();
  await world.startStlink("office", bindingWith(access, cameras));
  for (const camera of cameras) await world.startStlink(camera, mappingTo());
  await world.pass(2000);
}

/** A client from this address, after a while in which it got through or was closed. */
async function clientFrom(host: string): Promise<Application> {
  const client = world.client(PORT, host);
  await world.pass(500);
  return client;
}

function line() {
  const [binding] = world.status("office").bindings;
  if (binding === undefined) throw new Error("the office has a Binding");
  return binding;
}

/** Whether what a client sends arrives. */
async function isServed(client: Application, came: readonly Application[], text: string) {
  client.send(text);
  await world.pass(1000);
  return came.some((one) => one.text.endsWith(text));
}

describe("a connection", () => {
  it("from a network of the list gets through, from another it is closed", async () => {
    await started("sources", { sources: ["10.0.0.0/8", "2001:db8::/32"] });
    const came = await world.target();
    for (const host of ["10.200.0.1", "2001:db8::7"]) {
      expect(await isServed(await clientFrom(host), came, `of ${host}`)).toBe(true);
    }
    for (const host of ["11.0.0.1", "192.168.0.9", "2001:db9::7", "127.0.0.1", "::1"]) {
      expect((await clientFrom(host)).ending).toBe("Reset");
    }
    expect(line()).toMatchObject({ open: 2, total: 2, failed: 0 });
    expect(line().refused).toEqual({ SourceNotAllowed: 5 });
    expect(came.length).toBe(2);
  });

  it("over IPv6 from an IPv4 address is one from that address", async () => {
    await started("mapped", { sources: ["10.0.0.0/8"] });
    const came = await world.target();
    const client = await clientFrom("::ffff:10.0.0.1");
    expect(await isServed(client, came, "hello")).toBe(true);
    expect((await clientFrom("::ffff:11.0.0.1")).ending).toBe("Reset");
    expect(line().lastError).toMatch(/a connection from 11\.0\.0\.1 was refused/);
  });

  it("from loopback gets through where loopback is listed", async () => {
    await started("loopback", { sources: ["127.0.0.1/32"] });
    const came = await world.target();
    expect(await isServed(await clientFrom("127.0.0.1"), came, "hello")).toBe(true);
    expect((await clientFrom("127.0.0.2")).ending).toBe("Reset");
  });

  it("beyond the limit is closed, and one that ends makes room for another", async () => {
    await started("limit", { connections: 2 });
    const came = await world.target();
    const first = await clientFrom("10.0.0.1");
    const second = await clientFrom("10.0.0.2");
    expect((await clientFrom("10.0.0.3")).ending).toBe("Reset");
    expect(line().refused).toEqual({ TooManyConnections: 1 });
    expect(line().lastError).toMatch(/2 are open, as many as the access list allows/);
    first.connection?.reset();
    await world.pass(100);
    expect(await isServed(await clientFrom("10.0.0.3"), came, "third")).toBe(true);
    expect(await isServed(second, came, "second")).toBe(true);
  });

  it("counts towards the limit while it is being opened, also where peers are tried in turn", async () => {
    await started("opening", { connections: 1 }, ["one", "two"]);
    for (const name of ["one", "two"]) await world.stop(name);
    const first = world.client(PORT);
    await world.pass(100);
    expect((await clientFrom("client")).ending).toBe("Reset");
    expect(line().refused).toEqual({ TooManyConnections: 1 });
    await world.pass(11_000);
    expect(first.ending).toBe("Reset");
    expect(world.status("office").streams.open).toBe(0);
    const next = await clientFrom("client");
    expect(next.ending).toBe(undefined);
    next.connection?.reset();
  });
});

describe("a flood from a network that is not allowed", () => {
  it("opens no stream, tells the log once a minute, and keeps nothing but a count", async () => {
    await started("flood", { sources: ["10.0.0.0/8"], connections: 5 });
    const came = await world.target();
    const streamOpen = vi.spyOn(Core.prototype, "streamOpen");
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 100; i++) world.client(PORT, `11.${round}.0.${i}`);
      await world.pass(100);
    }
    expect(streamOpen).not.toHaveBeenCalled();
    expect(line()).toMatchObject({ open: 0, total: 0, refused: { SourceNotAllowed: 2000 } });
    const told = world.told("office", "was refused");
    expect(told.length).toBe(1);
    expect(told[0]).toMatchObject({ level: "warn", binding: "here" });
    expect(told[0]?.msg).toMatch(/from 11\.0\.0\.0 was refused .* add its network to sources/);
    expect(await isServed(await clientFrom("10.0.0.1"), came, "hello")).toBe(true);
    await world.pass(60_000);
    await clientFrom("11.0.0.1");
    expect(world.told("office", "was refused").length).toBe(2);
  });
});

describe("a rate", () => {
  const bytes = (length: number): string => "x".repeat(length);

  it("holds for all connections together, loses nothing, and serves them in turn", async () => {
    await started("rate in", { rate: "10KiB" });
    const came = await world.target();
    const clients = [await clientFrom("10.0.0.1"), await clientFrom("10.0.0.2")];
    for (const client of clients) client.send(bytes(100 * KIB));
    const arrived = () => came.map(({ text }) => text.length);
    const sum = () => arrived().reduce((total, one) => total + one, 0);
    await world.pass(5000);
    // A second's worth at once, then ten KiB in each second.
    expect(sum()).toBeGreaterThan(45 * KIB);
    expect(sum()).toBeLessThanOrEqual(60 * KIB);
    expect(Math.min(...arrived())).toBeGreaterThan(15 * KIB);
    await world.pass(20_000);
    expect(arrived()).toEqual([100 * KIB, 100 * KIB]);
    expect(line()).toMatchObject({ bytesIn: 200 * KIB, failed: 0 });
  });

  it("holds for answers too, apart from what is sent, and a half-close comes after the last byte", async () => {
    await started("rate out", { rate: "10KiB" });
    await world.target(TARGET_PORT, (target) => {
      target.send(bytes(50 * KIB));
      target.connection?.end();
    });
    const client = await clientFrom("10.0.0.1");
    await world.pass(2000);
    expect(client.text.length).toBeGreaterThan(10 * KIB);
    expect(client.text.length).toBeLessThanOrEqual(36 * KIB);
    expect(client.hasEnded).toBe(false);
    await world.pass(5000);
    expect(client.text.length).toBe(50 * KIB);
    expect(client.hasEnded).toBe(true);
  });

  it("is not used up by connections that have ended while they waited", async () => {
    await started("rate ends", { rate: "10KiB" });
    const came = await world.target();
    for (let i = 0; i < 20; i++) {
      const client = await clientFrom("10.0.0.1");
      client.send(bytes(100 * KIB));
      await world.pass(10);
      client.connection?.reset();
    }
    await world.pass(2000);
    const client = await clientFrom("10.0.0.2");
    expect(await isServed(client, came, "hello")).toBe(true);
    expect(line().open).toBe(1);
  });

  it("that is raised or taken away is in force for those who wait", async () => {
    await started("rate change", { rate: "1KiB" });
    const came = await world.target();
    const client = await clientFrom("10.0.0.1");
    client.send(bytes(100 * KIB));
    await world.pass(3000);
    expect(came[0]?.text.length).toBeLessThan(5 * KIB);
    await world.reload("office", bindingWith({ rate: "20KiB" }));
    await world.pass(2000);
    expect(came[0]?.text.length).toBeGreaterThan(30 * KIB);
    expect(came[0]?.text.length).toBeLessThan(50 * KIB);
    await world.reload("office", bindingWith({}));
    await world.pass(1000);
    expect(came[0]?.text.length).toBe(100 * KIB);
  });
});

describe("another list", () => {
  it("ends those whose source it does not allow, at both ends, and no others", async () => {
    await started("narrower", {});
    const came = await world.target();
    const kept = await clientFrom("10.0.0.1");
    const gone = await clientFrom("192.168.0.1");
    for (const client of [kept, gone]) expect(await isServed(client, came, "before")).toBe(true);
    const report = await world.reload("office", bindingWith({ sources: ["10.0.0.0/8"] }));
    expect(report).toEqual({
      applied: [{ kind: "binding", name: "here", what: "changed" }],
      needsRestart: [],
    });
    await world.pass(100);
    expect([kept.ending, gone.ending]).toEqual([undefined, "Reset"]);
    expect(came.map(({ ending }) => ending)).toEqual([undefined, "Reset"]);
    expect(await isServed(kept, came, "after")).toBe(true);
    expect(line()).toMatchObject({ open: 1, total: 2, failed: 1 });
    expect(line().lastError).toMatch(/from 192\.168\.0\.1 .* add its network to sources/);
    expect(world.status("camera").mappings[0]?.lastError).toBe("Withdrawn");
  });

  it("ends those too that are still being opened or wait for the rate", async () => {
    await started("narrower still", { rate: "1KiB" }, ["one", "two"]);
    await world.target();
    const waiting = await clientFrom("192.168.0.1");
    waiting.send("x".repeat(100 * KIB));
    await world.pass(1000);
    for (const name of ["one", "two"]) await world.stop(name);
    const opening = world.client(PORT, "192.168.0.2");
    await world.pass(100);
    await world.reload("office", bindingWith({ sources: ["10.0.0.0/8"] }, ["one", "two"]));
    await world.pass(100);
    expect([waiting.ending, opening.ending]).toEqual(["Reset", "Reset"]);
    expect(world.status("office").streams.open).toBe(0);
    await world.pass(12_000);
    expect(line()).toMatchObject({ open: 0 });
  });

  it("with a smaller limit ends nobody, and admits nobody until there are fewer", async () => {
    await started("smaller", { connections: 3 });
    const came = await world.target();
    const clients: Application[] = [];
    for (let i = 1; i <= 3; i++) clients.push(await clientFrom(`10.0.0.${i}`));
    await world.reload("office", bindingWith({ connections: 1 }));
    for (const client of clients) expect(await isServed(client, came, "still")).toBe(true);
    const end = async (i: number) => {
      clients[i]?.connection?.reset();
      await world.pass(200);
    };
    await end(0);
    await end(1);
    expect((await clientFrom("10.0.0.4")).ending).toBe("Reset");
    await end(2);
    expect(await isServed(await clientFrom("10.0.0.4"), came, "now")).toBe(true);
    expect(line().refused).toEqual({ TooManyConnections: 1 });
  });

  it("that allows more lets in who was refused before", async () => {
    await started("wider", { sources: ["10.0.0.0/8"], connections: 1 });
    const came = await world.target();
    await clientFrom("10.0.0.1");
    expect((await clientFrom("192.168.0.1")).ending).toBe("Reset");
    await world.reload("office", bindingWith({ sources: ["10.0.0.0/8", "192.168.0.0/16"] }));
    expect(await isServed(await clientFrom("192.168.0.1"), came, "hello")).toBe(true);
  });
});
