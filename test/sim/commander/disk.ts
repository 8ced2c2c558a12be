// SPDX-License-Identifier: Apache-2.0
// The disks of a simulated site: a temporary folder, in it the files of each process, and what of them a
// `kill -9` leaves. Before it: site.ts. After it: the real store and state folder, which write as they always
// do. Invariants: what is written after a process has died is not there when it starts again; nothing is left
// when the site is closed.

import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../../../host/commander/store/database.ts";
import { type StateFile, StateFolder } from "../../../host/stlink/state-folder.ts";

/** A file system in memory, where there is one: each write waits for the disk. */
const MEMORY = "/dev/shm";
const OWNER_ALONE = 0o700;

export class Disk {
  readonly #root: string;
  readonly #databases: Database[] = [];
  #count = 0;

  constructor() {
    this.#root = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "sealed-sim-"));
  }

  /** A new, empty folder. */
  folder(name: string): string {
    const path = join(this.#root, `${name}-${this.#count++}`);
    mkdirSync(path, { mode: OWNER_ALONE });
    return path;
  }

  /** A folder as it is at this moment, elsewhere: whoever had it goes on in the old one, for nobody. */
  folderAsLeft(path: string, name: string): string {
    const left = this.folder(name);
    cpSync(path, left, { recursive: true });
    chmodSync(left, OWNER_ALONE);
    return left;
  }

  /** A database as `kill -9` leaves it: the file and its log, without what only memory held. */
  databaseAsLeft(file: string, name: string): string {
    const left = join(this.folder(name), "database");
    for (const log of ["", "-wal", "-journal"]) {
      if (existsSync(`${file}${log}`)) copyFileSync(`${file}${log}`, `${left}${log}`);
    }
    return left;
  }

  /** Closed with the disk, whatever has become of its process. */
  open(file: string, events: CommitEvents): WatchedDatabase {
    const db = new WatchedDatabase(file, events);
    this.#databases.push(db);
    return db;
  }

  close(): void {
    for (const db of this.#databases) db.close();
    rmSync(this.#root, { recursive: true, force: true });
  }
}

export interface CommitEvents {
  /** All is written, and nothing of it counts yet. */
  committing(): void;
  committed(): void;
}

/** A database that tells when a transaction ends, so that a process can die there. */
export class WatchedDatabase extends Database {
  /** Not there yet while the database is opened, and its tables made. */
  readonly #events: CommitEvents | undefined;
  #isClosed = false;

  constructor(file: string, events: CommitEvents) {
    super(file);
    this.#events = events;
  }

  override transaction<Value>(act: () => Value): Value {
    const events = #events in this ? this.#events : undefined;
    const value = super.transaction(() => {
      const made = act();
      events?.committing();
      return made;
    });
    events?.committed();
    return value;
  }

  override close(): void {
    if (!this.#isClosed) super.close();
    this.#isClosed = true;
  }
}

export interface SaveEvents {
  /** Before a file is written, and when it is whole. */
  saving(name: StateFile, bytes: Uint8Array): void;
  saved(name: StateFile, bytes: Uint8Array): void;
}

/** A state folder that tells what is written to it, so that a process can die there. */
export class WatchedFolder extends StateFolder {
  readonly #events: SaveEvents;

  constructor(path: string, events: SaveEvents) {
    super(path);
    this.#events = events;
  }

  override save(name: StateFile, content: Uint8Array | string): void {
    const bytes = typeof content === "string" ? new Uint8Array(Buffer.from(content)) : content;
    this.#events.saving(name, bytes);
    super.save(name, bytes);
    this.#events.saved(name, bytes);
  }
}
