// SPDX-License-Identifier: Apache-2.0
// Objects of every kind as they are read: a row, its body and its references put together again. Before it:
// writing.ts. After it: listing.ts, deployment.ts, the API. Secrets are in other tables.

import type { Id } from "../domain/fields.ts";
import { type Kind, REFERENCES, subjectOf } from "../domain/kinds.ts";
import { type Problem, problemOf } from "../domain/problem.ts";
import type { Database } from "./database.ts";
import type { AnyFields, FieldsOf } from "./kinds.ts";

export type Stored<Fields = AnyFields> = {
  id: Id;
  kind: Kind;
  /** What lists are filtered by: a Route's type, an STLink's state. */
  facet: string;
  /** From 1; rises with each change. */
  version: number;
  createdMs: number;
  createdBy: string;
  changedMs: number;
  changedBy: string;
  fields: Fields;
};

export type ObjectRow = {
  seq: number;
  id: Id;
  kind: Kind;
  facet: string;
  name: string;
  body: string;
  version: number;
  created_ms: number;
  created_by: string;
  changed_ms: number;
  changed_by: string;
};

export function readObject<K extends Kind>(
  db: Database,
  kind: K,
  id: Id,
): Stored<FieldsOf[K]> | null {
  const row = db.get<ObjectRow>("SELECT * FROM objects WHERE id = ? AND kind = ?", id, kind);
  return row === undefined ? null : (storedOf(db, row) as Stored<FieldsOf[K]>);
}

export function readNamed<K extends Kind>(
  db: Database,
  kind: K,
  name: string,
): Stored<FieldsOf[K]> | null {
  const row = db.get<ObjectRow>("SELECT * FROM objects WHERE kind = ? AND name = ?", kind, name);
  return row === undefined ? null : (storedOf(db, row) as Stored<FieldsOf[K]>);
}

/** All of a kind of which there are few. */
export function readObjects<K extends Kind>(db: Database, kind: K): Stored<FieldsOf[K]>[] {
  const rows = db.all<ObjectRow>("SELECT * FROM objects WHERE kind = ? ORDER BY seq", kind);
  return rows.map((row) => storedOf(db, row) as Stored<FieldsOf[K]>);
}

/** A row with its references. */
export function storedOf(db: Database, row: ObjectRow): Stored {
  const { id, kind, facet, version } = row;
  return {
    ...{ id, kind, facet, version },
    ...{ createdMs: row.created_ms, createdBy: row.created_by },
    ...{ changedMs: row.changed_ms, changedBy: row.changed_by },
    fields: { name: row.name, ...JSON.parse(row.body), ...readReferences(db, kind, id) },
  };
}

function readReferences(db: Database, kind: Kind, id: Id): Record<string, unknown> {
  const rows = db.all<{ field: string; to_id: Id }>(
    "SELECT field, to_id FROM refs WHERE from_id = ? ORDER BY field, to_id",
    id,
  );
  const of = (field: string) => rows.filter((row) => row.field === field).map((row) => row.to_id);
  const entries = Object.entries(REFERENCES[kind]).map(([field, { isList }]) => {
    const ids = of(field);
    return [field, isList ? ids : ids[0]] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

export function missing(kind: Kind, id: Id): Problem {
  return problemOf(
    "NotFound",
    subjectOf(kind, id),
    "is not there: list them to find the right one.",
  );
}
