// SPDX-License-Identifier: Apache-2.0
// What a schema finds wrong with a value, as sentences that go on from the field's name: what is wrong and
// what to write instead. Before it: declaration.ts with what a file says, commander/domain with what an
// administrator sends. After it: their complaints. Pure.

import * as z from "zod";
import { nearest } from "./nearest.ts";

export type FieldPath = readonly PropertyKey[];

export type FieldIssue = { path: FieldPath; what: string };

/** Nobody reads more at once, and who sends a million mistakes does not get a million sentences. */
export const ISSUES_MOST = 50;

/** What is wrong with a value by its schema, the first fifty: as `safeParse` with `reportInput` found it. */
export function fieldIssues(schema: z.ZodType, error: z.ZodError): FieldIssue[] {
  return error.issues
    .slice(0, ISSUES_MOST)
    .flatMap((issue) => issuesOf(schema, issue))
    .slice(0, ISSUES_MOST);
}

/** `peers[0].key`: as people write it. */
export function fieldName(path: FieldPath): string {
  return path
    .map((part, i) =>
      typeof part === "number" ? `[${part}]` : `${i > 0 ? "." : ""}${String(part)}`,
    )
    .join("");
}

function issuesOf(schema: z.ZodType, issue: z.core.$ZodIssue): FieldIssue[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = fieldsAt(schema, path);
    const keys = issue.keys.slice(0, ISSUES_MOST);
    return keys.map((key) => ({ path: [...path, key], what: unknownField(key, known) }));
  }
  if (issue.code === "invalid_type" && issue.input === undefined) {
    return [{ path, what: `is missing: ${describe(schema, path)}` }];
  }
  return [{ path, what: sentence(issue) }];
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

const known = new WeakMap<z.ZodType, JsonSchema>();

function schemaAt(schema: z.ZodType, path: FieldPath): JsonSchema | undefined {
  const whole = known.get(schema) ?? jsonSchemaOf(schema);
  known.set(schema, whole);
  let at: JsonSchema | undefined = whole;
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
