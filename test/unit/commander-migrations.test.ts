// SPDX-License-Identifier: Apache-2.0
// A Commander's database as every version before this one has left it: it is brought up to date when it is opened, with
// what it had; and what the file promises of itself: references that lead somewhere, a log that is written ahead.

import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { auditRows, verifyAudit } from "../../host/commander/store/audit.ts";
import { Database } from "../../host/commander/store/database.ts";
import { MIGRATIONS } from "../../host/commander/store/migrations.ts";
import { readNamed } from "../../host/commander/store/objects.ts";
import { idOf } from "./commander-objects.ts";
import { made, openStore, placeFor, removeStores } from "./commander-stores.ts";

afterEach(removeStores);

const APPLICATION_ID = 0x53_43_6d_64;

/** With a Tag, as a Commander that knew so many migrations has left it. */
function databaseOf(version: number): string {
  const file = placeFor();
  writeFileSync(file, "", { mode: 0o600 });
  const db = new DatabaseSync(file);
  for (const sql of MIGRATIONS.slice(0, version)) db.exec(sql);
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version}`);
  const row = "1, ?, 'tag', '', 'kept', '{\"description\":\"\"}', 1, 1, 'anna', 1, 'anna'";
  db.prepare(`INSERT INTO objects VALUES (${row})`).run(idOf(1));
  db.close();
  return file;
}

describe("a database", () => {
  it.each(MIGRATIONS.slice(1).map((_, i) => i + 1))(
    "of every older version is brought up with what it had: %i",
    (version) => {
      const db = openStore(databaseOf(version));
      expect(db.get("PRAGMA user_version")).toEqual({ user_version: MIGRATIONS.length });
      expect(readNamed(db, "tag", "kept")?.id).toBe(idOf(1));
      made(db, "template", 2, { name: "new", tags: [idOf(1)] });
      expect([auditRows(db, { limit: 9 }).length, verifyAudit(db)]).toEqual([1, []]);
    },
  );

  it("is left as it is where a migration fails, and says so", () => {
    const file = databaseOf(1);
    const raw = new DatabaseSync(file);
    raw.exec("CREATE TABLE tokens (in_the_way)");
    raw.close();
    expect(() => openStore(file)).toThrow(/tokens already exists/);
    const again = new DatabaseSync(file);
    expect(again.prepare("PRAGMA user_version").get()).toEqual({ user_version: 1 });
    const tables = again.prepare("SELECT name FROM sqlite_schema WHERE name = 'audit'").all();
    expect(tables).toEqual([]);
    again.close();
  });

  it("refers to nothing that is not there, and writes ahead, all of it to the disk", () => {
    const db = new Database(placeFor());
    const ref = `INSERT INTO refs VALUES ('${idOf(1)}', 'tags', '${idOf(2)}', 'tag', '', 'a')`;
    expect(() => db.run(ref)).toThrow(/FOREIGN KEY/);
    expect(db.get("PRAGMA journal_mode")).toEqual({ journal_mode: "wal" });
    // FULL
    expect(db.get("PRAGMA synchronous")).toEqual({ synchronous: 2 });
    db.close();
  });
});
