// SPDX-License-Identifier: Apache-2.0
// A Commander's database for tests: in a folder of its own, made and changed by a given actor at a given time,
// and what it says when it refuses. Before it: nothing. After it: commander-*.test.ts.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kind } from "../../host/commander/domain/kinds.ts";
import { type Problem, Refusal } from "../../host/commander/domain/problem.ts";
import { type Change, changeStore } from "../../host/commander/store/change.ts";
import { Database } from "../../host/commander/store/database.ts";
import type { FieldsOf } from "../../host/commander/store/kinds.ts";
import type { Stored } from "../../host/commander/store/objects.ts";
import { createObject } from "../../host/commander/store/writing.ts";
import { idOf } from "./commander-objects.ts";

export const ANNA = { who: "anna", atMs: Date.UTC(2026, 0, 2) };
export const BEN = { who: "ben", atMs: Date.UTC(2026, 0, 3) };

const folders: string[] = [];
const open: Database[] = [];

/** A path in a folder of its own. */
export function placeFor(name = "commander.db"): string {
  const folder = mkdtempSync(join(tmpdir(), "sealed-commander-"));
  folders.push(folder);
  return join(folder, name);
}

export function openStore(file = placeFor()): Database {
  const db = new Database(file, { busyMs: 50 });
  // Nobody cuts the power here, and a disk takes its time.
  db.exec("PRAGMA synchronous = OFF");
  open.push(db);
  return db;
}

/** Nobody has a database open any more. */
export function closeStores(): void {
  for (const db of open.splice(0)) db.close();
}

/** After each test. */
export function removeStores(): void {
  closeStores();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
}

export function changed<Value>(db: Database, act: (change: Change) => Value, by = ANNA): Value {
  return changeStore(db, by, act);
}

export function made<K extends Kind>(
  db: Database,
  kind: K,
  number: number,
  fields: object,
): Stored<FieldsOf[K]> {
  return changed(db, (change) => createObject(change, kind, idOf(number), fields));
}

/** The problems of what refuses; fails where nothing does. */
export function refusalOf(act: () => unknown): readonly Problem[] {
  try {
    act();
  } catch (error) {
    if (error instanceof Refusal) return error.problems;
    throw error;
  }
  throw new Error("it was not refused");
}
