// SPDX-License-Identifier: Apache-2.0
// Tokens as rows: the hash of the secret beside who it is for. Before it: an administrator, `sealed up`. After it:
// the API, on each request. Invariants: a token's text is returned once and stored nowhere; a name is one token's
// for ever, for the audit log speaks of it.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { subjectOf } from "../domain/kinds.ts";
import { fieldProblem, problemOf, Refusal } from "../domain/problem.ts";
import { madeToken, type NewToken, type Token } from "../domain/token.ts";
import type { Change } from "./change.ts";
import type { Database } from "./database.ts";

const ID_LEN = 8;
const SECRET_LEN = 32;
const PREFIX = "st_";
const TEXT = /^st_([0-9a-f]{16})([0-9a-f]{64})$/;

type Row = { seq: number; body: string; secret_hash: Uint8Array };

/** `text`: `st_`, the id and the secret, 83 letters. Throws Refusal: Taken. */
export function createToken(change: Change, fields: NewToken): { token: Token; text: string } {
  const { db, by } = change;
  if (db.get("SELECT 1 FROM tokens WHERE name = ?", fields.name) !== undefined) {
    const what = "is that of another token, or was: choose another.";
    const problem = fieldProblem("Taken", subjectOf("token", fields.name), ["name"], what);
    throw new Refusal([problem]);
  }
  const token = madeToken(randomBytes(ID_LEN).toString("hex"), fields, by);
  const secret = randomBytes(SECRET_LEN);
  db.run(
    "INSERT INTO tokens VALUES (NULL, ?, ?, ?, ?)",
    ...[token.id, token.name, JSON.stringify(token), hashOf(secret)],
  );
  auditToken(change, "create", null, token);
  return { token, text: `${PREFIX}${token.id}${secret.toString("hex")}` };
}

/** The token whose text this is, whatever its state; null: there is none. */
export function findToken(db: Database, text: string): Token | null {
  const [, id = "", secret = ""] = TEXT.exec(text) ?? [];
  const row = db.get<Row>("SELECT * FROM tokens WHERE id = ?", id);
  if (row === undefined) return null;
  const isRight = timingSafeEqual(row.secret_hash, hashOf(Buffer.from(secret, "hex")));
  return isRight ? JSON.parse(row.body) : null;
}

export function readToken(db: Database, id: string): Token | null {
  const row = db.get<Row>("SELECT * FROM tokens WHERE id = ?", id);
  return row === undefined ? null : JSON.parse(row.body);
}

/** The newest first; `beforeSeq` goes on from a page's last. */
export function listTokens(
  db: Database,
  { beforeSeq = Number.MAX_SAFE_INTEGER, limit }: { beforeSeq?: number; limit: number },
): (Token & { seq: number })[] {
  return db
    .all<Row>("SELECT * FROM tokens WHERE seq < ? ORDER BY seq DESC LIMIT ?", beforeSeq, limit)
    .map(({ seq, body }) => ({ ...JSON.parse(body), seq }));
}

/** Throws Refusal: NotFound. */
export function revokeToken(change: Change, id: string): Token {
  const { db, by } = change;
  const before = readToken(db, id);
  if (before === null) {
    const what = "is not there: list the tokens to find the right one.";
    throw new Refusal([problemOf("NotFound", subjectOf("token", id), what)]);
  }
  if (before.revokedAtMs !== null) return before;
  const after = { ...before, revokedAtMs: by.atMs };
  db.run("UPDATE tokens SET body = ? WHERE id = ?", JSON.stringify(after), id);
  auditToken(change, "revoke", before, after);
  return after;
}

function auditToken(change: Change, what: string, before: Token | null, after: Token): void {
  change.audit({ what, kind: "token", id: after.id, name: after.name, before, after });
}

/** The secret is as random as the hash is long: it needs no salt, nor to be slow. */
function hashOf(secret: Uint8Array): Uint8Array {
  return createHash("sha256").update(secret).digest();
}
