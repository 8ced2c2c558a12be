// SPDX-License-Identifier: Apache-2.0
// The device as a program under the sanitizers, with the real Connector and the desktop's STLink: its
// Mappings and Bindings byte for byte, and what becomes of them when anything around it fails. Before it:
// test-device.ts. PROTOCOL 7.6, 10.3, 10.7; rules D9, D10, K7.

import { createHash, randomBytes } from "node:crypto";
import type { Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { DeviceRecord } from "../../host/device/store-image.ts";
import { CORE_WASM } from "../../scripts/run.ts";
import { freePort } from "../e2e/free-port.ts";
import { endAll, makeFolder } from "../e2e/sealed-tools.ts";
import {
  closeAll,
  dial,
  endingOf,
  exchange,
  seededBytes,
  seededHash,
  sendSeeded,
  startServer,
  turnOver,
} from "../e2e/services.ts";
import { type Routes, StlinkSite } from "../e2e/stlink-site.ts";
import { bound } from "../e2e/udp-tools.ts";
import {
  buildTestDevice,
  type DeviceRoute,
  provision,
  storedConfiguration,
  TestDevice,
  trappingCore,
  writeFlash,
} from "./test-device.ts";

const devices: TestDevice[] = [];
const udpSockets: UdpSocket[] = [];
const MEBIBYTE = 1 << 20;
/** Streams of a device for applications: its core keeps one more for a Commander. */
const STREAMS = 4;
const CARRIED_MS = 60_000;

afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.kill()));
  for (const socket of udpSockets.splice(0)) socket.close();
  await closeAll();
  await endAll();
});

function start(flash: string, ...more: string[]): TestDevice {
  return startProgram(buildTestDevice(), flash, ...more);
}

function startProgram(program: string, flash: string, ...more: string[]): TestDevice {
  const device = new TestDevice(program, ["--flash", flash, ...more]);
  devices.push(device);
  return device;
}

type Site = { site: StlinkSite; device: TestDevice; portOf(binding: string): number };

/** A device with these Mappings for the desktop STLink `office`, whose Bindings have the same names. */
async function siteWith(
  mappings: Readonly<Record<string, { port: number; address?: string }>>,
  more: readonly DeviceRoute[] = [],
  deskPort = 1,
  ...options: string[]
): Promise<Site> {
  const site = new StlinkSite(["hall"], ["office", "camera"]);
  await site.startConnector("hall");
  await site.startStlink("office", {
    bindings: Object.keys(mappings).map((name) => ({
      name,
      mapping: name,
      port: 0,
      peers: ["camera"],
    })),
    mappings: [{ name: "desk", address: "127.0.0.1", port: deskPort, peers: ["camera"] }],
  });
  const own = Object.entries(mappings).map(([name, target]) => ({
    kind: "mapping" as const,
    name,
    ...target,
    peers: ["office"],
  }));
  const flash = provision(site, "camera", { connectors: ["hall"], routes: [...own, ...more] });
  const device = start(flash, ...options);
  await device.hear(/hop up/);
  const { bindings } = await site.status("office");
  const portOf = (name: string): number =>
    Number(
      bindings
        .find((one) => one.name === name)
        ?.listening[0]?.split(":")
        .at(-1),
    );
  return { site, device, portOf };
}

function deskBinding(port: number): DeviceRoute {
  return { kind: "binding", name: "desk", port, mapping: "desk", peers: ["office"] };
}

/** A way to a port of loopback whose connections can fall silent: nothing comes through any more. */
class StallingWay {
  port = 0;
  readonly #target: number;
  readonly #through: Socket[] = [];

  constructor(target: number) {
    this.#target = target;
  }

