// SPDX-License-Identifier: Apache-2.0
// The STLink's service on a simulated network: hops that fall silent, targets that hang, candidates of a
// Binding, and a Connector that lies. Rules D10, K7; PROTOCOL 7.6. Real sockets: test/e2e/stlink.test.ts.

import { afterEach, describe, expect, it, vi } from "vitest";
import { Core, HopStep } from "../../host/core/core.ts";
import {
  type Application,
  bindingTo,
  mappingTo,
  StlinkWorld,
  TARGET_PORT,
} from "./stlink-world.ts";

let world: StlinkWorld;

afterEach(async () => {
  vi.restoreAllMocks();
  await world.end();
});

/** A Connector, an office with the Binding and these cameras with the Mapping; hops and sessions up. */
async function started(seed: string, cameras: readonly string[] = ["camera"]): Promise<void> {
  world = new StlinkWorld(seed, ["connector", "office", ...cameras]);
  await world.startConnector();
  await world.startStlink("office", bindingTo(cameras));
  for (const camera of cameras) await world.startStlink(camera, mappingTo());
  await world.pass(2000);
}

/** Whether what a client sends is what the target has had, within so long. */
async function comes(client: Application, came: readonly Application[], text: string) {
  client.send(text);
  for (let i = 0; i < 50; i++) {
    await world.pass(100);
    if (came.some((one) => one.text.endsWith(text))) return true;
  }
  return false;
}

describe("a hop", () => {
  it("is dialled again after 0 to 500 ms, then twice as long each time, to a minute, with jitter", async () => {
    world = new StlinkWorld("redials", ["connector", "office"]);
    await world.startStlink("office", {});
    await world.pass(600_000);
    const waits = world.told("office", "hop down").map(({ redialMs }) => Number(redialMs));
    expect(waits.length).toBeGreaterThan(12);
    for (const [i, ms] of waits.entries()) expect(ms).toBeLessThan(Math.min(500 * 2 ** i, 60_000));
    expect(Math.max(...waits)).toBeGreaterThan(30_000);
    expect(Math.min(...waits.slice(7))).toBeLessThan(30_000);
  });

  it("that falls silent has a second one beside it, and the newest carries what was under way", async () => {
    await started("silent");
    const came = await world.target();
    const client = world.client();
    expect(await comes(client, came, "before")).toBe(true);
    for (const pipe of world.network.connectionsOf("office")) {
      if (pipe.client.name.includes("192.0.2.1")) pipe.dead = true;
    }
    expect(await comes(client, came, "after")).toBe(true);
    expect(world.told("office", "hop silent").length).toBe(1);
    expect(world.told("office", "hop up").length).toBe(2);
    expect(came.length).toBe(1);
    await world.pass(10_000);
    expect(world.told("office", "hop down")).toEqual([]);
    expect(await comes(client, came, "long after")).toBe(true);
  });

  it("that drains is followed by another at the time that the Connector said, and nothing is lost", async () => {
    const hops: { core: Core; hop: number }[] = [];
    const { hopAdmit } = Core.prototype;
    vi.spyOn(Core.prototype, "hopAdmit").mockImplementation(function (this: Core, hop, ...rest) {
      hops.push({ core: this, hop });
      hopAdmit.call(this, hop, ...rest);
    });
    await started("drains");
    const came = await world.target();
    const client = world.client();
    expect(await comes(client, came, "before")).toBe(true);
    for (const { core, hop } of hops) core.hopDrain(hop, 20_000);
    await world.pass(2000);
    expect(world.told("office", "the Connector is to stop")).toMatchObject([{ afterMs: 20_000 }]);
    expect(await comes(client, came, "meanwhile")).toBe(true);
    await world.pass(15_000);
    expect(world.told("office", "hop up").length).toBe(1);
    await world.pass(10_000);
    expect(world.told("office", "hop up").length).toBe(2);
    expect(await comes(client, came, "after")).toBe(true);
    expect(world.told("office", "hop down")).toEqual([]);
  });

  it("that has nothing to carry is not silent, however long nothing comes", async () => {
    await started("idle");
    await world.pass(120_000);
    expect(world.told("office", "hop")).toMatchObject([{ msg: "hop up" }]);
  });
});

