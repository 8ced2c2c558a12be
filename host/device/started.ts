// SPDX-License-Identifier: Apache-2.0
// A device that has been given its records, started and watched: a board on a serial port, the machine in
// QEMU, or the program on this one. Before it: `sealed device new`. After it: its console, line by line.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { Emulator, tieToParent } from "./emulator.ts";
import { openSerial } from "./serial.ts";

export type Started = {
  /** The console, line by line; ends with the device. */
  lines: AsyncIterable<string>;
  /** A board goes on. */
  stop(): void;
};

/** A board that is attached. */
export function startedOnSerial(port: string, baud: number): Started {
  const bytes = new PassThrough();
  const line = openSerial(
    port,
    baud,
    (part) => bytes.write(part),
    () => bytes.end(),
  );
  const stop = () => {
    line.close();
    bytes.end();
  };
  return { lines: createInterface({ input: bytes }), stop };
}

/** The program that build-firmware.ts made, with its flash; its web server at any free port. */
export async function startedHere(program: string, flash: string): Promise<Started> {
  const web = String(await freePort());
  const [command, args] = tieToParent(program, ["--flash", flash, "--web", web]);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  return { lines: createInterface({ input: child.stdout }), stop: () => child.kill() };
}

/** The machine in QEMU. Throws AppError where it does not start. */
export async function startedInQemu(
  image: string,
  flash: string,
  ramKib: number,
): Promise<Started> {
  const bytes = new PassThrough();
  const emulator = await Emulator.start({ image, flash, ramKib });
  emulator.onLine = (line) => bytes.write(`${line}\n`);
  for (const line of emulator.lines.slice()) bytes.write(`${line}\n`);
  void emulator.ended.then(() => bytes.end());
  return { lines: createInterface({ input: bytes }), stop: () => emulator.kill() };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}
