// SPDX-License-Identifier: Apache-2.0
// Worker processes of the crowd benches, from both sides: a parent that forks one, gives it its setup and waits for
// what it says; a worker that gets its setup and ends with its parent. Before it: crowd.ts. After it: relay-worker.ts,
// crowd-worker.ts, idle-worker.ts.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

export class Worker<Setup extends object, Said> {
  readonly #child: ChildProcess;
  #heard: Said[] = [];
  #wake = (): void => {};
  /** In the place of `next`: hears each thing that it says. */
  onSaid: ((said: Said) => void) | null = null;

  constructor(file: string, setup: Setup) {
    this.#child = fork(join(import.meta.dirname, file), [], { serialization: "advanced" });
    this.#child.on("message", (said) => {
      if (this.onSaid !== null) return this.onSaid(said as Said);
      this.#heard.push(said as Said);
      this.#wake();
    });
    this.#child.on("exit", () => this.#wake());
    this.#child.send(setup);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next thing that it says. Rejects when it ends, or says nothing for so long. */
  async next(withinMs: number): Promise<Said> {
    if (this.#heard.length === 0 && this.#child.exitCode === null) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const said = this.#heard.shift();
    if (said === undefined) throw new Error(`a worker said nothing for ${withinMs / 1000} s`);
    return said;
  }

  /** Ends it, at once. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }
}

/** The worker's side: `work` gets the setup and how to tell its parent something. */
export function runWorker<Setup, Said>(work: (setup: Setup, tell: (said: Said) => void) => void) {
  process.on("disconnect", () => process.exit(0));
  process.once("message", (setup) => work(setup as Setup, (said) => void process.send?.(said)));
}
