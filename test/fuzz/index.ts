// SPDX-License-Identifier: Apache-2.0
// All fuzzers, and one round of one of them. Before: fuzz.test.ts (some seeds, in `npm test`) and run.ts
// (as long as one likes). After: the fuzzers.

import { calls } from "./calls.ts";
import { control } from "./control.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { hopFrames, linkFrames } from "./sealed.ts";
import { wire } from "./wire.ts";

export const FUZZERS: readonly Fuzzer[] = [wire, hopFrames, linkFrames, calls, control];

/** Runs one round; throws with the seed and the command that runs it again. */
export function runRound({ name, round }: Fuzzer, seed: number): void {
  try {
    round(seed);
  } catch (error) {
    const command = `npm run fuzz -- --only ${name} --seed ${seed} --minutes 0`;
    throw new Error(`${name}, seed ${seed}: ${(error as Error).message}\nreplay: ${command}`, {
      cause: error,
    });
  }
}
