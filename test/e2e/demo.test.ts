// SPDX-License-Identifier: Apache-2.0
// The demo as its user meets it: `npm start`'s process, its URL, the large file while the Connector is
// killed twice, and its end, after which nothing of it runs. The only test with real processes and
// sockets of the thin thread; what is behind it is tested apart.

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildCore } from "../../scripts/build.ts";
import { CORE_WASM, ROOT, SHIPPED_WASM } from "../../scripts/run.ts";

const LARGE_BYTES = 100_000_000;
/** A first start compiles wasm3. */
const START_MS = 60_000;
const LARGE_MS = 90_000;
const GONE_MS = 5000;

/** The demo's process, and what it has printed so far. */
class Demo {
  readonly process: ChildProcess;
  output = "";
  #waiting: (() => void)[] = [];

  constructor(...args: string[]) {
    this.process = spawn(process.execPath, [join(ROOT, "host", "cli", "demo.ts"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#print(text));
    }
    this.process.once("exit", () => this.#print(""));
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

  /** Pids of Binding, Connector and Mapping as they were first. */
  async pids(): Promise<number[]> {
    await this.printed(/Open it/);
    const pids = /pid (\d+) +pid (\d+) +pid (\d+)/.exec(this.output)?.slice(1) ?? [];
    return pids.map(Number);
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Its exit code, once it has ended; null where a signal ended it. */
  async ended(): Promise<number | null> {
    if (!this.hasEnded) await once(this.process, "exit");
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until none of the processes is there any more; gives those that still are in the end. */
async function survivors(pids: readonly number[]): Promise<number[]> {
  const deadline = performance.now() + GONE_MS;
  while (pids.some(isAlive) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return pids.filter(isAlive);
}

async function fetchBytes(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}

/** Downloads in one connection; `onBytes` hears how much has come. */
async function download(url: string, onBytes: (total: number) => void) {
  const [response] = (await once(get(url, { agent: false }), "response")) as [IncomingMessage];
  const hash = createHash("sha256");
  let total = 0;
  for await (const chunk of response) {
    hash.update(chunk as Buffer);
    total += (chunk as Buffer).length;
    onBytes(total);
  }
  return { total, hash: hash.digest("hex") };
}

let demo: Demo;

beforeAll(async () => {
  if (CORE_WASM !== SHIPPED_WASM) return;
  const { ok, message } = await buildCore({ ifNeeded: true });
  if (!ok) throw new Error(message);
});

afterEach(async () => {
  await demo.end("SIGKILL");
});

describe("demo", () => {
  it("carries the page byte for byte and leaves no process", { timeout: START_MS }, async () => {
    demo = new Demo("--port", "0");
    const url = await demo.printed(/Open it +(\S+)/);
    const service = await demo.printed(/pid \d+ +(127\.0\.0\.1:\d+)/);
    const [through, direct] = await Promise.all([url, `http://${service}/`].map(fetchBytes));
    expect(direct?.length).toBeGreaterThan(1000);
    expect(through?.equals(direct ?? Buffer.alloc(0))).toBe(true);
    expect(through?.toString()).toContain(await demo.printed(/SHA-256 ([0-9a-f]{64})/));
    await demo.printed(/What the Connector sees/);
    const pids = await demo.pids();
    expect(await demo.end("SIGTERM")).toBe(0);
    expect(pids.length).toBe(3);
    expect(await survivors(pids)).toEqual([]);
  });

  it("delivers 100 MB while its Connector is killed twice", { timeout: LARGE_MS }, async () => {
    demo = new Demo("--port", "0");
    const url = await demo.printed(/Open it +(\S+)/);
    const expected = await demo.printed(/SHA-256 ([0-9a-f]{64})/);
    const victims = [demo.printed(/kill -9 (\d+)/), demo.printed(/is back: kill -9 (\d+)/)];
    const startedMs = performance.now();
    const { total, hash } = await download(`${url}large`, (bytes) => {
      const isTime = bytes > LARGE_BYTES * (victims.length === 2 ? 0.2 : 0.6);
      if (isTime) victims.shift()?.then((pid) => process.kill(Number(pid), "SIGKILL"));
    });
    const seconds = (performance.now() - startedMs) / 1000;
    console.log(`100 MB with two kills: ${(total / 1e6 / seconds).toFixed(1)} MB/s`);
    expect({ total, hash }).toEqual({ total: LARGE_BYTES, hash: expected });
    expect(demo.output.match(/Connector \(pid \d+\) died: SIGKILL/g)?.length).toBe(2);
  });

  it("takes its processes along when it is killed itself", { timeout: START_MS }, async () => {
    demo = new Demo("--port", "0", "--engine", "v8");
    const pids = await demo.pids();
    await demo.end("SIGKILL");
    expect(await survivors(pids)).toEqual([]);
  });

  it("says so when the port is in use", { timeout: START_MS }, async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const address = holder.address();
    const port = typeof address === "object" ? address?.port : 0;
    demo = new Demo("--port", String(port), "--engine", "v8");
    await demo.printed(new RegExp(`port ${port} is in use: choose another one with --port`));
    expect(await demo.ended()).toBe(1);
    holder.close();
  });
});