  async start(): Promise<this> {
    this.port = await startServer((socket) => {
      const onward = dial(this.#target);
      this.#through.push(socket, onward);
      socket.pipe(onward).pipe(socket);
    });
    return this;
  }

  /** Those that are there now; later ones go through. */
  stall(): void {
    for (const socket of this.#through.splice(0)) socket.unpipe().pause();
  }
}

type UdpFiles = { routes: readonly Omit<DeviceRoute, "peers">[]; office: Routes };

/** A device and a desktop with UDP Routes; `office` gives the port of the desktop's Binding. */
async function udpSite({ routes, office }: UdpFiles) {
  const site = new StlinkSite(["hall"], ["office", "camera"]);
  await site.startConnector("hall");
  await site.startStlink("office", office);
  const own = routes.map((route) => ({ ...route, protocol: "udp" as const, peers: ["office"] }));
  const device = start(provision(site, "camera", { connectors: ["hall"], routes: own }));
  await device.hear(/hop up/);
  return { device, office: () => site.portOf("office") };
}

async function newSocket(): Promise<UdpSocket> {
  const socket = await bound("127.0.0.1");
  udpSockets.push(socket);
  return socket;
}

/** A service, and two applications. */
async function threeSockets(): Promise<[UdpSocket, UdpSocket, UdpSocket]> {
  return [await newSocket(), await newSocket(), await newSocket()];
}

function answerTurned(service: UdpSocket): void {
  service.on("message", (bytes, { port, address }) => service.send(turned(bytes), port, address));
}

/** Sends until an answer comes: a datagram may be lost. */
async function answerTo(socket: UdpSocket, port: number, bytes: Buffer): Promise<Buffer> {
  const again = setInterval(() => socket.send(bytes, port, "127.0.0.1"), 500);
  socket.send(bytes, port, "127.0.0.1");
  for (;;) {
    const [answer] = (await once(socket, "message")) as [Buffer];
    if (!answer.equals(turned(bytes))) continue;
    clearInterval(again);
    return answer;
  }
}

function turned(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => byte ^ 0xff));
}

async function hashOf(
  socket: Socket,
  onBytes: (count: number) => void = () => {},
): Promise<string> {
  const hash = createHash("sha256");
  let count = 0;
  for await (const part of socket) {
    hash.update(part as Buffer);
    count += (part as Buffer).length;
    onBytes(count);
  }
  return hash.digest("hex");
}

describe("a device's Mapping", () => {
  test("is reached by name through the Connector, and every byte and both half-closes arrive", async () => {
    const web = await startServer(turnOver);
    const { portOf } = await siteWith({ web: { port: web, address: "localhost" } });
    const page = randomBytes(100_000);
    expect(await exchange(portOf("web"), page)).toEqual(turned(page));
    expect(await exchange(portOf("web"), Buffer.alloc(0))).toEqual(Buffer.alloc(0));
  });

  test("goes on with the download when the Connector is killed in the middle of it and comes back", async () => {
    const large = await startServer((socket) => void sendSeeded(socket, 7, 2 * MEBIBYTE));
    const { site, device, portOf } = await siteWith({ large: { port: large } });
    const socket = dial(portOf("large"));
    const replace = async () => {
      await site.kill("hall");
      await device.hear(/hop down/);
      await site.startConnector("hall");
    };
    let replaced: Promise<void> | null = null;
    const hash = hashOf(socket, (count) => {
      if (count >= MEBIBYTE / 2) replaced ??= replace();
    });
    socket.end();
    expect(await hash).toBe(seededHash(7, 2 * MEBIBYTE));
    expect(replaced).not.toBeNull();
    await replaced;
  });

  test("says why its target can't be reached, and resets the application", async () => {
    const { device, portOf, site } = await siteWith({
      closed: { port: await freePort() },
      public: { port: 80, address: "192.0.2.1" },
    });
    expect(await endingOf(dial(portOf("closed")))).toBe("ECONNRESET");
    await device.hear(/could not connect: the target refuses/);
    expect(await endingOf(dial(portOf("public")))).toBe("ECONNRESET");
    await device.statusWith(/last failure: the target is a public address/);
    const { bindings } = await site.status("office");
    expect(bindings.map(({ lastError }) => lastError)).toEqual([
      expect.stringContaining("TargetRefused"),
      expect.stringContaining("TargetUnreachable"),
    ]);
  });

  test("passes a reset on in both directions", async () => {
    const sockets: Socket[] = [];
    const held = await startServer((socket) => void sockets.push(socket));
    const { portOf } = await siteWith({ held: { port: held } });
    const client = dial(portOf("held"));
    client.write("one");
    while (sockets.length < 1) await new Promise(setImmediate);
    const service = sockets[0] as Socket;
    await once(service, "data");
    service.resetAndDestroy();
    expect(await endingOf(client)).toBe("ECONNRESET");
    const other = dial(portOf("held"));
    other.write("two");
    while (sockets.length < 2) await new Promise(setImmediate);
    const second = sockets[1] as Socket;
    await once(second, "data");
    other.resetAndDestroy();
    expect(await endingOf(second)).toBe("ECONNRESET");
  });

  test("refuses what comes when every stream is taken, and the others go on", async () => {
    const sockets: Socket[] = [];
    const held = await startServer((socket) => {
      sockets.push(socket);
      turnOver(socket);
    });
    const { portOf, device } = await siteWith({ held: { port: held } });
    const clients = Array.from({ length: STREAMS }, () => dial(portOf("held")));
    for (const client of clients) {
      client.write("x");
      expect(await once(client, "data")).toEqual([turned(Buffer.from("x"))]);
    }
    expect(await endingOf(dial(portOf("held")))).toBe("ECONNRESET");
    for (const client of clients) {
      client.end("y");
      expect(await once(client, "data")).toEqual([turned(Buffer.from("y"))]);
    }
    await device.statusWith(/streams: 0 of 4/);
    const page = randomBytes(1000);
    expect(await exchange(portOf("held"), page)).toEqual(turned(page));
  });
});

