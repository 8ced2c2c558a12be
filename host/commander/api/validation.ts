// SPDX-License-Identifier: Apache-2.0
// Requests held against their zod schemas, with the domain's sentences. Before it: the framework, with parameters,
// query and body. After it: a handler, or Refusal(Invalid). Headers that a handler reads it checks itself; bodies of
// objects the domain checks, which knows what they are called.

import type { FastifySchemaCompiler } from "fastify";
import type * as z from "zod";
import { fieldIssues } from "../../service/issue-text.ts";
import { issueProblems } from "../domain/check.ts";
import { fieldProblem, Refusal } from "../domain/problem.ts";

type Checked = { value: unknown } | { error: Error };

/** In parameters, query and body. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = (part) => compiled(part);

/** In parameters and query alone. */
export const bodyForTheDomain = (part: Part) => (part.httpPart === "body" ? taken : compiled(part));

/** A part of a request with its schema, which is zod's. */
type Part = { schema: unknown; httpPart?: string };

function compiled({ schema, httpPart }: Part): (data: unknown) => Checked {
  return httpPart === "headers" ? taken : (data) => check(schema as z.ZodType, data);
}

const DEPTH_MOST = 32;

/** What nests deeper than anything here would take functions that call themselves to their end. */
export function refuseDeep(body: unknown): void {
  let level = [body];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MOST) {
      const what = `what was sent nests deeper than ${DEPTH_MOST} tables and lists.`;
      throw new Refusal([fieldProblem("Invalid", "The request", [], what)]);
    }
    level = level.flatMap((one) =>
      typeof one === "object" && one !== null ? Object.values(one) : [],
    );
  }
}

function taken(value: unknown): Checked {
  return { value };
}

function check(schema: z.ZodType, data: unknown): Checked {
  const result = schema.safeParse(data, { reportInput: true });
  if (result.success) return { value: result.data };
  const problems = issueProblems("The request", fieldIssues(schema, result.error));
  return { error: new Refusal(problems) };
}
