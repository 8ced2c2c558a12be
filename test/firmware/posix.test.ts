// SPDX-License-Identifier: Apache-2.0
// The posix port under the sanitizers: its sockets, names, clock, console and flash, as core/ and apps/
// use them, by a stub in the place of the device (stub/device.cpp). Bytes are compared to the last.

import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../e2e/free-port.ts";
import { buildStubDevice, Talker } from "./stub-device.ts";

/** Until a system whose name servers don't answer gives up. */
const NO_ANSWER_MS = 240_000;

let program: string;
let folder: string;
let flash: string;
const talkers: Talker[] = [];
const closers: (() => void)[] = [];

beforeAll(() => {
  program = buildStubDevice();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "posix-port-"));
  flash = join(folder, "flash.bin");
});

afterEach(async () => {
  await Promise.all(talkers.splice(0).map((one) => one.kill()));
  for (const close of closers.splice(0)) close();
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]): Talker {
  const talker = new Talker(program, args);
  talkers.push(talker);
  return talker;
}

async function ready(...more: string[]): Promise<Talker> {
  const talker = start("--flash", flash, ...more);
  await talker.hear("ready");
  return talker;
}

async function listening(onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, onSocket).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return server;
}

function dial(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  closers.push(() => socket.destroy());
  return socket;
}

async function listeningDevice(): Promise<{ device: Talker; port: number }> {
  const device = await ready();
  const port = await freePort();
  await device.ask(`listen ${port}`, "listening");
  return { device, port };
}

function seeded(length: number): Buffer {
  return createHash("shake256", { outputLength: length }).update("posix").digest();
}

async function hashOf(socket: Socket): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of socket) hash.update(part as Buffer);
  return hash.digest("hex");
}

describe("connections", () => {
  it("bring 8 MiB back whole, and then their end", async () => {
    const { device, port } = await listeningDevice();
    const bytes = seeded(8 << 20);
    const socket = dial(port);
    socket.end(bytes);
    expect(await hashOf(socket)).toBe(createHash("sha256").update(bytes).digest("hex"));
    await device.hear("ended");
  });

  it("are taken when a handle is free again, 40 of them with 31 handles", async () => {
    const { device, port } = await listeningDevice();
    const sockets = Array.from({ length: 40 }, () => dial(port));
    const answers = sockets.map(async (socket, i) => {
      socket.write(`${i}`);
      const [answer] = await once(socket, "data");
      socket.destroy();
      return String(answer);
    });
    expect(await Promise.all(answers)).toEqual(sockets.map((_, i) => `${i}`));
    await device.ask("turns", /^turns \d+$/);
  });

  it("that nobody reads from do not wake the device again and again", async () => {
    const { device, port } = await listeningDevice();
    await device.ask("hold", "held");
    const socket = dial(port);
    socket.write(seeded(1 << 20));
    await device.hear("open");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const turns = Number((await device.ask("turns", /^turns/)).split(" ")[1]);
    expect(turns).toBeLessThan(50);
    await device.ask("echo", "echoing");
    await once(socket, "data");
  });

  it("that the other side resets are over", async () => {
    const { device, port } = await listeningDevice();
    const socket = dial(port);
    socket.write("x");
    await once(socket, "data");
    socket.resetAndDestroy();
    await device.hear("reset");
  });

  it("that are reset show it to the other side", async () => {
    const { device, port } = await listeningDevice();
    const socket = dial(port);
    socket.write("x");
    await once(socket, "data");
    const failed = once(socket, "error");
    await device.ask("reset", "reset all");
    expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
  });

  it("that are closed with bytes unread still deliver what was written", async () => {
    const { device, port } = await listeningDevice();
    const socket = dial(port);
    socket.write("answered");
    await once(socket, "data");
    await device.ask("hold", "held");
    socket.write("never read");
    const rest = hashOf(socket);
    await device.ask("close", "closed all");
    expect(await rest).toBe(createHash("sha256").digest("hex"));
  });

  it("to a port where nobody listens are refused", async () => {
    const device = await ready();
    await device.ask(`dial 127.0.0.1 ${await freePort()}`, "refused");
  });

  it("to a name are made once it is looked up", async () => {
    const device = await ready();
    const server = await listening((socket) => socket.end("hello"));
    await device.ask(`dial localhost ${(server.address() as AddressInfo).port}`, "IPv4, last 1");
    await device.hear("open");
    await device.hear("ended");
  });
});

describe("a listener", () => {
  it("does not get a port where somebody listens", async () => {
    const device = await ready();
    const server = await listening(() => {});
    await device.ask(`listen ${(server.address() as AddressInfo).port}`, "not listening");
  });
});

describe("names", () => {
  it("that nobody has are unknown", async () => {
    const device = await ready();
    await device.ask("lookup does-not-exist.invalid", "unknown name", NO_ANSWER_MS);
  });

  it("longer than a name may be are unknown", async () => {
    const device = await ready();
    await device.ask(`lookup ${"a".repeat(260)}`, "unknown name");
  });

  it("that are IPv6 addresses are read", async () => {
    const device = await ready();
    await device.ask("lookup fe80::7", "IPv6, last 7");
  });
});