describe("a device's Binding", () => {
  test("reaches a desktop's Mapping, and every byte and both half-closes arrive", async () => {
    const desk = await startServer(turnOver);
    const port = await freePort();
    const { device } = await siteWith({}, [deskBinding(port)], desk);
    const page = Buffer.concat([...seededBytes(3, MEBIBYTE / 4)]);
    const pages = await Promise.all([exchange(port, page), exchange(port, page.subarray(5000))]);
    expect(pages).toEqual([turned(page), turned(page.subarray(5000))]);
    await device.statusWith(/streams: 0 of 4, 2 in all, 0 failed/);
  });

  test("resets connections beyond its streams, and says so", async () => {
    const desk = await startServer(turnOver);
    const port = await freePort();
    const { device } = await siteWith({}, [deskBinding(port)], desk);
    const clients = Array.from({ length: STREAMS }, () => dial(port));
    for (const client of clients) {
      client.write("x");
      await once(client, "data");
    }
    expect(await endingOf(dial(port))).toBe("ECONNRESET");
    await device.hear(/refuses a connection: every stream of this device is taken/);
    for (const client of clients) client.end();
    await device.statusWith(/streams: 0 of 4/);
  });

  test("tries a peer that answers when another one is away", async () => {
    const site = new StlinkSite(["hall"], ["office", "attic", "camera"]);
    await site.startConnector("hall");
    const desk = await startServer(turnOver);
    await site.startStlink("office", {
      mappings: [{ name: "desk", address: "127.0.0.1", port: desk, peers: ["camera"] }],
    });
    const port = await freePort();
    const routes = [{ ...deskBinding(port), peers: ["attic", "office"] }];
    const device = start(provision(site, "camera", { connectors: ["hall"], routes }));
    await device.hear(/hop up/);
    // On a slow machine the first handshake may take longer than a Binding waits for one of several peers.
    const answer = () => exchange(port, Buffer.from("who?")).catch(String);
    await expect.poll(answer, { timeout: CARRIED_MS }).toEqual(turned(Buffer.from("who?")));
  });

  test("listens on the address of the interface that it names, and on no other", async () => {
    const [loopback] = Object.entries(networkInterfaces()).find(([, list = []]) =>
      list.some(({ address }) => address === "127.0.0.1"),
    ) as [string, unknown];
    const desk = await startServer(turnOver);
    const port = await freePort();
    const { device } = await siteWith({}, [{ ...deskBinding(port), address: loopback }], desk);
    await device.statusWith(/Binding [0-9a-f]{32}: listens on 127\.0\.0\.1 port/);
    const page = randomBytes(1000);
    expect(await exchange(port, page)).toEqual(turned(page));
  });

  test("says so where the device has no such interface", async () => {
    const port = await freePort();
    const { device } = await siteWith({}, [{ ...deskBinding(port), address: "eth77" }]);
    expect(device.said).toMatch(
      /does not listen: eth77 is neither an address nor an interface of this device/,
    );
    expect(await device.statusWith(/Connector/)).not.toContain("Binding");
  });

  test("refuses to listen on a public address", async () => {
    const port = await freePort();
    const { device } = await siteWith({}, [{ ...deskBinding(port), address: "192.0.2.1" }]);
    const said = await device.statusWith(/Connector/);
    expect(said).not.toContain("Binding");
  });
});

