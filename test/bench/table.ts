// SPDX-License-Identifier: Apache-2.0
// What a bench reports and how it is printed: sections of rows, each beside its goal from the design's
// section 8 where it has one, and under a section what limits each goal that is missed. Every bench
// file makes sections, run.ts prints them. Invariant: a goal compares `measured`, which the row shows.

import { limitOf } from "./limits.ts";

/** `most`: the number may not be above the limit; `least`: not below it. */
export type Goal = {
  /** Key of limits.ts. */
  id: string;
  kind: "most" | "least";
  limit: number;
  unit: string;
  measured: number;
};

export type Cell = number | string | null;

export type Row = {
  label: string;
  cells: Cell[];
  /** From left to right, as the cells they stand for. */
  goals?: Goal[];
};

export type Section = {
  title: string;
  columns: string[];
  rows: Row[];
  notes?: string[];
};

/** Numbers that limits.ts computes with, by name. */
export type Facts = Map<string, number>;

function isMissed({ kind, limit, measured }: Goal): boolean {
  return kind === "most" ? measured > limit : measured < limit;
}

/** Prints the section; returns how many of its goals are missed. */
export function printSection(section: Section, facts: Facts): number {
  const hasGoals = section.rows.some((row) => row.goals !== undefined);
  const heads = [section.title, ...section.columns, ...(hasGoals ? ["goal", ""] : [])];
  const lines = section.rows.map((row) => [
    row.label,
    ...row.cells.map(formatCell),
    ...(hasGoals ? goalCells(row) : []),
  ]);
  const widths = heads.map((head, i) =>
    Math.max(head.length, ...lines.map((line) => (line[i] ?? "").length)),
  );
  console.log("");
  for (const [i, line] of [heads, ...lines].entries()) {
    console.log(layOut(line, widths));
    if (i === 0) console.log("-".repeat(widths.reduce((sum, width) => sum + width + 2, -2)));
  }
  for (const note of section.notes ?? []) console.log(`  ${note}`);
  return printMissed(section, facts);
}

function layOut(line: string[], widths: number[]): string {
  const cells = line.map((cell, i) => {
    const width = widths[i] ?? 0;
    return i === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
  return cells.join("  ").trimEnd();
}

function printMissed({ rows }: Section, facts: Facts): number {
  let count = 0;
  let said = "";
  for (const row of rows) {
    for (const goal of (row.goals ?? []).filter(isMissed)) {
      const { by, why } = limitOf(goal, facts);
      console.log(`  missed: ${row.label}: off by ${by}. ${why === said ? "As above." : why}`);
      said = why;
      count += 1;
    }
  }
  return count;
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

function goalCells({ goals = [] }: Row): string[] {
  const wanted = goals.map(({ kind, limit, unit }) => {
    return `${kind === "most" ? "<=" : ">="} ${formatNumber(limit)}${unit}`;
  });
  const verdicts = goals.map((goal) => (isMissed(goal) ? "missed" : "met"));
  return [wanted.join(" / "), verdicts.join(" / ")];
}
