// SPDX-License-Identifier: Apache-2.0
// /audit: who did what to what, before and after; and whether the log is as it was written. Before it: every change.
// After it: store/audit.ts. Nothing here changes it.

import * as z from "zod";
import { fieldProblem, Refusal } from "../domain/problem.ts";
import { auditHead, auditRows, verifyAudit } from "../store/audit.ts";
import { cursorField, limitField, pageOf, timeField, timeOf } from "./schemas.ts";
import { seqCursor, seqOf } from "./seq-cursor.ts";
import type { Context, Server } from "./server-types.ts";

const hashField = z.string().regex(/^[0-9a-f]{64}$/, "is not a hash: 64 hexadecimal digits.");

const rowSchema = z
  .object({
    n: z.int(),
    at: timeField,
    who: z.string(),
    what: z.string().describe("A verb: create, change, delete, activate, ..."),
    kind: z.string(),
    id: z.string(),
    name: z.string(),
    before: z.unknown().describe("As it was; null: it was not there."),
    after: z.unknown().describe("As it is since; null: it is gone."),
    hash: hashField.describe("Of this row and of the one before it."),
  })
  .meta({ id: "AuditRow" });

const verdictSchema = z
  .object({
    isGood: z.boolean(),
    findings: z.array(z.object({ n: z.int(), what: z.string() })).describe("The first hundred."),
    head: z
      .object({ n: z.int(), hash: z.string() })
      .describe("The last row: worth noting where nobody can change it."),
  })
  .meta({ id: "AuditVerdict" });

export function addAudit(server: Server, { registry }: Context): void {
  const { db } = registry;
  server.get("/audit", {
    config: { role: "viewer" },
    schema: {
      operationId: "listAudit",
      summary: "Read the audit log",
      description: "The newest first.",
      tags: ["audit"],
      querystring: z.strictObject({
        limit: limitField,
        cursor: cursorField,
        object: z.string().max(64).optional().describe("Of the object with this id alone."),
      }),
      response: { 200: pageOf(rowSchema, "AuditPage") },
    },
    handler: ({ query: { limit, cursor, object } }) => {
      const rows = auditRows(db, {
        ...(object === undefined ? {} : { objectId: object }),
        ...(cursor === undefined ? {} : { beforeN: seqOf(cursor) }),
        limit: limit + 1,
      });
      const items = rows.slice(0, limit).map(({ atMs, ...row }) => ({ ...row, at: timeOf(atMs) }));
      return { items, next: rows.length > limit ? seqCursor(items.at(-1)?.n) : null };
    },
  });
  server.get("/audit/verify", {
    config: { role: "admin" },
    schema: {
      operationId: "verifyAudit",
      summary: "Look for rows of the audit log that were changed, removed or moved",
      tags: ["audit"],
      querystring: z.strictObject({
        n: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
        hash: hashField.optional().describe("With `n`: a head that was noted before."),
      }),
      response: { 200: verdictSchema },
    },
    handler: ({ query: { n, hash } }) => {
      if ((n === undefined) !== (hash === undefined)) throw halfHead();
      const noted = n === undefined || hash === undefined ? null : { n, hash };
      const findings = verifyAudit(db, noted);
      return { isGood: findings.length === 0, findings, head: auditHead(db) };
    },
  });
}

function halfHead(): Refusal {
  const what = "and n belong together: send both, or neither.";
  return new Refusal([fieldProblem("Invalid", "The request", ["hash"], what)]);
}
