// SPDX-License-Identifier: Apache-2.0
// For the tests of `sealed`: its processes as a person starts them, a folder of files for them, and a site
// of two STLinks and a Connector made with `sealed keygen`. Every process that was started is ended by
// `endAll`; sockets lie in the folder, so that nothing of this machine is met.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../scripts/run.ts";

/** The command as it is in the repository. */
export const SEALED = join(ROOT, "host", "cli", "sealed.cjs");

/** The command that is run. */
let command = SEALED;

/** From now on another one is run: that of an installed package. */
export function useSealed(path: string): void {
  command = path;
}

const processes: SealedProcess[] = [];

export type Surroundings = {
  /** Beside this process's own environment. */
  env?: Readonly<Record<string, string>>;
  /** Puts a command on another host; this one when absent. */
  inside?(command: [string, ...string[]]): [string, ...string[]];
  /** All of its standard input; none when absent. */
  input?: string;
};

/** A code of null: a signal ended it. */
export type Ended = { code: number | null; out: string; err: string };

/** One `sealed` process, and what it has printed so far. */
export class SealedProcess {
  readonly child: ChildProcess;
  out = "";
  err = "";
  /** It has ended, and all that it printed was read. */
  hasEnded = false;
  #waiting: (() => void)[] = [];

  constructor(folder: string, args: readonly string[], surroundings: Surroundings = {}) {
    const { env = {}, inside, input } = surroundings;
    const whole: [string, ...string[]] = [process.execPath, command, ...args];
    const [program, ...rest] = inside?.(whole) ?? whole;
    // As somebody typed it, whatever runs the tests: `sealed` tells what to type by what npm says of itself.
    const own = { npm_command: "", XDG_RUNTIME_DIR: folder, XDG_CONFIG_HOME: folder };
    this.child = spawn(program, rest, {
      cwd: folder,
      env: { ...process.env, ...own, ...env },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    this.child.stdin?.end(input);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#print(text, ""));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#print("", text));
    this.child.once("close", () => {
      this.hasEnded = true;
      this.#print("", "");
    });
    processes.push(this);
  }

  /** The fields of the first log line with this message, once it is there. */
  logged(message: string): Promise<Record<string, unknown>> {
    return this.when((lines) => lines.find(({ msg }) => msg === message), message);
  }

  /** What `look` finds in the log, once it finds something. */
  async when<Found>(
    look: (lines: Record<string, unknown>[]) => Found | undefined,
    what = "such line",
  ): Promise<Found> {
    for (;;) {
      const found = look(this.lines());
      if (found !== undefined) return found;
      if (this.hasEnded) throw new Error(`no "${what}":\n${this.out}${this.err}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** What it has printed on standard output, once it matches. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.when(() => pattern.exec(this.out) ?? undefined, String(pattern));
  }

  /** What it has printed on standard error, once it matches. */
  async told(pattern: RegExp): Promise<RegExpExecArray> {
    return this.when(() => pattern.exec(this.err) ?? undefined, String(pattern));
  }

  /** The log so far; of its last line a part may be here. */
  lines(): Record<string, unknown>[] {
    return this.out
      .split("\n")
      .slice(0, -1)
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line));
  }

  /** Its exit code and everything that it printed. */
  async ended(): Promise<Ended> {
    if (!this.hasEnded) await once(this.child, "close");
    return { code: this.child.exitCode, out: this.out, err: this.err };
  }

  end(signal: NodeJS.Signals) {
    this.child.kill(signal);
    return this.ended();
  }

  #print(out: string, err: string): void {
    this.out += out;
    this.err += err;
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

/** A folder of its own under the system's temporary one; `endAll` removes it. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sealed-test-"));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];

export function sealed(folder: string, ...args: string[]): SealedProcess {
  return new SealedProcess(folder, args);
}

/** Ends every process and removes every folder. */
export async function endAll(): Promise<void> {
  await Promise.all(processes.splice(0).map((one) => (one.hasEnded ? null : one.end("SIGKILL"))));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Writes a file for its owner alone. */
export function write(folder: string, name: string, ...parts: string[]): void {
  writeFileSync(join(folder, name), `${parts.join("\n\n")}\n`, { mode: 0o600 });
}

/** What `sealed keygen` prints to paste, by the line before it. */
export async function keygen(folder: string, ...args: string[]): Promise<Map<string, string>> {
  const { code, out, err } = await sealed(folder, "keygen", ...args).ended();
  if (code !== 0) throw new Error(err);
  const sections = out.matchAll(/^(This STLink|The \w+)[^\n]*\n\n((?: {2}[^\n]*\n?)+)/gm);
  return new Map([...sections].map(([whole, , text = ""]) => [titleOf(whole), dedent(text)]));
}

function titleOf(section: string): "own" | "peer" | "connector" {
  const [title = ""] = section.split("\n");
  if (title.includes("own file")) return "own";
  return title.includes("of its Connectors") ? "connector" : "peer";
}

function dedent(text: string): string {
  return text.replaceAll(/^ {2}/gm, "").trim();
}
