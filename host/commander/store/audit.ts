// SPDX-License-Identifier: Apache-2.0
// The audit log: who did what to what, before and after. Added to in the transaction of the change itself, and
// never changed: each row's hash covers the one before it, and a head record names the last. Before it: every
// change. After it: `sealed audit`. Invariant: a row that was changed, removed or moved is found; who rewrites
// all of them and the head is found by a head noted elsewhere.

import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import type { Database } from "./database.ts";

/** Who changes something, and when. */
export type Actor = { who: string; atMs: number };

export type AuditEntry = {
  /** A verb: create, change, delete, activate, ... */
  what: string;
  kind: string;
  id: string;
  name: string;
  /** Without secrets. Null: not there. */
  before: unknown;
  after: unknown;
};

export type AuditRow = AuditEntry & Actor & { n: number; hash: string };

export type AuditHead = { n: number; hash: string };

type Row = {
  n: number;
  at_ms: number;
  who: string;
  what: string;
  kind: string;
  object_id: string;
  object_name: string;
  before: string | null;
  after: string | null;
  previous: string;
  hash: string;
};

export function appendAudit(db: Database, actor: Actor, entry: AuditEntry): void {
  const { n: last, hash: previous } = auditHead(db);
  const row = {
    ...{ at_ms: actor.atMs, who: actor.who, what: entry.what, kind: entry.kind },
    ...{ object_id: entry.id, object_name: entry.name },
    before: entry.before === null ? null : canonicalJson(entry.before),
    after: entry.after === null ? null : canonicalJson(entry.after),
    previous,
  };
  const hash = hashOf(row);
  db.run(
    "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ...[last + 1, row.at_ms, row.who, row.what, row.kind, row.object_id, row.object_name],
    ...[row.before, row.after, previous, hash],
  );
  db.run("UPDATE audit_head SET n = ?, hash = ?", last + 1, hash);
}

/** The last row's number and hash: worth noting where nobody can change it. */
export function auditHead(db: Database): AuditHead {
  const head = db.get<AuditHead>("SELECT n, hash FROM audit_head");
  if (head === undefined) return { n: 0, hash: "" };
  return { n: head.n, hash: head.hash };
}

function hashOf(row: Omit<Row, "n" | "hash">): string {
  const { previous, at_ms, who, what, kind, object_id, object_name, before, after } = row;
  const content = { at_ms, who, what, kind, object_id, object_name, before, after };
  return createHash("sha256").update(previous).update(canonicalJson(content)).digest("hex");
}

/** Rows, the newest first: of one object, or of all; `beforeN` goes on from a page's last. */
export function auditRows(
  db: Database,
  { objectId, beforeN, limit }: { objectId?: string; beforeN?: number; limit: number },
): AuditRow[] {
  const rows = db.all<Row>(
    `SELECT * FROM audit WHERE ${objectId === undefined ? "? IS NULL" : "object_id = ?"} AND n < ?
     ORDER BY n DESC LIMIT ?`,
    ...[objectId ?? null, beforeN ?? Number.MAX_SAFE_INTEGER, limit],
  );
  return rows.map(({ n, at_ms, who, what, kind, object_id, object_name, before, after, hash }) => ({
    ...{ n, atMs: at_ms, who, what, kind, id: object_id, name: object_name, hash },
    before: before === null ? null : JSON.parse(before),
    after: after === null ? null : JSON.parse(after),
  }));
}

export type AuditFinding = { n: number; what: string };

const FINDINGS_MOST = 100;

/**
 * What is wrong with the log, the first hundred findings; empty: nothing. `noted` is a head that was noted
 * elsewhere before.
 */
export function verifyAudit(db: Database, noted: AuditHead | null = null): AuditFinding[] {
  const findings: AuditFinding[] = [];
  let last: AuditHead = { n: 0, hash: "" };
  for (const row of db.each<Row>("SELECT * FROM audit ORDER BY n")) {
    if (findings.length >= FINDINGS_MOST) return findings;
    const what = rowFinding(row, last);
    if (what !== null) findings.push({ n: row.n, what });
    if (row.n === noted?.n && row.hash !== noted.hash) {
      findings.push({ n: row.n, what: `row ${row.n} has another hash than was noted.` });
    }
    last = { n: row.n, hash: row.hash };
  }
  return [...findings, ...endFindings(last, auditHead(db), noted)];
}

function rowFinding(row: Row, last: AuditHead): string | null {
  const { n } = row;
  if (hashOf(row) !== row.hash)
    return `row ${n} was changed: its hash is not that of what it says.`;
  if (n === last.n + 2) return `row ${n - 1} was removed.`;
  if (n > last.n + 1) return `rows ${last.n + 1} to ${n - 1} were removed.`;
  if (row.previous === last.hash) return null;
  return `row ${n} was not written behind row ${last.n}: it was moved, or one between them removed.`;
}

function endFindings(last: AuditHead, head: AuditHead, noted: AuditHead | null): AuditFinding[] {
  const least = Math.max(head.n, noted?.n ?? 0);
  if (last.n < least) {
    const what = `the last rows were removed: ${last.n + 1} to ${least}.`;
    return [{ n: last.n + 1, what }];
  }
  if (last.n === head.n && last.hash === head.hash) return [];
  return [{ n: last.n, what: `row ${last.n} is not the last one that was written (${head.n}).` }];
}
