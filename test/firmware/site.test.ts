// SPDX-License-Identifier: Apache-2.0
// Two devices and a desktop STLink at once, through one Connector: the desktop has Bindings to both, and
// one device a Binding to the other. The devices run the whole firmware, with flash images from their
// files. Every byte is compared, also over a Connector that is killed in the middle.

import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { Emulator } from "../../host/device/emulator.ts";
import { LARGE_FLASH } from "../../host/device/store-image.ts";
import { buildFirmware, buildVirtFirmware } from "../../scripts/build-firmware.ts";
import { freePort } from "../e2e/free-port.ts";
import { NativeDevice, writeFlash } from "../e2e/native-devices.ts";
import { endAll } from "../e2e/sealed-tools.ts";
import {
  closeAll,
  dial,
  endingOf,
  exchange,
  seededHash,
  sendSeeded,
  startServer,
  turnOver,
} from "../e2e/services.ts";
import { type Routes, StlinkSite } from "../e2e/stlink-site.ts";

type Device = { said: () => string; hasEnded: () => boolean; end: () => Promise<void> };

type Kind = {
  kind: string;
  /** By which address a device finds this machine's loopback. */
  host: string;
  /** Can this process reach what a device listens on? */
  isOnThisHost: boolean;
  start: (site: StlinkSite, name: string) => Promise<Device>;
};

const DOWNLOAD_BYTES = 1 << 18;
const START_MS = 120_000;

const NATIVE: Kind = {
  ...{ kind: "native-asan", host: "127.0.0.1", isOnThisHost: true },
  async start(site, name) {
    const device = NativeDevice.start(buildFirmware("native-asan"), site, name, await freePort());
    return {
      said: () => device.said,
      hasEnded: () => device.hasEnded,
      end: () => device.kill(),
    };
  },
};

const EMULATED: Kind = {
  ...{ kind: "virt-rv32", host: "10.0.2.2", isOnThisHost: false },
  async start(site, name) {
    const { flash: image, sizes } = buildVirtFirmware("virt-rv32");
    const flash = writeFlash(site, name, LARGE_FLASH);
    const device = await Emulator.start({ image, flash, ramKib: sizes.ram / 1024 });
    let hasEnded = false;
    device.ended.then(() => (hasEnded = true));
    return {
      said: () => device.lines.join("\n"),
      hasEnded: () => hasEnded,
      end: () => device.powerCut(),
    };
  },
};

/** What a device says when something is wrong in it: a sanitizer's report, a trap, a bug. */
const REPORT = /Sanitizer|runtime error|the core has stopped/;
/** A client that says this gets seeded bytes from a service; any other its own bytes, turned over. */
const DOWNLOAD = "all of it\n";
const PORCH_SEED = 11;
const YARD_SEED = 12;

const devices: Device[] = [];

afterEach(async () => {
  const ended = devices.filter(({ hasEnded }) => hasEnded()).length;
  const said = devices.map((device) => device.said());
  await Promise.all(devices.splice(0).map((device) => device.end()));
  await closeAll();
  await endAll();
  expect(said.filter((text) => REPORT.test(text))).toEqual([]);
  expect(ended).toBe(0);
});

function serve(seed: number): Promise<number> {
  return startServer((socket) => {
    socket.once("data", (first) => {
      if (String(first) === DOWNLOAD)
        return void sendSeeded(socket, seed, DOWNLOAD_BYTES).catch(() => {});
      socket.write(first.map((byte) => byte ^ 0xff));
      turnOver(socket);
    });
  });
}

async function download(port: number, onBytes: (count: number) => void = () => {}) {
  const socket = dial(port);
  socket.write(DOWNLOAD);
  const hash = createHash("sha256");
  let count = 0;
  for await (const part of socket) {
    hash.update(part as Buffer);
    count += (part as Buffer).length;
    onBytes(count);
  }
  return hash.digest("hex");
}

type Started = {
  site: StlinkSite;
  /** The ways to a service: the port of a Binding, and the seed of what the service has. */
  ways: { port: number; seed: number }[];
  /** The office's Bindings to the cameras' pages. */
  pages: number[];
  /** The porch's Binding to the yard's service, which the yard does not let it use. */
  unwelcome: number;
};

/**
 * The office, and the devices porch and yard, each with its camera's page and a service beside it. The
 * office has Bindings to all of that, the yard one to the porch's service.
 */
