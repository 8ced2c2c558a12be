// SPDX-License-Identifier: Apache-2.0
// Reads `export const NAME: i32 = value;` from the core's AssemblyScript, with the doc comment before
// it. For scripts/gen-abi.ts and the gate that holds assembly/status.ts against PROTOCOL.md.
// A value is one literal, or literals and earlier constants joined by one kind of operator.

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./run.ts";

export type Constant = { name: string; value: number; doc: string };

const STATUS_FILE = "assembly/status.ts";
/** Where the constants stand that a host needs: sizes, roles, flags, events. */
const ABI_FILES = ["assembly/layout.ts", "assembly/abi/*.ts"];

const DECLARATION =
  /(?:\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*)?^export const ([A-Z][A-Z0-9_]*): [iu](?:8|16|32) = ([^;]+);/gm;

const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  "<<": (a, b) => a << b,
  "|": (a, b) => a | b,
  "+": (a, b) => a + b,
  "*": (a, b) => a * b,
};

/** The statuses and the reasons of assembly/status.ts. */
export function readStatuses(): { statuses: Constant[]; reasons: Constant[] } {
  const all = parseConstants(readFileSync(join(ROOT, STATUS_FILE), "utf8"));
  return {
    statuses: all.filter(({ name }) => name.startsWith("STATUS_")),
    reasons: all.filter(({ name }) => name.startsWith("REASON_")),
  };
}

/** The constants of the ABI's own files, in the order of files and lines. */
export function readAbiConstants(): Constant[] {
  const files = ABI_FILES.flatMap((pattern) => globSync(pattern, { cwd: ROOT }).sort());
  return files.flatMap((file) => parseConstants(readFileSync(join(ROOT, file), "utf8")));
}

/** Finds the constants in a source text; leaves out what isn't computed from literals. */
export function parseConstants(source: string): Constant[] {
  const found: Constant[] = [];
  const known = new Map<string, number>();
  for (const [, doc = "", name = "", text = ""] of source.matchAll(DECLARATION)) {
    const value = evaluate(text.trim(), known);
    if (value === null) continue;
    known.set(name, value);
    found.push({ name, value, doc: plainText(doc) });
  }
  return found;
}

/** `STATUS_BAD_TAG` -> `BadTag`: the name that documents, transcripts and hosts use. */
export function publicName(constantName: string): string {
  const [, ...words] = constantName.split("_");
  return words.map((word) => word.slice(0, 1) + word.slice(1).toLowerCase()).join("");
}

function evaluate(text: string, known: ReadonlyMap<string, number>): number | null {
  for (const [symbol, apply] of Object.entries(OPERATORS)) {
    const parts = text.split(symbol);
    if (parts.length === 1) continue;
    const values = parts.map((part) => evaluate(part.trim(), known));
    return values.reduce((a, b) => (a === null || b === null ? null : apply(a, b)));
  }
  if (!/^-?\d/.test(text)) return known.get(text) ?? null;
  const sign = text.startsWith("-") ? -1 : 1;
  const value = sign * Number(text.replace("-", "").replaceAll("_", ""));
  return Number.isInteger(value) ? value : null;
}

function plainText(doc: string): string {
  return doc.replaceAll(/\s*\n\s*\*?\s*/g, " ").trim();
}