/** Options of a Binding (10.3): 127.0.0.2 alone, and so many at once. */
const ONLY_THERE = { type: 1, value: Uint8Array.of(4, 32, 127, 0, 0, 2) };
const connectionsMost = (count: number) => ({ type: 2, value: Uint8Array.of(count, 0) });

async function isAnswered(client: Socket): Promise<boolean> {
  client.write("x");
  const [answer] = (await once(client, "data")) as [Buffer];
  return answer.equals(turned(Buffer.from("x")));
}

describe("an access list of a device's Binding", () => {
  test("lets in who is in it, and no other, and a flood of others takes no stream", async () => {
    const desk = await startServer(turnOver);
    const port = await freePort();
    const options = [ONLY_THERE];
    const { device } = await siteWith({}, [{ ...deskBinding(port), options }], desk);
    for (let i = 0; i < 50; i++) expect(await endingOf(dial(port))).toBe("ECONNRESET");
    await device.hear(
      /refuses 127\.0\.0\.1 port \d+: its access list has no such network; add it there/,
    );
    expect(await isAnswered(dial(port, "127.0.0.1", "127.0.0.2"))).toBe(true);
    const status = await device.statusWith(/1 in all, 50 failed;.* last failure: SourceNotAllowed/);
    expect(status).toMatch(/streams: 1 of 4/);
    expect(device.said.match(/its access list has no such network/g)).toHaveLength(1);
  });

  test("closes connections beyond its limit, and one that ends makes room", async () => {
    const desk = await startServer(turnOver);
    const port = await freePort();
    const options = [connectionsMost(2)];
    const { device } = await siteWith({}, [{ ...deskBinding(port), options }], desk);
    const clients = [dial(port), dial(port)] as const;
    for (const client of clients) expect(await isAnswered(client)).toBe(true);
    expect(await endingOf(dial(port))).toBe("ECONNRESET");
    await device.hear(/refuses .*: as many are here as its access list allows/);
    clients[0].end();
    await device.statusWith(/streams: 1 of 4.* last failure: TooManyConnections/);
    expect(await isAnswered(dial(port))).toBe(true);
    expect(await isAnswered(clients[1])).toBe(true);
  });

  test("holds where every interface is listened on", async () => {
    const desk = await startServer(turnOver);
    const port = await freePort();
    const route = { ...deskBinding(port), address: "all", options: [ONLY_THERE] };
    await siteWith({}, [route], desk);
    expect(await endingOf(dial(port))).toBe("ECONNRESET");
    expect(await isAnswered(dial(port, "127.0.0.1", "127.0.0.2"))).toBe(true);
  });

  test.each([
    ["a rate", { type: 3, value: Uint8Array.of(0, 4, 0, 0) }],
    ["what no version knows yet", { type: 7, value: Uint8Array.of(1) }],
  ])("with %s leaves the Binding out, and says so", async (_, option) => {
    const port = await freePort();
    const options = [ONLY_THERE, option];
    const { device } = await siteWith({}, [{ ...deskBinding(port), options }]);
    expect(device.said).toMatch(/does not listen: it has a rate, or a limit that is newer/);
    expect(await device.statusWith(/Connector/)).not.toContain("Binding");
    expect(await endingOf(dial(port))).toBe("ECONNREFUSED");
  });

  test("drops datagrams of others, and of sources beyond its limit", async () => {
    const [service, one, other] = await threeSockets();
    answerTurned(service);
    const there = await bound("127.0.0.2");
    udpSockets.push(there);
    const [open, listed] = [await freePort(), await freePort()];
    const target = { address: "127.0.0.1", port: service.address().port };
    const binding = { kind: "binding" as const, mapping: "udp" };
    const { device } = await udpSite({
      routes: [
        { ...binding, name: "open", port: open, options: [connectionsMost(1)] },
        { ...binding, name: "listed", port: listed, options: [ONLY_THERE] },
      ],
      office: {
        mappings: [{ name: "udp", ...target, protocol: "udp", peers: ["camera"] }],
      },
    });
    const page = randomBytes(100);
    expect(await answerTo(one, open, page)).toEqual(turned(page));
    other.send(page, open, "127.0.0.1");
    other.send(page, listed, "127.0.0.1");
    await device.statusWith(/SourceNotAllowed 1, TooManyConnections 1/);
    expect(await answerTo(there, listed, page)).toEqual(turned(page));
    expect(await answerTo(one, open, page)).toEqual(turned(page));
  });
});

