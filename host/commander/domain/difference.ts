// SPDX-License-Identifier: Apache-2.0
// What an import would change: each object that is new, other, or gone, with its fields before and after. Before it:
// the document, and the objects that are there with names for ids. After it: a dry run shows it, an import does it.
// The order of a list of names means nothing.

import { type Entry, entryKey } from "./document.ts";
import { type Kind, REFERENCES } from "./kinds.ts";

export type FieldDifference = { field: string; before: unknown; after: unknown };

export type Difference = {
  what: "add" | "change" | "remove";
  kind: Kind;
  /** As it is called afterwards; of what is removed, before. */
  name: string;
  fields: readonly FieldDifference[];
};

export type Named = Pick<Entry, "kind" | "name" | "fields">;

/** Additions and changes in the order of `after`, then removals in the reverse order of `before`. */
export function differences(before: readonly Named[], after: readonly Named[]): Difference[] {
  const keyOf = ({ kind, name }: Named) => entryKey(kind, name);
  const old = new Map(before.map((one) => [keyOf(one), one]));
  const kept = new Set(after.map(keyOf));
  const written = after.flatMap((one): Difference[] => {
    const was = old.get(keyOf(one));
    const fields = fieldDifferences(one.kind, was?.fields ?? {}, one.fields);
    if (was !== undefined && fields.length === 0) return [];
    return [{ what: was === undefined ? "add" : "change", kind: one.kind, name: one.name, fields }];
  });
  const removed = before
    .filter((one) => !kept.has(keyOf(one)))
    .toReversed()
    .map(({ kind, name, fields }): Difference => {
      return { what: "remove", kind, name, fields: fieldDifferences(kind, fields, {}) };
    });
  return [...written, ...removed];
}

function fieldDifferences(
  kind: Kind,
  before: Entry["fields"],
  after: Entry["fields"],
): FieldDifference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .map((field) => ({ field, before: before[field] ?? null, after: after[field] ?? null }))
    .filter((one) => plain(kind, one.field, one.before) !== plain(kind, one.field, one.after));
}

/** One spelling for values that mean the same: names in any letters, lists of them in any order. */
function plain(kind: Kind, field: string, value: unknown): string {
  const isReference = REFERENCES[kind][field] !== undefined;
  if (!isReference || value === null) return JSON.stringify(sorted(value));
  const names = Array.isArray(value) ? value : [value];
  return JSON.stringify(names.map((name) => String(name).toLowerCase()).sort());
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
