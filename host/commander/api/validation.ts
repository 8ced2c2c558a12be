// SPDX-License-Identifier: Apache-2.0
// Requests held against their zod schemas, with the domain's sentences. Before it: the framework, with parameters,
// query and body. After it: a handler, or Refusal(Invalid). Headers that a handler reads it checks itself; bodies of
// objects the domain checks, which knows what they are called.

import type { FastifySchemaCompiler } from "fastify";
import type * as z from "zod";
import { fieldIssues } from "../../service/issue-text.ts";
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

function taken(value: unknown): Checked {
  return { value };
}

function check(schema: z.ZodType, data: unknown): Checked {
  const result = schema.safeParse(data, { reportInput: true });
  if (result.success) return { value: result.data };
  const problems = fieldIssues(schema, result.error).map(({ path, what }) => {
    if (path.length > 0) return fieldProblem("Invalid", "The request", path, what);
    return fieldProblem("Invalid", "The request", [], `what was sent ${what}`);
  });
  return { error: new Refusal(problems) };
}
