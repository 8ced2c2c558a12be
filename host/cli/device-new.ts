// SPDX-License-Identifier: Apache-2.0
// `sealed device new`: from nothing to a device that holds its hop. Asks for board, Wi-Fi and Connector,
// makes the identity (or takes a code, or a site's file), builds, flashes, watches the console and opens
// the browser. Before it: a person, or flags that answer every question. After it: host/device.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { boardOf, environments, partition } from "../device/boards.ts";
import { deviceRecords } from "../device/configuration.ts";
import { codeRecord, wifiRecord } from "../device/credentials.ts";
import { RAM_KIB } from "../device/emulator.ts";
import { leftOutWarning } from "../device/left-out.ts";
import { writeNewSite } from "../device/new-site.ts";
import { nvsImage } from "../device/nvs-image.ts";
import { preparePythonTools, REPOSITORY } from "../device/python-tools.ts";
import { serialPort } from "../device/serial.ts";
import { type Started, startedHere, startedInQemu, startedOnSerial } from "../device/started.ts";
import {
  DeviceRecord,
  type DeviceRecordNumber,
  LARGE_FLASH,
  SMALL_FLASH,
  storeImage,
} from "../device/store-image.ts";
import { AppError, systemReason } from "../service/app-error.ts";
import { makeFolders } from "../service/folders.ts";
import { readSite } from "../stlink/site-file.ts";
import { flashBoard } from "./device-flash.ts";
import { CONSOLE_BAUD } from "./device-monitor.ts";
import { answer } from "./questions.ts";

type Records = Map<DeviceRecordNumber, Uint8Array>;

/** Of the emulated machines alone. */
const RAM_KIB_OF: Readonly<Record<string, number>> = RAM_KIB;
/** Joining Wi-Fi, name look-up, handshake: seconds on a board; a Connector may still be starting. */
const CONNECTED_TIMEOUT_MS = 120_000;

const FLAGS = {
  board: { type: "string", describe: "Which board, or native or virt-rv32: no hardware" },
  name: { type: "string", describe: "What the device is called" },
  folder: { type: "string", describe: "Where its files are put" },
  site: { type: "string", describe: "Its STLink's file, where there is one already" },
  code: { type: "string", describe: "An activation code, in place of files" },
  connector: { type: "string", describe: "The Connector's host:port" },
  "connector-key": { type: "string", describe: "The Connector's public key" },
  viewer: { type: "string", describe: "The name of the STLink that is to see it" },
  "viewer-id": { type: "string", describe: "That STLink's id" },
  "viewer-key": { type: "string", describe: "That STLink's public key" },
  wifi: { type: "string", describe: "The Wi-Fi's name" },
  "wifi-password-file": { type: "string", describe: "A file with its password; empty: open" },
  port: { type: "string", describe: "The board's serial port; the only one where absent" },
  open: { type: "string", describe: "What the browser opens then: the viewer's Binding" },
} as const;

type Flags = Record<keyof typeof FLAGS, string | undefined>;
type Arguments = Flags & { leave: boolean };

export const newCommand: CommandModule<object, Arguments> = {
  command: "new",
  describe: "Make a device: asks, builds, flashes, watches, opens the browser",
  builder: (yargs) =>
    yargs
      .options(FLAGS)
      .option("leave", {
        type: "boolean",
        default: false,
        describe: "End once it is connected; what is no board ends with it",
      })
      .example("$0 device new", "Asks for what it needs")
      .example("$0 device new --board esp32cam --site camera.toml --wifi hall", "Asks for the rest")
      .epilogue("Nothing is overwritten but the device's own flash."),
  handler: (flags) => makeDevice(flags),
};

async function makeDevice(flags: Arguments): Promise<void> {
  const choices = [...environments().keys()];
  const question = { text: "Board", flag: "--board", usual: "virt-rv32", choices };
  const board = await answer(flags.board, question);
  const isBoard = environments().get(board) !== null;
  const name = await answer(flags.name, { text: "Name", flag: "--name", usual: "camera" });
  const folder = await answer(flags.folder, { text: "Folder", flag: "--folder", usual: name });
  const port = isBoard ? serialPort(flags.port) : "";
  const records = await recordsOf(flags, board, name, folder);
  if (isBoard) records.set(DeviceRecord.Wifi, await askForWifi(flags));
  const address = "The viewer's Binding for the browser, as http://...";
  const open = await answer(flags.open, { text: address, flag: "--open", usual: "" });
  const started = isBoard ? startBoard(board, port, records) : await start(board, folder, records);
  await watch(started, open, flags.leave);
}

async function recordsOf(
  flags: Flags,
  board: string,
  name: string,
  folder: string,
): Promise<Records> {
  const { code, site } = flags;
  if (code !== undefined) return new Map([[DeviceRecord.Code, codeRecord(code)]]);
  const file = site ?? (await makeSite(flags, board, name, folder));
  const records = deviceRecords(readSite(file), { hasIpv6: board.startsWith("native") });
  const warning = leftOutWarning(file);
  if (warning !== null) console.error(warning);
  return records;
}

