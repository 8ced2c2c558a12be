// SPDX-License-Identifier: Apache-2.0
// A Commander that is killed, put back, or has a database that can't be written: what it has answered for is there,
// what it could not write it has not answered, and it goes on by itself. Rules T9, T10.

import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { Refusal } from "../../host/commander/domain/problem.ts";
import { CommanderSite } from "./commander-site.ts";

let site: CommanderSite;

afterEach(() => site.end());

/** Puts something into the database, until there is no room. */
function fill(): void {
  try {
    site.make("tag", { name: `t${site.newId()}`, description: "x".repeat(900) });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

/** All that a closed database's log holds stands in its file, and nobody has it open. */
function writeBack(file: string): void {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

describe("a Commander that was killed", () => {
  it("finds everybody again within seconds, and tells them what changed meanwhile", async () => {
    site = new CommanderSite("killed").start();
    const { came, client } = await site.talkingSite();
    await site.pass(5000);
    site.kill();
    await site.pass(2000);
    site.openDatabase();
    site.edit("profile", "default", { lease: "3d" });
    site.start();
    await site.until(() => site.isCurrent("office") && site.isCurrent("camera"), "current", 10_000);
    client.send(" after");
    await site.until(() => came[0]?.text === "hello after", "bytes come through");
  });

  it("has nobody here until a Connector has named them, and those who have gone stay away", async () => {
    site = new CommanderSite("nobody here").start();
    const { camera } = await site.pairedSite();
    await site.pass(500);
    site.kill();
    await camera.stop();
    await site.pass(1000);
    site.openDatabase();
    expect(site.stlink("camera").facts.isConnected).toBe(true);
    site.start();
    expect(site.stlink("office").facts.isConnected).toBe(false);
    await site.until(() => site.stlink("office").facts.isConnected, "one is here");
    await site.pass(2000);
    expect(site.stlink("camera").facts.isConnected).toBe(false);
  });

  it("leaves half a deployment, which the next one finishes", async () => {
    site = new CommanderSite("half a deployment").start();
    await site.pairedSite();
    site.desk.heldBack = [];
    site.edit("route", "camera-service", { port: 9007 });
    await site.pass(100);
    site.kill();
    site.desk.letPass();
    site.start();
    await site.current("office", "camera");
  });
});

describe("a database from yesterday", () => {
  it("that was put back by hand confirms nothing, and counts who holds something newer", async () => {
    site = new CommanderSite("yesterday").start();
    await site.pairedSite();
    site.kill();
    const file = join(site.path, "commander.db");
    writeBack(file);
    copyFileSync(file, `${file}.yesterday`);
    site.start();
    site.edit("profile", "default", { lease: "3d" });
    await site.current("office", "camera");
    site.kill();
    writeBack(file);
    copyFileSync(`${file}.yesterday`, file);
    site.start();
    await site.until(() => site.control.newer === 2, "both are counted", 20_000);
    expect(site.told("this database has not made").length).toBe(2);
    const { confirmed } = site.stlink("office").facts;
    await site.pass(1000);
    expect(site.stlink("office").facts.confirmed).toEqual(confirmed);
    site.edit("profile", "default", { lease: "5d" });
    site.edit("profile", "default", { lease: "6d" });
    await site.until(() => site.control.newer === 0, "they are its own again");
  });
});

describe("a database that can't be written", () => {
  it("answers nothing that is not on disk, says it, and goes on when it can", async () => {
    site = new CommanderSite("locked").start();
    const { office } = await site.pairedSite();
    const other = new DatabaseSync(join(site.path, "commander.db"));
    other.exec("BEGIN IMMEDIATE");
    office.command("rotate");
    await site.pass(10_000);
    expect(site.told("can't publish a key").length).toBeGreaterThan(0);
    expect(site.told("can't publish a key").length).toBeLessThan(3);
    other.exec("ROLLBACK");
    other.close();
    await site.until(() => site.stlink("office").facts.keyEpoch === 2, "the new key counts");
  });

  it("whose disk is full goes on when there is room", async () => {
    site = new CommanderSite("full").start();
    const { office } = await site.pairedSite();
    await site.pass(1000);
    const most = site.db.get<{ max_page_count: number }>("PRAGMA max_page_count")?.max_page_count;
    const pages = site.db.get<{ page_count: number }>("PRAGMA page_count")?.page_count;
    site.db.exec(`PRAGMA max_page_count = ${pages}`);
    for (let i = 0; i < 30; i++) fill();
    office.command("rotate");
    await site.until(() => site.told("has no room on its disk").length > 0, "it is said");
    expect(site.told("has no room on its disk").length).toBeGreaterThan(0);
    site.db.exec(`PRAGMA max_page_count = ${most}`);
    await site.until(() => site.stlink("office").facts.keyEpoch === 2, "the new key counts");
    await site.current("office", "camera");
  });

  it("activates nobody meanwhile, and once afterwards", async () => {
    site = new CommanderSite("locked at activation").start();
    const id = site.make("stlink", { name: "camera", description: "" });
    const code = site.invite({}, id);
    await site.settled();
    const other = new DatabaseSync(join(site.path, "commander.db"));
    other.exec("BEGIN IMMEDIATE");
    const camera = site.member("camera").give(code).start();
    await site.until(() => site.told("can't activate an STLink").length > 0, "it is said");
    expect(camera.version).toBeNull();
    other.exec("ROLLBACK");
    other.close();
    await site.until(() => site.isCurrent("camera"), "it is activated");
    expect(site.audited("activate")).toHaveLength(1);
  });
});
