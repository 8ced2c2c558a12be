// SPDX-License-Identifier: Apache-2.0
// Admissions on disk: one SQLite file of a Connector, its owner's alone. An entry is kept as the message
// that made it (PROTOCOL 9.1). Before it: admissions.ts. After it: the disk. Invariants: a change is one
// transaction, whole or not there after `kill -9` or a power cut (WAL, synchronous FULL); a newer file, or
// another program's, stays as it is.

import { closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AppError, systemCode, systemReason } from "../../service/app-error.ts";
import { makeFolders } from "../../service/folders.ts";
import { type DeskMessage, DeskReader, encodeDesk } from "../desk/messages.ts";
import type { Entry, ListChange, Version } from "./list.ts";
import { guarded, unusable } from "./store-failures.ts";
import type { Difference } from "./table.ts";

/** "SCad": so that no other program's file is taken for ours. */
const APPLICATION_ID = 0x53_43_61_64;
const SCHEMA_VERSION = 1;
const OTHERS = 0o077;
/** The Connector stands still meanwhile: nobody else should hold it at all. */
const BUSY_MS = 200;

/** `turned`: a member whose next key is in force, which the entry does not say yet (rule T3). */
const SCHEMA = `
CREATE TABLE tenants (id BLOB PRIMARY KEY, epoch INTEGER NOT NULL, serial TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
  tenant BLOB NOT NULL REFERENCES tenants ON DELETE CASCADE,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  message BLOB NOT NULL,
  turned INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, type, name)
) WITHOUT ROWID;
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** What is kept of one tenant. */
export type StoredList = { version: Version; entries: Entry[]; turned: string[] };

type EntryRow = { type: string; name: string; message: Uint8Array; turned: number };

export class AdmissionStore {
  readonly file: string;
  readonly #connection: DatabaseSync;

  /** Opens the file in the folder, or makes both. Throws AppError: BadFile, BadKeyFile, AlreadyRunning, NotWritten. */
  constructor(folder: string) {
    this.file = join(folder, "admissions.db");
    keepPrivate(folder, this.file);
    this.#connection = guarded(this.file, () => new DatabaseSync(this.file, { timeout: BUSY_MS }));
    try {
      guarded(this.file, () => this.#begin());
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }

  /** What is kept of a Commander's tenant; nothing, at version 0, where there is none. Throws AppError(BadFile). */
  load(commander: string): StoredList {
    const tenant = Buffer.from(commander, "hex");
    return guarded(this.file, () => {
      const row = this.#connection
        .prepare("SELECT epoch, serial FROM tenants WHERE id = ?")
        .get(tenant) as { epoch: number; serial: string } | undefined;
      const rows = this.#connection
        .prepare("SELECT type, name, message, turned FROM entries WHERE tenant = ?")
        .all(tenant) as EntryRow[];
      return {
        version: { epoch: row?.epoch ?? 0, serial: BigInt(row?.serial ?? 0) },
        entries: rows.map((one) => this.#decode(one)),
        turned: rows.filter(({ turned }) => turned !== 0).map(({ name }) => name),
      };
    });
  }

  /** A change of a tenant, as a whole. Throws AppError: then nothing has changed. */
  save(commander: string, change: ListChange, { epoch, serial }: Version): void {
    const tenant = Buffer.from(commander, "hex");
    this.#transaction(() => {
      this.#connection.prepare("INSERT OR IGNORE INTO tenants VALUES (?, 0, '0')").run(tenant);
      for (const differences of Object.values(change)) this.#write(tenant, differences);
      for (const { name, now } of change.customers) if (now === undefined) this.#drop(name);
      this.#connection
        .prepare("UPDATE tenants SET epoch = ?, serial = ? WHERE id = ?")
        .run(epoch, serial.toString(), tenant);
    });
  }

  /** A member's next key is in force. Throws AppError. */
  turn(commander: string, member: string): void {
    this.#transaction(() => {
      this.#connection
        .prepare("UPDATE entries SET turned = 1 WHERE tenant = ? AND type = 'MEMBER' AND name = ?")
        .run(Buffer.from(commander, "hex"), member);
    });
  }

  #write(tenant: Uint8Array, differences: readonly Difference<Entry>[]): void {
    const put = this.#connection.prepare(
      "INSERT OR REPLACE INTO entries (tenant, type, name, message) VALUES (?, ?, ?, ?)",
    );
    const remove = this.#connection.prepare(
      "DELETE FROM entries WHERE tenant = ? AND type = ? AND name = ?",
    );
    for (const { name, before, now } of differences) {
      if (now !== undefined) put.run(tenant, now.type, name, encodeDesk(now));
      else if (before !== undefined) remove.run(tenant, before.type, name);
    }
  }

  #drop(commander: string): void {
    this.#connection.prepare("DELETE FROM tenants WHERE id = ?").run(Buffer.from(commander, "hex"));
  }

  #transaction(act: () => void): void {
    guarded(this.file, () => {
      this.#connection.exec("BEGIN IMMEDIATE");
      try {
        act();
        this.#connection.exec("COMMIT");
      } catch (error) {
        // A full disk has ended it already.
        if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #begin(): void {
    const id = this.#pragma("application_id");
    const isEmpty = this.#pragma("schema_version") === 0;
    if (id !== APPLICATION_ID && !(id === 0 && isEmpty)) {
      throw unusable(this.file, "belongs to another program: name another state_folder.");
    }
    const version = this.#pragma("user_version");
    if (version > SCHEMA_VERSION) {
      const what = `is of a newer Connector (${version}; this one knows ${SCHEMA_VERSION}): run that one.`;
      throw unusable(this.file, what);
    }
    this.#connection.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
    );
    if (isEmpty) this.#transaction(() => this.#connection.exec(SCHEMA));
  }

  #pragma(name: string): number {
    const row = this.#connection.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
    return row[name] ?? 0;
  }

  #decode({ message, type, name }: EntryRow): Entry {
    const [entry] = readMessages(message);
    if (entry !== undefined && entry.type === type) return entry as Entry;
    throw unusable(this.file, `has an entry that is none (${type} ${name}): ${RESTORE}`);
  }
}

const RESTORE =
  "move it away and start again; the Commander tells whom to admit once it is connected.";

/** Nothing for bytes that are no message. */
function readMessages(bytes: Uint8Array): DeskMessage[] {
  try {
    return new DeskReader().take(bytes);
  } catch {
    return [];
  }
}

/** Makes the folder and the file for their owner alone, or refuses a file that others may read: it holds secrets. */
function keepPrivate(folder: string, file: string): void {
  try {
    makeFolders(folder);
  } catch (error) {
    // There is something, and it is no folder.
    const why = systemCode(error) === "EEXIST" ? "it is no folder" : systemReason(error);
    throw notMade(folder, why, error);
  }
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw notMade(file, systemReason(error), error);
    if ((statSync(file).mode & OTHERS) === 0) return;
    const message = `${file} holds secrets and others may read it: chmod 600 ${file}`;
    throw new AppError("BadKeyFile", message);
  }
}

function notMade(path: string, why: string, cause: unknown): AppError {
  return new AppError("NotWritten", `${path} can't be made: ${why}. Check state_folder.`, {
    cause,
  });
}
