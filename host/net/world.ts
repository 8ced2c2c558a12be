// SPDX-License-Identifier: Apache-2.0
// What a host of the core takes from outside: the network, time and entropy, all of them inputs, so
// that the same modules run on a fake network and clock (rule: seeded randomness only). Before it:
// the system, or the simulation. After it: driver.ts, STLink, Connector.

import { randomBytes } from "node:crypto";
import { tcp } from "./tcp.ts";
import type { Transport } from "./transport.ts";
import { udp } from "./udp.ts";

export interface Clock {
  /** Milliseconds, whole, monotonic. */
  now(): number;
  /** Calls `then` once, after `ms`. The result cancels it. */
  after(ms: number, then: () => void): () => void;
  /** Calls `then` once the bytes that are there now have been delivered. */
  soon(then: () => void): void;
}

export type World = {
  transport: Transport;
  clock: Clock;
  /** Fresh random bytes. */
  entropy(len: number): Uint8Array;
};

/** This machine. */
export const systemWorld: World = {
  transport: { ...tcp, ...udp },
  clock: {
    now: () => Math.floor(performance.now()),
    after(ms, then) {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
    soon: (then) => void setImmediate(then),
  },
  entropy: (len) => randomBytes(len),
};

/** A number in [0, 1) of the world's entropy: for jitter and choices. */
export function fraction(world: World): number {
  const bytes = world.entropy(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true) / 2 ** 32;
}
