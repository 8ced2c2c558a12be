// SPDX-License-Identifier: Apache-2.0
// The small application of firmware/test/virt_app.cpp in the emulator, and hosts for it to talk to on
// this machine's loopback, which the device reaches as 10.0.2.2. For virt-*.test.ts.

import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { Emulator, type EmulatorOptions } from "../../host/device/emulator.ts";
import { buildVirt, type VirtImage, type VirtVm } from "../../scripts/build-virt.ts";
import { ROOT } from "../../scripts/run.ts";
import { seededHash, sendSeeded } from "../e2e/services.ts";

/** This machine's loopback, as the device sees it. */
export const HOST = "10.0.2.2";
export const ANSWER_MS = 60_000;

export function buildApp(vm: VirtVm): VirtImage {
  const files = [join(ROOT, "firmware", "test", "virt_app.cpp")];
  return buildVirt(vm, { name: "virt-app", files, folders: [] });
}

/** A started application; `ask` types a line and gives the next one that is printed. */
export class VirtApp {
  readonly emulator: Emulator;
  #seen = 0;

  private constructor(emulator: Emulator) {
    this.emulator = emulator;
  }

  static async start(image: VirtImage, more: Partial<EmulatorOptions> = {}): Promise<VirtApp> {
    const ramKib = image.sizes.ram / 1024;
    const emulator = await Emulator.start({ image: image.flash, ramKib, ...more });
    const app = new VirtApp(emulator);
    await app.next("ready");
    return app;
  }

  async ask(command: string, timeoutMs: number = ANSWER_MS): Promise<string> {
    this.type(command);
    return this.next("", timeoutMs);
  }

  type(command: string): void {
    this.emulator.type(`${command}\n`);
  }

  /** The next line that begins so; those before it are passed over. */
  async next(start: string, timeoutMs: number = ANSWER_MS): Promise<string> {
    const pattern = start === "" ? /./ : new RegExp(`^${start}`);
    const line = await this.emulator.line(pattern, timeoutMs, this.#seen);
    this.#seen = this.emulator.lines.indexOf(line, this.#seen) + 1;
    return line;
  }

  async stop(): Promise<void> {
    await this.emulator.powerCut();
  }
}

export type Host = { port: number; close(): Promise<void> };

/** Listens on this machine's loopback, on `port` or any. */
export async function listenTcp(onSocket: (socket: Socket) => void, port = 0): Promise<Host> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    onSocket(socket);
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { port: (server.address() as { port: number }).port, close };
}

/** Sends every datagram back to where it came from. */
export async function echoDatagrams(): Promise<Host> {
  const socket = createSocket("udp4");
  socket.on("message", (bytes, { port, address }) => socket.send(bytes, port, address));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const close = () => new Promise<void>((resolve) => socket.close(() => resolve()));
  return { port: socket.address().port, close };
}

/** What was sent to a device that echoes, and what came back: two hashes, and how much. */
export type Exchange = { sent: string; received: string; bytes: number };

/** Sends `bytes` (a multiple of 64 KiB) of seeded chance, ends, and hashes what comes. */
export function exchange(socket: Socket, bytes: number, seed: number): Promise<Exchange> {
  const hash = createHash("sha256");
  let count = 0;
  void sendSeeded(socket, seed, bytes);
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk) => {
      hash.update(chunk);
      count += chunk.length;
    });
    socket.on("error", reject);
    socket.on("end", () =>
      resolve({ sent: seededHash(seed, bytes), received: hash.digest("hex"), bytes: count }),
    );
  });
}
