// SPDX-License-Identifier: Apache-2.0
// Builds and runs the posix port with test/firmware/stub in the place of the device, and talks to its
// console. Before it: posix.test.ts. After it: scripts/build-native.ts.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { buildNative, FIRMWARE_CORE, POSIX_PORT, sourcesIn } from "../../scripts/build-native.ts";

const STUB = join(import.meta.dirname, "stub");
const ANSWER_MS = 60_000;

/** The program's path, under the sanitizers. */
export function buildStubDevice(): string {
  return buildNative({
    name: "stub-device",
    sources: [
      ...sourcesIn(STUB, "*.cpp"),
      ...sourcesIn(POSIX_PORT, "*.cpp"),
      join(FIRMWARE_CORE, "crc32.cpp"),
      join(FIRMWARE_CORE, "flash_store.cpp"),
      join(FIRMWARE_CORE, "arena.c"),
    ],
    include: [STUB, FIRMWARE_CORE, POSIX_PORT],
    sanitized: true,
  });
}

/** A program whose lines are waited for, one after the other. */
export class Talker {
  readonly child: ChildProcess;
  /** What it has said on standard error. */
  errors = "";
  /** What it has said on its console. */
  said = "";
  /** It has ended, and all that it said was heard. */
  hasEnded = false;
  #read = 0;
  #wake: () => void = () => {};

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const options = { stdio: "pipe", env: { ...process.env, ...env } } as const;
    this.child = spawn(program, args, options);
    this.child.stdout?.on("data", (bytes) => this.#take(String(bytes)));
    this.child.stderr?.on("data", (bytes) => {
      this.errors += String(bytes);
      this.#wake();
    });
    this.child.stdin?.on("error", () => {}); // it may be gone: the next wait says so
    this.child.on("close", () => {
      this.hasEnded = true;
      this.#wake();
    });
  }

  #take(text: string): void {
    this.said += text;
    this.#wake();
  }

  /** What it has said so far is not waited for. */
  skip(): void {
    this.#read = this.said.lastIndexOf("\n") + 1;
  }

  /** What nobody has waited for yet. */
  get unheard(): string {
    return this.said.slice(this.#read);
  }

  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** The next line that fits, lines before it being skipped. Rejects after a minute, or at its end. */
  async hear(pattern: string | RegExp, mostMs = ANSWER_MS): Promise<string> {
    const deadline = Date.now() + mostMs;
    for (;;) {
      const line = this.#nextLine();
      if (line === null) await this.#more(deadline, pattern);
      else if (typeof pattern === "string" ? line === pattern : pattern.test(line)) return line;
    }
  }

  /** Tells a line and gives the answer that fits. */
  ask(line: string, pattern: string | RegExp, mostMs = ANSWER_MS): Promise<string> {
    this.tell(line);
    return this.hear(pattern, mostMs);
  }

  /** Until it has said this on standard error, which comes by a way of its own. Rejects as `hear` does. */
  async complains(text: string): Promise<void> {
    const deadline = Date.now() + ANSWER_MS;
    while (!this.errors.includes(text)) await this.#more(deadline, text);
  }

  #nextLine(): string | null {
    const end = this.said.indexOf("\n", this.#read);
    if (end < 0) return null;
    const line = this.said.slice(this.#read, end);
    this.#read = end + 1;
    return line;
  }

  async #more(deadline: number, pattern: string | RegExp): Promise<void> {
    const why = () => `never came: ${pattern}\nsaid: ${this.said.slice(-2000)}\n${this.errors}`;
    if (this.hasEnded) throw new Error(why());
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(why())), deadline - Date.now());
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    if (this.hasEnded) return;
    const closed = new Promise((resolve) => this.child.once("close", resolve));
    this.child.kill("SIGKILL");
    await closed;
  }
}
