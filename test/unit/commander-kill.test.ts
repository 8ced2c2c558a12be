// SPDX-License-Identifier: Apache-2.0
// Backup and restore, and `kill -9` at any moment of a change or of a restore: what was answered for is there,
// what was not is there as a whole or not at all, and the database and its audit log are sound.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { madeCode } from "../../host/commander/domain/code.ts";
import { activate, heard, revoke, rotate } from "../../host/commander/store/activations.ts";
import { auditHead, auditRows, verifyAudit } from "../../host/commander/store/audit.ts";
import { backUp, restore } from "../../host/commander/store/backup.ts";
import { insertCode, listCodes, readCode } from "../../host/commander/store/codes.ts";
import { Database } from "../../host/commander/store/database.ts";
import { listObjects } from "../../host/commander/store/listing.ts";
import { readNamed } from "../../host/commander/store/objects.ts";
import { readVersion } from "../../host/commander/store/site.ts";
import { keyPlace, readStlink } from "../../host/commander/store/stlinks.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { ROOT } from "../../scripts/run.ts";
import { idOf, keyOf } from "./commander-objects.ts";
import {
  ANNA,
  BEN,
  changed,
  closeStores,
  made,
  openStore,
  placeFor,
  refusalOf,
  removeStores,
} from "./commander-stores.ts";

afterEach(removeStores);

const ROUNDS = 5;
const LATEST_KILL_MS = 150;
const RULES = { uses: 1, expiry: "1d", sources: [], approval: false };
const SECRET_HASH = "5e".repeat(32);

function give(db: Database, codeId: string, stlinkId: string | null): void {
  const hashes = { codeId, secretHash: SECRET_HASH, ticketHash: SECRET_HASH };
  changed(db, (change) => {
    insertCode(
      change,
      madeCode(hashes, { profileId: null, stlinkId }, RULES, ANNA.atMs),
      new Uint8Array(32),
    );
  });
}

function show(db: Database, codeId: string, key: string, newId = idOf(9)) {
  const shown = { codeId, secretHash: SECRET_HASH, key };
  return changed(db, (change) => activate(change, shown, newId));
}

function isSound(db: Database): boolean {
  const check = db.get<{ integrity_check: string }>("PRAGMA integrity_check");
  return check?.integrity_check === "ok" && verifyAudit(db).length === 0;
}

/** Runs the writer until it has answered once, then kills it after so long. Returns its last answer. */
async function killed(args: readonly string[], afterMs: number): Promise<number> {
  const script = join(ROOT, "test/unit/commander-writer.ts");
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (output === "") setTimeout(() => child.kill("SIGKILL"), afterMs);
    output += text;
  });
  const [, signal] = await once(child, "close");
  expect(signal).toBe("SIGKILL");
  return Number(output.trim().split("\n").at(-1));
}

describe("kill -9", () => {
  it("in the middle of changes loses nothing that was answered for, and leaves no half of one", async () => {
    const prng = new Prng(7);
    const file = placeFor();
    for (let round = 0; round < ROUNDS; round++) {
      const answered = await killed(["write", file], prng.below(LATEST_KILL_MS));
      const db = new Database(file);
      expect(isSound(db)).toBe(true);
      const count = (sql: string) =>
        db.get<{ n: number }>(`SELECT count(*) AS n FROM ${sql}`)?.n ?? -1;
      const tags = count("objects WHERE kind = 'tag'");
      expect([tags % 3, tags / 3 >= answered]).toEqual([0, true]);
      expect(count("object_words WHERE object_words MATCH 'marks : mtag'")).toBe(tags);
      const stlinks = count("objects WHERE kind = 'stlink'");
      const uses = listCodes(db, { limit: 1_000_000 }).flatMap((code) => code.uses);
      // Each kill may have cut off what came behind a round's Tags.
      expect([stlinks >= answered - round, uses.length, count("keys")]).toEqual([
        true,
        stlinks,
        stlinks,
      ]);
      for (const { key, stlinkId } of uses) expect(readStlink(db, stlinkId)?.facts.key).toBe(key);
      db.close();
    }
  });

  it("in the middle of a restore leaves the old database or the new one", async () => {
    const prng = new Prng(8);
    const [file, backup] = [placeFor(), placeFor("backup.db")];
    const first = new Database(file);
    made(first, "tag", 1, { name: "kept" });
    backUp(first, backup);
    first.close();
    let epoch = 1;
    for (let round = 0; round < ROUNDS; round++) {
      const old = new Database(file);
      made(old, "tag", 2, { name: "later" });
      old.close();
      await killed(["restore", file, backup], prng.below(LATEST_KILL_MS));
      const db = new Database(file);
      expect(isSound(db)).toBe(true);
      expect(readNamed(db, "tag", "kept")).not.toBeNull();
      // Once at least it was whole, so the later Tag is gone, and the epoch above what it was.
      expect(readNamed(db, "tag", "later")).toBeNull();
      expect(readVersion(db).epoch).toBeGreaterThan(epoch);
      epoch = readVersion(db).epoch;
      db.close();
    }
  });
});

