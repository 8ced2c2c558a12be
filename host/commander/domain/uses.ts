// SPDX-License-Identifier: Apache-2.0
// What holds objects together: a reference leads to something that is there, and what is referred to can't be
// deleted by surprise. Before it: a write or a deletion, and what the store knows of others. After it: the
// problems that refuse it, with the list of what uses the object.

import type { Id } from "./fields.ts";
import { type Kind, REFERENCES, subjectOf } from "./kinds.ts";
import { fieldProblem, type Problem, type User } from "./problem.ts";

export type ReferenceValue = { field: string; index: number | null; to: Kind; id: Id };

/** All that an object refers to, in the order of its fields. */
export function referencesOf(
  kind: Kind,
  object: Readonly<Record<string, unknown>>,
): ReferenceValue[] {
  return Object.entries(REFERENCES[kind]).flatMap(([field, { to, isList }]): ReferenceValue[] => {
    const value = object[field];
    if (value === undefined) return [];
    if (!isList) return [{ field, index: null, to, id: value as Id }];
    return (value as readonly Id[]).map((id, index) => ({ field, index, to, id }));
  });
}

/** A problem for each reference that leads nowhere. */
export function referenceProblems(
  kind: Kind,
  object: Readonly<Record<string, unknown>>,
  exists: (kind: Kind, id: Id) => boolean,
): Problem[] {
  const subject = subjectOf(kind, object["name"]);
  return referencesOf(kind, object)
    .filter(({ to, id }) => !exists(to, id))
    .map(({ field, index, to, id }) => {
      const path = index === null ? [field] : [field, index];
      const what = `is ${id}, and there is no ${to} with this id: list them to find the right one.`;
      return fieldProblem("Invalid", subject, path, what);
    });
}

const NAMED_MOST = 10;

/**
 * Why an object can't be deleted; empty: nothing uses it. `users` are the first of `count`, all that are to
 * be listed.
 */
export function deletionProblems(
  kind: Kind,
  name: string,
  users: readonly User[],
  count = users.length,
): Problem[] {
  if (count === 0) return [];
  const named = users.slice(0, NAMED_MOST).map((user) => subjectOf(user.kind, user.name));
  const more = count > named.length ? [`${count - named.length} more`] : [];
  const list = [...named, ...more].join(", ");
  const sentence = `${subjectOf(kind, name)} can't be deleted: it is used by ${list}. Take it out there first.`;
  return [{ code: "InUse", path: [], sentence, users }];
}
