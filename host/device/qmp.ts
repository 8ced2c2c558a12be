// SPDX-License-Identifier: Apache-2.0
// QEMU's control socket, as far as a device needs it: run a command, wait for its answer. Before it:
// emulator.ts. After it: QEMU's QMP, JSON lines. Answers come in the order of the commands, events
// between them are passed over.

import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

const RETRY_MS = 20;
const START_TIMEOUT_MS = 30_000;

type Answer = { return?: unknown; error?: { desc: string }; QMP?: unknown; event?: string };

export class Qmp {
  readonly #socket: Socket;
  readonly #asked: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    lines.on("line", (line) => this.#take(JSON.parse(line)));
    lines.on("error", () => {}); // the socket's, handed on; "close" follows
    socket.on("close", () => {
      for (const { reject } of this.#asked.splice(0)) reject(new Error("QEMU has ended"));
    });
  }

  #take(answer: Answer): void {
    if (answer.QMP !== undefined || answer.event !== undefined) return;
    const asked = this.#asked.shift();
    if (answer.error === undefined) asked?.resolve();
    else asked?.reject(new Error(`QEMU: ${answer.error.desc}`));
  }

  /** Rejects with what QEMU says, or when it ends. */
  run(command: string, values: object = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error("QEMU has ended"));
      this.#asked.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: values })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Connects as soon as QEMU listens; null when it ends before, or never does. */
export async function openQmp(path: string, hasEnded: () => boolean): Promise<Qmp | null> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!hasEnded() && Date.now() < deadline) {
    const socket = await tryConnect(path);
    if (socket !== null) {
      const qmp = new Qmp(socket);
      await qmp.run("qmp_capabilities");
      return qmp;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return null;
}

function tryConnect(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(null));
  });
}
