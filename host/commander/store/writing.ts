// SPDX-License-Identifier: Apache-2.0
// Objects made, changed and deleted, each with its references, its words and its audit entry. Before it:
// change.ts, inside a transaction. After it: objects.ts reads them. Invariants: an object is changed by who has
// read its latest version; what is referred to stays; a problem is thrown, and undoes all.

import type { Id } from "../domain/fields.ts";
import { type Kind, REFERENCES, subjectOf } from "../domain/kinds.ts";
import { demand, fieldProblem, type Problem, problemOf, Refusal } from "../domain/problem.ts";
import { type RouteFields, typeProblems } from "../domain/route.ts";
import { NO_FACTS } from "../domain/stlink.ts";
import { referenceProblems, referencesOf } from "../domain/uses.ts";
import type { Change } from "./change.ts";
import { dropCustomerPsk } from "./customers.ts";
import type { Database } from "./database.ts";
import {
  type AnyFields,
  checkFields,
  type FieldsOf,
  facetOf,
  isDeploying,
  wordsOf,
} from "./kinds.ts";
import { missing, readObject, type Stored } from "./objects.ts";
import { siblingProblems } from "./siblings.ts";
import { userProblems } from "./users.ts";

/** Throws Refusal: Invalid, NeedsConfirmation, Taken. */
export function createObject<K extends Kind>(
  change: Change,
  kind: K,
  id: Id,
  value: unknown,
): Stored<FieldsOf[K]> {
  const { db, by } = change;
  const fields = demand(checkFields(kind, value));
  refuse(writeProblems(db, kind, id, fields));
  db.run(
    "INSERT INTO objects VALUES (NULL, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)",
    ...[id, kind, facetOf(kind, fields), fields.name, bodyOf(kind, fields)],
    ...[by.atMs, by.who, by.atMs, by.who],
  );
  if (kind === "stlink") {
    db.run("INSERT INTO stlink_facts VALUES (?, ?)", id, JSON.stringify(NO_FACTS));
  }
  writeAround(db, kind, id, fields);
  return written(change, kind, id, null);
}

/** `version` is the one that was read. Throws Refusal: NotFound, Stale, and as createObject. */
export function updateObject<K extends Kind>(
  change: Change,
  kind: K,
  id: Id,
  version: number,
  value: unknown,
): Stored<FieldsOf[K]> {
  const { db, by } = change;
  const before = current(db, kind, id, version);
  const fields = demand(checkFields(kind, value));
  if (kind === "route") {
    refuse(typeProblems(before.fields as RouteFields, fields as RouteFields));
  }
  refuse(writeProblems(db, kind, id, fields));
  db.run(
    `UPDATE objects SET name = ?, body = ?, version = version + 1, changed_ms = ?, changed_by = ?
     WHERE id = ?`,
    ...[fields.name, bodyOf(kind, fields), by.atMs, by.who, id],
  );
  writeAround(db, kind, id, fields);
  return written(change, kind, id, before.fields);
}

/** Throws Refusal: NotFound, Stale, InUse. */
export function deleteObject(change: Change, kind: Kind, id: Id, version: number): void {
  const { db } = change;
  const { fields } = current(db, kind, id, version);
  refuse(userProblems(db, kind, id, fields.name));
  if (kind === "customer") dropCustomerPsk(change, id);
  db.run("DELETE FROM object_words WHERE rowid = (SELECT seq FROM objects WHERE id = ?)", id);
  db.run("DELETE FROM objects WHERE id = ?", id);
  change.audit({ what: "delete", kind, id, name: fields.name, before: fields, after: null });
  if (isDeploying(kind, fields, null)) change.deploy();
}

/** The object as it is, for who has read this version of it. */
function current<K extends Kind>(
  db: Database,
  kind: K,
  id: Id,
  version: number,
): Stored<FieldsOf[K]> {
  const stored = readObject(db, kind, id);
  if (stored === null) throw new Refusal([missing(kind, id)]);
  if (stored.version === version) return stored;
  const when = new Date(stored.changedMs).toISOString();
  const what = `was changed by ${stored.changedBy} at ${when}: read it again (version ${stored.version}), and put your change to that.`;
  throw new Refusal([problemOf("Stale", subjectOf(kind, stored.fields.name), what)]);
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new Refusal(problems);
}

/** What other objects make impossible. */
function writeProblems<K extends Kind>(
  db: Database,
  kind: K,
  id: Id,
  fields: FieldsOf[K],
): Problem[] {
  const exists = (of: Kind, to: Id) =>
    db.get("SELECT 1 FROM objects WHERE id = ? AND kind = ?", to, of) !== undefined;
  const lost = referenceProblems(kind, fields, exists);
  const other = db.get<{ id: Id }>(
    "SELECT id FROM objects WHERE kind = ? AND name = ? AND id <> ?",
    ...[kind, fields.name, id],
  );
  const taken = other === undefined ? [] : [nameTaken(kind, fields.name, other.id)];
  return [...lost, ...taken];
}

function nameTaken(kind: Kind, name: string, other: Id): Problem {
  const what = `is that of ${other} too: choose another.`;
  return fieldProblem("Taken", subjectOf(kind, name), ["name"], what);
}

/** References and words, anew. */
function writeAround(db: Database, kind: Kind, id: Id, fields: AnyFields): void {
  db.run("DELETE FROM refs WHERE from_id = ?", id);
  for (const { field, id: to } of referencesOf(kind, fields)) {
    db.run(
      "INSERT INTO refs SELECT id, ?, ?, kind, facet, name FROM objects WHERE id = ?",
      ...[field, to, id],
    );
  }
  const tags = "tags" in fields ? fields.tags : [];
  const marks = [kind, ...tags].map(markOf).join(" ");
  db.run(
    `INSERT OR REPLACE INTO object_words (rowid, words, marks)
     SELECT seq, ?, ? FROM objects WHERE id = ?`,
    ...[wordsOf(fields), marks, id],
  );
}

/** A kind or a Tag as one word of the index. */
export function markOf(mark: string): string {
  return `m${mark}`;
}

/** The audit entry and the version; returns the object as it is now. */
function written<K extends Kind>(
  change: Change,
  kind: K,
  id: Id,
  before: FieldsOf[K] | null,
): Stored<FieldsOf[K]> {
  const stored = readObject(change.db, kind, id);
  if (stored === null) throw new Error(`${kind} ${id} was not written`);
  const { fields } = stored;
  const what = before === null ? "create" : "change";
  change.audit({ what, kind, id, name: fields.name, before, after: fields });
  if (isDeploying(kind, before, fields)) {
    change.checkAtEnd(() => siblingProblems(change.db, kind, id));
    change.deploy();
  }
  return stored;
}

function bodyOf(kind: Kind, fields: AnyFields): string {
  const own = Object.entries(fields).filter(
    ([field]) => field !== "name" && !(field in REFERENCES[kind]),
  );
  return JSON.stringify(Object.fromEntries(own));
}
