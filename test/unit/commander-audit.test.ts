// SPDX-License-Identifier: Apache-2.0
// The audit log: what it says of each change, that it can't be changed by the way, and that whoever changes it
// behind SQLite's back is found: a row changed, removed, moved, or missing at the end, and which.

import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { auditHead, auditRows, verifyAudit } from "../../host/commander/store/audit.ts";
import { canonicalJson } from "../../host/commander/store/canonical-json.ts";
import type { Database } from "../../host/commander/store/database.ts";
import { deleteObject, updateObject } from "../../host/commander/store/writing.ts";
import { idOf } from "./commander-objects.ts";
import { ANNA, BEN, changed, made, openStore, placeFor, removeStores } from "./commander-stores.ts";

afterEach(removeStores);

/** Ten rows: Tags 1 to 10. */
function written(): Database {
  const db = openStore(placeFor());
  for (let i = 1; i <= 10; i++) made(db, "tag", i, { name: `t${i}` });
  return db;
}

/** What somebody does who can write the file. */
function tamper(db: Database, sql: string): void {
  const raw = new DatabaseSync(db.file);
  raw.exec("DROP TRIGGER audit_stays; DROP TRIGGER audit_keeps");
  raw.exec(sql);
  raw.close();
}

const found = (db: Database) => verifyAudit(db).map(({ n, what }) => `${n}: ${what}`);

describe("the audit log", () => {
  it("says who did what to what and when, before and after, the newest first", () => {
    const db = openStore();
    made(db, "tag", 1, { name: "hall", description: "x" });
    changed(db, (change) => updateObject(change, "tag", idOf(1), 1, { name: "yard" }), BEN);
    changed(db, (change) => deleteObject(change, "tag", idOf(1), 2));
    const about = { kind: "tag", id: idOf(1) };
    const [hall, yard] = [
      { name: "hall", description: "x" },
      { name: "yard", description: "" },
    ];
    expect(auditRows(db, { limit: 10 }).map(({ hash: _, ...row }) => row)).toEqual([
      { ...{ ...about, ...ANNA, n: 3, what: "delete", name: "yard" }, before: yard, after: null },
      { ...{ ...about, ...BEN, n: 2, what: "change", name: "yard" }, before: hall, after: yard },
      { ...{ ...about, ...ANNA, n: 1, what: "create", name: "hall" }, before: null, after: hall },
    ]);
  });

  it("is read in pages, and of one object", () => {
    const db = written();
    changed(db, (change) => updateObject(change, "tag", idOf(3), 1, { name: "other" }));
    const pages = [auditRows(db, { limit: 6 }), auditRows(db, { limit: 6, beforeN: 6 })];
    expect(pages.map((page) => page.map(({ n }) => n))).toEqual([
      [11, 10, 9, 8, 7, 6],
      [5, 4, 3, 2, 1],
    ]);
    expect(auditRows(db, { limit: 6, objectId: idOf(3) }).map(({ n }) => n)).toEqual([11, 3]);
  });

  it("is never changed or shortened through the database", () => {
    const db = written();
    expect(() => db.run("UPDATE audit SET who = 'nobody' WHERE n = 3")).toThrow(/never changed/);
    expect(() => db.run("DELETE FROM audit WHERE n = 10")).toThrow(/never shortened/);
    expect(found(db)).toEqual([]);
  });

  it("verifies when it is empty, and when it is whole", () => {
    expect(found(openStore())).toEqual([]);
    const db = written();
    expect(found(db)).toEqual([]);
    expect(verifyAudit(db, auditHead(db))).toEqual([]);
  });
});

describe("a log that somebody changed", () => {
  it.each([
    "at_ms = 7",
    "who = 'nobody'",
    "what = 'delete'",
    "kind = 'route'",
    "object_id = 'x'",
    "object_name = 'x'",
    "before = '{}'",
    "after = NULL",
    "hash = previous",
  ])("is found by its row: %s", (set) => {
    const db = written();
    tamper(db, `UPDATE audit SET ${set} WHERE n = 4`);
    expect(found(db)[0]).toBe("4: row 4 was changed: its hash is not that of what it says.");
  });

  it.each([
    ["the first row", "DELETE FROM audit WHERE n = 1", "2: row 1 was removed."],
    ["a row", "DELETE FROM audit WHERE n = 5", "6: row 5 was removed."],
    ["three rows", "DELETE FROM audit WHERE n IN (5, 6, 7)", "8: rows 5 to 7 were removed."],
    ["the last rows", "DELETE FROM audit WHERE n > 8", "9: the last rows were removed: 9 to 10."],
    ["all rows", "DELETE FROM audit", "1: the last rows were removed: 1 to 10."],
  ])("is found where %s was removed", (_, sql, finding) => {
    const db = written();
    tamper(db, sql);
    expect(found(db)).toEqual([finding]);
  });

  it("is found where rows were removed and the others numbered anew", () => {
    const db = written();
    tamper(
      db,
      "DELETE FROM audit WHERE n = 5; UPDATE audit SET n = n - 1 WHERE n > 5; UPDATE audit_head SET n = 9",
    );
    expect(found(db)).toEqual([
      "5: row 5 was not written behind row 4: it was moved, or one between them removed.",
    ]);
  });

  it("is found where two rows changed places", () => {
    const db = written();
    tamper(
      db,
      "UPDATE audit SET n = 99 WHERE n = 3; UPDATE audit SET n = 3 WHERE n = 7; UPDATE audit SET n = 7 WHERE n = 99",
    );
    expect(found(db).map((one) => one.slice(0, 38))).toEqual([
      "3: row 3 was not written behind row 2:",
      "4: row 4 was not written behind row 3:",
      "7: row 7 was not written behind row 6:",
      "8: row 8 was not written behind row 7:",
    ]);
  });

  it("is found where the last rows went and the head with them, by a head that was noted", () => {
    const db = written();
    const noted = auditHead(db);
    tamper(
      db,
      "DELETE FROM audit WHERE n > 8; UPDATE audit_head SET (n, hash) = (SELECT n, hash FROM audit WHERE n = 8)",
    );
    expect(found(db)).toEqual([]);
    expect(verifyAudit(db, noted).map(({ what }) => what)).toEqual([
      "the last rows were removed: 9 to 10.",
    ]);
  });

  it("is found where another history was written, by a head that was noted", () => {
    const [db, other] = [written(), openStore()];
    const noted = auditHead(db);
    for (let i = 1; i <= 12; i++) made(other, "tag", i, { name: `other-${i}` });
    expect(verifyAudit(other)).toEqual([]);
    expect(verifyAudit(other, noted)).toEqual([
      { n: 10, what: "row 10 has another hash than was noted." },
    ]);
  });

  it("is found where the head names another row", () => {
    const db = written();
    tamper(db, "UPDATE audit_head SET hash = 'x'");
    expect(found(db)).toEqual(["10: row 10 is not the last one that was written (10)."]);
  });
});

describe("canonical JSON", () => {
  it("has one spelling, whatever the order of fields", () => {
    const one = { b: [1, { d: null, c: "ü\n" }], a: true, gone: undefined };
    const other = { a: true, b: [1, { c: "ü\n", d: null }] };
    expect(canonicalJson(one)).toBe('{"a":true,"b":[1,{"c":"ü\\n","d":null}]}');
    expect(canonicalJson(other)).toBe(canonicalJson(one));
  });
});
