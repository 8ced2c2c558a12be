// SPDX-License-Identifier: Apache-2.0
// The Commander's database: one SQLite file in WAL mode, its owner's alone, brought up to date by numbered
// migrations. Before it: store.ts. After it: rows. Invariants: what a transaction answered for survives
// `kill -9` and a power cut (synchronous FULL); a transaction is whole or not there; a newer file is refused.

import { closeSync, openSync, statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { systemCode, systemReason } from "../../service/app-error.ts";
import { guarded, refusalOf } from "./failures.ts";
import { MIGRATIONS } from "./migrations.ts";

/** "SCmd": so that no other program's database is taken for ours. */
const APPLICATION_ID = 0x53_43_6d_64;
const OWNER_ALONE = 0o600;
const OTHERS = 0o077;
/** All of the process stands still meanwhile, in `sealed up` the Connector too: nobody else should hold it at all. */
const BUSY_MS = 200;
/** Of pages in memory: lists over a hundred thousand objects read them again and again. */
const CACHE_KIB = 65_536;

export type DatabaseOptions = {
  /** How long to wait for another process. */
  busyMs?: number;
};

export class Database {
  readonly file: string;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens the file, or makes it. Throws Refusal (Store...). */
  constructor(file: string, { busyMs = BUSY_MS }: DatabaseOptions = {}) {
    this.file = file;
    keepPrivate(file);
    this.#connection = guarded(file, () => new DatabaseSync(file, { timeout: busyMs }));
    try {
      this.#checkOwner();
      this.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
      this.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
      this.transaction(() => this.#migrate());
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }

  exec(sql: string): void {
    guarded(this.file, () => this.#connection.exec(sql));
  }

  /** The first row; undefined: there is none. */
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return guarded(this.file, () => this.#statement(sql).get(...values)) as Row | undefined;
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return guarded(this.file, () => this.#statement(sql).all(...values)) as Row[];
  }

  /** Row by row: for tables that are larger than memory. */
  *each<Row>(sql: string, ...values: SQLInputValue[]): Iterable<Row> {
    const rows = guarded(this.file, () => this.#connection.prepare(sql).iterate(...values));
    try {
      for (;;) {
        const { done, value } = guarded(this.file, () => rows.next());
        if (done) return;
        yield value as Row;
      }
    } finally {
      // Who has seen enough leaves no statement open.
      rows.return?.();
    }
  }

  /** Returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return guarded(this.file, () => Number(this.#statement(sql).run(...values).changes));
  }

  /** All that `act` does, or nothing of it where it throws. */
  transaction<Value>(act: () => Value): Value {
    return this.#within(act, "COMMIT");
  }

  /** What `act` returns or throws; nothing of what it did is kept. */
  rehearse<Value>(act: () => Value): Value {
    return this.#within(act, "ROLLBACK");
  }

  #within<Value>(act: () => Value, end: "COMMIT" | "ROLLBACK"): Value {
    this.exec("BEGIN IMMEDIATE");
    try {
      const value = act();
      this.exec(end);
      return value;
    } catch (error) {
      // A full disk has ended it already.
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
      throw error;
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#connection.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  #pragma(name: string): number {
    const row = this.get<Record<string, number>>(`PRAGMA ${name}`);
    return row?.[name] ?? 0;
  }

  /** Before anything is written: a database of another program stays as it is. */
  #checkOwner(): void {
    const id = this.#pragma("application_id");
    const isEmpty = this.#pragma("schema_version") === 0;
    if (id === APPLICATION_ID || (id === 0 && isEmpty)) return;
    const what = "belongs to another program: name another file.";
    throw refusalOf("StoreUnusable", this.file, what);
  }

  #migrate(): void {
    const version = this.#pragma("user_version");
    const newest = MIGRATIONS.length;
    if (version > newest) {
      const what = `is of a newer Commander (${version}; this one knows ${newest}): run that one.`;
      throw refusalOf("StoreNewer", this.file, what);
    }
    if (version === newest) return;
    for (const sql of MIGRATIONS.slice(version)) this.exec(sql);
    this.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${newest}`);
  }
}

/** Makes the file for its owner alone, or refuses one that others may read: it holds secrets. */
function keepPrivate(file: string): void {
  try {
    closeSync(openSync(file, "wx", OWNER_ALONE));
  } catch (error) {
    if (systemCode(error) !== "EEXIST") {
      const what = `can't be made: ${systemReason(error)}. Check the path.`;
      throw refusalOf("StoreUnusable", file, what, error);
    }
    if ((statSync(file).mode & OTHERS) === 0) return;
    throw refusalOf(
      "StoreUnusable",
      file,
      `holds secrets and others may read it: chmod 600 ${file}`,
    );
  }
}
