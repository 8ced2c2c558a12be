// SPDX-License-Identifier: Apache-2.0
// `npm run shows -- NAME [--bytes 1GiB] [--connections 500] [--devices 1000] [--stlinks 1000] [--step 1]
// [--firmware native-aot] [--engine wasm3]`: the long shows of the real system, which are too long for each
// `npm test`, which runs them small (shows.test.ts, commander-*.test.ts, firmware/virt-device.test.ts). Each prints
// what it did and its figures, and ends with exit code 1 where something was not as it is to be.
// After it: show-download.ts, show-connections.ts, show-devices.ts, show-device-bytes.ts, show-commander.ts.

import { parseArgs } from "node:util";
import type { VirtTarget } from "../../scripts/build-firmware.ts";
import { endDevices } from "./native-devices.ts";
import { endAll } from "./sealed-tools.ts";
import { closeAll } from "./services.ts";
import { cutActivations, deployToMany } from "./show-commander.ts";
import { converse } from "./show-connections.ts";
import { type DeviceBytes, moveDeviceBytes } from "./show-device-bytes.ts";
import { type DeviceFirmware, gather } from "./show-devices.ts";
import { type DownloadKind, download } from "./show-download.ts";

const MIB = 1 << 20;
const UNITS: Record<string, number> = { MiB: MIB, GiB: 1 << 30 };
const PIECE_BYTES = 65_536;
const CONNECTION_BYTES = 4 * PIECE_BYTES;
const DOWNLOAD_BYTES = 1024 * MIB;
const DEVICE_BYTES = 16 * MIB;

const RULE =
  "The rule (F7): a Connector serves the senders to one STLink in turn, so of two each keeps half as long as " +
  "something of it is queued; what the one leaves, while it waits for its peer, the other takes.";

const KIB = 1024;
const REST_MS = 30_000;
const FIRMWARES: Record<DeviceFirmware, string> = {
  native: "under wasm3",
  "native-aot": "compiled ahead of time",
  "native-asan": "under wasm3 and the sanitizers",
};

/** An emulated device with each, and how long 16 MiB both ways take it on a machine of two cores. */
const ENGINES: Record<string, { target: VirtTarget; name: string; about: string }> = {
  wasm3: { target: "virt-rv32", name: "under wasm3", about: "five to eight minutes" },
  aot: { target: "virt-rv32-aot", name: "ahead of time", about: "about a minute" },
};

type Options = {
  /** The show's own when null. */
  bytes: number | null;
  connections: number;
  devices: number;
  stlinks: number;
  /** Bytes from one cut to the next. */
  step: number;
  firmware: DeviceFirmware;
  /** Of ENGINES. */
  engines: readonly string[];
};
type Show = { about: string; run(options: Options): Promise<boolean> };

const SHOWS: Record<string, Show> = {
  download: {
    about: "a download while the only Connector is killed and started again five times",
    run: ({ bytes }) => showDownload("one", bytes),
  },
  "download-two": {
    about: "the same with two Connectors, killing whichever carries it",
    run: ({ bytes }) => showDownload("two", bytes),
  },
  "download-receiver": {
    about: "the same with two Connectors, killing the only one of the receiver",
    run: ({ bytes }) => showDownload("receiver", bytes),
  },
  connections: {
    about: "connections at once, beside one that nobody reads, without and with a peer that floods",
    run: ({ connections }) => showConnections(connections),
  },
  devices: {
    about: "devices at once, each in session with one Connector and one desktop STLink",
    run: (options) => showDevices(options),
  },
  "device-bytes": {
    about: "bytes from an emulated device and to it, the Connector killed in the middle",
    run: (options) => showDeviceBytes(options),
  },
  "commander-stlinks": {
    about: "a Template changed that all STLinks of a Commander have, while connections go on",
    run: ({ stlinks }) => deployToMany(stlinks, tellOn()),
  },
  "activation-cuts": {
    about: "activations that are cut behind each byte of what comes down, and goes up",
    run: ({ step }) => cutActivations(step, tellOn()),
  },
};

