// SPDX-License-Identifier: Apache-2.0
// What a scenario is: a name, what it shows, and one run for each seed that throws SimFailure when an
// invariant breaks. The seed says everything that is random, or, where a scenario goes through cases
// ("drop packet n"), which case it is. Between world.ts and the scenarios/ folder.

import { World, type WorldOptions } from "./world.ts";

export type Context = {
  trace: ((line: string) => void) | null;
  /** New instances of the core instead of used ones. */
  isFresh: boolean;
};

export type Scenario = {
  name: string;
  about: string;
  run: (seed: number, context: Context) => void | Promise<void>;
  /** The number of cases, for a scenario whose seeds 0 and up are its cases. */
  cases?: () => number;
};

export const QUIET: Context = { trace: null, isFresh: false };

/** Runs `body` in a world of its own. Returns what it returns. */
export function inWorld<T>(
  context: Context,
  options: Partial<WorldOptions>,
  body: (world: World) => T,
): T {
  const world = new World({ ...context, ...options });
  try {
    return body(world);
  } finally {
    world.close();
  }
}

/** The longest probe time-out of a link whose round trip is `rttMs` (7.2): the first sample's. */
export function ptoMs(rttMs: number): number {
  return Math.max(200, 3 * rttMs + 50);
}
