// SPDX-License-Identifier: Apache-2.0
// The same work through any system: bytes both ways over one connection and over 64, round trips of one
// byte; time, CPU seconds of each of its processes, memory. Before it: system.ts. After it: tables.
// Invariant: every system gets the same bytes from the same two load processes, one system at a time.

import { Load } from "./load.ts";
import { costOf } from "./process-cost.ts";
import type { RunningSystem, System } from "./system.ts";

const MB = 1_000_000;
/** Bytes that warm a system up: compilers, windows. */
const WARM_BYTES = 32 * MB;
const MOVE_BYTES = 128 * MB;
const WARM_ROUNDS = 500;
const ROUNDS = 3000;
export const MANY = 64;
const TRIES = 60;
const TRY_MS = 250;

export type Moved = {
  work: "download" | "upload";
  connections: number;
  megabytesPerSecond: number;
  /** CPU seconds for a MB, by part of the system. */
  cpuPerMegabyte: number[];
};

export type Measured = {
  system: System;
  roles: string[];
  moved: Moved[];
  /** Microseconds of a round trip. */
  median: number;
  p99: number;
  /** CPU microseconds of a round trip, all parts. */
  cpuPerRound: number;
  /** Resident bytes of each part: before any work, and at the most. */
  idleBytes: number[];
  mostBytes: number[];
};

/** Runs all the work through one system; `tell` hears how far it is. */
export async function measure(system: System, tell: (text: string) => void): Promise<Measured> {
  const server = new Load();
  const client = new Load();
  let running: RunningSystem | null = null;
  try {
    running = await system.start(await server.serve());
    await comeUp(running, client);
    return await runAll(system, running, client, tell);
  } finally {
    await running?.stop();
    client.stop();
    server.stop();
  }
}

/** Waits until a byte comes back through the system. */
async function comeUp({ port }: RunningSystem, client: Load): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      await client.echo({ port, rounds: 1 });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
  }
  throw new Error(`nothing came through it within ${(TRIES * TRY_MS) / 1000} s`);
}

async function runAll(
  system: System,
  running: RunningSystem,
  client: Load,
  tell: (text: string) => void,
): Promise<Measured> {
  const { port, parts } = running;
  const idleBytes = parts.map(({ pid }) => costOf(pid).residentBytes);
  const moved: Moved[] = [];
  await client.move({ port, work: "download", connections: 1, bytes: WARM_BYTES });
  await client.move({ port, work: "upload", connections: 1, bytes: WARM_BYTES });
  for (const connections of [1, MANY]) {
    for (const work of ["download", "upload"] as const) {
      tell(`${system.name}: ${work}, ${connections} connection${connections > 1 ? "s" : ""}`);
      moved.push(await moveBytes(running, client, work, connections));
    }
  }
  tell(`${system.name}: round trips`);
  await client.echo({ port, rounds: WARM_ROUNDS });
  const before = cpuOf(running);
  const times = (await client.echo({ port, rounds: ROUNDS })).sort((a, b) => a - b);
  const cpu = sum(cpuOf(running)) - sum(before);
  return {
    system,
    roles: parts.map(({ role }) => role),
    moved,
    median: times[Math.floor(times.length / 2)] ?? Number.NaN,
    p99: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
    cpuPerRound: (cpu / ROUNDS) * 1e6,
    idleBytes,
    mostBytes: parts.map(({ pid }) => costOf(pid).mostBytes),
  };
}

async function moveBytes(
  running: RunningSystem,
  client: Load,
  work: "download" | "upload",
  connections: number,
): Promise<Moved> {
  const bytes = Math.floor(MOVE_BYTES / connections);
  const before = cpuOf(running);
  const seconds = await client.move({ port: running.port, work, connections, bytes });
  const after = cpuOf(running);
  const megabytes = (bytes * connections) / MB;
  return {
    work,
    connections,
    megabytesPerSecond: megabytes / seconds,
    cpuPerMegabyte: after.map((cpu, i) => (cpu - (before[i] ?? 0)) / megabytes),
  };
}

function cpuOf({ parts }: RunningSystem): number[] {
  return parts.map(({ pid }) => costOf(pid).cpuSeconds);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