async function showDownload(kind: DownloadKind, size: number | null): Promise<boolean> {
  const bytes = size ?? DOWNLOAD_BYTES;
  const got = await download(kind, bytes);
  const isGood = got.hash === got.sentHash && got.bytes === bytes && got.connections === 1;
  console.log(`killed and started again: ${got.killed.join(", ")}`);
  console.log(`${mib(got.bytes)} in ${seconds(got.ms)}, ${mib(got.bytes / (got.ms / 1000))}/s`);
  console.log(`the client waited at most ${seconds(got.longestWaitMs)} for its next byte`);
  console.log(`connections that the client and the service saw: 1 and ${got.connections}`);
  console.log(`SHA-256 ${got.hash}: ${got.hash === got.sentHash ? "right" : "WRONG"}`);
  return isGood;
}

async function showConnections(connections: number): Promise<boolean> {
  const calm = await showOnce(connections, false);
  await end();
  const flooded = await showOnce(connections, true);
  console.log(`slower by the flood: ${(flooded.ms / calm.ms).toFixed(1)} times`);
  console.log(RULE);
  return calm.right === connections && flooded.right === connections;
}

async function showOnce(connections: number, hasFlood: boolean) {
  const got = await converse({ connections, bytesEach: CONNECTION_BYTES, hasFlood });
  const { office, camera, hall } = got.mostMemory;
  const share = (100 * got.officeBytes) / (got.officeBytes + got.floodBytes);
  console.log(hasFlood ? "with a peer that floods:" : "without a flood:");
  console.log(`  right: ${got.right} of ${connections}, ${mib(CONNECTION_BYTES)} each way each`);
  if (got.lastError !== null) console.log(`  the last failure: ${got.lastError}`);
  console.log(`  in ${seconds(got.ms)}; to the one that nobody reads: ${mib(got.unreadBytes)}`);
  console.log(
    `  passed on to the camera: office ${mib(got.officeBytes)}, flood ${mib(got.floodBytes)} (office ${share.toFixed(0)} %)`,
  );
  console.log(`  refused by the Connector: ${JSON.stringify(got.refused)}`);
  console.log(
    `  most memory: office ${mib(office)}, camera ${mib(camera)}, Connector ${mib(hall)}`,
  );
  return got;
}

async function showDevices({ devices, firmware }: Options): Promise<boolean> {
  console.log(
    `${devices} native devices, their core ${FIRMWARES[firmware]}; one Connector, and one`,
  );
  console.log(
    "desktop STLink with a link and a Binding to each: its tables grow with its file (a link",
  );
  console.log(
    "for each peer and 32 more). On two cores a minute or two; under wasm3 two or three.",
  );
  const got = await gather({ devices, firmware, restMs: REST_MS, tell: tellOn() });
  const { memory, restCpu } = got;
  const perDevice = `${kib(memory.resident)} resident, ${kib(memory.share)} its share, ${kib(memory.own)} its own`;
  console.log(`all have a hop after ${fixed(got.startSeconds)} s, started in waves of 20`);
  console.log(
    `${got.answered} gave the desktop a picture, all within ${fixed(got.answerSeconds)} s`,
  );
  console.log(`sessions of the desktop: ${got.sessions}`);
  console.log(`memory of a device (median): ${perDevice}`);
  console.log(`memory: Connector ${mib(got.connectorBytes)}, desktop ${mib(got.desktopBytes)}`);
  console.log(
    `CPU at rest over ${seconds(REST_MS)}: a device ${percent(restCpu.devices / devices)}, ` +
      `Connector ${percent(restCpu.connector)}, desktop ${percent(restCpu.desktop)}`,
  );
  console.log(
    `all back ${fixed(got.backSeconds)} s after the Connector was killed and started again`,
  );
  console.log(`${got.answeredAgain} gave a picture again; devices that ended: ${got.died}`);
  const isWhole = [got.answered, got.sessions, got.answeredAgain].every((n) => n === devices);
  return isWhole && got.died === 0;
}

