// SPDX-License-Identifier: Apache-2.0
// The shapes that many answers share: ids, times, pages, errors. Before it: domain/, whose fields are sent as they
// are. After it: each resource's schemas, and the OpenAPI document, where `id` names a component.

import * as z from "zod";
import { idReference, keyText } from "../domain/fields.ts";
import { type ApiCode, STATUSES } from "./problems.ts";

export const idField = idReference;
export const keyField = keyText;

export const idParams = z.object({
  id: idField.describe("Its id: 32 hexadecimal digits."),
});

export const timeField = z
  .string()
  .meta({ format: "date-time", examples: ["2026-01-02T03:04:05.678Z"] });

/** As answers say a time; null stays null. */
export function timeOf(ms: number): string;
export function timeOf(ms: number | null): string | null;
export function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

const CODES = Object.keys(STATUSES) as [ApiCode, ...ApiCode[]];

const userSchema = z
  .object({
    kind: z.string().describe("What it is: a template, a profile, ..."),
    id: z.string(),
    name: z.string(),
  })
  .meta({ id: "User", description: "An object that uses another." });
export const usersField = z.array(userSchema);

const problemSchema = z
  .object({
    code: z.enum(CODES),
    path: z.array(z.union([z.string(), z.int()])).describe("The field; empty: all of it."),
    sentence: z.string().describe("What happened, to which thing, and what to do now."),
    users: usersField.optional().describe("InUse: by whom."),
  })
  .meta({ id: "Problem" });

/** A component of the document by its id, to which openapi.ts refers. */
export const errorSchema = z
  .object({
    error: z.object({
      code: z.enum(CODES).describe("That of the first problem; it decides the status."),
      message: z.string().describe("The sentences of all problems, a line each."),
      problems: z.array(problemSchema).min(1),
    }),
  })
  .meta({ id: "Error", description: "Why a request was refused." });

const LIMIT = { usual: 50, most: 500 };

export const limitField = z.coerce
  .number()
  .int()
  .min(1)
  .max(LIMIT.most)
  .default(LIMIT.usual)
  .describe("How many at most.");

export const cursorField = z
  .string()
  .max(1000)
  .optional()
  .describe("`next` of the page before; absent: the first page.");

/** A page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item, id: string) {
  return z
    .object({
      items: z.array(item),
      next: z.string().nullable().describe("The cursor of the next page; null: this is the last."),
    })
    .meta({ id });
}

export const versionSchema = z
  .object({
    epoch: z.int().describe("Rises when a database is restored or a key recovered."),
    serial: z.string().regex(/^\d+$/).describe("A u64 in digits; rises with each change."),
  })
  .meta({ id: "Version", description: "A version of configurations." });

export const deletedSchema = z
  .object({ id: idField.describe("What it was.") })
  .meta({ id: "Deleted" });

/** "true" and "false" of a query. */
export function flagField(byDefault: boolean) {
  const read = (text: unknown) => (text === "true" ? true : text === "false" ? false : text);
  return z.preprocess(read, z.boolean().default(byDefault));
}

/** A name once or several times in a query. */
export function listField(entry: z.ZodType<string, string>, most: number) {
  const read = (value: unknown) => (typeof value === "string" ? [value] : value);
  return z.preprocess(read, z.array(entry).max(most).default([]));
}
