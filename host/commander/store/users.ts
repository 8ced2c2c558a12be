// SPDX-License-Identifier: Apache-2.0
// What uses an object, and so keeps it from being deleted: what refers to it, a Profile's open codes, and of an
// STLink that it may still speak. Before it: objects.ts, before a deletion. After it: its answer, with the list.

import type { Id } from "../domain/fields.ts";
import { type Kind, subjectOf } from "../domain/kinds.ts";
import { type Problem, problemOf, type User } from "../domain/problem.ts";
import { deletionProblems } from "../domain/uses.ts";
import type { Database } from "./database.ts";

/** Of those that use an object so many are listed. */
const LISTED_MOST = 100;

export function userProblems(db: Database, kind: Kind, id: Id, name: string): Problem[] {
  if (kind === "stlink") return stlinkProblems(db, id, name);
  const { users, count } = usersOf(db, kind, id);
  return deletionProblems(kind, name, users, count);
}

/** The first of `count` that use an object. */
export function usersOf(db: Database, kind: Kind, id: Id): { users: User[]; count: number } {
  const users = db
    .all<User>(
      `SELECT from_kind AS kind, from_id AS id, from_name AS name FROM refs WHERE to_id = ?
       ORDER BY from_kind, from_name LIMIT ?`,
      ...[id, LISTED_MOST],
    )
    .map(({ kind: of, id: from, name }) => ({ kind: of, id: from, name }));
  const codes = kind === "profile" ? openCodes(db, id) : [];
  const count = users.length < LISTED_MOST ? users.length : countOf(db, id);
  return { users: [...users, ...codes], count: count + codes.length };
}

function countOf(db: Database, id: Id): number {
  return db.get<{ n: number }>("SELECT count(*) AS n FROM refs WHERE to_id = ?", id)?.n ?? 0;
}

/** Codes that could still activate somebody, as far as they have not expired by themselves. */
function openCodes(db: Database, profileId: Id): User[] {
  return db.all<User>(
    `SELECT 'code' AS kind, code_id AS id, code_id AS name FROM codes
     WHERE profile_id = ? AND body ->> 'revokedAtMs' IS NULL
       AND json_array_length(body, '$.uses') < body ->> '$.rules.uses' LIMIT ?`,
    ...[profileId, LISTED_MOST],
  );
}

function stlinkProblems(db: Database, id: Id, name: string): Problem[] {
  const row = db.get<{ facet: string }>("SELECT facet FROM objects WHERE id = ?", id);
  if (row?.facet === "invited" || row?.facet === "revoked") return [];
  const what = `is ${row?.facet}: revoke it first, so that its key is never admitted again.`;
  return [problemOf("NotNow", subjectOf("stlink", name), what)];
}
