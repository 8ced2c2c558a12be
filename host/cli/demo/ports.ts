// SPDX-License-Identifier: Apache-2.0
// Which port of the user's own loopback can be had: the wanted one where that is allowed, else another.
// Before it: the demo's options. After it: the files of its STLinks. The port is only looked at, so
// somebody may still take it in between: then `sealed` says so.

import { once } from "node:events";
import { createServer } from "node:net";

/** Where something listens. */
export type Spot = { host: string; port: number };

export const LOOPBACK = "127.0.0.1";

export type Usable = {
  port: number;
  /** Of each port before it: why not that one. */
  refusals: string[];
};

/** The first of these ports that can be listened on; 0 is any free one. Throws what the last one threw. */
export async function firstUsable(ports: readonly number[]): Promise<Usable> {
  const refusals: string[] = [];
  for (const [i, wanted] of ports.entries()) {
    try {
      return { port: await tryPort(wanted), refusals };
    } catch (error) {
      if (i === ports.length - 1) throw error;
      refusals.push(portRefusal(wanted, error));
    }
  }
  throw new Error("no port to try");
}

/** What the system said about a port, in words. */
export function portRefusal(port: number, error: unknown): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "EACCES") return `port ${port} needs more rights than yours`;
  if (code === "EADDRINUSE") return `port ${port} is in use`;
  return `port ${port}: ${code}`;
}

async function tryPort(wanted: number): Promise<number> {
  const server = createServer().listen(wanted, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}
