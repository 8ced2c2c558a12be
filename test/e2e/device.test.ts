// SPDX-License-Identifier: Apache-2.0
// `sealed device` as a person meets it, without a board: what would be flashed where, what is refused and
// why, an identity's image by Espressif's generator, and a console at the other end of a pseudo-terminal.
// Beneath it: host/device.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { nvsImage, recordsTable, recordValue } from "../../host/device/nvs-image.ts";
import { preparePythonTools } from "../../host/device/python-tools.ts";
import { DeviceRecord } from "../../host/device/store-image.ts";
import { TARGETS } from "../../scripts/build-firmware.ts";
import {
  endAll,
  keygen,
  makeFolder,
  SEALED,
  type SealedProcess,
  sealed,
  write,
} from "./sealed-tools.ts";

const IDENTITY_BYTES = 0x10000;
/** What needs no hardware and can be built. */
const HERE = ["native", "virt-rv32"].filter((name) =>
  (TARGETS as readonly string[]).includes(name),
);
const children: ChildProcess[] = [];

afterEach(async () => {
  await endAll();
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function device(...args: string[]) {
  return sealed(makeFolder(), "device", ...args).ended();
}

describe("sealed device flash --dry-run", () => {
  it.each([
    ["esp32cam", "--chip esp32 ", "--flash-size 4MB 0x1000 "],
    ["esp32cam-aot", "--chip esp32 ", "build/esp32cam-aot/bootloader.bin"],
    ["esp32s3-eye", "--chip esp32s3 ", "--flash-mode qio --flash-size 8MB 0x0 "],
    ["esp32c3", "--chip esp32c3 ", "0x0 "],
    ["esp32c6", "--chip esp32c6 ", "0x0 "],
  ])("says for %s what goes where, and that the identity stays", async (name, chip, offsets) => {
    const { code, out } = await device("flash", "-e", name, "--dry-run", "--port", "/dev/ttyUSB9");
    expect(code).toBe(0);
    const command = out.split("\n").find((line) => line.startsWith("esptool ")) ?? "";
    expect(command).toContain(chip);
    expect(command).toContain("--port /dev/ttyUSB9");
    expect(command).toContain(offsets);
    expect(command).toMatch(/ 0x8000 \S+partitions\.bin 0x20000 \S+firmware\.bin$/);
    expect(out).toContain("The identity at 0x10000 to 0x1ffff is not touched.");
  });

  it("writes an identity only where an image of one is given", async () => {
    const folder = makeFolder();
    const image = nvsImage(
      preparePythonTools(),
      new Map([[DeviceRecord.Identity, new Uint8Array(64)]]),
      IDENTITY_BYTES,
    );
    writeFileSync(join(folder, "id.bin"), image);
    const { code, out } = await sealed(
      folder,
      ...["device", "flash", "-e", "esp32c6", "--dry-run", "--provision", "id.bin"],
    ).ended();
    expect(code).toBe(0);
    expect(out).toContain(" 0x10000 id.bin 0x20000 ");
    expect(out).toContain("is replaced: the device has another one afterwards");
  });

  it("refuses what is no image of an identity", async () => {
    const folder = makeFolder();
    write(folder, "notes.txt", "hello");
    writeFileSync(join(folder, "store.bin"), Buffer.alloc(IDENTITY_BYTES, "SLF1"));
    for (const [file, why] of [
      ["gone.bin", /gone\.bin.*can't be read: it does not exist/],
      ["notes.txt", /notes\.txt is no image of an ESP32's identity/],
      ["store.bin", /store\.bin is no image/],
    ] as const) {
      const args = ["flash", "-e", "esp32c6", "--dry-run", "--provision", file];
      const { code, err } = await sealed(folder, "device", ...args).ended();
      expect(err).toMatch(why);
      expect(code).toBe(3);
    }
  });
});

describe("sealed device", () => {
  it.each([
    [["flash"], 2, /environment/],
    [["flash", "-e", "esp8266"], 2, /There is no board esp8266: say esp32cam, /],
    [["flash", "-e", "native"], 2, /native is no board but runs on this machine/],
    [["monitor", "--port", "/dev/gone"], 11, /\/dev\/gone can't be opened: it does not exist/],
    [["monitor", "--port", "/dev/null"], 11, /\/dev\/null is no serial port/],
    [[], 2, /Say what: /],
  ] as const)("%j ends with %i and says why", async (args, code, why) => {
    const ended = await device(...args);
    expect(ended.err).toMatch(why);
    expect(ended.code).toBe(code);
  });

  it.each([["flash"], ["monitor"]])("%j has help with an example", async (name) => {
    const { code, out } = await device(name, "--help");
    expect(code).toBe(0);
    expect(out).toMatch(/Examples?:/);
  });
});

describe("sealed device new", () => {
  it.each([
    [[], 2, /The Connector's host:port\? Nobody is here to ask: say --connector/],
    [["--board", "esp8266"], 2, /--board esp8266 is none of native, /],
    [["--board", "esp32c6"], 11, /No device is attached/],
    [["--code", "AAAA"], 2, /no activation code: copy it again/],
    [["--site", "gone.toml"], 3, /gone\.toml can't be read: it does not exist/],
  ] as const)("%j ends with %i and says why", async (args, code, why) => {
    const usual = args.some((arg) => arg === "--board") ? [] : ["--board", "native"];
    const ended = await device("new", ...usual, ...args);
    expect(ended.err).toMatch(why);
    expect(ended.code).toBe(code);
  });

  it("asks, where somebody is there, and again where the answer is none of the choices", async () => {
    const folder = makeFolder();
    const args = [process.execPath, SEALED, "device", "new"];
    const asked = spawn("python3", ["-c", AT_A_TERMINAL, ...args], {
      cwd: folder,
      stdio: ["pipe", "pipe", "inherit"],
    });
    children.push(asked);
    for (const [question, typed] of [
      [/Board \(native, .*\) \[virt-rv32\]: $/, "toaster\n"],
      [/Board \(native, .*\) \[virt-rv32\]: $/, "native\n"],
      [/Name \[camera\]: $/, "hall\n"],
      [/Folder \[hall\]: $/, "\n"],
      [/The Connector's host:port: $/, "\x04"],
    ] as const) {
      await shown(asked, question);
      asked.stdin.write(typed);
    }
    await shown(asked, /Stopped: nothing was done/);
    expect(await once(asked, "close")).toEqual([2, null]);
  });

  it.each(HERE)("makes a device that is %s, which a browser reaches", async (board) => {
    const folder = makeFolder();
    const hall = await keygen(folder, "--connector", "hall.key");
    const office = await keygen(folder, "office.key");
    const listen = (hall.get("own") ?? "").replace(/listen = .*/, 'listen = ["127.0.0.1:0"]');
    write(folder, "hall.toml", listen, office.get("connector") ?? "");
    const connector = sealed(folder, "connector", "run", "hall.toml");
    const { listening } = await connector.logged("connector listens");

    const field = (text: string | undefined, name: string) =>
      new RegExp(`^${name} = "(.*)"$`, "m").exec(text ?? "")?.[1] ?? "";
    process.env["BROWSER"] = "true";
    const dialled = board === "native" ? String(listening) : emulated(String(listening));
    const made = sealed(
      folder,
      ...["device", "new", "--board", board, "--connector", dialled],
      ...["--connector-key", field(hall.get("peer"), "key"), "--viewer", "office"],
      ...["--viewer-id", field(office.get("peer"), "id")],
      ...["--viewer-key", field(office.get("peer"), "key"), "--open", "http://127.0.0.1:8080"],
    );
    await printed(made, /^\[\[bindings\]\]\n(?:.+\n)+/m);
    const [stlink = "", peer = "", binding = ""] = ["stlinks", "peers", "bindings"].map(
      (name) => new RegExp(`^\\[\\[${name}\\]\\]\n(?:.+\n)+`, "m").exec(made.out)?.[0],
    );
    write(
      folder,
      "hall.toml",
      listen,
      'groups = [["office", "camera"]]',
      office.get("connector") ?? "",
      stlink,
    );
    connector.child.kill("SIGHUP");
    const known = (hall.get("peer") ?? "").replace("HOST:8443", String(listening));
    write(
      folder,
      ...["office.toml", office.get("own") ?? "", known, peer, binding.replace("8080", "0")],
    );
    const viewer = sealed(folder, "stlink", "run", "office.toml");
    const bound = await viewer.logged("binding listens");

    await printed(made, /The device is connected\. Opening http:\/\/127\.0\.0\.1:8080/);
    await viewer.logged("hop up");
    const answer = await fetch(`http://${bound["listening"]}/snapshot.jpg`);
    const picture = Buffer.from(await answer.arrayBuffer());
    expect(picture.subarray(0, 3).toString("hex")).toBe("ffd8ff");
    const [secret = ""] = readFileSync(join(folder, "camera", "camera.key"), "utf8").match(
      /^[0-9a-f]{64}$/m,
    ) ?? [""];
    expect(secret).toHaveLength(64);
    expect(made.out).not.toContain(secret);
    expect((await made.end("SIGTERM")).code).toBe(0);
  });
});

/** The same address as the emulated machine has it. */
function emulated(address: string): string {
  return address.replace("127.0.0.1", "10.0.2.2");
}

/** Resolves once a process has printed that. */
function printed(made: SealedProcess, what: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => what.test(made.out) && resolve();
    made.child.stdout?.on("data", look);
    made.child.once("close", () => reject(new Error(`${made.out}${made.err}`)));
    look();
  });
}

/** Runs a command at a terminal; ends as it does. */
const AT_A_TERMINAL = `
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
`;

/** Resolves once what a program shows, since the last time, ends so. */
function shown(program: ChildProcess, what: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const look = (part: Buffer) => {
      text += part.toString();
      if (!what.test(text)) return;
      program.stdout?.off("data", look);
      resolve();
    };
    program.stdout?.on("data", look);
    program.once("close", () => reject(new Error(text)));
  });
}

/** A terminal whose other end says what is written to standard input, and prints what comes. */
const TERMINAL = `
import os, pty, select, sys, tty
ours, theirs = pty.openpty()
tty.setraw(theirs)
print(os.ttyname(theirs), flush=True)
os.close(theirs)
while True:
    for ready in select.select([ours, 0], [], [])[0]:
        try:
            data = os.read(ready, 4096)
        except OSError:
            continue
        if ready == 0 and not data:
            sys.exit()
        os.write(ours if ready == 0 else 1, data)
`;

async function terminal() {
  const child = spawn("python3", ["-c", TERMINAL], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  const [path] = await once(lines, "line");
  return { child, lines, path: String(path) };
}

describe("sealed device monitor", () => {
  it("shows what the device says, and says when it is unplugged", async () => {
    const { child, path } = await terminal();
    const monitor = sealed(makeFolder(), "device", "monitor", "--port", path);
    const said = new Promise<void>((resolve) => {
      monitor.child.stdout?.on("data", () => monitor.out.includes("ready\n") && resolve());
    });
    child.stdin.write("1.000 info: ready\n");
    await said;
    child.kill("SIGKILL");
    const { code, err } = await monitor.ended();
    expect(err).toContain(`${path} is gone: was it unplugged?`);
    expect(code).toBe(11);
  });

  it("sends the lines that are typed", async () => {
    const { lines, path } = await terminal();
    const args = [SEALED, "device", "monitor", "--port", path];
    const monitor = spawn(process.execPath, args, { stdio: ["pipe", "ignore", "inherit"] });
    children.push(monitor);
    const arrived = once(lines, "line");
    monitor.stdin.write("status\n");
    expect(await arrived).toEqual(["status"]);
  });

  it("ends when it is asked to", async () => {
    const { child, path } = await terminal();
    const monitor = sealed(makeFolder(), "device", "monitor", "--port", path);
    const said = new Promise<void>((resolve) =>
      monitor.child.stdout?.once("data", () => resolve()),
    );
    child.stdin.write("x\n");
    await said;
    expect((await monitor.end("SIGINT")).code).toBe(0);
  });
});

describe("an ESP32's identity", () => {
  it("is what records.cpp reads, in pages of NVS", () => {
    const key = Uint8Array.from({ length: 64 }, (_, i) => i * 3);
    const configuration = new Uint8Array(1500).fill(0x5a);
    const records = new Map([
      [DeviceRecord.Identity, key],
      [DeviceRecord.Configuration, configuration],
    ]);
    const image = Buffer.from(nvsImage(preparePythonTools(), records, IDENTITY_BYTES));
    expect(image.length).toBe(IDENTITY_BYTES);
    for (const text of ["sealed", "r1a", "r3a"]) expect(image.includes(`${text}\0`)).toBe(true);
    expect(image.includes(recordValue(key))).toBe(true);
    expect(image.includes(recordValue(configuration))).toBe(true);
  });

  it("has values with sequence 1 and the CRC-32 of sequence and record", () => {
    const value = recordValue(Buffer.from("sealed"));
    expect(value.subarray(0, 4).toString("hex")).toBe("01000000");
    expect(value.subarray(8).toString()).toBe("sealed");
    expect(recordsTable(new Map([[DeviceRecord.Wifi, Buffer.from("sealed")]]))).toBe(
      `key,type,encoding,value\nsealed,namespace,,\nr6a,data,hex2bin,${value.toString("hex")}\n`,
    );
  });
});
