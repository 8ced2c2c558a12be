// SPDX-License-Identifier: Apache-2.0
// What keeps a wish from being carried out: a value of one shape, never a thrown text. Before it: every
// rule of the domain, and the store. After it: the API's one error shape, the command line. A sentence says
// what happened, to which thing, and what to do now. Rules return problems; who has to stop throws Refusal.

import { type FieldPath, fieldName } from "../../service/issue-text.ts";
import type { Spoken } from "./kinds.ts";

/** What can be wrong, and what each means. */
export const problemCodes = {
  Invalid: "A field is missing, or can't be so.",
  NeedsConfirmation: "It is allowed once its owner has said that it is meant.",
  Taken: "Another object of this kind has that name, or another STLink that key.",
  NotFound: "There is no such object.",
  InUse: "It can't be deleted: others use it. They are listed.",
  Stale: "Somebody has changed the object since it was read.",
  NotNow: "The object's state doesn't allow it.",
  TooLarge: "It is more than a configuration can carry.",
  StoreLocked: "Another process holds the database.",
  StoreFull: "The database's disk is full.",
  StoreDamaged: "The database is damaged.",
  StoreNewer: "The database is of a newer Commander.",
  StoreUnusable: "The database can't be read or written, or is not ours.",
} as const;

export type ProblemCode = keyof typeof problemCodes;

export type User = { kind: Spoken; id: string; name: string };

export type Problem = {
  code: ProblemCode;
  /** The field that it is about; empty: the object as a whole. */
  path: FieldPath;
  sentence: string;
  /** InUse: by whom. */
  users?: readonly User[];
};

export type Result<Value> =
  | { ok: true; value: Value }
  | { ok: false; problems: readonly Problem[] };

/** Carries problems out of a transaction, which it undoes. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map(({ sentence }) => sentence).join("\n"), options);
    this.problems = problems;
  }
}

/** A problem of a field of `subject` (`Route "web"`); `what` goes on from the field's name. */
export function fieldProblem(
  code: ProblemCode,
  subject: string,
  path: FieldPath,
  what: string,
): Problem {
  const field = path.length === 0 ? "" : `${fieldName(path)} `;
  return { code, path, sentence: `${subject}: ${field}${what}` };
}

/** A problem of `subject` as a whole; `what` goes on from it. */
export function problemOf(code: ProblemCode, subject: string, what: string): Problem {
  return { code, path: [], sentence: `${subject} ${what}` };
}

export function resultOf<Value>(value: Value, problems: readonly Problem[]): Result<Value> {
  return problems.length === 0 ? { ok: true, value } : { ok: false, problems };
}

/** The value; throws Refusal with the problems. */
export function demand<Value>(result: Result<Value>): Value {
  if (result.ok) return result.value;
  throw new Refusal(result.problems);
}
