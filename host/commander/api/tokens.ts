// SPDX-License-Identifier: Apache-2.0
// /tokens and /whoami: who may use the API. Before it: an administrator; the first token is made by `sealed up`.
// After it: store/tokens.ts. A token's text is shown once.

import * as z from "zod";
import { newTokenSchema, ROLES, type Token, tokenStateOf } from "../domain/token.ts";
import { createToken, listTokens, readToken, revokeToken } from "../store/tokens.ts";
import { whoOf } from "./authentication.ts";
import { cursorField, limitField, pageOf, timeField, timeOf } from "./schemas.ts";
import { seqCursor, seqOf } from "./seq-cursor.ts";
import type { Context, Server } from "./server-types.ts";

const tokenIdField = z
  .string()
  .regex(/^[0-9a-f]{16}$/, "is not a token's id: 16 hexadecimal digits.");

const tokenFields = {
  id: tokenIdField,
  name: z.string(),
  role: z.enum(ROLES),
  state: z.enum(["valid", "expired", "revoked"]),
  madeAt: timeField,
  madeBy: z.string(),
  expiresAt: timeField,
  revokedAt: timeField.nullable(),
};

const tokenSchema = z.object(tokenFields).meta({ id: "Token" });
const madeSchema = z
  .object({
    ...tokenFields,
    token: z.string().describe("Its text. It is shown now and never again."),
  })
  .meta({ id: "MadeToken" });
const bodySchema = newTokenSchema.meta({
  id: "NewToken",
  examples: [{ name: "ci", role: "operator", expiry: "90d" }],
});

function tokenView(
  { id, name, role, ...token }: Token,
  nowMs: number,
): z.output<typeof tokenSchema> {
  return {
    ...{ id, name, role, state: tokenStateOf({ id, name, role, ...token }, nowMs) },
    ...{ madeAt: timeOf(token.madeAtMs), madeBy: token.madeBy },
    ...{ expiresAt: timeOf(token.expiresAtMs), revokedAt: timeOf(token.revokedAtMs) },
  };
}

export function addTokens(server: Server, context: Context): void {
  addList(server, context);
  addCreate(server, context);
  addRevoke(server, context);
  addWhoami(server, context);
}

function addList(server: Server, { registry }: Context): void {
  server.get("/tokens", {
    config: { role: "admin" },
    schema: {
      operationId: "listTokens",
      summary: "List tokens",
      description: "The newest first.",
      tags: ["tokens"],
      querystring: z.strictObject({ limit: limitField, cursor: cursorField }),
      response: { 200: pageOf(tokenSchema, "TokenPage") },
    },
    handler: ({ query: { limit, cursor } }) => {
      const tokens = listTokens(registry.db, {
        ...(cursor === undefined ? {} : { beforeSeq: seqOf(cursor) }),
        limit: limit + 1,
      });
      const shown = tokens.slice(0, limit);
      return {
        items: shown.map((token) => tokenView(token, registry.nowMs)),
        next: tokens.length > limit ? seqCursor(shown.at(-1)?.seq) : null,
      };
    },
  });
}

function addCreate(server: Server, { registry }: Context): void {
  server.post("/tokens", {
    config: { role: "admin", problems: ["Taken", "StoreFull"] },
    schema: {
      operationId: "createToken",
      summary: "Make a token",
      tags: ["tokens"],
      body: bodySchema,
      response: { 201: madeSchema },
    },
    handler: (request, reply) => {
      const { token, text } = registry.change(whoOf(request), (change) =>
        createToken(change, request.body),
      );
      reply.code(201);
      return { ...tokenView(token, registry.nowMs), token: text };
    },
  });
}

function addRevoke(server: Server, { registry }: Context): void {
  server.post("/tokens/:id/revoke", {
    config: { role: "admin", problems: ["NotFound", "StoreFull"] },
    schema: {
      operationId: "revokeToken",
      summary: "Revoke a token",
      description: "At once. Its name stays taken, for the audit log speaks of it.",
      tags: ["tokens"],
      params: z.object({ id: tokenIdField }),
      response: { 200: tokenSchema },
    },
    handler: (request) => {
      const { id } = request.params;
      const token = registry.change(whoOf(request), (change) => revokeToken(change, id));
      return tokenView(token, registry.nowMs);
    },
  });
}

function addWhoami(server: Server, { registry }: Context): void {
  server.get("/whoami", {
    config: { role: "viewer" },
    schema: {
      operationId: "whoami",
      summary: "Read whose token this is",
      tags: ["tokens"],
      response: { 200: tokenSchema },
    },
    handler: ({ principal }) => {
      const token = principal === null ? null : readToken(registry.db, principal.id);
      if (token === null) throw new Error("a token has vanished while it asked");
      return tokenView(token, registry.nowMs);
    },
  });
}
