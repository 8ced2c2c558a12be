// SPDX-License-Identifier: Apache-2.0
// The serial console under the sanitizers, on the posix port: what each command stores and answers,
// what it refuses, and that no answer holds a secret. What was stored is read from the flash's file.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { provisionSession } from "../../host/device/serial-session.ts";
import {
  DeviceRecord,
  type DeviceRecordNumber,
  SMALL_FLASH,
  storeImage,
} from "../../host/device/store-image.ts";
import { buildNative, FIRMWARE_CORE, POSIX_PORT, sourcesIn } from "../../scripts/build-native.ts";
import { encodeCode, toBase32 } from "../reference/activation.ts";
import { Talker } from "./stub-device.ts";

const CONSOLE = join(import.meta.dirname, "console");
const CORE_FILES = ["console", "crc32", "flash_store", "log", "writer"];

const IDENTITY = Uint8Array.from({ length: 64 }, (_, i) => 0xa1 + i);
const CONFIGURATION = Uint8Array.from({ length: 700 }, (_, i) => 0xc3 + 5 * i);
const CODE = encodeCode({
  connectorKey: new Uint8Array(32).fill(9),
  commanderId: new Uint8Array(16).fill(1),
  commanderKey: new Uint8Array(32).fill(2),
  recoveryHash: new Uint8Array(32).fill(3),
  secret: new Uint8Array(16).fill(0x5e),
  addresses: ["connector.example:8443", "192.168.7.9:443"],
});
const NO_CODE = "that is no activation code: copy all of it, letter by letter";

let program: string;
let folder: string;
let device: Talker;

beforeAll(() => {
  program = buildNative({
    name: "console-device",
    sources: [
      join(CONSOLE, "device.cpp"),
      ...sourcesIn(POSIX_PORT, "*.cpp"),
      ...CORE_FILES.map((name) => join(FIRMWARE_CORE, `${name}.cpp`)),
      join(FIRMWARE_CORE, "arena.c"),
    ],
    include: [FIRMWARE_CORE, POSIX_PORT],
    sanitized: true,
  });
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "console-"));
  device = new Talker(program, ["--flash", join(folder, "flash.bin")]);
  await device.hear("ready");
});

