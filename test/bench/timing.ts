// SPDX-License-Identifier: Apache-2.0
// Times competing functions side by side: every round gives each of them one slice of time, and the
// best round of each counts. So a machine that is busy for a while slows all of them, and their
// ratios hold. Seconds for one run of each function, in the order given.

export type Timed = { run: () => void; best: number };

const ROUNDS = 6;
const SLICE_MS = 12;
const WARM_MS = 30;

/** Best seconds per run of each function; null where there is none. */
export function compare(
  runs: readonly ((() => void) | null)[],
  rounds = ROUNDS,
): (number | null)[] {
  const timed = runs.map((run) => (run === null ? null : { run, best: Number.POSITIVE_INFINITY }));
  for (const one of timed) if (one !== null) slice(one.run, WARM_MS);
  for (let round = 0; round < rounds; round++) {
    for (const one of timed) {
      if (one !== null) one.best = Math.min(one.best, slice(one.run, SLICE_MS));
    }
  }
  return timed.map((one) => (one === null ? null : one.best));
}

/** Runs for about `ms`; the fastest seconds per run in it, in parts long enough for the clock. */
function slice(run: () => void, ms: number): number {
  let best = Number.POSITIVE_INFINITY;
  let batch = 1;
  const end = performance.now() + ms;
  for (let now = performance.now(); now < end; ) {
    const startedMs = now;
    for (let i = 0; i < batch; i++) run();
    now = performance.now();
    const elapsedMs = now - startedMs;
    best = Math.min(best, elapsedMs / batch / 1000);
    if (elapsedMs < PART_MS) batch = Math.min(batch * 2, MAX_BATCH);
  }
  return best;
}

const PART_MS = 0.5;
const MAX_BATCH = 1 << 16;