async function showDeviceBytes({ bytes, engines }: Options): Promise<boolean> {
  const length = bytes ?? DEVICE_BYTES;
  let isGood = true;
  for (const engine of engines) {
    const { target, name, about } = ENGINES[engine]!;
    console.log(
      `A device in QEMU (${target}), its core ${name}: ${mib(length)} from it, then to it.`,
    );
    console.log(`16 MiB both ways: ${about}, and the firmware's build when it is the first.`);
    for await (const moved of moveDeviceBytes(target, length, tellOn())) {
      isGood = showMoved(moved, length) && isGood;
    }
    await end();
  }
  return isGood;
}

/** True: all came, and the Connector was killed meanwhile. */
function showMoved(moved: DeviceBytes, length: number): boolean {
  const { direction, bytes, hash, sentHash, ms, killedAt } = moved;
  const isWhole = bytes === length && hash === sentHash;
  const where = direction === "down" ? "from the device" : "to the device";
  console.log(`${where}: ${mib(bytes)} in ${seconds(ms)}, ${mib(bytes / (ms / 1000))}/s`);
  console.log(
    killedAt > 0
      ? `  the Connector was killed and started again after ${mib(killedAt)}; ` +
          `the desktop's end stood still for ${seconds(moved.longestWaitMs)} at most`
      : "  the Connector was NEVER killed",
  );
  console.log(`  SHA-256 sent ${sentHash}`);
  console.log(`  SHA-256 came ${hash}: ${isWhole ? "right" : "WRONG"}`);
  return isWhole && killedAt > 0;
}

/** A line now and then. */
function tellOn(): (text: string) => void {
  let atMs = performance.now();
  return (text) => {
    if (performance.now() - atMs < TELL_MS) return;
    atMs = performance.now();
    console.log(`  ${text}`);
  };
}

const TELL_MS = 5000;

function fixed(seconds: number): string {
  return seconds.toFixed(1);
}

function kib(bytes: number): string {
  return `${Math.round(bytes / KIB)} KiB`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)} %`;
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(bytes < MIB ? 2 : 0)} MiB`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function end(): Promise<void> {
  await closeAll();
  await endDevices();
  await endAll();
}

function parseBytes(text: string): number {
  const [, number = "", unit = ""] = /^(\d+)(MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(number) * (UNITS[unit] ?? 0);
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new Error(`--bytes is ${text}: say how much, as in 64MiB or 1GiB`);
}

function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0 && count <= 1000) return count;
  throw new Error(`${option} is ${text}: say a number from 1 to 1000`);
}

function parseFirmware(text: string): DeviceFirmware {
  if (text in FIRMWARES) return text as DeviceFirmware;
  throw new Error(`--firmware is ${text}: say one of ${Object.keys(FIRMWARES).join(", ")}`);
}

function parseEngines(text: string): string[] {
  const engines = text === "both" ? Object.keys(ENGINES) : [text];
  if (engines.every((engine) => Object.hasOwn(ENGINES, engine))) return engines;
  throw new Error(`--engine is ${text}: say one of ${Object.keys(ENGINES).join(", ")}, both`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bytes: { type: "string" },
      connections: { type: "string", default: "500" },
      devices: { type: "string", default: "1000" },
      stlinks: { type: "string", default: "1000" },
      step: { type: "string", default: "1" },
      firmware: { type: "string", default: "native-aot" },
      engine: { type: "string", default: "both" },
    },
  });
  const show = SHOWS[positionals[0] ?? ""];
  if (show === undefined) {
    const names = Object.entries(SHOWS).map(([name, { about }]) => `  ${name.padEnd(20)} ${about}`);
    throw new Error(`say which show; there are\n${names.join("\n")}`);
  }
  const options = {
    bytes: values.bytes === undefined ? null : parseBytes(values.bytes),
    connections: parseCount("--connections", values.connections),
    devices: parseCount("--devices", values.devices),
    stlinks: parseCount("--stlinks", values.stlinks),
    step: parseCount("--step", values.step),
    firmware: parseFirmware(values.firmware),
    engines: parseEngines(values.engine),
  };
  if (!(await show.run(options))) process.exitCode = 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void end().finally(() => process.exit(1)));
}
try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await end();
}
