// SPDX-License-Identifier: Apache-2.0
// A Connector and a crowd: what an idle hop costs it, and how long a thousand STLinks take to come back after it died.
// Before it: bench-tunnel.ts. After it: relay-worker.ts, idle-worker.ts, crowd-worker.ts. Everything is bounded in
// time; a crowd that is not complete by then is reported as far as it came.

import { type Identity, makeIdentity } from "./identities.ts";
import type { IdleSetup } from "./idle-worker.ts";
import { costOf } from "./process-cost.ts";
import type { RelaySetup } from "./relay-worker.ts";
import { Worker } from "./worker.ts";

export type Tell = (text: string) => void;

/** The whole crowd has this long to come. */
const CROWD_MS = 120_000;
const RELAY_MS = 20_000;
/** Buffers of handshakes are given back, and the collector runs. */
const SETTLE_MS = 2000;

export type IdleHops = { count: number; seconds: number; bytesEach: number; cpuEach: number };

/** Brings `count` idle hops to a Connector; what each adds to its resident memory. */
export async function measureIdleHops(wasmPath: string, count: number, tell: Tell) {
  const { own, stlinks } = makeCrowd(count);
  const relay = startRelay(wasmPath, own, stlinks, 0);
  let crowd: Worker<IdleSetup, number> | null = null;
  try {
    const port = await relay.next(RELAY_MS);
    await pause(SETTLE_MS);
    const before = costOf(relay.pid);
    const startedMs = performance.now();
    crowd = new Worker("idle-worker.ts", crowdSetup(wasmPath, own, port, stlinks));
    const came = await waitFor(crowd, count, tell);
    const seconds = (performance.now() - startedMs) / 1000;
    await pause(SETTLE_MS);
    const after = costOf(relay.pid);
    const bytesEach = (after.residentBytes - before.residentBytes) / came;
    const cpuEach = (after.cpuSeconds - before.cpuSeconds) / came;
    return { count: came, seconds, bytesEach, cpuEach };
  } finally {
    await crowd?.kill();
    await relay.kill();
  }
}

export type Reconnected = { count: number; firstSeconds: number; againSeconds: number };

/** Lets `count` STLinks come, kills the Connector, starts it again; seconds until the last one is back. */
export async function measureReconnecting(wasmPath: string, count: number, tell: Tell) {
  const { own, stlinks } = makeCrowd(count);
  let relay = startRelay(wasmPath, own, stlinks, 0);
  let crowd: Worker<IdleSetup, number> | null = null;
  try {
    const port = await relay.next(RELAY_MS);
    const startedMs = performance.now();
    crowd = new Worker("crowd-worker.ts", crowdSetup(wasmPath, own, port, stlinks));
    await waitFor(crowd, count, tell);
    const firstSeconds = (performance.now() - startedMs) / 1000;
    await relay.kill();
    await waitFor(crowd, 0, tell);
    relay = startRelay(wasmPath, own, stlinks, port);
    await relay.next(RELAY_MS);
    const againMs = performance.now();
    await waitFor(crowd, count, tell);
    return { count, firstSeconds, againSeconds: (performance.now() - againMs) / 1000 };
  } finally {
    await crowd?.kill();
    await relay.kill();
  }
}

function makeCrowd(count: number): { own: Identity; stlinks: Identity[] } {
  return { own: makeIdentity(), stlinks: Array.from({ length: count }, makeIdentity) };
}

function startRelay(wasmPath: string, own: Identity, stlinks: readonly Identity[], port: number) {
  const admitted = stlinks.map(({ id, publicKey }) => ({ id, publicKey }));
  return new Worker<RelaySetup, number>("relay-worker.ts", { wasmPath, own, admitted, port });
}

function crowdSetup(wasmPath: string, own: Identity, port: number, stlinks: Identity[]): IdleSetup {
  return { wasmPath, relay: { port, publicKey: own.publicKey }, stlinks };
}

/** Waits until so many hops are up, or the time is over; how many there are. */
async function waitFor(crowd: Worker<IdleSetup, number>, count: number, tell: Tell) {
  const endMs = performance.now() + CROWD_MS;
  let came = Number.NaN;
  while (came !== count && performance.now() < endMs) {
    came = await crowd.next(endMs - performance.now());
    tell(`${came} hops up`);
  }
  return came;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