describe("a device's UDP Route", () => {
  test("brings a desktop's datagrams to its target, and the answers back, each flow apart", async () => {
    const [service, one, other] = await threeSockets();
    answerTurned(service);
    const { office } = await udpSite({
      routes: [
        { kind: "mapping", name: "udp", port: service.address().port, address: "localhost" },
      ],
      office: {
        bindings: [{ name: "udp", mapping: "udp", port: 0, protocol: "udp", peers: ["camera"] }],
      },
    });
    const port = await office();
    for (let round = 0; round < 20; round++) {
      const [mine, yours] = [randomBytes(20 + round * 60), randomBytes(1200)];
      const answers = Promise.all([answerTo(one, port, mine), answerTo(other, port, yours)]);
      expect(await answers).toEqual([turned(mine), turned(yours)]);
    }
  });

  test("brings its own applications' datagrams to a desktop's target, and the answers back", async () => {
    const [service, one, other] = await threeSockets();
    answerTurned(service);
    const port = await freePort();
    const { device } = await udpSite({
      routes: [{ kind: "binding", name: "udp", port, mapping: "udp" }],
      office: {
        mappings: [
          {
            name: "udp",
            address: "127.0.0.1",
            port: service.address().port,
            protocol: "udp",
            peers: ["camera"],
          },
        ],
      },
    });
    for (let round = 0; round < 20; round++) {
      const [mine, yours] = [randomBytes(1 + round * 60), randomBytes(1200)];
      const answers = Promise.all([answerTo(one, port, mine), answerTo(other, port, yours)]);
      expect(await answers).toEqual([turned(mine), turned(yours)]);
    }
    await device.statusWith(/datagrams: \d+ into the tunnel, \d+ out of it/);
  });

  test("is served again when its Mapping's peer was killed and comes back", async () => {
    const site = new StlinkSite(["hall"], ["office", "camera"]);
    await site.startConnector("hall");
    const [service, one] = await threeSockets();
    answerTurned(service);
    const target = { address: "127.0.0.1", port: service.address().port, protocol: "udp" };
    const mappings = [{ name: "udp", ...target, peers: ["camera"] }];
    await site.startStlink("office", { mappings });
    const port = await freePort();
    const common = { name: "udp", port, protocol: "udp", peers: ["office"] } as const;
    const routes = [{ kind: "binding", mapping: "udp", ...common }] as const;
    const device = start(provision(site, "camera", { connectors: ["hall"], routes }));
    await device.hear(/hop up/);
    for (let round = 0; round < 3; round++) {
      const bytes = randomBytes(200);
      expect(await answerTo(one, port, bytes)).toEqual(turned(bytes));
      await site.kill("office");
      await site.startStlink("office", { mappings });
    }
  });

  test("holds its target's flows for the peer that came back only, after its Binding's side was killed", async () => {
    const [service, one] = await threeSockets();
    answerTurned(service);
    const bindings = [
      { name: "udp", mapping: "udp", port: 0, protocol: "udp", peers: ["camera"] } as const,
    ];
    const site = new StlinkSite(["hall"], ["office", "camera"]);
    await site.startConnector("hall");
    await site.startStlink("office", { bindings });
    const routes = [
      {
        ...{ kind: "mapping" as const, name: "udp", port: service.address().port },
        ...{ protocol: "udp" as const, peers: ["office"] },
      },
    ];
    const device = start(provision(site, "camera", { connectors: ["hall"], routes }));
    await device.hear(/hop up/);
    for (let round = 0; round < 3; round++) {
      const bytes = randomBytes(200);
      expect(await answerTo(one, await site.portOf("office"), bytes)).toEqual(turned(bytes));
      await site.kill("office");
      await site.startStlink("office", { bindings });
    }
  });

  test("never sends to a public address", async () => {
    const one = await newSocket();
    const { device, office } = await udpSite({
      routes: [{ kind: "mapping", name: "udp", port: 53, address: "192.0.2.1" }],
      office: {
        bindings: [{ name: "udp", mapping: "udp", port: 0, protocol: "udp", peers: ["camera"] }],
      },
    });
    const port = await office();
    // One that waits too long for the first handshake is dropped on its way.
    const again = setInterval(() => one.send("query", port, "127.0.0.1"), 500);
    await device
      .hear(/drops datagrams: its target does not resolve, or is a public address/)
      .finally(() => clearInterval(again));
  });
});

