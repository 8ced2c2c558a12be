// SPDX-License-Identifier: Apache-2.0
// What a bench reports and how it is printed: sections of rows, each beside its goal from the design's
// section 8 where it has one, and under a section what limits each goal that is missed. Every bench
// file makes sections, run.ts prints them. Invariant: a goal compares `measured`, which the row shows.

import { limitOf } from "./limits.ts";

/** `most`: the number may not be above the limit; `least`: not below it. */
export type Goal = { kind: "most" | "least"; limit: number; unit: string; measured: number };

export type Cell = number | string | null;

export type Row = {
  /** Key of limits.ts and of the facts. */
  id: string;
  label: string;
  cells: Cell[];
  goal?: Goal;
};

export type Section = {
  title: string;
  columns: string[];
  rows: Row[];
  notes?: string[];
};

/** Numbers that limits.ts computes with, by name. */
export type Facts = Map<string, number>;

export function isMissed({ goal }: Row): boolean {
  if (goal === undefined) return false;
  return goal.kind === "most" ? goal.measured > goal.limit : goal.measured < goal.limit;
}

/** Prints the section; returns how many of its goals are missed. */
export function printSection(section: Section, facts: Facts): number {
  const hasGoals = section.rows.some((row) => row.goal !== undefined);
  const heads = [section.title, ...section.columns, ...(hasGoals ? ["goal", ""] : [])];
  const lines = section.rows.map((row) => [
    row.label,
    ...row.cells.map(formatCell),
    ...(hasGoals ? goalCells(row) : []),
  ]);
  const widths = heads.map((head, i) =>
    Math.max(head.length, ...lines.map((line) => (line[i] ?? "").length)),
  );
  const print = (cells: string[]): void =>
    console.log(cells.map((cell, i) => pad(cell, widths[i] ?? 0, i)).join("  ").trimEnd());
  console.log("");
  print(heads);
  console.log("-".repeat(widths.reduce((sum, width) => sum + width + 2, -2)));
  for (const line of lines) print(line);
  for (const note of section.notes ?? []) console.log(`  ${note}`);
  const missed = section.rows.filter(isMissed);
  for (const row of missed) console.log(`  missed: ${row.label}: ${limitOf(row.id, facts)}`);
  return missed.length;
}

/** Three significant digits below 1,000, whole numbers above, thousands with commas. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Number.isInteger(value) || Math.abs(value) >= 1000) {
    return Math.round(value).toLocaleString("en-US");
  }
  return value.toPrecision(3);
}

function formatCell(cell: Cell): string {
  if (cell === null) return "-";
  return typeof cell === "number" ? formatNumber(cell) : cell;
}

function goalCells(row: Row): string[] {
  if (row.goal === undefined) return ["", ""];
  const { kind, limit, unit } = row.goal;
  const sign = kind === "most" ? "<=" : ">=";
  return [`${sign} ${formatNumber(limit)}${unit}`, isMissed(row) ? "missed" : "met"];
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
