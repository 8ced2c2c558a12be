// SPDX-License-Identifier: Apache-2.0
// A declarative file: read as TOML or JSON by its extension, held against its schema, and every complaint
// made one sentence with file, line, field, what is wrong and what to do. Before it: a person's editor.
// After it: site-file.ts, connector-file.ts, which turn what it says into what the program needs.

import { readFileSync } from "node:fs";
import { extname } from "node:path";
import * as z from "zod";
import { AppError, systemReason } from "./app-error.ts";
import { parseJson } from "./json-text.ts";
import { nearest } from "./nearest.ts";
import { type ParsedText, TextError } from "./parsed-text.ts";
import { parseToml } from "./toml-text.ts";

export type FieldPath = readonly PropertyKey[];

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
  for (const issue of result.error?.issues ?? []) complain(complaints, schema, issue);
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

function complain(complaints: Complaints, schema: z.ZodType, issue: z.core.$ZodIssue): void {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = fieldsAt(schema, path);
    for (const key of issue.keys) complaints.add([...path, key], unknownField(key, known));
    return;
  }
  if (issue.code === "invalid_type" && issue.input === undefined) {
    const description = describe(schema, path);
    return complaints.add(path, `is missing: ${description}`);
  }
  complaints.add(path, sentence(issue));
}

function unknownField(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  if (meant !== null) return `is not a field: did you mean "${meant}"?`;
  return `is not a field: here are ${known.filter((one) => one !== "$schema").join(", ")}.`;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text in "..."',
  number: "a whole number",
  int: "a whole number",
  array: "a list",
  object: "a table",
  boolean: "true or false",
};

function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      // A field of its own words has said what it is to be.
      if (!issue.message.startsWith("Invalid input")) return issue.message;
      return `is to be ${KINDS[issue.expected] ?? issue.expected}.`;
    case "invalid_value":
      return `is one of ${issue.values.map((one) => `"${String(one)}"`).join(", ")}.`;
    case "too_small":
      if (issue.origin === "array") return `is to hold at least ${issue.minimum}.`;
      if (issue.origin === "string") return "is empty: fill it in.";
      return `is to be at least ${issue.minimum}.`;
    case "too_big":
      if (issue.origin === "array") return `is to hold at most ${issue.maximum}.`;
      if (issue.origin === "string") return `is longer than ${issue.maximum} letters: shorten it.`;
      return `is to be at most ${issue.maximum}.`;
    default:
      return issue.message;
  }
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The schema as JSON Schema: of what is written in the file, before anything is made of it. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input" });
}

function schemaAt(schema: z.ZodType, path: FieldPath): JsonSchema | undefined {
  let at: JsonSchema | undefined = jsonSchemaOf(schema);
  for (const part of path) {
    const { items, properties }: JsonSchema = at ?? {};
    const below: unknown = typeof part === "number" ? items : properties?.[String(part)];
    at = typeof below === "object" && below !== null ? (below as JsonSchema) : undefined;
  }
  return at;
}

function fieldsAt(schema: z.ZodType, path: FieldPath): string[] {
  return Object.keys(schemaAt(schema, path)?.properties ?? {});
}

function describe(schema: z.ZodType, path: FieldPath): string {
  return schemaAt(schema, path)?.description ?? "fill it in.";
}

/** The names of what a table holds, and of what is in that; a list's entries by their numbers. */
function fieldsIn(value: unknown, path: FieldPath): string[] {
  if (typeof value !== "object" || value === null) return [fieldName(path)];
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, one]) =>
    fieldsIn(one, [...path, isList ? Number(key) : key]),
  );
}

/** `peers[0].key`: as people write it. */
function fieldName(path: FieldPath): string {
  return path
    .map((part, i) =>
      typeof part === "number" ? `[${part}]` : `${i > 0 ? "." : ""}${String(part)}`,
    )
    .join("");
}
