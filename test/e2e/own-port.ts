// SPDX-License-Identifier: Apache-2.0
// Ports for what a test starts later, or again: free now, and below those that the system gives away, so that nothing
// that asks it for any port gets one of them meanwhile. Before it: tests and sites that have to name a port. After it:
// host/cli/demo/ports.ts. Test files that run at the same time have a thousand each.

import { firstUsable } from "../../host/cli/demo/ports.ts";

const FIRST_PORT = 23_000;
const PORTS = 1000;

const worker = Number(process.env["VITEST_POOL_ID"] ?? 0);
/** Where this process begins: a file of tests that has just ended may have left something. */
let next = process.pid % PORTS;

/** A TCP port of loopback, another one each time, also to who asks meanwhile. */
export async function ownPort(): Promise<number> {
  for (let tries = 0; tries < PORTS; tries++) {
    const port = FIRST_PORT + worker * PORTS + (next++ % PORTS);
    const usable = await firstUsable([port]).catch(() => null);
    if (usable !== null) return port;
  }
  throw new Error(`no port from ${FIRST_PORT} on is free`);
}