/** Asks for Connector and viewer, writes the files, and says what others' files get. */
async function makeSite(
  flags: Flags,
  board: string,
  name: string,
  folder: string,
): Promise<string> {
  const hint = RAM_KIB_OF[board] === undefined ? "" : " (this machine is 10.0.2.2 to it)";
  const ask = (text: string, flag: keyof Flags) => answer(flags[flag], { text, flag: `--${flag}` });
  const { file, forOthers } = writeNewSite(folder, {
    name,
    connector: {
      address: await ask(`The Connector's host:port${hint}`, "connector"),
      key: await ask("The Connector's public key", "connector-key"),
    },
    viewer: {
      name: await ask("The name of the STLink that is to see it", "viewer"),
      id: await ask("That STLink's id", "viewer-id"),
      key: await ask("That STLink's public key", "viewer-key"),
    },
  });
  console.log(`${file} is the device's file, with its key beside it.\n\n${forOthers}`);
  if (process.stdin.isTTY) {
    await answer(undefined, { text: "Enter, when that is done", flag: "--site", usual: "" });
  }
  return file;
}

async function askForWifi(flags: Flags): Promise<Uint8Array> {
  const ssid = await answer(flags.wifi, { text: "Wi-Fi", flag: "--wifi" });
  const file = flags["wifi-password-file"];
  const given = file === undefined ? undefined : readPassword(file);
  const question = { text: "Its password", flag: "--wifi-password-file", isSecret: true };
  const password = await answer(given, question);
  return wifiRecord(ssid, password);
}

function readPassword(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const message = `${file}, the Wi-Fi's password, can't be read: ${systemReason(error)}.`;
    throw new AppError("BadFile", message, { cause: error });
  }
}

/** Builds and flashes; the identity's image is on this machine for as long as that takes. */
function startBoard(environment: string, port: string, records: Records): Started {
  const board = boardOf(environment);
  const image = join(REPOSITORY, "build", `identity-${process.pid}.bin`);
  const bytes = nvsImage(preparePythonTools(), records, partition(board, "identity").bytes);
  mkdirSync(join(REPOSITORY, "build"), { recursive: true });
  writeFileSync(image, bytes, { mode: 0o600, flag: "wx" });
  try {
    flashBoard(board, port, image);
  } finally {
    rmSync(image, { force: true });
  }
  return startedOnSerial(port, CONSOLE_BAUD);
}

/** Builds, and gives it a flash of its own beside its files. */
async function start(target: string, folder: string, records: Records): Promise<Started> {
  const image = buildFirmware(target);
  const flash = join(folder, `${target}.flash`);
  makeFolders(folder);
  const shape = target === "native" ? SMALL_FLASH : LARGE_FLASH;
  writeFileSync(flash, storeImage(shape, records), { mode: 0o600 });
  const ramKib = RAM_KIB_OF[target];
  if (ramKib === undefined) return startedHere(image, flash);
  return startedInQemu(image, flash, ramKib);
}

/** Returns the path of what build-firmware.ts makes. Throws AppError(ToolMissing). */
function buildFirmware(target: string): string {
  console.log(`Building ${target}: about 30 s the first time.`);
  const args = ["scripts/build-firmware.ts", target];
  const { status } = spawnSync(process.execPath, args, { cwd: REPOSITORY, stdio: "inherit" });
  if (status !== 0) {
    const message = `${target} was not built: what the compiler said stands above.`;
    throw new AppError("ToolMissing", message);
  }
  const suffix = RAM_KIB_OF[target] === undefined ? "" : ".bin";
  return join(REPOSITORY, "build", "firmware", target, `sealedtunnel-device${suffix}`);
}

/** Shows the console. Throws AppError(NotRunning) where the device ends or is never connected. */
async function watch({ lines, stop }: Started, open: string, leaves: boolean): Promise<void> {
  let why = "The device has ended: its console says why.";
  const end = (reason: string) => {
    why = reason;
    stop();
  };
  const late = `The device has not reached its Connector in ${CONNECTED_TIMEOUT_MS / 1000} s: its console says why.`;
  const timer = setTimeout(end, CONNECTED_TIMEOUT_MS, late);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => end("Stopped before the device was connected."));
  }
  let isConnected = false;
  for await (const line of lines) {
    console.log(line);
    if (isConnected || !/ hop up/.test(line)) continue;
    isConnected = true;
    clearTimeout(timer);
    showInBrowser(open);
    if (leaves) stop();
  }
  clearTimeout(timer);
  if (!isConnected) throw new AppError("NotRunning", why);
}

function showInBrowser(address: string): void {
  if (address === "") return console.log("The device is connected.");
  const usual = process.platform === "darwin" ? "open" : "xdg-open";
  console.log(`The device is connected. Opening ${address}`);
  const browser = spawn(process.env["BROWSER"] ?? usual, [address], { stdio: "ignore" });
  browser.on("error", () => console.log(`There is no browser here: open ${address} yourself.`));
}
