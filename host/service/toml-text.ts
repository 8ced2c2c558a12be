// SPDX-License-Identifier: Apache-2.0
// TOML as text: parsed by smol-toml, and the line at which each field stands, which that parser does not
// tell. Before it: declaration.ts. After it: its complaints. The lines are found by a walk over headers
// and `key =` at line starts: what stands inside a value (an inline table, a list) has its field's line.

import { parse, TomlError } from "smol-toml";
import { fieldPath, type ParsedText, TextError } from "./parsed-text.ts";

const HEADER = /^\s*(\[\[?)\s*([\w."'$ -]+?)\s*\]\]?\s*(?:#.*)?$/;
const FIELD = /^\s*([\w."'$-]+)\s*=/;

/** Throws TextError. */
export function parseToml(text: string): ParsedText {
  try {
    return { value: parse(text), lines: linesOf(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = ""] = error.message.split("\n");
    throw new TextError(first.replace(/^Invalid TOML document: /, ""), error.line);
  }
}

function linesOf(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const counts = new Map<string, number>();
  let table = "";
  for (const [index, line] of text.split("\n").entries()) {
    const header = HEADER.exec(line);
    const field = FIELD.exec(line);
    if (header !== null) table = enter(header[2] ?? "", header[1] === "[[", counts);
    if (header !== null) lines.set(table, index + 1);
    else if (field !== null) lines.set(fieldPath(table, plain(field[1] ?? "")), index + 1);
  }
  return lines;
}

/** The path of a table whose header was met; of lists of tables the last one is meant. */
function enter(name: string, isList: boolean, counts: Map<string, number>): string {
  const parts = plain(name).split(".");
  let path = "";
  for (const [i, part] of parts.entries()) {
    path = fieldPath(path, part);
    if (isList && i === parts.length - 1) counts.set(path, (counts.get(path) ?? -1) + 1);
    const count = counts.get(path);
    if (count !== undefined) path = fieldPath(path, String(count));
  }
  return path;
}

function plain(name: string): string {
  return name.replaceAll(/["' ]/g, "");
}
