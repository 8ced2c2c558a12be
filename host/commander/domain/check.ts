// SPDX-License-Identifier: Apache-2.0
// A value that somebody sent, held against an object's schema. Before it: the API's bodies, an imported
// file. After it: rules that one object alone can't show. All that is wrong is said at once.

import type * as z from "zod";
import { type FieldIssue, fieldIssues } from "../../service/issue-text.ts";
import { type Kind, subjectOf } from "./kinds.ts";
import { fieldProblem, type Problem, type Result } from "./problem.ts";

/** The value with its defaults, or what is wrong with it. */
export function checked<Schema extends z.ZodType>(
  kind: Kind,
  schema: Schema,
  value: unknown,
): Result<z.output<Schema>> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return { ok: true, value: result.data };
  const subject = subjectOf(kind, nameIn(value));
  return { ok: false, problems: issueProblems(subject, fieldIssues(schema, result.error)) };
}

/** What is wrong with the fields of `subject`, or with the whole of what was sent. */
export function issueProblems(subject: string, issues: readonly FieldIssue[]): Problem[] {
  return issues.map(({ path, what }) => {
    if (path.length > 0) return fieldProblem("Invalid", subject, path, what);
    return fieldProblem("Invalid", subject, [], `what was sent ${what}`);
  });
}

const NAME_SHOWN_MOST = 64;

/** The name that a wrong value has, so that its owner knows it again; only where it is short. */
function nameIn(value: unknown): string | null {
  if (typeof value !== "object" || value === null || !("name" in value)) return null;
  const { name } = value;
  return typeof name === "string" && name.length <= NAME_SHOWN_MOST ? name : null;
}
