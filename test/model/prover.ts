// SPDX-License-Identifier: Apache-2.0
// Asks a first-order theorem prover whether the clauses of clauses.ts reach a question. A refutation
// is an attack, step by step; a saturated set of clauses is a proof that there is none, for any
// number of handshakes. Both provers are complete for this; anything else they say is an error.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../scripts/run.ts";
import { clause, clausesOf } from "./clauses.ts";
import type { Property } from "./properties.ts";

export const PROVERS = ["eprover", "SPASS"] as const;
export type Prover = (typeof PROVERS)[number];

/** The slowest question takes about 2 s; beyond this the clause set has ceased to be finite. */
const TIMEOUT_SECONDS = 60;

const COMMANDS: Record<Prover, { args: string[]; reached: RegExp; unreachable: RegExp }> = {
  eprover: {
    args: ["-xAuto", "-tKBO6", "--condense", "--proof-object", `--cpu-limit=${TIMEOUT_SECONDS}`],
    reached: /^# SZS status Unsatisfiable$/m,
    unreachable: /^# SZS status Satisfiable$/m,
  },
  SPASS: {
    args: ["-TPTP", "-Sorts=0", "-Splits=0", "-PGiven=0", `-TimeLimit=${TIMEOUT_SECONDS}`],
    reached: /^SPASS beiseite: Proof found\.$/m,
    unreachable: /^SPASS beiseite: Completion found\.$/m,
  },
};

export type Answer = { isReached: boolean; isExpected: boolean; output: string };

/** Whether one of the property's goals can be reached, and whether that is as it has to be. */
export async function ask(property: Property, prover: Prover): Promise<Answer> {
  const folder = await mkdtemp(join(tmpdir(), "model-"));
  try {
    const file = join(folder, "handshake.p");
    const goals = property.goals.map((goal) => clause(goal));
    await writeFile(file, [...clausesOf(property.setting), ...goals, ""].join("\n"));
    const { args, reached, unreachable } = COMMANDS[prover];
    const { output } = await run(prover, [...args, file], { timeoutMs: 2e3 * TIMEOUT_SECONDS });
    const isReached = reached.test(output);
    if (isReached === unreachable.test(output)) {
      throw new Error(`${prover} has no answer to "${property.text}": ${output.slice(-500)}`);
    }
    return { isReached, isExpected: isReached === (property.kind !== "holds"), output };
  } finally {
    await rm(folder, { recursive: true });
  }
}
