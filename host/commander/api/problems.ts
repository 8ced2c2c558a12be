// SPDX-License-Identifier: Apache-2.0
// What the API refuses, in one shape: the domain's problems, and those that HTTP brings with it. Before it: any
// error that reaches the server. After it: `{error: {code, message, problems}}` and the status of one table.
// Invariant: what is in no table is a bug; its cause is logged, and the answer says `Internal` alone.

import { type Problem, type ProblemCode, problemCodes, Refusal } from "../domain/problem.ts";

/** What only HTTP can get wrong. */
const HTTP_CODES = {
  BadRequest: "The request is no HTTP or no JSON as it should be.",
  NotAuthenticated: "There is no token, or it is unknown, expired or revoked.",
  NotAllowed: "The token's role does not allow this.",
  NoSuchPath: "The API has no such path.",
  NoSuchMethod: "The path has other methods.",
  TooSlow: "The request did not come whole in time.",
  TooLong: "The body is longer than this operation takes.",
  WrongMedia: "The body is of another type than this operation takes.",
  WrongHost: "The Host header names another host.",
  MatchNeeded: "If-Match is missing: the version that was read.",
  TooMany: "Too many requests: wait as Retry-After says.",
  HeadersTooLong: "The request's headers are too long.",
  Internal: "A fault of the Commander's own. It is in its log.",
} as const;

export type HttpCode = keyof typeof HTTP_CODES;
export type ApiCode = ProblemCode | HttpCode;

/** The one table. */
export const STATUSES: Readonly<Record<ApiCode, number>> = {
  Invalid: 422,
  NeedsConfirmation: 409,
  Taken: 409,
  NotFound: 404,
  InUse: 409,
  Stale: 412,
  NotNow: 409,
  TooLarge: 422,
  StoreLocked: 503,
  StoreFull: 507,
  StoreDamaged: 503,
  StoreNewer: 503,
  StoreUnusable: 503,
  BadRequest: 400,
  NotAuthenticated: 401,
  NotAllowed: 403,
  NoSuchPath: 404,
  NoSuchMethod: 405,
  TooSlow: 408,
  TooLong: 413,
  WrongMedia: 415,
  WrongHost: 421,
  MatchNeeded: 428,
  TooMany: 429,
  HeadersTooLong: 431,
  Internal: 500,
};

/** What each code means, for the document. */
export const MEANINGS: Readonly<Record<ApiCode, string>> = { ...problemCodes, ...HTTP_CODES };

/** A request that HTTP's own rules refuse. */
export class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";
  readonly code: HttpCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: HttpCode, sentence: string, headers: Readonly<Record<string, string>> = {}) {
    super(sentence);
    this.code = code;
    this.headers = headers;
  }
}

export type ApiProblem = Omit<Problem, "code" | "path"> & {
  code: ApiCode;
  path: (string | number)[];
};

export type ErrorBody = { error: { code: ApiCode; message: string; problems: ApiProblem[] } };

export function bodyOf(problems: readonly ApiProblem[]): ErrorBody {
  const [first] = problems;
  if (first === undefined) throw new Error("a refusal without a problem");
  const message = problems.map(({ sentence }) => sentence).join("\n");
  return { error: { code: first.code, message, problems: [...problems] } };
}

export function httpProblem(code: HttpCode, sentence: string): ApiProblem {
  return { code, path: [], sentence };
}

/** What an error says to who has asked; null: it is a bug. */
export function problemsOf(error: unknown): ApiProblem[] | null {
  if (error instanceof HttpRefusal) return [httpProblem(error.code, error.message)];
  if (error instanceof Refusal) return error.problems.map(shown);
  const known = fastifyProblem(error);
  return known === null ? null : [known];
}

function shown({ path, ...rest }: Problem): ApiProblem {
  return { ...rest, path: path.map((part) => (typeof part === "number" ? part : String(part))) };
}

/** By the framework's code. https://fastify.dev/docs/latest/Reference/Errors/ */
const FASTIFY: Readonly<Record<string, { code: HttpCode; sentence: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: "TooLong",
    sentence: "The body is longer than this operation takes: send less.",
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "WrongMedia",
    sentence: "The body is of another type: send JSON, with Content-Type application/json.",
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: badBody("is empty: send JSON, or no Content-Type."),
  FST_ERR_CTP_INVALID_JSON_BODY: badBody("is no JSON: check it with a JSON parser."),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: badBody("is of another length than Content-Length says."),
};

function badBody(what: string): { code: HttpCode; sentence: string } {
  return { code: "BadRequest", sentence: `The body ${what}` };
}

function fastifyProblem(error: unknown): ApiProblem | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const known = FASTIFY[String(error.code)];
  return known === undefined ? null : httpProblem(known.code, known.sentence);
}