async function startSite(kind: Kind): Promise<Started> {
  const site = new StlinkSite(["hall"], ["office", "porch", "yard"]);
  await site.startConnector("hall");
  const [porchsOwn, yardsOwn] = [await freePort(), await freePort()];
  const porchService = await serve(PORCH_SEED);
  const yardService = await serve(YARD_SEED);
  await startDevice(kind, site, "porch", {
    mappings: [pageOf("porch"), mapping(kind, "porch-service", porchService, "office", "yard")],
    bindings: [binding("yard-service", "yard", porchsOwn)],
  });
  await startDevice(kind, site, "yard", {
    mappings: [pageOf("yard"), mapping(kind, "yard-service", yardService, "office")],
    bindings: [binding("porch-service", "porch", yardsOwn)],
  });
  const services = [binding("porch-service", "porch"), binding("yard-service", "yard")];
  const pages = [binding("porch-page", "porch"), binding("yard-page", "yard")];
  await site.startStlink("office", { bindings: [...services, ...pages] });
  const { bindings } = await site.status("office");
  const ports = bindings.map(({ listening }) => Number(listening[0]?.split(":").at(-1)));
  const ways = [
    { port: ports[0] ?? 0, seed: PORCH_SEED },
    { port: ports[1] ?? 0, seed: YARD_SEED },
    ...(kind.isOnThisHost ? [{ port: yardsOwn, seed: PORCH_SEED }] : []),
  ];
  await Promise.all(ways.map(({ port }) => untilCarried(port)));
  return { site, ways, pages: ports.slice(2), unwelcome: porchsOwn };
}

/** Waits until a way carries bytes: on a slow machine the devices start for longer than a Binding waits. */
async function untilCarried(port: number): Promise<void> {
  const hello = Buffer.from("hello");
  const answer = () => exchange(port, hello).catch(() => null);
  await expect.poll(answer, { timeout: START_MS, interval: 500 }).toEqual(turned("hello"));
}

function pageOf(name: string) {
  return { name: `${name}-page`, address: "127.0.0.1", port: 80, peers: ["office"] };
}

function mapping({ host }: Kind, name: string, port: number, ...peers: string[]) {
  return { name, address: host, port, peers };
}

function binding(name: string, peer: string, port = 0) {
  return { name: `${name}-here`, mapping: name, port, peers: [peer] };
}

async function startDevice(kind: Kind, site: StlinkSite, name: string, routes: Routes) {
  const address = site.addressOf("hall").replace("127.0.0.1", kind.host);
  site.writeStlink(name, { ...routes, connectors: { hall: { address } } });
  devices.push(await kind.start(site, name));
}

async function pictureAt(port: number): Promise<Buffer> {
  const response = await fetch(`http://127.0.0.1:${port}/snapshot.jpg`);
  return Buffer.from(await response.arrayBuffer());
}

function turned(text: string): Buffer {
  return Buffer.from(Buffer.from(text).map((byte) => byte ^ 0xff));
}

describe.each([NATIVE, EMULATED])("two devices ($kind) and a desktop at once", (kind) => {
  test("send everything over every way while the Connector is killed, and pictures beside it", async () => {
    const { site, ways, pages } = await startSite(kind);
    const replace = async () => {
      await site.kill("hall");
      await site.startConnector("hall");
    };
    let replaced: Promise<void> | null = null;
    const onBytes = (count: number) => {
      if (count >= DOWNLOAD_BYTES / 4) replaced ??= replace();
    };
    const hashes = await Promise.all(ways.map(({ port }) => download(port, onBytes)));
    expect(hashes).toEqual(ways.map(({ seed }) => seededHash(seed, DOWNLOAD_BYTES)));
    expect(replaced).not.toBeNull();
    await replaced;
    for (const picture of await Promise.all(pages.map(pictureAt))) {
      expect(picture.readUInt16BE(0)).toBe(0xffd8);
      expect(picture.readUInt16BE(picture.length - 2)).toBe(0xffd9);
    }
  });

  test("bring what each client says to its service, and the answer back", async () => {
    const { ways } = await startSite(kind);
    const said = ways.map(({ port }) => `a client at port ${port}`);
    const answers = ways.map(({ port }, i) => exchange(port, Buffer.from(said[i] ?? "")));
    expect(await Promise.all(answers)).toEqual(said.map(turned));
  });
});

test("a device lets only the peers use its Mapping that it names, no other device", async () => {
  const { ways, unwelcome } = await startSite(NATIVE);
  const [, yard] = ways;
  expect(await exchange(yard?.port ?? 0, Buffer.from("office"))).toEqual(turned("office"));
  expect(await endingOf(dial(unwelcome))).toBe("ECONNRESET");
  const [porch] = devices;
  expect(porch?.said()).toMatch(/could not connect: NoSuchMapping/);
});
