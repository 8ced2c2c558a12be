// SPDX-License-Identifier: Apache-2.0
// Backup and restore (rule T9). A backup is a whole database in one file, made while the Commander runs. Restoring
// brings back what administrators have made, not what keys were: where the replaced database can still be read,
// its keys and revocations stay, or a stolen key would be admitted again. Invariants: the epoch is above all that
// any STLink may hold; open codes are void; `kill -9` at any moment leaves the old database or the new one.

import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemCode, systemReason } from "../../service/app-error.ts";
import type { Id } from "../domain/fields.ts";
import { Refusal } from "../domain/problem.ts";
import { restored } from "../domain/restore.ts";
import type { Version } from "../domain/version.ts";
import { type Actor, appendAudit, auditHead } from "./audit.ts";
import { allCodes, writeCode } from "./codes.ts";
import { Database, type DatabaseOptions } from "./database.ts";
import { guarded, refusalOf } from "./failures.ts";
import { readVersion, writeVersion } from "./site.ts";
import { readStlink, spendKey, writeFacts } from "./stlinks.ts";

const OWNER_ALONE = 0o600;

/** Writes a new file, its owner's alone. Throws Refusal (Store...), and leaves no half of one. */
export function backUp(db: Database, file: string): void {
  makeEmpty(file);
  try {
    guarded(file, () => db.run("VACUUM INTO ?", file));
    sync(file);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
}

function makeEmpty(file: string): void {
  try {
    closeSync(openSync(file, "wx", OWNER_ALONE));
  } catch (error) {
    const isThere = systemCode(error) === "EEXIST";
    const why = isThere
      ? "is there already, and nothing is overwritten: name another."
      : `can't be made: ${systemReason(error)}.`;
    throw refusalOf("StoreUnusable", file, why, error);
  }
}

function sync(path: string): void {
  const handle = openSync(path, "r");
  fsyncSync(handle);
  closeSync(handle);
}

export type RestoreOptions = DatabaseOptions & {
  by: Actor;
  /** The greatest epoch that is known otherwise, as where the replaced database can't be read. */
  newestEpoch?: number;
};

export type RestoreReport = {
  /** The first version that is answered. */
  version: Version;
  /** Codes that were open in the backup, and are void. */
  voidedCodes: number;
  /** Keys and revocations of the replaced database were kept; it could be read. */
  hasKeptKeys: boolean;
};

/**
 * Puts a backup in the place of `file`, which nobody may have open. Throws Refusal (Store...): the backup is
 * damaged, newer, not there; or the database is in use.
 */
export function restore(backup: string, file: string, options: RestoreOptions): RestoreReport {
  const fresh = `${file}.restoring`;
  remove(fresh);
  try {
    copyOf(backup, fresh);
    const report = prepareBeside(fresh, file, options);
    sync(fresh);
    renameSync(fresh, file);
    sync(dirname(file));
    return report;
  } catch (error) {
    remove(fresh);
    throw error;
  }
}

/** The fresh file made ready, while nobody else can open the one that it is to replace. */
function prepareBeside(fresh: string, file: string, options: RestoreOptions): RestoreReport {
  const old = openOld(file, options);
  try {
    if (old !== null) holdAlone(old);
    return prepare(fresh, old, options);
  } finally {
    old?.close();
    if (old === null) removeLogs(file);
  }
}

/** A whole copy without a log beside it; a backup that is damaged makes none. */
function copyOf(backup: string, fresh: string): void {
  if (!existsSync(backup))
    throw refusalOf("StoreUnusable", backup, "is not there: check the path.");
  makeEmpty(fresh);
  guarded(backup, () => {
    const source = new DatabaseSync(backup, { readOnly: true });
    try {
      const [check] = source.prepare("PRAGMA quick_check(1)").all();
      if (check?.["quick_check"] !== "ok") throw damaged(backup);
      source.prepare("VACUUM INTO ?").run(fresh);
    } finally {
      source.close();
    }
  });
}

function damaged(backup: string): Refusal {
  return refusalOf("StoreDamaged", backup, "is damaged: take another backup.");
}

/** The database that is to be replaced; null: there is none, or it can't be read any more. */
function openOld(file: string, options: DatabaseOptions): Database | null {
  if (!existsSync(file) || statSync(file).size === 0) return null;
  try {
    return new Database(file, options);
  } catch (error) {
    const isLost = error instanceof Refusal && error.problems[0]?.code === "StoreDamaged";
    if (isLost) return null;
    throw error;
  }
}

/** Everything that the first answer from it depends on, in one transaction. */
function prepare(fresh: string, old: Database | null, options: RestoreOptions): RestoreReport {
  const db = new Database(fresh);
  try {
    const report = db.transaction(() => renew(db, old, options));
    // Without a log of its own it is one file, which a rename puts in place.
    db.exec("PRAGMA journal_mode = DELETE");
    return report;
  } finally {
    db.close();
  }
}

function renew(
  db: Database,
  old: Database | null,
  { by, newestEpoch = 0 }: RestoreOptions,
): RestoreReport {
  const before = old === null ? null : { ...shown(readVersion(old)), audit: auditHead(old) };
  const newest = Math.max(newestEpoch, before?.epoch ?? 0);
  const codes = allCodes(db);
  const { version, codes: kept } = restored(readVersion(db), newest, codes, by.atMs);
  writeVersion(db, version);
  for (const code of kept) writeCode(db, code);
  if (old !== null) keepKeys(old, db);
  const site = { kind: "site", id: "", name: "site" };
  // What the log has lost with the old database shows by its last row.
  appendAudit(db, by, { what: "restore", ...site, before, after: shown(version) });
  const voidedCodes = kept.filter((code, i) => code !== codes[i]).length;
  return { version, voidedCodes, hasKeptKeys: old !== null };
}

function shown({ epoch, serial }: Version): { epoch: number; serial: string } {
  return { epoch, serial: String(serial) };
}

/** Keys and revocations as they are now: what was spent stays so, what was changed is not changed back. */
function keepKeys(old: Database, db: Database): void {
  const keys = old.all<{ key: string; stlink_id: Id; is_spent: number }>("SELECT * FROM keys");
  const isThere = new Map<Id, boolean>();
  for (const { stlink_id: id } of keys) isThere.set(id, readStlink(db, id) !== null);
  db.run("DELETE FROM keys WHERE is_spent = 0");
  for (const { key, stlink_id: id, is_spent } of keys) {
    // Who is not in the backup is nobody, and stays so.
    if (is_spent === 1 || !isThere.get(id)) spendKey(db, key, id);
    else db.run("INSERT OR REPLACE INTO keys VALUES (?, ?, 0)", key, id);
  }
  for (const [id, is] of isThere) if (is) keepFacts(old, db, id);
  keepPsks(old, db, (id) => isThere.get(id) !== false);
}

/** Facts are no wish of anybody's, to be brought back. */
function keepFacts(old: Database, db: Database, id: Id): void {
  const facts = readStlink(old, id)?.facts;
  if (facts !== undefined) writeFacts(db, id, facts);
}

/** Those that STLinks have now: without them none gets in, to hear of others. What was void stays so. */
function keepPsks(old: Database, db: Database, isKept: (id: Id) => boolean): void {
  db.run("DELETE FROM pair_psks");
  db.run("DELETE FROM hop_psks");
  for (const { low, high, name, psk } of old.all<PairRow>("SELECT * FROM pair_psks")) {
    if (!isKept(low) || !isKept(high)) continue;
    db.run("INSERT INTO pair_psks VALUES (?, ?, ?, ?)", low, high, name, psk);
  }
  for (const { stlink_id: id, connector_key, psk } of old.all<HopRow>("SELECT * FROM hop_psks")) {
    if (isKept(id)) db.run("INSERT INTO hop_psks VALUES (?, ?, ?)", id, connector_key, psk);
  }
}

type PairRow = { low: Id; high: Id; name: Uint8Array; psk: Uint8Array };
type HopRow = { stlink_id: Id; connector_key: string; psk: Uint8Array };

/** Nobody else has it open or can, and no log is left that would be taken for the new file's. */
function holdAlone(old: Database): void {
  old.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE");
}

/** A database with whatever SQLite has put beside it. */
function remove(file: string): void {
  rmSync(file, { force: true });
  removeLogs(file);
}

function removeLogs(file: string): void {
  for (const log of ["-wal", "-shm", "-journal"]) rmSync(`${file}${log}`, { force: true });
}
