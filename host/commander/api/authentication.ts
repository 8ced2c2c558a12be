// SPDX-License-Identifier: Apache-2.0
// Who asks, and whether the role allows it: before anything of a request is read. Before it: the Authorization
// header. After it: each handler, which acts in that name. Invariants: a token is in no log and no answer; a valid
// one is never held up by others' failures, however many come from its address.

import type { FastifyRequest } from "fastify";
import { mayDo, tokenStateOf } from "../domain/token.ts";
import type { Registry } from "../registry.ts";
import { findToken, readToken } from "../store/tokens.ts";
import { HttpRefusal } from "./problems.ts";
import type { Context, Principal, Server } from "./server-types.ts";

const SCHEME = /^Bearer (\S{1,200})$/i;
const CHALLENGE = { "www-authenticate": 'Bearer realm="Commander"' };

/** Refuses, before its body is read, what has no token, or one that may not do this. */
export function addAuthentication(server: Server, { registry, log, limits }: Context): void {
  server.decorateRequest("principal", null);
  const failures = server.createRateLimit({
    max: limits.failuresInMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => `failed ${request.ip}`,
  });
  const requests = server.createRateLimit({
    max: limits.requestsInMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => `token ${request.principal?.id}`,
  });
  server.addHook("onRequest", async (request) => {
    const { role } = request.routeOptions.config;
    if (request.is404 || role === null || role === undefined) return;
    request.principal = principalOf(registry, request.headers.authorization);
    if (request.principal === null) {
      const { isExceeded, ttlInSeconds } = outcomeOf(await failures(request));
      if (!isExceeded) log.warn({ path: request.routeOptions.url }, "a token was missing or wrong");
      if (isExceeded) throw tooMany(ttlInSeconds, "without a valid token");
      throw notAuthenticated(request.headers.authorization !== undefined);
    }
    const { isExceeded, ttlInSeconds } = outcomeOf(await requests(request));
    if (isExceeded) throw tooMany(ttlInSeconds, "of this token");
    if (mayDo(request.principal.role, role)) return;
    const sentence = `The token "${request.principal.name}" is of a ${request.principal.role}, and this needs the role ${role}: use another token.`;
    throw new HttpRefusal("NotAllowed", sentence);
  });
}

/** The name under which a request changes things. */
export function whoOf({ principal }: FastifyRequest): string {
  if (principal === null) throw new Error("a handler without a role has changed something");
  return principal.name;
}

/** Whether a token that was valid still is: for what goes on for long. */
export function isStillValid({ db, nowMs }: Registry, { id }: Principal): boolean {
  const token = readToken(db, id);
  return token !== null && tokenStateOf(token, nowMs) === "valid";
}

function principalOf({ db, nowMs }: Registry, header: string | undefined): Principal | null {
  const [, text] = SCHEME.exec(header ?? "") ?? [];
  const token = text === undefined ? null : findToken(db, text);
  if (token === null || tokenStateOf(token, nowMs) !== "valid") return null;
  return { kind: "token", id: token.id, name: token.name, role: token.role };
}

function notAuthenticated(hasHeader: boolean): HttpRefusal {
  const sentence = hasHeader
    ? "The token is unknown, expired or revoked: ask an administrator for another."
    : "There is no token: send Authorization: Bearer st_...";
  return new HttpRefusal("NotAuthenticated", sentence, CHALLENGE);
}

type Outcome = { isExceeded: boolean; ttlInSeconds: number };

function outcomeOf(limit: object): Outcome {
  const { isExceeded, ttlInSeconds } = limit as Partial<Outcome>;
  return { isExceeded: isExceeded ?? false, ttlInSeconds: ttlInSeconds ?? 1 };
}

function tooMany(seconds: number, whose: string): HttpRefusal {
  const sentence = `There were too many requests ${whose}: try again in ${seconds} s.`;
  return new HttpRefusal("TooMany", sentence, { "retry-after": String(seconds) });
}