describe("a device's hops", () => {
  test("go to another Connector when the first one stalls in the middle of the handshake", async () => {
    const site = new StlinkSite(["hall", "stalled", "rubbish"], ["office", "camera"]);
    await site.startConnector("hall");
    const web = await startServer(turnOver);
    const binding = { name: "web", mapping: "web", port: 0, peers: ["camera"] };
    await site.startStlink("office", { bindings: [binding], onlyConnectors: ["hall"] });
    const stalled = await startServer((socket) => void socket.on("error", () => {}).resume());
    const rubbish = await startServer((socket) => {
      socket.on("error", () => {}).resume();
      socket.write(randomBytes(5000));
    });
    const flash = provision(site, "camera", {
      connectors: [
        { name: "stalled", address: `127.0.0.1:${stalled}` },
        { name: "rubbish", address: `127.0.0.1:${rubbish}` },
        "hall",
      ],
      routes: [{ kind: "mapping", name: "web", port: web, peers: ["office"] }],
    });
    const device = start(flash);
    await device.hear(/hop down: 127.0.0.1: Bad/);
    await device.hear(/hop up/);
    const port = await site.portOf("office");
    expect(await exchange(port, Buffer.from("page"))).toEqual(turned(Buffer.from("page")));
  });

  test("to a Connector that drains give way to another's, come back later, and no byte is lost", async () => {
    const site = new StlinkSite(["hall", "attic"], ["office", "camera"]);
    await Promise.all(["hall", "attic"].map((name) => site.startConnector(name)));
    const large = await startServer((socket) => void sendSeeded(socket, 5, MEBIBYTE));
    const binding = { name: "large", mapping: "large", port: 0, peers: ["camera"] };
    await site.startStlink("office", { bindings: [binding] });
    const routes = [{ kind: "mapping" as const, name: "large", port: large, peers: ["office"] }];
    const device = start(provision(site, "camera", { connectors: ["hall", "attic"], routes }));
    await device.hear(/hop up/);
    await device.hear(/hop up/);
    const socket = dial(await site.portOf("office"));
    socket.end();
    let drained: Promise<unknown> | null = null;
    const hash = hashOf(socket, (count) => {
      if (drained === null && count >= MEBIBYTE / 4) drained = site.process("hall").end("SIGTERM");
    });
    expect(await hash).toBe(seededHash(5, MEBIBYTE));
    expect(await drained).toMatchObject({ code: 0 });
    await device.hear(/the Connector stops, dialled again in [234]\.\d+ s/);
    await device.statusWith(/streams: 0 of 4, 1 in all, 0 failed/);
    await site.startConnector("hall");
    await device.hear(/hop up/);
  });

  test("are followed by another when the Connector falls silent, and no byte is lost", async () => {
    const site = new StlinkSite(["hall"], ["office", "camera"]);
    await site.startConnector("hall");
    const way = await new StallingWay(Number(site.addressOf("hall").split(":").at(-1))).start();
    const large = await startServer((socket) => void sendSeeded(socket, 9, MEBIBYTE));
    const binding = { name: "large", mapping: "large", port: 0, peers: ["camera"] };
    await site.startStlink("office", { bindings: [binding] });
    const flash = provision(site, "camera", {
      connectors: [{ name: "hall", address: `127.0.0.1:${way.port}` }],
      routes: [{ kind: "mapping", name: "large", port: large, peers: ["office"] }],
    });
    const device = start(flash);
    await device.hear(/hop up/);
    const socket = dial(await site.portOf("office"));
    socket.end();
    let isStalled = false;
    const hash = hashOf(socket, (count) => {
      if (isStalled || count < MEBIBYTE / 4) return;
      isStalled = true;
      way.stall();
    });
    expect(await hash).toBe(seededHash(9, MEBIBYTE));
    expect(isStalled).toBe(true);
    await device.hear(/hop silent for/);
    await device.hear(/hop up/);
  });

  test("are made anew at once when the network has come back", async () => {
    const web = await startServer(turnOver);
    const { site, device, portOf } = await siteWith({ web: { port: web } });
    for (let round = 0; round < 3; round++) {
      device.child.kill("SIGUSR1");
      await device.hear(/network down/);
      await site.kill("hall");
      await device.hear(/hop down/);
      await site.startConnector("hall");
      device.child.kill("SIGUSR2");
      await device.hear(/network up/);
      await device.hear(/hop up/);
    }
    expect(await exchange(portOf("web"), Buffer.from("page"))).toEqual(turned(Buffer.from("page")));
  });

  test("and streams stand while the clock wraps", async () => {
    const web = await startServer(turnOver);
    const clock = ["--clock", String(2 ** 32 - 3000)];
    const { device, portOf } = await siteWith({ web: { port: web } }, [], 1, ...clock);
    const client = dial(portOf("web"));
    client.write("x");
    await once(client, "data");
    await device.statusWith(/phase: running/);
    for (const end = Date.now() + 4000; Date.now() < end; ) {
      client.write("x");
      await once(client, "data");
    }
    const page = randomBytes(50_000);
    expect(await exchange(portOf("web"), page)).toEqual(turned(page));
  });
});

