// SPDX-License-Identifier: Apache-2.0
// Connections that go on talking while something happens to what carries them: each sends some bytes now and then,
// and has to get them back turned over before it sends the next. Before it: the shows of a Commander. After it:
// services.ts. How long each waited is kept, and how it ended if it did.

import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { dial } from "./services.ts";

const LETTER_BYTES = 512;
const REST_MS = 200;

export class Echo {
  /** Letters that came back right. */
  rounds = 0;
  longestWaitMs = 0;
  /** Something else came back than was sent. */
  isWrong = false;
  /** How it ended; null: it goes on. */
  ending: string | null = null;
  readonly #socket: Socket;
  #got = Buffer.alloc(0);
  #wake = (): void => {};

  constructor(port: number) {
    this.#socket = dial(port);
    this.#socket.on("data", (bytes) => {
      this.#got = Buffer.concat([this.#got, bytes]);
      this.#wake();
    });
    this.#socket.once("error", ({ code = "error" }: NodeJS.ErrnoException) => this.#end(code));
    this.#socket.once("close", () => this.#end("close"));
    void this.#talk();
  }

  stop(): void {
    this.#end("stopped");
    this.#socket.destroy();
  }

  async #talk(): Promise<void> {
    while (this.ending === null) {
      const letter = randomBytes(LETTER_BYTES);
      const sentMs = performance.now();
      this.#socket.write(letter);
      while (this.ending === null && this.#got.length < LETTER_BYTES) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.ending !== null) return;
      this.longestWaitMs = Math.max(this.longestWaitMs, performance.now() - sentMs);
      const isRight = this.#got.equals(letter.map((byte) => byte ^ 0xff));
      this.#got = Buffer.alloc(0);
      if (isRight) this.rounds += 1;
      else this.isWrong = true;
      await pause(REST_MS);
    }
  }

  #end(how: string): void {
    this.ending ??= how;
    this.#wake();
  }
}

/** Waits until each has had another letter back, or has ended. */
export async function eachAnswered(echoes: readonly Echo[], withinMs: number): Promise<void> {
  const before = new Map(echoes.map((echo) => [echo, echo.rounds]));
  const isDone = (echo: Echo) => echo.ending !== null || echo.rounds > (before.get(echo) ?? 0);
  for (const endMs = performance.now() + withinMs; !echoes.every(isDone); ) {
    if (performance.now() > endMs) throw new Error("some connections stand still");
    await pause(REST_MS / 4);
  }
}
