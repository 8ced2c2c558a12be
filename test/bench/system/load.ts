// SPDX-License-Identifier: Apache-2.0
// A load process as its parent sees it: asked for one piece of work at a time, each bounded in time. Before
// it: measure.ts. After it: load-worker.ts.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Answer, Ask } from "./load-worker.ts";

/** A piece of work that takes longer is given up. */
const WORK_MS = 60_000;

export class Load {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(join(import.meta.dirname, "load-worker.ts"), [], {
      serialization: "advanced",
    });
  }

  /** Begins to serve; the port. */
  async serve(): Promise<number> {
    const answer = await this.#ask({ kind: "serve" });
    return answer.kind === "serving" ? answer.port : 0;
  }

  /** Seconds for moving `bytes` over each of so many connections. */
  async move(ask: Omit<Extract<Ask, { kind: "move" }>, "kind">): Promise<number> {
    const answer = await this.#ask({ kind: "move", ...ask });
    return answer.kind === "moved" ? answer.seconds : Number.NaN;
  }

  /** Microseconds of each round trip of one byte. */
  async echo(ask: Omit<Extract<Ask, { kind: "echo" }>, "kind">): Promise<number[]> {
    const answer = await this.#ask({ kind: "echo", ...ask });
    return answer.kind === "echoed" ? answer.microseconds : [];
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  #ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#child.off("message", answered);
        this.#child.off("exit", ended);
      };
      const answered = (message: unknown): void => {
        settle();
        const answer = message as Answer;
        if (answer.kind === "failed") reject(new Error(answer.message));
        else resolve(answer);
      };
      const ended = (code: number | null, signal: string | null): void => {
        settle();
        reject(new Error(`the load process ended (${signal ?? `code ${code}`})`));
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`not done within ${WORK_MS / 1000} s`));
      }, WORK_MS);
      this.#child.on("message", answered);
      this.#child.on("exit", ended);
      this.#child.send(ask);
    });
  }
}
