// SPDX-License-Identifier: Apache-2.0
// `npm run sim -- [--seed N] [--seeds M] [--scenario name] [--trace] [--fresh]`: runs scenarios and
// stops at the first broken invariant with its seed, the command that replays it, and exit code 1.
// Without --scenario: "mixed". Seeds of a scenario with cases ("drop packet n") are its cases.
// Of the tests at the end of the rules these are here: 1 echo, 2 drop-nth, 3 receiver-killed and
// queue-*, 4 reboot-*, evict-*, rekey-*, 5 handshake-* and glare, 6 garbage, 7 resend (and the checker
// in every run), 8 activation-*, restore, takeover, 10 withhold and revoke. 9 is `bench -- device`.

import { parseArgs } from "node:util";
import { SimFailure } from "./failure.ts";
import type { Context, Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";

export type Failure = { scenario: string; seed: number; message: string; command: string };

/** Runs one seed. Returns what broke, or null; errors that are no broken invariant count as one. */
export async function runSeed(
  scenario: Scenario,
  seed: number,
  context: Context,
): Promise<Failure | null> {
  try {
    await scenario.run(seed, context);
    return null;
  } catch (error) {
    const command = `npm run sim -- --scenario ${scenario.name} --seed ${seed}`;
    const message = error instanceof SimFailure ? error.message : String((error as Error).stack);
    return { scenario: scenario.name, seed, message, command };
  }
}

/** The scenario of that name. */
export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const names = SCENARIOS.map(({ name: known, about }) => `  ${known.padEnd(20)} ${about}`);
  throw new Error(`no scenario ${name}; there are\n${names.join("\n")}`);
}

function wholeNumber(name: string, value: string | number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`--${name} is ${value}, not a whole number`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      scenario: { type: "string", default: "mixed" },
      trace: { type: "boolean", default: false },
      fresh: { type: "boolean", default: false },
    },
  });
  const scenario = scenarioNamed(values.scenario);
  const first = wholeNumber("seed", values.seed ?? (scenario.cases === undefined ? 1 : 0));
  const all = values.seed === undefined ? scenario.cases?.() : 1;
  const count = wholeNumber("seeds", values.seeds ?? all ?? 1);
  const context: Context = { trace: values.trace ? console.log : null, isFresh: values.fresh };
  const startedMs = performance.now();
  for (let seed = first; seed < first + count; seed++) {
    const failure = await runSeed(scenario, seed, context);
    if (failure === null) continue;
    console.error(`${scenario.name}, seed ${seed}: ${failure.message}`);
    console.error(`replay: ${failure.command} --trace`);
    process.exitCode = 1;
    return;
  }
  const ms = performance.now() - startedMs;
  console.log(
    `${scenario.name}: ${count} seeds in ${(ms / 1000).toFixed(1)} s, all invariants hold`,
  );
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
