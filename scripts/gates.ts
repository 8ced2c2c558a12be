// SPDX-License-Identifier: Apache-2.0
// `npm run gates`: the shape of the core as a table, function by function, and its totals beside the
// budgets. The same numbers that test/gates/shape.test.ts asserts. Ends with code 1 when a budget is
// missed without an entry in test/gates/budgets.ts.
// Sorted by size; `--sort name|locals|slots|straight|chain` sorts by another column.

import { readFileSync } from "node:fs";
import { BUDGETS, DIVISION_ALLOWED, MISSED, STRAIGHT_EXCEPTIONS } from "../test/gates/budgets.ts";
import { examine, type FunctionShape } from "../test/gates/shape.ts";
import { CORE_DEBUG_WASM, SHIPPED_WASM } from "./run.ts";

const COLUMNS = {
  bytes: (f: FunctionShape) => f.wasmBytes,
  locals: (f: FunctionShape) => f.localCount,
  slots: (f: FunctionShape) => f.stackSlots,
  straight: (f: FunctionShape) => f.straightBytes,
  chain: (f: FunctionShape) => f.chainBytes,
  div: (f: FunctionShape) => f.divisionCount,
} as const;
const WIDTH = 9;

/** Native stack of wasm3 without tail calls: about this many bytes for one of straight code on RV32. */
const STACK_BYTES_PER_WASM_BYTE = 8;

type Goal = keyof typeof BUDGETS;

function sortFunctions(functions: readonly FunctionShape[], by: string): FunctionShape[] {
  if (by === "name") return functions.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const column = COLUMNS[by as keyof typeof COLUMNS] ?? COLUMNS.bytes;
  return functions.toSorted((a, b) => column(b) - column(a));
}

function printTable(functions: readonly FunctionShape[]): void {
  const cells = (values: readonly (string | number)[]): string =>
    values.map((value) => String(value).padStart(WIDTH)).join("");
  console.log(`${cells(Object.keys(COLUMNS))}  function`);
  for (const f of functions) {
    const values = Object.values(COLUMNS).map((column) => column(f));
    console.log(`${cells(values)}  ${f.name}${remark(f)}`);
  }
}

function remark(f: FunctionShape): string {
  const remarks: string[] = [];
  const allowed = STRAIGHT_EXCEPTIONS[f.name];
  const isLong = f.straightBytes > (MISSED.straightBytes?.limit ?? BUDGETS.straightBytes);
  if (isLong && f.straightBytes > (allowed?.bytes ?? 0)) remarks.push("STRAIGHT LINE TOO LONG");
  else if (isLong) remarks.push(`allowed: ${allowed?.reason}`);
  const divisionReason = DIVISION_ALLOWED[f.name];
  if (f.divisionCount > 0) remarks.push(divisionReason ?? "DIVISION");
  return remarks.length === 0 ? "" : `  <- ${remarks.join("; ")}`;
}

/** Prints one goal beside its budget; false when it is missed and nobody said why. */
function printGoal(goal: Goal, label: string, value: number): boolean {
  const missed = MISSED[goal];
  const isMet = value <= BUDGETS[goal];
  const isExcused = missed !== undefined && value <= missed.limit;
  const verdict = isMet ? "ok" : isExcused ? `missed: ${missed.reason}` : "MISSED";
  console.log(`${String(value).padStart(WIDTH)} of ${BUDGETS[goal]}  ${label}: ${verdict}`);
  return isMet || isExcused;
}

const sortBy = process.argv[process.argv.indexOf("--sort") + 1] ?? "bytes";
const { functions, violations } = examine(readFileSync(CORE_DEBUG_WASM));
const largest = (column: (f: FunctionShape) => number): number =>
  Math.max(0, ...functions.map(column));
const chain = largest(COLUMNS.chain);

printTable(sortFunctions(functions, sortBy));
console.log();
const results = [
  printGoal("fileBytes", "bytes in build/core.wasm", readFileSync(SHIPPED_WASM).length),
  printGoal("functionCount", "functions", functions.length),
  printGoal("stackSlots", "stack slots at most in a function", largest(COLUMNS.slots)),
];
const tooLong = functions.filter((f) => remark(f).includes("TOO LONG")).length;
const divisions = functions.filter((f) => remark(f).includes("DIVISION")).length;
const straight = largest(COLUMNS.straight);
console.log(
  `${String(straight).padStart(WIDTH)} of ${BUDGETS.straightBytes}  longest straight line in bytes: ` +
    `${tooLong} over it, ${Object.keys(STRAIGHT_EXCEPTIONS).length} allowed`,
);
console.log(
  `${String(chain).padStart(WIDTH)}  longest chain of straight lines in bytes: ` +
    `about ${Math.ceil((chain * STACK_BYTES_PER_WASM_BYTE) / 1024)} KiB of native stack on RV32`,
);
console.log(`${String(divisions).padStart(WIDTH)}  functions with a division that none allowed`);
for (const violation of violations) console.log(`NOT ALLOWED: ${violation}`);
const isGood = results.every(Boolean) && tooLong + divisions + violations.length === 0;
process.exitCode = isGood ? 0 : 1;