describe("a target", () => {
  it("that never answers is TargetTimedOut, and the client is reset within ten seconds", async () => {
    await started("hangs");
    world.network.kill("camera", `127.0.0.1 ${TARGET_PORT}`);
    const client = world.client();
    await world.pass(7000);
    expect(client.ending).toBe(undefined);
    await world.pass(3000);
    expect(client.ending).toBe("Reset");
    const [line] = world.status("office").bindings;
    expect(line).toMatchObject({ open: 0, failed: 1, lastError: "camera: TargetTimedOut" });
    const [mapping] = world.status("camera").mappings;
    expect(mapping?.lastError).toMatch(/127\.0\.0\.1 port 9000: TimedOut\. Does a firewall/);
  });

  it("whose name turns out to be public is refused, which log and status say", async () => {
    world = new StlinkWorld("public", ["connector", "office", "camera"]);
    vi.spyOn(world.worldOf("camera").transport, "lookup").mockResolvedValue(["198.51.100.7"]);
    await world.startConnector();
    await world.startStlink("office", bindingTo(["camera"]));
    await world.startStlink("camera", mappingTo("intranet.example"));
    await world.pass(2000);
    const client = world.client();
    await world.pass(2000);
    expect(client.ending).toBe("Reset");
    const why = /intranet\.example resolves to 198\.51\.100\.7, which is not allowed/;
    expect(world.status("camera").mappings[0]?.lastError).toMatch(why);
    expect(world.told("camera", "could not connect")[0]?.msg).toMatch(why);
    expect(world.status("office").bindings[0]?.lastError).toBe("camera: TargetUnreachable");
  });

  it("of several addresses is tried at each, and the time is shared", async () => {
    world = new StlinkWorld("shared", ["connector", "office", "camera"]);
    vi.spyOn(world.worldOf("camera").transport, "lookup").mockResolvedValue([
      "127.0.0.2",
      "127.0.0.1",
    ]);
    await world.startConnector();
    await world.startStlink("office", bindingTo(["camera"]));
    await world.startStlink("camera", mappingTo("localhost"));
    await world.pass(2000);
    world.network.kill("camera", `127.0.0.2 ${TARGET_PORT}`);
    const came = await world.target();
    const client = world.client();
    await world.pass(6000);
    expect(await comes(client, came, "hello")).toBe(true);
  });
});

describe("a Binding with several peers", () => {
  it("sends nothing of the application to a peer that did not connect", async () => {
    await started("choice", ["one", "two"]);
    const came = await world.target();
    world.network.kill("one", `127.0.0.1 ${TARGET_PORT}`);
    const clients = Array.from({ length: 8 }, () => world.client());
    for (const [i, client] of clients.entries()) client.send(`bytes of ${i}`);
    await world.pass(9000);
    expect(came.map(({ text }) => text).sort()).toEqual(clients.map((_, i) => `bytes of ${i}`));
    expect(world.status("one").mappings[0]).toMatchObject({ bytesOut: 0 });
    expect(world.status("office").bindings[0]).toMatchObject({ total: 8, failed: 0 });
  });

  it("gives up after ten seconds in all when none answers", async () => {
    await started("none", ["one", "two", "three"]);
    for (const name of ["one", "two", "three"]) await world.stop(name);
    const client = world.client();
    await world.pass(9900);
    expect(client.ending).toBe(undefined);
    await world.pass(300);
    expect(client.ending).toBe("Reset");
    expect(world.status("office").streams.open).toBe(0);
    expect(world.status("office").bindings[0]?.lastError).toMatch(/: no answer in time$/);
  });

  it("keeps links to three of them", async () => {
    const cameras = ["one", "two", "three", "four", "five"];
    await started("three", cameras);
    await world.pass(60_000);
    const sessions = world.status("office").peers.map(({ session }) => session);
    expect(sessions.filter((session) => session === "up").length).toBe(3);
  });

  it("puts another in the place of one that went away", async () => {
    await started("replaced", ["one", "two", "three", "four"]);
    const up = world.status("office").peers.filter(({ session }) => session === "up");
    await world.stop(up[0]?.name ?? "");
    await world.pass(200_000);
    const now = world.status("office").peers.filter(({ unanswered }) => unanswered < 2);
    expect(now.filter(({ session }) => session === "up").length).toBe(3);
  });
});

describe("a Connector that says of everybody that they are away", () => {
  it("changes nothing for a connection but a few probes", async () => {
    let lies = 0;
    const { hopStep } = Core.prototype;
    vi.spyOn(Core.prototype, "hopStep").mockImplementation(function (this: Core, hop: number) {
      const step = hopStep.call(this, hop);
      if (step !== HopStep.Packet) return step;
      lies += 1;
      this.hopTell(hop, this.packetInfo().channel, "away");
      return step;
    });
    await started("liar");
    const came = await world.target(TARGET_PORT, (target) => {
      target.send("welcome");
    });
    const client = world.client();
    for (let i = 0; i < 20; i++) expect(await comes(client, came, `part ${i}`)).toBe(true);
    expect(client.text).toBe("welcome");
    expect(lies).toBeGreaterThan(40);
    expect(world.status("office").bindings[0]).toMatchObject({ open: 1, failed: 0 });
  });
});

