// SPDX-License-Identifier: Apache-2.0
// `npm run fuzz -- [--seed N] [--minutes M] [--only NAME]`: the fuzzers in turn, from seed N upwards, for
// M minutes; with 0 minutes one round of each. Stops at the first broken promise with its seed, the
// command that replays it, and exit code 1. After: index.ts.

import { parseArgs } from "node:util";
import { watchSeals } from "../reference/aead.ts";
import { FUZZERS, runRound } from "./index.ts";

const SAY_EVERY_MS = 10_000;
const MINUTE_MS = 60_000;

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} is ${text}, not a number from 0 up`);
}

function main(): void {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      minutes: { type: "string", default: "1" },
      only: { type: "string" },
    },
  });
  const chosen = FUZZERS.filter(({ name }) => (values.only ?? name) === name);
  if (chosen.length === 0) {
    const names = FUZZERS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`);
    throw new Error(`no fuzzer ${values.only}; there are\n${names.join("\n")}`);
  }
  const first = numberOf("seed", values.seed);
  const startedMs = performance.now();
  const endMs = startedMs + numberOf("minutes", values.minutes) * MINUTE_MS;
  let seed = first;
  let saidMs = startedMs;
  do {
    for (const fuzzer of chosen) runRound(fuzzer, seed);
    watchSeals(); // the reference remembers every seal of a run
    seed += 1;
    if (performance.now() - saidMs > SAY_EVERY_MS) {
      saidMs = performance.now();
      console.log(`seeds ${first} to ${seed - 1}: every promise kept`);
    }
  } while (performance.now() < endMs);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const names = chosen.map(({ name }) => name).join(", ");
  console.log(`${names}: seeds ${first} to ${seed - 1} in ${seconds} s, every promise kept`);
}

try {
  main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
