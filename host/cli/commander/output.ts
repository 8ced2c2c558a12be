// SPDX-License-Identifier: Apache-2.0
// What the Commander's nouns print: tables and lines for people, JSON for scripts. Before it: every noun.
// After it: a terminal, or a pipe. Text of other people never moves the cursor: control characters are
// taken out; "-" stands for what is not known.

import Table from "cli-table3";
import type { Argv } from "yargs";

export type Cell = string | number | boolean | null | undefined;

export type JsonArguments = { json: boolean };

export function jsonOption<Arguments>(yargs: Argv<Arguments>) {
  return yargs.option("json", { type: "boolean", default: false, describe: "JSON, for scripts" });
}

/** Columns two spaces apart, without lines. */
export function tableText(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    chars: NO_LINES,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });
  for (const row of [head, ...rows]) table.push(row.map(shownCell));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Names and values beneath one another; what is empty is left out. */
export function linesText(lines: readonly (readonly [string, Cell])[]): string {
  const told = lines.filter(([, value]) => value !== undefined && value !== "" && value !== null);
  const width = Math.max(0, ...told.map(([name]) => name.length));
  return told.map(([name, value]) => `${name.padEnd(width)}  ${shownCell(value)}`).join("\n");
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** On one line, and without anything that a terminal obeys. */
export function plainText(text: string): string {
  return text.replaceAll(/[\n\t]+/g, " ").replaceAll(/\p{Cc}/gu, "");
}

/** `2026-01-31 17:05:09` of this machine's time zone, from milliseconds or as the API says it; null: never. */
export function timeText(time: number | string | null | undefined): string | null {
  if (time === null || time === undefined) return null;
  const at = new Date(time);
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}

/** The beginning of an id or a key, by which a person knows it again. */
export function shortId(id: string | null | undefined): string | null {
  return id?.slice(0, ID_SHOWN) ?? null;
}

const ID_SHOWN = 8;

function shownCell(cell: Cell): string {
  if (cell === null || cell === undefined || cell === "") return "-";
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  return plainText(String(cell));
}

const NO_LINES = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "" },
  ...{ right: "", "right-mid": "", middle: "  " },
};
