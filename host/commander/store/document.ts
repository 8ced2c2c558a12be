// SPDX-License-Identifier: Apache-2.0
// Export of all Tags, Routes, Templates and Profiles as one document, and its import: whole, in one transaction, or
// as a dry run that does all but keep it. Before it: document-file.ts. After it: writing.ts. An object keeps its id
// as long as it keeps its name.

import { type Difference, differences, type Named } from "../domain/difference.ts";
import { type Document, documentOf, entriesOf, entryKey } from "../domain/document.ts";
import type { Id } from "../domain/fields.ts";
import { type Kind, REFERENCES } from "../domain/kinds.ts";
import type { Actor } from "./audit.ts";
import { type Change, changeStore } from "./change.ts";
import type { Database } from "./database.ts";
import { type ObjectRow, readNamed, storedOf } from "./objects.ts";
import { createObject, deleteObject, updateObject } from "./writing.ts";

/** In an order in which each can be made. */
const ROWS = `SELECT * FROM objects WHERE kind IN ('tag', 'route', 'template', 'profile')
  ORDER BY kind = 'tag' DESC, kind = 'route' DESC, facet = 'mapping' DESC, kind = 'template' DESC, name`;

export function exportDocument(db: Database): object {
  return documentOf(namedObjects(db));
}

/** All objects that a document can hold, with names for ids. */
function namedObjects(db: Database): Named[] {
  const stored = db.all<ObjectRow>(ROWS).map((row) => storedOf(db, row));
  const names = new Map(stored.map(({ id, fields }) => [id, fields.name]));
  const nameOf = (id: Id) => names.get(id) ?? id;
  return stored.map(({ kind, fields }) => {
    return { kind, name: fields.name, fields: renamed(kind, fields, nameOf) };
  });
}

/** The fields with each reference put through `to`. */
function renamed(
  kind: Kind,
  fields: Readonly<Record<string, unknown>>,
  to: (reference: string) => string,
): Record<string, unknown> {
  const entries = Object.entries(fields).map(([field, value]) => {
    const reference = REFERENCES[kind][field];
    if (reference === undefined) return [field, value];
    return [field, reference.isList ? (value as string[]).map(to).sort() : to(value as string)];
  });
  return Object.fromEntries(entries);
}

/** A new id: 16 random bytes, hexadecimal. */
export type NewId = () => Id;

/** Does it, and returns what it changed. Throws Refusal, and changes nothing: InUse, Invalid, ... */
export function importDocument(
  db: Database,
  by: Actor,
  document: Document,
  newId: NewId,
): Difference[] {
  return changeStore(db, by, (change) => applyDocument(change, document, newId));
}

/** What an import would change, or be refused for; changes nothing. */
export function planImport(
  db: Database,
  by: Actor,
  document: Document,
  newId: NewId,
): Difference[] {
  return changeStore(db, by, (change) => applyDocument(change, document, newId), { isDry: true });
}

/** All that it takes, inside a change. Throws Refusal: InUse, Invalid, ... */
export function applyDocument(change: Change, document: Document, newId: NewId): Difference[] {
  const entries = entriesOf(document);
  const wanted = new Map(entries.map((entry) => [entryKey(entry.kind, entry.name), entry]));
  const found = differences(namedObjects(change.db), entries);
  for (const { what, kind, name } of found) {
    const entry = wanted.get(entryKey(kind, name));
    if (entry === undefined) remove(change, kind, name);
    else write(change, what === "add" ? newId() : null, kind, entry);
  }
  return found;
}

function write(change: Change, id: Id | null, kind: Kind, { name, fields }: Named): void {
  // What it refers to has been written before it.
  const value = renamedByField(change.db, kind, fields);
  if (id !== null) createObject(change, kind, id, value);
  else {
    const stored = readNamed(change.db, kind, name);
    if (stored !== null) updateObject(change, kind, stored.id, stored.version, value);
  }
}

/** Names to ids, each looked up among the kind that its field refers to. */
function renamedByField(db: Database, kind: Kind, fields: Named["fields"]): Named["fields"] {
  const entries = Object.entries(fields).map(([field, value]) => {
    const to = REFERENCES[kind][field]?.to;
    if (to === undefined) return [field, value];
    const idOf = (name: string) => readNamed(db, to, name)?.id ?? name;
    return [field, Array.isArray(value) ? value.map(idOf) : idOf(value as string)];
  });
  return Object.fromEntries(entries);
}

function remove(change: Change, kind: Kind, name: string): void {
  const stored = readNamed(change.db, kind, name);
  if (stored !== null) deleteObject(change, kind, stored.id, stored.version);
}
