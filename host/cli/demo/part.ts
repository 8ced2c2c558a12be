// SPDX-License-Identifier: Apache-2.0
// One process of the demo as the demo sees it: started on its host, watched, started again when it dies,
// ended in the end. Before it: cast.ts. After it: `sealed`, or a service of the demo; what it prints goes
// to a log in the demo's folder. Its own end follows when the demo is gone (lifeline.ts).

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Message } from "./messages.ts";
import type { Host, Namespaces } from "./namespaces.ts";

export type PartPlan = {
  name: string;
  host: Host;
  /** A file for Node, and its arguments. */
  command: readonly string[];
};

export type PartEvents = {
  message(message: Message): void;
  /** It died without having been asked to; it is being started again. */
  died(pid: number, how: string): void;
  /** It can't be kept alive. */
  gaveUp(how: string): void;
};

const LIFELINE = pathToFileURL(join(import.meta.dirname, "lifeline.ts")).href;
const RESTART_MS = 200;
const STOP_MS = 2000;
/** A part that dies this often within a few seconds will not live. */
const DEATHS_MOST = 3;
const DEATHS_SPAN_MS = 5000;

export class Part {
  readonly plan: PartPlan;
  readonly #folder: string;
  readonly #namespaces: Namespaces;
  readonly #events: PartEvents;
  #child: ChildProcess | null = null;
  #isStopping = false;
  #deaths: number[] = [];

  constructor(plan: PartPlan, folder: string, namespaces: Namespaces, events: PartEvents) {
    this.plan = plan;
    this.#folder = folder;
    this.#namespaces = namespaces;
    this.#events = events;
  }

  /** Of the process itself: what puts it on its host becomes it. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** A session of its own keeps the terminal's Ctrl-C from it: the order of ending is the demo's. */
  start(): void {
    const log = openSync(this.#logFile, "a", 0o600);
    const node = [process.execPath, "--import", LIFELINE, ...this.plan.command] as const;
    const [command, ...args] = this.#namespaces.inside(this.plan.host, [...node]);
    const child = spawn(command, args, {
      cwd: this.#folder,
      env: { ...process.env, XDG_RUNTIME_DIR: this.#folder },
      stdio: ["ignore", log, log, "ipc"],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    child.on("message", (message) => this.#events.message(message as Message));
    child.on("error", (error) => this.#events.gaveUp(error.message));
    child.on("exit", (code, signal) => this.#exited(child, signal ?? `code ${code}`));
  }

  /** Asks it to end, then makes it; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await gone;
    clearTimeout(timer);
  }

  /** As `kill -9` from outside; it is started again, however often. */
  crash(): void {
    this.#deaths = [];
    this.#child?.kill("SIGKILL");
  }

  /** At once, for a second Ctrl-C. */
  kill(): void {
    this.#isStopping = true;
    this.#child?.kill("SIGKILL");
  }

  get #logFile(): string {
    return join(this.#folder, `${this.plan.name}.log`);
  }

  #exited(child: ChildProcess, how: string): void {
    if (this.#isStopping) return;
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_SPAN_MS), now];
    if (this.#deaths.length > DEATHS_MOST) {
      this.#isStopping = true;
      return this.#events.gaveUp(`${how}; the end of its log: ${this.#lastWords()}`);
    }
    this.#events.died(child.pid ?? 0, how);
    setTimeout(() => {
      if (!this.#isStopping) this.start();
    }, RESTART_MS);
  }

  #lastWords(): string {
    return readFileSync(this.#logFile, "utf8").trim().split("\n").at(-1) ?? "";
  }
}