afterEach(async () => {
  await device.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** The flash holds exactly these records, saved in this order. */
function expectStored(...records: [DeviceRecordNumber, Uint8Array][]): void {
  const found = readFileSync(join(folder, "flash.bin"));
  expect(found.equals(storeImage(SMALL_FLASH, new Map(records)))).toBe(true);
}

function expectNothingStored(): void {
  expect(readFileSync(join(folder, "flash.bin")).every((byte) => byte === 0xff)).toBe(true);
}

function provisionLine(name: string, bytes: Uint8Array): string {
  return `provision ${name} ${bytes.length} ${crc32(bytes).toString(16).padStart(8, "0")}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("help", () => {
  it("lists every command", async () => {
    await device.ask("help", /^help/);
    for (const name of ["status", "activate", "provision", "log", "restart", "reset"]) {
      await device.hear(new RegExp(`^${name}`));
    }
  });

  it("is what a line is told that is no command, which is not repeated", async () => {
    await device.ask("s3cret", "that is no command: help lists them");
    expect(device.said).not.toContain("s3cret");
  });
});

describe("status", () => {
  it("shows the device's, and the console keeps no memory", async () => {
    const first = await device.ask("status", /^memory in use/);
    await device.ask("activate AAAA", NO_CODE);
    await device.ask("provision identity 64 00000000", /^go on/);
    await device.ask("zz", /nothing is stored/);
    expect(await device.ask("status", /^memory in use/)).toBe(first);
  });
});

describe("activate", () => {
  it.each([
    ["as it is", (text: string) => text],
    ["in lower case", (text: string) => text.toLowerCase()],
  ])("stores a code, %s, and lets the device begin anew", async (_, write) => {
    await device.ask(`activate ${write(toBase32(CODE))}`, /^the code is stored/);
    await device.hear("begun anew");
    expectStored([DeviceRecord.Code, CODE]);
    expect(device.said).not.toMatch(/[A-Z2-7]{16}/i);
  });

  const text = toBase32(CODE);
  it.each([
    ["nothing", ""],
    ["a code without its last letters", text.slice(0, -8)],
    ["a code with letters too many", `${text}AAAAAAAA`],
    ["a code without a letter within", text.slice(0, 40) + text.slice(41)],
    ["a digit that base32 has not", `1${text.slice(1)}`],
    ["a code of another version", toBase32(CODE.with(0, 2))],
    ["a code without addresses", toBase32(CODE.slice(0, 134).with(129, 0))],
    ["a code whose addresses end behind it", toBase32(CODE.with(130, 255))],
  ])("refuses %s", async (_, code) => {
    await device.ask(`activate ${code}`, NO_CODE);
    expectNothingStored();
  });

  it("refuses a code where there is a configuration", async () => {
    for (const line of provisionSession(new Map([[DeviceRecord.Configuration, CONFIGURATION]]))) {
      if (line !== "restart") device.tell(line);
    }
    await device.hear(/^stored/);
    await device.ask(`activate ${text}`, /^this device is activated already/);
    expectStored([DeviceRecord.Configuration, CONFIGURATION]);
  });
});

describe("provision", () => {
  it("takes a whole session, and restarts with it", async () => {
    const records = new Map<DeviceRecordNumber, Uint8Array>([
      [DeviceRecord.Identity, IDENTITY],
      [DeviceRecord.Configuration, CONFIGURATION],
    ]);
    for (const line of provisionSession(records)) device.tell(line);
    await device.hear("restarting");
    await device.hear("ready");
    expectStored(...records);
    expect(device.said).not.toContain(hex(IDENTITY).slice(0, 16));
  });

  it("tells how much has come", async () => {
    await device.ask(provisionLine("identity", IDENTITY), /^go on/);
    await device.ask(hex(IDENTITY.slice(0, 10)), "10 of 64");
    await device.ask(hex(IDENTITY.slice(10)).toUpperCase(), /^stored/);
    expectStored([DeviceRecord.Identity, IDENTITY]);
  });

  const wrong = hex(IDENTITY.with(63, 0));
  it.each([
    ["a byte that is another", wrong, /bytes were lost/],
    ["more bytes than were said", `${hex(IDENTITY)}00`, /no hex, or too much/],
    ["half a byte", hex(IDENTITY).slice(1), /no hex, or too much/],
    ["a line that is no hex", "help", /no hex, or too much/],
    ["a line that is too long", "00".repeat(500), /too long/],
    ["Ctrl-C", "00\u0003", /^stopped/],
  ])("stores nothing after %s, and takes commands again", async (_, line, why) => {
    await device.ask(provisionLine("identity", IDENTITY), /^go on/);
    await device.ask(line, why);
    expectNothingStored();
    await device.ask("help", /^help/);
  });

  it.each([
    "provision",
    "provision lease 4 00000000",
    "provision code 0 00000000",
    "provision configuration 2049 00000000",
    "provision configuration 99999999999999999999 00000000",
    "provision configuration 12 0000000",
    "provision configuration 12 0000000g",
    "provision identity -1 00000000",
  ])("refuses `%s`", async (line) => {
    await device.ask(line, "write: provision identity|configuration|code|wifi BYTES CRC32");
  });

  it("refuses an identity of another length", async () => {
    await device.ask("provision identity 32 00000000", /^an identity has 64 bytes/);
  });
});

describe("log", () => {
  it.each([
    ["error", 0],
    ["debug", 3],
  ])("keeps the level %s", async (name, level) => {
    await device.ask(`log ${name}`, "from now on");
    expectStored([DeviceRecord.LogLevel, Uint8Array.of(level)]);
  });

  it("refuses what is no level", async () => {
    await device.ask("log loud", "write: log error|warn|info|debug");
    expectNothingStored();
  });
});

describe("reset", () => {
  beforeEach(async () => {
    await device.ask(provisionLine("identity", IDENTITY), /^go on/);
    await device.ask(hex(IDENTITY), /^stored/);
  });

  it("removes everything after yes, and starts anew", async () => {
    await device.ask("reset", /type yes/);
    await device.ask("yes", /^all records are gone/);
    await device.hear("ready");
    const found = readFileSync(join(folder, "flash.bin"));
    expect(found.includes(Buffer.from(IDENTITY.subarray(0, 8)))).toBe(false);
  });

  it.each(["no", "y", "YES", "yes please", "status"])(
    "removes nothing after `%s`",
    async (line) => {
      await device.ask("reset", /type yes/);
      await device.ask(line, "nothing was removed");
      await device.ask("yes", "that is no command: help lists them");
      expectStored([DeviceRecord.Identity, IDENTITY]);
    },
  );

  it("removes nothing after Ctrl-C", async () => {
    await device.ask("reset", /type yes/);
    await device.ask("\u0003", /^stopped/);
    await device.ask("yes", "that is no command: help lists them");
    expectStored([DeviceRecord.Identity, IDENTITY]);
  });
});

describe("a line", () => {
  it("is edited by backspace, delete, Ctrl-U, and ended by either or both line ends", async () => {
    await device.ask("garbage\u0015hx\belq\u007fp\r", /^help/);
    await device.hear(/^reset/);
    await device.ask("\b\b\bhelp", /^help/);
  });

  it("that is too long does nothing, whatever follows", async () => {
    await device.ask("x".repeat(5000), "the line is too long: nothing was done");
    await device.ask(`reset${" ".repeat(2000)}`, "the line is too long: nothing was done");
    await device.ask("yes", "that is no command: help lists them");
  });

  it("may hold any bytes", async () => {
    device.child.stdin?.write(Buffer.from(Array.from({ length: 4096 }, (_, i) => i & 0xff)));
    await device.ask("\nhelp", /^help/);
  });
});