describe("a device that can't start", () => {
  test("says how to activate it where it has neither configuration nor code, and keeps its key", async () => {
    const flash = writeFlash(makeFolder(), new Map());
    const first = start(flash);
    const line = await first.hear(/made a key; public: [0-9a-f]{64}/);
    await first.hear(/has no configuration: type `activate`/);
    await first.kill();
    const key = line.match(/[0-9a-f]{64}/)?.[0] ?? "";
    expect(await start(flash).hear(/has no configuration/)).toContain(key);
  });

  test("makes no key without entropy, and starts once there is some", async () => {
    process.env.TEST_NO_ENTROPY = "1";
    const device = start(writeFlash(makeFolder(), new Map()));
    delete process.env.TEST_NO_ENTROPY;
    await device.hear(/the platform gives no entropy; again in 1.000 s/);
    await device.hear(/made a key/);
  });

  test("says so of a configuration that is damaged, and goes on without it", async () => {
    const site = new StlinkSite(["hall"], ["office", "camera"]);
    const routes = [deskBinding(4)];
    const stored = storedConfiguration(site, "camera", { connectors: ["hall"], routes });
    stored[200] = (stored[200] ?? 0) ^ 1;
    const device = start(writeFlash(makeFolder(), new Map([[DeviceRecord.Configuration, stored]])));
    await device.hear(/the stored configuration can't be used \(BadConfig\)/);
    await device.hear(/has no configuration/);
  });

  test("loads no core whose hash is not the one that it was built with", async () => {
    const program = buildTestDevice(CORE_WASM, trappingCore());
    const device = startProgram(program, writeFlash(makeFolder(), new Map()));
    await device.hear(/core.wasm is not the file that this firmware was built with/);
    await device.statusWith(/phase: stopped/);
  });
});

test("a trap in the core ends the instance alone: the device says so, and serves again", async () => {
  const web = await startServer(turnOver);
  const site = new StlinkSite(["hall"], ["office", "camera"]);
  await site.startConnector("hall");
  const binding = { name: "web", mapping: "web", port: 0, peers: ["camera"] };
  await site.startStlink("office", { bindings: [binding] });
  const routes = [{ kind: "mapping" as const, name: "web", port: web, peers: ["office"] }];
  const flash = provision(site, "camera", { connectors: ["hall"], routes });
  const device = startProgram(buildTestDevice(trappingCore()), flash);
  await device.hear(/hop up/);
  const port = await site.portOf("office");
  for (let round = 0; round < 2; round++) {
    const client = dial(port);
    client.write("x");
    expect(await once(client, "data")).toEqual([turned(Buffer.from("x"))]);
    client.end();
    await device.hear(/the core has stopped, all connections are lost: .* in stream_fin/);
    await device.hear(/hop up/);
  }
});
