// SPDX-License-Identifier: Apache-2.0
// /codes: activation codes: made for a Profile, listed with who used which when, revoked. Before it: code-view.ts,
// which makes them. After it: store/codes.ts, the Connector's tickets.

import * as z from "zod";
import { revokeCode } from "../store/activations.ts";
import { codeAt, listCodes } from "../store/codes.ts";
import { whoOf } from "./authentication.ts";
import { codeIdField, codeSchema, codeView, newCodeSchema, newCodeView } from "./code-view.ts";
import { cursorField, idField, idParams, limitField, pageOf } from "./schemas.ts";
import { seqCursor, seqOf } from "./seq-cursor.ts";
import type { Context, Server } from "./server-types.ts";

const codeParams = z.object({ id: codeIdField.describe("The code's id.") });

export function addCodes(server: Server, context: Context): void {
  addMake(server, context);
  addList(server, context);
  addGet(server, context);
  addRevoke(server, context);
}

function addMake(server: Server, context: Context): void {
  server.post("/profiles/:id/codes", {
    config: { role: "operator", problems: ["NotFound", "NotNow", "StoreFull"] },
    schema: {
      operationId: "makeProfileCode",
      summary: "Make an activation code of a Profile",
      description: "By the Profile's rules. The code is shown once, and kept as hashes.",
      tags: ["codes"],
      params: idParams,
      response: { 201: newCodeSchema },
    },
    handler: (request, reply) => {
      reply.code(201);
      return newCodeView(context, whoOf(request), { profileId: request.params.id });
    },
  });
}

function addList(server: Server, { registry }: Context): void {
  server.get("/codes", {
    config: { role: "viewer" },
    schema: {
      operationId: "listCodes",
      summary: "List activation codes, and who has used which",
      description: "The newest first.",
      tags: ["codes"],
      querystring: z.strictObject({
        limit: limitField,
        cursor: cursorField,
        profile: idField.optional().describe("Of this Profile alone."),
        stlink: idField.optional().describe("For this STLink alone."),
      }),
      response: { 200: pageOf(codeSchema, "CodePage") },
    },
    handler: ({ query: { limit, cursor, profile, stlink } }) => {
      const codes = listCodes(registry.db, {
        ...(profile === undefined ? {} : { profileId: profile }),
        ...(stlink === undefined ? {} : { stlinkId: stlink }),
        ...(cursor === undefined ? {} : { beforeSeq: seqOf(cursor) }),
        limit: limit + 1,
      });
      const shown = codes.slice(0, limit);
      return {
        items: shown.map((code) => codeView(registry.db, registry.nowMs, code)),
        next: codes.length > limit ? seqCursor(shown.at(-1)?.seq) : null,
      };
    },
  });
}

function addGet(server: Server, { registry }: Context): void {
  server.get("/codes/:id", {
    config: { role: "viewer", problems: ["NotFound"] },
    schema: {
      operationId: "getCode",
      summary: "Read an activation code: state and uses",
      tags: ["codes"],
      params: codeParams,
      response: { 200: codeSchema },
    },
    handler: ({ params: { id } }) => codeView(registry.db, registry.nowMs, codeAt(registry.db, id)),
  });
}

function addRevoke(server: Server, { registry }: Context): void {
  server.post("/codes/:id/revoke", {
    config: { role: "operator", problems: ["NotFound", "StoreFull"] },
    schema: {
      operationId: "revokeCode",
      summary: "Revoke an activation code",
      description: "It activates nobody any more. STLinks that have used it stay.",
      tags: ["codes"],
      params: codeParams,
      response: { 200: codeSchema },
    },
    handler: (request) => {
      const { id } = request.params;
      registry.change(whoOf(request), (change) => revokeCode(change, id));
      return codeView(registry.db, registry.nowMs, codeAt(registry.db, id));
    },
  });
}
