// SPDX-License-Identifier: Apache-2.0
// One process of the demo as its parent sees it: started, told its setup, watched, started again when it
// dies, ended in the end. Before it: demo.ts. After it: demo-stlink.ts or demo-connector.ts, whose own end
// follows when this process is gone, since their channel closes then.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { type FromChild, stopMessage } from "./demo-messages.ts";

export type PartEvents = {
  message(message: FromChild): void;
  /** It died without having been asked to; it is being started again. */
  died(pid: number, how: string): void;
  /** It can't be kept alive. */
  gaveUp(how: string): void;
};

const RESTART_MS = 200;
const STOP_MS = 2000;
/** A part that dies this often within a few seconds will not live. */
const DEATHS_MOST = 5;
const DEATHS_SPAN_MS = 5000;

export class Part<Setup extends object> {
  readonly setup: Setup;
  readonly #file: string;
  readonly #events: PartEvents;
  #child: ChildProcess | null = null;
  #isStopping = false;
  #deaths: number[] = [];

  constructor(file: string, setup: Setup, events: PartEvents) {
    this.#file = join(import.meta.dirname, file);
    this.setup = setup;
    this.#events = events;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    const child = fork(this.#file, [], {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    child.on("message", (message) => this.#events.message(message as FromChild));
    child.on("error", (error) => this.#events.gaveUp(error.message));
    child.on("exit", (code, signal) => this.#exited(child, signal ?? `code ${code}`));
    // A child that dies at once closes the channel under this message; its exit says so.
    child.send(this.setup, () => {});
  }

  /** Ends it and starts it anew, with the setup as it is now. */
  again(): void {
    const before = this.#child;
    this.#child = null;
    before?.kill("SIGKILL");
    this.start();
  }

  /** Asks it to end, then makes it; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    if (child.connected) child.send(stopMessage as string, () => {});
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await gone;
    clearTimeout(timer);
  }

  /** At once, for a second Ctrl-C. */
  kill(): void {
    this.#isStopping = true;
    this.#child?.kill("SIGKILL");
  }

  #exited(child: ChildProcess, how: string): void {
    if (this.#isStopping || child !== this.#child) return;
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_SPAN_MS), now];
    if (this.#deaths.length > DEATHS_MOST) return this.#events.gaveUp(how);
    this.#events.died(child.pid ?? 0, how);
    setTimeout(() => {
      if (!this.#isStopping) this.start();
    }, RESTART_MS);
  }
}