describe("own addresses", () => {
  it("are loopback and those of the interfaces, and no others", async () => {
    const device = await ready();
    for (const host of ["127.0.0.1", "127.9.9.9", "::1"]) await device.ask(`own ${host}`, "own");
    for (const host of ["192.0.2.1", "2001:db8::1"]) await device.ask(`own ${host}`, "not own");
    const mine = Object.values(networkInterfaces()).flatMap((list = []) => list);
    for (const { address } of mine) await device.ask(`own ${address}`, "own");
  });
});

describe("datagrams", () => {
  it("come back to who sent them, and one that is too long is dropped", async () => {
    const device = await ready();
    const port = await freePort();
    await device.ask(`udp ${port}`, "datagrams");
    const socket = createSocket("udp4");
    closers.push(() => socket.close());
    socket.send(Buffer.alloc(1001), port, "127.0.0.1");
    socket.send(Buffer.from("short"), port, "127.0.0.1");
    const [answer] = await once(socket, "message");
    expect(String(answer)).toBe("short");
  });
});

describe("the clock", () => {
  it("begins where it is told, and wraps", async () => {
    const device = await ready("--clock", "4294967290");
    let shown = 0xffffffff;
    while (shown >= 0x8000_0000) shown = Number((await device.ask("clock", /^clock/)).slice(6));
    expect(shown).toBeLessThan(60_000);
  });
});

describe("records", () => {
  it("outlive a power cut and a restart, in a file for its owner alone", async () => {
    const first = await ready();
    await first.ask("save 1 0102a0", "saved");
    expect(statSync(flash).mode & 0o777).toBe(0o600);
    await first.kill();
    const second = await ready();
    await second.ask("load 1", "0102a0");
    await second.ask("restart", "ready");
    await second.ask("load 1", "0102a0");
    await second.ask("load 2", "no record");
  });

  it("are gone for good when they are forgotten", async () => {
    const device = await ready();
    await device.ask(`save 1 ${"c0ffee".repeat(10)}`, "saved");
    expect(readFileSync(flash).includes(Buffer.from("c0ffeec0ffee", "hex"))).toBe(true);
    await device.ask("forget", "forgotten");
    await device.ask("load 1", "no record");
    expect(readFileSync(flash).includes(Buffer.from("c0ffeec0ffee", "hex"))).toBe(false);
  });

  it("of a number that is none, or too long, are not taken", async () => {
    const device = await ready();
    await device.ask("save 0 01", "not saved");
    await device.ask("save 8 01", "not saved");
    await device.ask(`save 3 ${"00".repeat(2049)}`, "not saved");
    await device.ask(`save 3 ${"00".repeat(2048)}`, "saved");
  });
});

describe("the command line", () => {
  const CASES: [string, string[], number, string][] = [
    ["no flash", [], 2, "say where its flash is: --flash FILE"],
    ["a value that is missing", ["--flash"], 2, "a value is missing behind --flash"],
    ["an option that is none", ["--flsh", "x"], 2, "there is no option --flsh"],
    ["a clock that is no number", ["--clock", "soon"], 2, "below 2^32, not soon"],
  ];
  it.each(CASES)("refuses %s", async (_, args, code, why) => {
    const talker = start(...args);
    expect(await once(talker.child, "close")).toEqual([code, null]);
    expect(talker.errors).toContain(why);
  });

  it("says what there is", async () => {
    await start("--help").hear(/--flash FILE/);
  });
});

describe("a flash", () => {
  it("in a file of another length is refused, and the file is as it was", async () => {
    writeFileSync(flash, "not a flash");
    const talker = start("--flash", flash);
    expect(await once(talker.child, "close")).toEqual([3, null]);
    expect(talker.errors).toContain("not a flash image of 65536 bytes");
    expect(readFileSync(flash, "utf8")).toBe("not a flash");
  });

  it("in a file that can't be opened is said", async () => {
    writeFileSync(flash, "");
    chmodSync(flash, 0o600);
    const talker = start("--flash", join(flash, "inside"));
    expect(await once(talker.child, "close")).toEqual([3, null]);
    expect(talker.errors).toContain("Not a directory");
  });

  it("that another device has is refused", async () => {
    await ready();
    const talker = start("--flash", flash);
    expect(await once(talker.child, "close")).toEqual([3, null]);
    expect(talker.errors).toContain("another device runs with it");
  });

  it("that holds something else is said, stays as it is, and is written over by a save", async () => {
    const foreign = seeded(65_536);
    writeFileSync(flash, foreign);
    const device = await ready();
    await device.complains("it holds no store of records, or a damaged one");
    await device.ask("load 1", "no record");
    expect(readFileSync(flash).equals(foreign)).toBe(true);
    await device.ask("save 1 07", "saved");
    await device.ask("restart", "ready");
    await device.ask("load 1", "07");
  });
});
