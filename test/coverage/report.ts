// SPDX-License-Identifier: Apache-2.0
// Merges the counters of all processes of a coverage run and says what was not reached, by name.
// Between hook.ts, which wrote the counters, and scripts/coverage.ts, which prints the lines.
// A function that was never entered is named once, without its branches.

import type { Point } from "./instrument.ts";

export type Tally = { covered: number; total: number };
export type Report = { functions: Tally; branches: Tally; lines: string[] };

const BITS = 32;

/** The union of several processes' words. */
export function mergeWords(runs: readonly (readonly number[])[]): number[] {
  const merged: number[] = [];
  for (const words of runs) {
    words.forEach((word, i) => {
      merged[i] = (merged[i] ?? 0) | word;
    });
  }
  return merged;
}

/** Counts and lists; `lines` has one entry for each function that isn't wholly covered. */
export function report(points: readonly Point[], words: readonly number[]): Report {
  const isCovered = (point: number): boolean =>
    (((words[Math.floor(point / BITS)] ?? 0) >>> (point % BITS)) & 1) === 1;
  const functions: Tally = { covered: 0, total: 0 };
  const branches: Tally = { covered: 0, total: 0 };
  const missing = new Map<string, string[]>();
  const neverEntered = new Set<string>();
  points.forEach(({ functionName, what, where }, i) => {
    const tally = what === "function" ? functions : branches;
    tally.total += 1;
    if (isCovered(i)) tally.covered += 1;
    else if (what === "function") neverEntered.add(functionName);
    else
      missing.set(functionName, [...(missing.get(functionName) ?? []), `${what} ${where}`.trim()]);
  });
  const lines = [
    ...[...neverEntered].map((name) => `${name}: never entered`),
    ...[...missing]
      .filter(([name]) => !neverEntered.has(name))
      .map(([name, what]) => `${name}: ${what.join(", ")}`),
  ];
  return { functions, branches, lines: lines.sort() };
}

/** "93.1 % (27 of 29)"; nothing of nothing is all of it. */
export function percent({ covered, total }: Tally): string {
  const share = total === 0 ? 100 : (100 * covered) / total;
  return `${share.toFixed(1)} % (${covered} of ${total})`;
}
