// SPDX-License-Identifier: Apache-2.0
// For the tests of the demo: its process, what it has printed so far, and commands on its hosts, whose
// namespaces are those of the processes whose ids it prints. Every demo that was started is ended by
// `endDemos`, and its folder lies in one that is removed then.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "../../host/cli/demo/folder.ts";
import { type Host, Namespaces } from "../../host/cli/demo/namespaces.ts";
import { buildCore } from "../../scripts/build.ts";
import { CORE_WASM, ROOT, SHIPPED_WASM } from "../../scripts/run.ts";

const DEMOS = join(ROOT, "host", "cli", "demo");
const GONE_MS = 30_000;
const COMMAND_MS = 60_000;

/** The command of the demo of Routes. */
export function demoCommand(...args: string[]): [string, ...string[]] {
  return [process.execPath, join(DEMOS, "demo.ts"), ...args];
}

/** The command of the demo of a device. */
export function deviceDemoCommand(...args: string[]): [string, ...string[]] {
  return [process.execPath, join(DEMOS, "device", "demo.ts"), ...args];
}

const demos: Demo[] = [];
const folders: string[] = [];

/** A demo's process, and what it has printed so far. */
export class Demo {
  readonly process: ChildProcess;
  /** The temporary folder in which it makes its own. */
  readonly folder: string;
  output = "";
  /** It has ended, and all that it printed was read. */
  hasEnded = false;
  #waiting: (() => void)[] = [];

  constructor([command, ...args]: readonly [string, ...string[]], folder = makeFolder()) {
    this.folder = folder;
    this.process = spawn(command, args, {
      env: { ...process.env, TMPDIR: folder },
      stdio: "pipe",
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#print(text));
    }
    this.process.once("close", () => {
      this.hasEnded = true;
      this.#print("");
    });
    demos.push(this);
  }

  /** The first match of `pattern` in the output, once it is there; its first group. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found[1] ?? found[0];
      if (this.hasEnded) throw new Error(`the demo ended:\n${this.output}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Where the user's browser is to go; the command centre's page. */
  async urls(): Promise<{ web: string; screen: string }> {
    const screen = await this.printed(/The camera +(\S+)/);
    return { web: await this.printed(/Open it +(\S+)/), screen };
  }

  /** The process id of a player as it was first. */
  async pid(name: string): Promise<number> {
    await this.printed(/Open it/);
    return Number(await this.printed(new RegExp(`^  (?:STLink )?${name} +pid (\\d+)`, "m")));
  }

  /** The host of a player. */
  async host(name: string): Promise<Host> {
    return { name, pid: await this.pid(name) };
  }

  /** Process ids of all players as they were first. */
  async pids(): Promise<number[]> {
    await this.printed(/Open it/);
    return [...this.output.matchAll(/ pid (\d+) /g)].map(([, pid]) => Number(pid));
  }

  /** Types a line. */
  type(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  /** Process ids of all that it has started and that run now. */
  children(): number[] {
    const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return all.map(Number).filter((pid) => parentOf(pid) === this.process.pid);
  }

  /** What it has in its temporary folder. */
  leftovers(): string[] {
    return readdirSync(this.folder);
  }

  /** Its exit code, once it has ended; null where a signal ended it. */
  async ended(): Promise<number | null> {
    if (!this.hasEnded) await once(this.process, "close");
    return this.process.exitCode;
  }

  end(signal: NodeJS.Signals): Promise<number | null> {
    this.process.kill(signal);
    return this.ended();
  }

  #print(text: string): void {
    this.output += text;
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

/** Ends every demo; waits until its processes are gone; removes the folders. */
export async function endDemos(): Promise<void> {
  for (const demo of demos.splice(0)) {
    await demo.end("SIGKILL");
    if (demo.output.includes("Open it")) await survivors(await demo.pids());
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "demo-test-"));
  folders.push(folder);
  return folder;
}

/** The core is built unless this is a coverage run's. */
export async function buildForDemo(): Promise<void> {
  if (CORE_WASM !== SHIPPED_WASM) return;
  const { ok, message } = await buildCore({ ifNeeded: true });
  if (!ok) throw new Error(message);
}

/** Waits until none of the processes is there any more; gives those that still are in the end. */
export async function survivors(pids: readonly number[]): Promise<number[]> {
  const deadline = performance.now() + GONE_MS;
  while (pids.some(isAlive) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return pids.filter(isAlive);
}

/** 0 where it is gone. */
function parentOf(pid: number): number {
  try {
    // Behind the name, which may hold anything: state, parent.
    const [, parent] =
      readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return Number(parent);
  } catch {
    return 0;
  }
}

/** Why there can be no network namespaces here; null where there can. */
export async function namespaceRefusal(): Promise<string | null> {
  const namespaces = new Namespaces();
  try {
    await namespaces.addHost("trial");
    return null;
  } catch (error) {
    return String(error);
  } finally {
    await namespaces.close();
  }
}

/** What a command on a host prints; throws with what it says where it fails. */
export function runOn(
  namespaces: Namespaces,
  host: Host,
  command: [string, ...string[]],
  { input = "", timeoutMs = COMMAND_MS }: { input?: string; timeoutMs?: number } = {},
): string {
  const [program, ...args] = namespaces.inside(host, command);
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    input,
    timeout: timeoutMs,
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` },
  });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  return stdout;
}