describe("a Connector that sends everything twice", () => {
  it("has each second packet counted, by name and by peer", async () => {
    const { forward } = Core.prototype;
    vi.spyOn(Core.prototype, "forward").mockImplementation(function (this: Core, ...packet) {
      return forward.apply(this, packet) && (forward.apply(this, packet) || true);
    });
    await started("twice");
    const came = await world.target();
    const client = world.client();
    for (let i = 0; i < 20; i++) expect(await comes(client, came, `part ${i}`)).toBe(true);
    expect(came[0]?.text).toBe(Array.from({ length: 20 }, (_, i) => `part ${i}`).join(""));
    const { dropped, peers } = world.status("office");
    expect(dropped["Stale"]).toBeGreaterThan(20);
    const sum = Object.values(dropped).reduce((total, count) => total + count, 0);
    expect(peers[0]?.dropped).toBe(sum);
    expect(peers[0]?.lastError).toBe("Stale");
  });
});

describe("a UDP Route", () => {
  const udp = (mapping: object, binding: object) => ({
    office: {
      bindings: [{ name: "ask", mapping: "dns", protocol: "udp", port: 5353, ...binding }],
    },
    camera: {
      mappings: [
        {
          name: "dns",
          protocol: "udp",
          address: "127.0.0.1",
          port: 53,
          peers: ["office"],
          ...mapping,
        },
      ],
    },
  });

  /** Asks as this client and gives what came back within a second. */
  async function ask(port: number, text: string): Promise<string[]> {
    const answers: string[] = [];
    const { transport } = world.worldOf("office");
    const to = { host: "127.0.0.1", port: 5353 };
    const socket = await transport.bindDatagrams(
      { host: "127.0.0.1", port },
      { datagram: (bytes) => answers.push(Buffer.from(bytes).toString()), failed: () => {} },
    );
    socket.send(Buffer.from(text), to);
    await world.pass(4000);
    socket.close();
    return answers;
  }

  /** A server of these answers, on the machine of one STLink. */
  async function server(name: string): Promise<void> {
    const socket = await world.worldOf(name).transport.bindDatagrams(
      { host: "127.0.0.1", port: 53 },
      {
        datagram: (bytes, from) => socket.send(Buffer.from(`${name}: ${Buffer.from(bytes)}`), from),
        failed: () => {},
      },
    );
  }

  it("goes on with other limits after its file was read again", async () => {
    world = new StlinkWorld("udp reload", ["connector", "office", "camera"]);
    await world.startConnector();
    const peers = ["camera"];
    const before = udp({}, { peers });
    await world.startStlink("office", before.office);
    await world.startStlink("camera", before.camera);
    await world.pass(2000);
    await server("camera");
    expect(await ask(1000, "one")).toEqual(["camera: one"]);
    const after = udp({ udp_flows: 1 }, { peers, udp_idle: "1s" });
    expect(await world.reload("office", after.office)).toMatchObject({ needsRestart: [] });
    await world.reload("camera", after.camera);
    expect(await ask(1001, "two")).toEqual(["camera: two"]);
    const [line] = world.status("office").bindings;
    expect(line).toMatchObject({ total: 2, datagramsIn: 2, datagramsOut: 2 });
    expect(await world.reload("office", { bindings: [] })).toMatchObject({
      applied: [{ kind: "binding", name: "ask", what: "removed" }],
    });
    expect(await ask(1002, "three")).toEqual([]);
  });

  it("finds the peer that answers among several", async () => {
    world = new StlinkWorld("udp choice", ["connector", "office", "camera", "attic"]);
    await world.startConnector();
    const routes = udp({}, { peers: ["camera", "attic"] });
    await world.startStlink("office", routes.office);
    await world.startStlink("camera", routes.camera);
    await world.startStlink("attic", routes.camera);
    await world.pass(2000);
    await server("attic");
    await world.stop("camera");
    await ask(1000, "one");
    expect(await ask(1001, "two")).toEqual(["attic: two"]);
  });
});

describe("a file that is read again", () => {
  it("leaves the connections of each of several Mappings alone, and counts them apart", async () => {
    world = new StlinkWorld("two mappings", ["connector", "office", "camera"]);
    await world.startConnector();
    const route = (name: string, port: number) => ({
      name,
      mapping: name,
      port,
      peers: ["camera"],
    });
    const target = (name: string, port: number) => {
      return { name, address: "127.0.0.1", port, peers: ["office"] };
    };
    const mappings = [target("one", 9001), target("two", 9002)];
    await world.startStlink("office", { bindings: [route("one", 8001), route("two", 8002)] });
    await world.startStlink("camera", { mappings });
    await world.pass(2000);
    const [first, second] = [await world.target(9001), await world.target(9002)];
    const clients = [world.client(8001), world.client(8002)] as const;
    expect(await comes(clients[0], first, "before")).toBe(true);
    expect(await comes(clients[1], second, "before")).toBe(true);
    await world.reload("camera", { mappings: [...mappings, target("three", 9003)] });
    expect(await comes(clients[0], first, "after")).toBe(true);
    expect(await comes(clients[1], second, "after")).toBe(true);
    expect(world.status("camera").mappings).toMatchObject([
      { total: 1 },
      { total: 1 },
      { total: 0 },
    ]);
  });
});