describe("a backup", () => {
  it("is a whole database of its owner's alone, made while the Commander runs", () => {
    const db = openStore();
    made(db, "tag", 1, { name: "hall" });
    const backup = placeFor("backup.db");
    backUp(db, backup);
    made(db, "tag", 2, { name: "yard" });
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    const copy = openStore(backup);
    expect(isSound(copy)).toBe(true);
    expect(listObjects(copy, { kind: "tag", text: "hall", limit: 5 }).items).toHaveLength(1);
    expect(readNamed(copy, "tag", "yard")).toBeNull();
  });

  it("is never written over a file that is there", () => {
    const db = openStore();
    const backup = placeFor("backup.db");
    writeFileSync(backup, "precious");
    expect(refusalOf(() => backUp(db, backup))[0]?.sentence).toMatch(
      /is there already, and nothing is overwritten/,
    );
    expect(readFileSync(backup, "utf8")).toBe("precious");
    expect(refusalOf(() => backUp(db, `${backup}/x/y`))[0]?.code).toBe("StoreUnusable");
  });
});

describe("a restore", () => {
  /** A database with a Tag, its backup, and a later Tag that is not in the backup. */
  function places(): { file: string; backup: string } {
    const [file, backup] = [placeFor(), placeFor("backup.db")];
    const db = new Database(file);
    made(db, "tag", 1, { name: "kept" });
    give(db, "c1".repeat(8), null);
    show(db, "c1".repeat(8), keyOf(1), idOf(7));
    give(db, "c2".repeat(8), null);
    const psk = new Uint8Array(32).fill(5);
    db.run("INSERT INTO hop_psks VALUES (?, ?, ?)", idOf(7), keyOf(97), psk);
    backUp(db, backup);
    made(db, "tag", 2, { name: "later" });
    db.close();
    return { file, backup };
  }

  const restored = (
    { file, backup }: { file: string; backup: string },
    newestEpoch = 0,
  ): Database => {
    closeStores();
    restore(backup, file, { by: BEN, newestEpoch });
    return openStore(file);
  };

  const hopPsks = (db: Database) => db.all("SELECT 1 FROM hop_psks").length;

  it("brings back what administrators made, above every epoch, and is in the log", () => {
    const both = places();
    const old = new Database(both.file);
    const [head, serial] = [auditHead(old), String(readVersion(old).serial)];
    old.close();
    const db = restored(both);
    expect([readNamed(db, "tag", "kept") !== null, readNamed(db, "tag", "later")]).toEqual([
      true,
      null,
    ]);
    expect(readVersion(db).epoch).toBe(2);
    expect(auditRows(db, { limit: 1 })[0]).toMatchObject({
      ...{ ...BEN, what: "restore", kind: "site" },
      before: { epoch: 1, serial, audit: head },
      after: { epoch: 2 },
    });
    expect(isSound(db)).toBe(true);
    expect(statSync(both.file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(both.file)).sort()).not.toContain("commander.db.restoring");
    expect(readVersion(restored(both)).epoch).toBe(3);
    expect(readVersion(restored(both, 40)).epoch).toBe(41);
  });

  it("voids open codes, and keeps the answer of who has used one", () => {
    const db = restored(places());
    expect(hopPsks(db)).toBe(1);
    expect(show(db, "c2".repeat(8), keyOf(2))).toMatchObject({
      answer: "refused",
      reason: "Revoked",
    });
    expect(show(db, "c1".repeat(8), keyOf(1))).toMatchObject({ answer: "again" });
    expect(readCode(db, "c1".repeat(8))?.revokedAtMs).toBeNull();
  });

  it("does not bring a key back: not a revoked, a rotated or a replaced one", () => {
    const both = places();
    const old = new Database(both.file);
    changed(old, (change) => rotate(change, idOf(7), keyOf(11)));
    changed(old, (change) => heard(change, idOf(7), keyOf(11)));
    old.close();
    const rotated = restored(both);
    expect(readStlink(rotated, idOf(7))?.facts).toMatchObject({ key: keyOf(11), keyEpoch: 2 });
    expect(keyPlace(rotated, keyOf(1))?.isSpent).toBe(true);
    // Without it the STLink would never get in again.
    expect(hopPsks(rotated)).toBe(1);
    changed(rotated, (change) => revoke(change, idOf(7)));
    const revoked = restored(both);
    expect(readStlink(revoked, idOf(7))?.facts).toMatchObject({
      key: null,
      revokedAtMs: ANNA.atMs,
    });
    expect(hopPsks(revoked)).toBe(0);
    give(revoked, "c3".repeat(8), null);
    for (const key of [keyOf(1), keyOf(11)]) {
      expect(show(revoked, "c3".repeat(8), key)).toMatchObject({ reason: "Revoked" });
    }
  });

  it("does not admit a key that came after the backup", () => {
    const both = places();
    const old = new Database(both.file);
    show(old, "c2".repeat(8), keyOf(2), "2".repeat(32));
    old.close();
    const db = restored(both);
    give(db, "c3".repeat(8), null);
    expect(show(db, "c3".repeat(8), keyOf(2))).toMatchObject({ reason: "Revoked" });
  });

  it("works where the database is gone or damaged", () => {
    for (const spoil of [
      (file: string) => writeFileSync(file, Buffer.alloc(8192, 0x5a)),
      (file: string) => writeFileSync(file, ""),
    ]) {
      const both = places();
      spoil(both.file);
      const db = restored(both, 5);
      expect([readNamed(db, "tag", "kept") !== null, readVersion(db).epoch]).toEqual([true, 6]);
    }
    const elsewhere = { ...places(), file: placeFor("new.db") };
    expect(readNamed(restored(elsewhere), "tag", "kept")).not.toBeNull();
  });

  it("of a bad backup, or while the database is open, is refused and changes nothing", () => {
    const both = places();
    const bad = placeFor("bad.db");
    const broken = Buffer.from(readFileSync(both.backup)).fill(0x5a, 4096, 40_000);
    writeFileSync(bad, broken, { mode: 0o600 });
    const refused = (backup: string) =>
      refusalOf(() => restore(backup, both.file, { by: BEN, busyMs: 50 }))[0];
    expect(refused(bad)?.code).toBe("StoreDamaged");
    expect(refused(`${bad}-no`)?.sentence).toMatch(/is not there: check the path/);
    const raw = new DatabaseSync(both.backup);
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    expect(refused(both.backup)?.code).toBe("StoreNewer");
    const holder = new DatabaseSync(both.file);
    holder.exec("BEGIN; SELECT * FROM site");
    const other = places();
    expect(
      refusalOf(() => restore(other.backup, both.file, { by: BEN, busyMs: 50 }))[0]?.code,
    ).toBe("StoreLocked");
    holder.close();
    expect(existsSync(`${both.file}.restoring`)).toBe(false);
    const db = openStore(both.file);
    expect([readNamed(db, "tag", "later") !== null, readVersion(db).epoch]).toEqual([true, 1]);
  });
});
