// SPDX-License-Identifier: Apache-2.0
// Conditional and repeated writes: the version that was read (If-Match, RFC 9110 section 13.1.1) and the key of a
// request that may be sent again. Before it: headers. After it: store/writing.ts, store/repeats.ts.

import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import * as z from "zod";
import { fieldProblem, Refusal } from "../domain/problem.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import type { Repeatable } from "../store/repeats.ts";
import { HttpRefusal } from "./problems.ts";

export const matchHeaders = z.object({
  "if-match": z.string().meta({
    description: "The ETag of what was read: its version in quotation marks.",
    examples: ['"3"'],
  }),
});

export const repeatHeaders = z.object({
  "idempotency-key": z
    .string()
    .max(64)
    .optional()
    .meta({
      description:
        "A word that the client chooses anew for each request: sent again within a day it gets the first answer, and nothing is made twice.",
      examples: ["f3b1c2d4"],
    }),
});

export function eTagOf(version: number | string): string {
  return `"${version}"`;
}

/** What If-Match holds, without its quotation marks. Throws HttpRefusal, Refusal(Invalid). */
export function matchOf({ headers }: FastifyRequest): string {
  const text = headers["if-match"];
  if (text === undefined) {
    const sentence =
      'If-Match is missing: read the object, and send its ETag along (If-Match: "3"), so that nobody\'s change is lost.';
    throw new HttpRefusal("MatchNeeded", sentence);
  }
  const [, tag] = /^"([^"]{1,64})"$/.exec(text) ?? [];
  if (tag !== undefined) return tag;
  const what = 'is not an ETag as an answer gives it: its version in quotation marks, such as "3".';
  throw new Refusal([fieldProblem("Invalid", "The request", ["If-Match"], what)]);
}

/** The version that was read; 0, which none is, for what is no number. */
export function versionOf(request: FastifyRequest): number {
  const tag = matchOf(request);
  return /^\d{1,15}$/.test(tag) ? Number(tag) : 0;
}

/** Null: it is not to be repeated. Throws Refusal(Invalid). */
export function repeatableOf(request: FastifyRequest): Repeatable | null {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return null;
  if (typeof key !== "string" || !/^[\x21-\x7e]{1,64}$/.test(key)) {
    const what = "is to be one word of at most 64 letters, digits and signs.";
    throw new Refusal([fieldProblem("Invalid", "The request", ["Idempotency-Key"], what)]);
  }
  const asked = canonicalJson({ url: request.url, body: request.body });
  return { key, requestHash: createHash("sha256").update(asked).digest("hex") };
}
