// SPDX-License-Identifier: Apache-2.0
// A download that takes as long as a test needs: a service that gives seeded bytes piece by piece, to whoever
// connects, and a client that hashes them and notes how the connection ends, and when. Before it: tests of what
// cuts a connection and what must not. After it: services.ts, whose `closeAll` ends both.

import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { dial, seededBytes, seededHash, startServer } from "./services.ts";

const SEED = 33;
const PIECE_BYTES = 65_536;
/** Some 2 MB in a second, until it is hurried. */
const PIECE_MS = 30;

/** How the service's side of a connection ended: "end", or the code of its error. */
export type Ending = { how: string; atMs: number };

export class PacedService {
  readonly length: number;
  port = 0;
  /** Of each connection, in their order. */
  readonly endings: Promise<Ending>[] = [];
  /** From now on pieces come as fast as they are taken. */
  isHurried = false;

  private constructor(length: number) {
    this.length = length;
  }

  /** `length`: of a whole download, a multiple of 64 KiB. */
  static async start(length: number): Promise<PacedService> {
    const service = new PacedService(length);
    service.port = await startServer((socket) => {
      service.endings.push(endingOf(socket));
      service.#serve(socket).catch(() => {});
    });
    return service;
  }

  get hash(): string {
    return seededHash(SEED, this.length);
  }

  async #serve(socket: Socket): Promise<void> {
    for (const piece of seededBytes(SEED, this.length)) {
      if (socket.destroyed) return;
      const hasRoom = socket.write(piece);
      if (!this.isHurried) await pause(PIECE_MS);
      else if (!hasRoom) await once(socket, "drain");
    }
    socket.end();
  }
}

export class PacedDownload {
  bytes = 0;
  readonly ended: Promise<Ending>;
  readonly #socket: Socket;
  readonly #hash = createHash("sha256");
  #onBytes = (): void => {};

  constructor(port: number) {
    this.#socket = dial(port);
    this.#socket.on("data", (bytes) => {
      this.bytes += bytes.length;
      this.#hash.update(bytes);
      this.#onBytes();
    });
    this.ended = endingOf(this.#socket);
  }

  stop(): void {
    this.#socket.destroy();
  }

  /** More bytes than now have come. Rejects when the connection ends before. */
  async goesOn(): Promise<void> {
    const more = new Promise<void>((resolve) => {
      const least = this.bytes + PIECE_BYTES;
      this.#onBytes = () => {
        if (this.bytes >= least) resolve();
      };
    });
    const over = this.ended.then(({ how }) => {
      throw new Error(`the download has ended (${how}) after ${this.bytes} bytes`);
    });
    await Promise.race([more, over]);
    over.catch(() => {});
  }

  /** SHA-256 of all that has come. */
  get hash(): string {
    return this.#hash.copy().digest("hex");
  }
}

function endingOf(socket: Socket): Promise<Ending> {
  return new Promise((resolve) => {
    const end = (how: string) => resolve({ how, atMs: performance.now() });
    socket.once("error", ({ code = "error" }: NodeJS.ErrnoException) => end(code));
    socket.once("end", () => end("end"));
    socket.once("close", () => end("close"));
  });
}
