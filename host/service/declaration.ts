// SPDX-License-Identifier: Apache-2.0
// A declarative file: read as TOML or JSON by its extension, held against its schema, and every complaint
// made one sentence with file, line, field, what is wrong and what to do. Before it: a person's editor.
// After it: site-file.ts, connector-file.ts, which turn what it says into what the program needs.

import { readFileSync } from "node:fs";
import { extname } from "node:path";
import type * as z from "zod";
import { AppError, systemReason } from "./app-error.ts";
import { type FieldPath, fieldIssues, fieldName } from "./issue-text.ts";
import { parseJson } from "./json-text.ts";
import { type ParsedText, TextError } from "./parsed-text.ts";
import { parseToml } from "./toml-text.ts";

/** Collects what is wrong with a file whose shape is right: names that nobody has, ids given twice, ... */
export class Complaints {
  readonly #file: string;
  readonly #lines: ReadonlyMap<string, number>;
  readonly #sentences: string[] = [];

  constructor(file: string, lines: ReadonlyMap<string, number>) {
    this.#file = file;
    this.#lines = lines;
  }

  /** `what` goes on from the field's name: "is ...: do ...". */
  add(path: FieldPath, what: string): void {
    const line = this.#lineOf(path);
    const where = line === null ? this.#file : `${this.#file}, line ${line}`;
    const field = path.length === 0 ? "the file" : fieldName(path);
    this.#sentences.push(`${where}: ${field} ${what}`);
  }

  /** Throws AppError(BadFile) with every complaint, a line each. */
  throwIfAny(): void {
    if (this.#sentences.length > 0) throw new AppError("BadFile", this.#sentences.join("\n"));
  }

  /** The line of the field, or of the nearest thing around it that has one. */
  #lineOf(path: FieldPath): number | null {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(path.slice(0, length).join("."));
      if (line !== undefined) return line;
    }
    return null;
  }
}

export type Declaration<Shape> = {
  file: string;
  value: Shape;
  complaints: Complaints;
  /** The fields that are written in it, as `limits.streams` or `bindings[0].port`. */
  fields: readonly string[];
};

/** Reads and checks a file. Throws AppError(BadFile). */
export function readDeclaration<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Declaration<z.output<Schema>> {
  const { value, lines } = parseText(file, readText(file));
  const complaints = new Complaints(file, lines);
  const result = schema.safeParse(value, { reportInput: true });
  if (!result.success) {
    for (const { path, what } of fieldIssues(schema, result.error)) complaints.add(path, what);
  }
  complaints.throwIfAny();
  const fields = fieldsIn(value, []);
  return { file, value: result.data as z.output<Schema>, complaints, fields };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const message = `${file} can't be read: ${systemReason(error)}. Check the path.`;
    throw new AppError("BadFile", message, { cause: error });
  }
}

const PARSERS: Readonly<Record<string, (text: string) => ParsedText>> = {
  ".toml": parseToml,
  ".json": parseJson,
};

function parseText(file: string, text: string): ParsedText {
  const parse = PARSERS[extname(file).toLowerCase()];
  if (parse === undefined) {
    throw new AppError("BadFile", `${file} is neither .toml nor .json: name it by what it holds.`);
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const kind = extname(file).slice(1).toUpperCase();
    const message = `${file}, line ${error.line}: not ${kind}: ${error.message}.`;
    throw new AppError("BadFile", message, { cause: error });
  }
}

/** The names of what a table holds, and of what is in that; a list's entries by their numbers. */
function fieldsIn(value: unknown, path: FieldPath): string[] {
  if (typeof value !== "object" || value === null) return [fieldName(path)];
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, one]) =>
    fieldsIn(one, [...path, isList ? Number(key) : key]),
  );
}
