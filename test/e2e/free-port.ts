// SPDX-License-Identifier: Apache-2.0
// Ports of loopback for what another process is to listen at later: below those that the system gives to whoever
// asks for any port or dials (on Linux from 32768 up), so that none of them is taken in between. Workers that run
// at the same time have a range each. Before it: tests that write a port into a configuration. After it:
// host/cli/demo/ports.ts.

import { firstUsable } from "../../host/cli/demo/ports.ts";

const LOWEST = 24_000;
const WORKERS = 5;
const PORTS_OF_WORKER = 1500;

const first = LOWEST + (Number(process.env["VITEST_POOL_ID"] ?? 0) % WORKERS) * PORTS_OF_WORKER;
/** Another run on this machine begins elsewhere. */
let next = process.pid % PORTS_OF_WORKER;

/** A port at which nobody listens, and nobody else will; with `count` the first of so many in a row. */
export async function freePort(count = 1): Promise<number> {
  for (let tries = 0; tries < PORTS_OF_WORKER; tries++) {
    if (next + count > PORTS_OF_WORKER) next = 0;
    const port = first + next;
    next += count;
    if (await areFree(port, count)) return port;
  }
  throw new Error(`no port from ${first} on is free`);
}

async function areFree(port: number, count: number): Promise<boolean> {
  for (let i = 0; i < count; i++) {
    const usable = await firstUsable([port + i]).catch(() => null);
    if (usable === null) return false;
  }
  return true;
}
