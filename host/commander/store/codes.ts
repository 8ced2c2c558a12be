// SPDX-License-Identifier: Apache-2.0
// Activation codes as rows: hashes, rules and uses; the pre-shared key that comes of the secret in a table of its
// own. The secret is nowhere. Before it: activations.ts. After it: the list that says who used which, when.

import type { Code } from "../domain/code.ts";
import type { Id } from "../domain/fields.ts";
import { problemOf, Refusal } from "../domain/problem.ts";
import type { Change } from "./change.ts";
import type { Database } from "./database.ts";

type Row = { seq: number; profile_id: Id | null; body: string };

export function readCode(db: Database, codeId: string): Code | null {
  const row = db.get<Row>("SELECT * FROM codes WHERE code_id = ?", codeId);
  return row === undefined ? null : codeOf(row);
}

/** Throws Refusal: NotFound. */
export function codeAt(db: Database, codeId: string): Code {
  const code = readCode(db, codeId);
  if (code !== null) return code;
  throw new Refusal([problemOf("NotFound", `Code ${codeId}`, "is not there: list the codes.")]);
}

/** For the link with who activates; null: no such code. */
export function readCodePsk(db: Database, codeId: string): Uint8Array | null {
  const row = db.get<{ psk: Uint8Array }>("SELECT psk FROM code_psks WHERE code_id = ?", codeId);
  return row?.psk ?? null;
}

/** The newest first: of a Profile, of an STLink, or all; `beforeSeq` goes on from a page's last. */
export function listCodes(
  db: Database,
  filter: { profileId?: Id; stlinkId?: Id; beforeSeq?: number; limit: number },
): (Code & { seq: number })[] {
  const { profileId, stlinkId, beforeSeq = Number.MAX_SAFE_INTEGER, limit } = filter;
  const wanted = [
    ...(profileId === undefined ? [] : [{ sql: "profile_id = ?", value: profileId }]),
    ...(stlinkId === undefined ? [] : [{ sql: "stlink_id = ?", value: stlinkId }]),
  ];
  const where = [...wanted.map(({ sql }) => sql), "seq < ?"].join(" AND ");
  return db
    .all<Row>(
      `SELECT * FROM codes WHERE ${where} ORDER BY seq DESC LIMIT ?`,
      ...[...wanted.map(({ value }) => value), beforeSeq, limit],
    )
    .map((row) => ({ ...codeOf(row), seq: row.seq }));
}

/** All of them: a restore voids what is open. */
export function allCodes(db: Database): Code[] {
  return db.all<Row>("SELECT * FROM codes").map(codeOf);
}

/** Those that are not revoked, and expire after `sinceMs`. */
export function codesSince(db: Database, sinceMs: number): Code[] {
  const rows = db.all<Row>(
    "SELECT * FROM codes WHERE body ->> 'revokedAtMs' IS NULL AND body ->> 'expiresAtMs' > ?",
    sinceMs,
  );
  return rows.map(codeOf);
}

function codeOf({ profile_id, body }: Row): Code {
  return { ...JSON.parse(body), profileId: profile_id };
}

export function insertCode(change: Change, code: Code, psk: Uint8Array): void {
  const { codeId, profileId, stlinkId } = code;
  change.db.run(
    "INSERT INTO codes VALUES (NULL, ?, ?, ?, ?)",
    ...[codeId, profileId, stlinkId, JSON.stringify(code)],
  );
  change.db.run("INSERT INTO code_psks VALUES (?, ?)", codeId, psk);
  auditCode(change, "create", null, code);
}

export function updateCode(change: Change, what: string, before: Code, after: Code): void {
  if (before === after) return;
  writeCode(change.db, after);
  auditCode(change, what, before, after);
}

export function writeCode(db: Database, code: Code): void {
  db.run("UPDATE codes SET body = ? WHERE code_id = ?", JSON.stringify(code), code.codeId);
}

function auditCode(change: Change, what: string, before: Code | null, after: Code): void {
  const { codeId: id } = after;
  const [was, is] = [before === null ? null : shown(before), shown(after)];
  change.audit({ what, kind: "code", id, name: id, before: was, after: is });
}

/** Without the hashes: they are of no use to who reads the log. */
function shown({ secretHash: _, ticketHash: __, ...rest }: Code): object {
  return rest;
}
