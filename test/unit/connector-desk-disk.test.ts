// SPDX-License-Identifier: Apache-2.0
// What a Connector keeps of its Commanders' admissions: it is there after a restart, whole after `kill -9`,
// and a file that can't be used is named in one sentence, with what to do. PROTOCOL 9.1; rule T9.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { AdmissionStore } from "../../host/connector/admissions/store.ts";
import { guarded } from "../../host/connector/admissions/store-failures.ts";
import { Reason } from "../../host/core/abi.gen.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { AppError } from "../../host/service/app-error.ts";
import { ROOT } from "../../scripts/run.ts";
import { person } from "./connector-world.ts";
import {
  change,
  commit,
  customer,
  DeskWorld,
  endWorlds,
  LIST,
  member,
  newFolder,
  pair,
} from "./desk-world.ts";

afterEach(endWorlds);

const PACKET = 500;
const ROUNDS = 5;
const LATEST_KILL_MS = 150;
const operator = person("commander");
const office = person("office");
const camera = person("camera");

async function withPair() {
  const world = await DeskWorld.open(operator);
  const commander = world.commander(operator);
  commander.say(LIST, member(office), member(camera), pair(office, camera), commit(1));
  return { world, commander, file: join(world.folder, "admissions.db") };
}

/** The code and the sentence with which a Connector does not start; the folder's path is left out. */
function refusalIn(folder: string): string {
  try {
    new DeskWorld(operator, folder);
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message.replaceAll(folder, ".")}`;
    throw error;
  }
  throw new Error("it has started");
}

describe("a restart", () => {
  it("finds everything in force without any Commander", async () => {
    const { world, commander } = await withPair();
    const [boss, oven] = [person("bakery"), person("oven")];
    commander.say(change(1), customer(boss), commit(2));
    world.commander(boss).say(LIST, member(oven), commit(7));
    world.stop();
    const again = await DeskWorld.open(operator, world.folder);
    const [from, to] = [again.dial(office), again.dial(camera)];
    to.allow(1_000_000);
    from.send(camera, PACKET);
    again.run(50);
    expect([to.bytesHeard(office), again.dial(oven).isUp]).toEqual([PACKET, true]);
    expect([again.commander(operator).holds, again.commander(boss).holds]).toEqual(["1.2", "1.7"]);
  });

  it("with another Commander in the file admits nobody of the first one's, and keeps it", async () => {
    const { world } = await withPair();
    world.stop();
    const other = await DeskWorld.open(person("other"), world.folder);
    expect(other.dial(office).endReason).toBe(Reason.NotAdmitted);
    other.stop();
    const again = await DeskWorld.open(operator, world.folder);
    expect(again.dial(office).isUp).toBe(true);
  });
});

describe("kill -9 in the midst of changes", () => {
  it("leaves the version before or the one after, whole, and never less than was answered for", async () => {
    const prng = new Prng(11);
    const folder = newFolder();
    for (let round = 0; round < ROUNDS; round++) {
      const answered = await killed(folder, prng.below(LATEST_KILL_MS));
      const store = new AdmissionStore(folder);
      const { version, entries } = store.load("11".repeat(16));
      store.close();
      const serial = Number(version.serial);
      expect([serial >= answered, entries.length]).toEqual([true, 3 * serial]);
    }
  });
});

/** Runs the writer until it has answered once, then kills it after so long. Returns its last answer. */
async function killed(folder: string, afterMs: number): Promise<number> {
  const script = join(ROOT, "test/unit/desk-writer.ts");
  const child = spawn(process.execPath, [script, folder], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (output === "") setTimeout(() => child.kill("SIGKILL"), afterMs);
    output += text;
  });
  const [, signal] = await once(child, "close");
  expect(signal).toBe("SIGKILL");
  return Number(output.trim().split("\n").at(-1));
}

describe("a file of admissions", () => {
  it("is its owner's alone", async () => {
    const { world, file } = await withPair();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    world.stop();
    chmodSync(file, 0o644);
    expect(refusalIn(world.folder)).toBe(
      "BadKeyFile: ./admissions.db holds secrets and others may read it: chmod 600 ./admissions.db",
    );
  });

  it("that is held by another process keeps the version in force, and the log says so", async () => {
    const { world, commander, file } = await withPair();
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    commander.say(change(1), { type: "REMOVE", id: office.id }, commit(2));
    expect([commander.holds, world.dial(office).isUp]).toEqual(["1.1", true]);
    expect(world.told("is held by another process: nothing was changed")).toHaveLength(1);
    other.exec("ROLLBACK");
    other.close();
    commander.say(change(1), { type: "REMOVE", id: office.id }, commit(2));
    expect([commander.holds, world.dial(office).endReason]).toEqual(["1.2", Reason.NotAdmitted]);
  });

  it("that is held by another process at the start is named", async () => {
    const { world, file } = await withPair();
    world.stop();
    const other = new DatabaseSync(file);
    other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; DELETE FROM entries");
    expect(refusalIn(world.folder)).toMatch(/^AlreadyRunning: .* Stop the other one\.$/);
    other.close();
  });

  it("on a full disk says what is to be done", () => {
    const db = new DatabaseSync(":memory:");
    db.exec("CREATE TABLE t (x BLOB); PRAGMA max_page_count = 2");
    const fill = () => guarded("a.db", () => db.exec("INSERT INTO t VALUES (zeroblob(100000))"));
    expect(fill).toThrow("a.db has no room on its disk: nothing was changed. Make room.");
    db.close();
  });

  it("that is damaged, of another program or of a newer Connector stays as it is, with a sentence each", () => {
    const folder = newFolder();
    const file = join(folder, "admissions.db");
    writeFileSync(file, "this is no database at all, and long enough", { mode: 0o600 });
    expect(refusalIn(folder)).toMatch(/^BadFile: \.\/admissions\.db is damaged.*move it away/);
    const other = newFolder();
    const theirs = join(other, "admissions.db");
    writeFileSync(theirs, "", { mode: 0o600 });
    const db = new DatabaseSync(theirs);
    db.exec("CREATE TABLE things (x)");
    expect(refusalIn(other)).toMatch(/^BadFile: .* belongs to another program/);
    db.exec(`DROP TABLE things; PRAGMA application_id = ${0x53_43_61_64}; PRAGMA user_version = 2`);
    expect(refusalIn(other)).toMatch(
      /^BadFile: .* is of a newer Connector \(2; this one knows 1\)/,
    );
    expect(db.prepare("PRAGMA user_version").get()).toEqual({ user_version: 2 });
    db.close();
  });

  it("with an entry that is none says which", async () => {
    const { world, file } = await withPair();
    world.stop();
    const db = new DatabaseSync(file);
    db.exec("UPDATE entries SET message = x'8300' WHERE type = 'PAIR'");
    db.close();
    expect(refusalIn(world.folder)).toMatch(/^BadFile: .* has an entry that is none \(PAIR /);
  });
});
