// SPDX-License-Identifier: Apache-2.0
// `npm run model`: installs what the models need (setup.ts), asks every property of test/model with
// both provers and with SPIN, and prints a table. About three minutes. Ends with code 1 when a proof
// is missing, a stated limit is not found, or a broken variant passes.

import { PROPERTIES } from "../test/model/properties.ts";
import { ask, PROVERS } from "../test/model/prover.ts";
import { askSessions, SESSION_PROPERTIES } from "../test/model/sessions.ts";
import { setUp } from "./setup.ts";

type Row = { what: string; kind: string; text: string; ask: () => Promise<Reply> };
type Reply = { isReached: boolean; isExpected: boolean; output: string };

const ROWS: readonly Row[] = [
  ...PROPERTIES.flatMap((p) =>
    PROVERS.map((prover) => ({
      what: `${p.setting.layer} ${prover}`,
      kind: p.kind,
      text: p.text,
      ask: () => ask(p, prover),
    })),
  ),
  ...SESSION_PROPERTIES.map((p) => ({
    what: "sessions spin",
    kind: p.kind,
    text: p.text,
    ask: () => askSessions(p),
  })),
];

/** What a result means: for a property, a limit and a broken variant alike. */
function verdict(kind: string, isReached: boolean): string {
  if (kind === "reached") return isReached ? "reached" : "NOT REACHED";
  if (kind === "holds") return isReached ? "ATTACK" : "proved";
  if (kind === "limit") return isReached ? "attack, as stated" : "NOT FOUND";
  return isReached ? "attack on the variant" : "VARIANT PASSES";
}

async function printRow(row: Row): Promise<boolean> {
  const { isReached, isExpected, output } = await row.ask();
  const columns = [row.what.padEnd(14), row.kind.padEnd(9), verdict(row.kind, isReached)];
  console.log(`${columns[0]} ${columns[1]} ${columns[2]?.padEnd(22)} ${row.text}`);
  if (!isExpected) console.log(output);
  return isExpected;
}

async function runModels(): Promise<boolean> {
  if (!(await setUp())) return false;
  console.log(`${ROWS.length} questions, about 3 minutes`);
  let unexpected = 0;
  for (const row of ROWS) if (!(await printRow(row))) unexpected++;
  console.log(`${ROWS.length - unexpected} as expected, ${unexpected} not`);
  return unexpected === 0;
}

process.exitCode = (await runModels()) ? 0 : 1;
