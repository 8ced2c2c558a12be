// SPDX-License-Identifier: Apache-2.0
// A real `sealed up` to which the worst happens while two STLinks talk: `kill -9` in the middle of writes, of
// deployments and of activations, at seeded moments; a database that another process holds, a disk without room; a
// backup that is brought back; and whoever looks through all of its files for a code's secret. What was answered for is
// there, and no connection that is allowed notices. Rules T5, T7, T9. Before it: talking-site.ts.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { blake2s } from "@noble/hashes/blake2.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Prng } from "../../host/net/sim/prng.ts";
import { fromBase32 } from "../../host/service/base32.ts";
import type { Log } from "../../host/service/log.ts";
import { type RunningCommanded, startCommanded } from "../../host/stlink/commanded.ts";
import { StateFolder } from "../../host/stlink/state-folder.ts";
import { decodeCode } from "../reference/activation.ts";
import { CutLine } from "./cut-line.ts";
import { buildForDemo } from "./demo-tools.ts";
import { endAll, makeFolder } from "./sealed-tools.ts";
import { closeAll } from "./services.ts";
import { SmallDisk } from "./small-disk.ts";
import { TalkingSite } from "./talking-site.ts";
import { type Inside, type MadeCode, UpSite, until } from "./up-site.ts";

const ROUNDS = 3;
/** Four at once share the processors. */
const OWN_MS = 600_000;
const WRITERS = 3;
/** That show a code when the Commander is killed. */
const DEVICES = 2;
const LATEST_KILL_MS = 250;
/** A deployment is answered, and told to two STLinks, within this. */
const DEPLOYMENT_MS = 120;
const DISK_BYTES = 12 << 20;
/** Until a disk that was filled has no room: what a log had reserved is used first. */
const WRITES_MOST = 5000;
const REFUSED_IN_A_ROW = 3;
const LONG = "x".repeat(900);
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

let place: TalkingSite;

beforeAll(async () => {
  await buildForDemo();
  place = await TalkingSite.start();
});
afterAll(async () => {
  await endAll();
  await closeAll();
});

async function expectSound(site: UpSite): Promise<void> {
  expect(await site.sealed("audit", "verify")).toMatch(/is as it was written/);
}

async function tagNames({ site }: TalkingSite): Promise<string[]> {
  const names: string[] = [];
  let next: string | null = "";
  while (next !== null) {
    const cursor: string = next === "" ? "" : `&cursor=${next}`;
    type Page = { items: { name: string }[]; next: string | null };
    const page: Page = await site.ask("GET", `/tags?limit=500${cursor}`);
    names.push(...page.items.map(({ name }) => name));
    next = page.next;
  }
  return names;
}

describe("kill -9", () => {
  it("in the middle of writes loses nothing that was answered for, and no connection", async () => {
    const prng = new Prng(1);
    const asked = new Set<string>();
    const answered = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const write = async (writer: number) => {
        for (let i = 0; ; i++) {
          const name = `t-${round}-${writer}-${i}`;
          asked.add(name);
          await place.site.ask("POST", "/tags", { name, description: LONG });
          answered.add(name);
        }
      };
      const before = answered.size;
      const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer).catch(() => {}));
      await until(() => answered.size > before, "something is answered");
      await pause(prng.below(LATEST_KILL_MS));
      await place.site.kill();
      await Promise.all(writers);
      await place.site.up();
      const names = new Set(await tagNames(place));
      expect([...answered].filter((name) => !names.has(name))).toEqual([]);
      expect([...names].filter((name) => !asked.has(name))).toEqual([]);
    }
    await expectSound(place.site);
    await place.goesOn();
  });
});

describe("a database", () => {
  it("that another process holds changes nothing, says so, and holds up no STLink", async () => {
    const { site } = place;
    const before = await tagNames(place);
    const other = new DatabaseSync(site.database);
    other.exec("BEGIN IMMEDIATE");
    const refused = await site.tried("tag", "add", "meanwhile");
    expect(refused.err).toMatch(
      /The database .* is held by another process: nothing was changed\. Try again/,
    );
    expect(refused.code).toBe(19);
    expect(await tagNames(place)).toEqual(before);
    await place.goesOn();
    await site.kill();
    const again = await site.tried("up", "site");
    expect(again.err).toMatch(/is held by another process/);
    expect(again.code).toBe(19);
    other.exec("ROLLBACK");
    other.close();
    await site.up();
    expect(await tagNames(place)).toEqual(before);
    await site.sealed("tag", "add", "meanwhile");
    await place.goesOn();
  });
});

describe("a code", () => {
  it("has its secret in none of the site's files, before and after its use", async () => {
    const { site } = place;
    const code = await site.json<MadeCode>("code", "add", "--profile", "default");
    const { secret } = decodeCode(fromBase32(code.text) ?? new Uint8Array(0));
    const bytes = Buffer.from(secret);
    const hash = Buffer.from(blake2s(secret)).toString("hex");
    const forms = [bytes, bytes.toString("hex"), bytes.toString("base64"), code.text];
    const findings = () =>
      filesIn(join(site.folder, "site")).flatMap((file) => {
        const whole = readFileSync(file);
        return forms.filter((form) => whole.includes(form)).map((form) => [file, form]);
      });
    await site.sealed("backup");
    expect(findings()).toEqual([]);
    expect(await site.activate("shown", code.text)).toMatchObject({ code: 0 });
    await site.sealed("backup");
    expect(findings()).toEqual([]);
    const [row] = site.rows<{ body: string }>("SELECT body FROM codes WHERE code_id = ?", code.id);
    expect(row?.body).toContain(hash);
  });
});

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

const refusal = await SmallDisk.refusal();
if (refusal !== null) console.log(`no disk can be made here, a test is skipped: ${refusal}`);

/** Side by side: most of their time is waiting. */
describe.concurrent("a site of its own", { timeout: OWN_MS }, () => {
  it("that is killed in the middle of a deployment leaves STLinks the old version or the new one", async () => {
    const own = await TalkingSite.start();
    const prng = new Prng(2);
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const isWide = round % 2 === 0;
      await own.settled();
      const before = await own.held();
      const deployed = own.deploy(isWide).then(
        () => true,
        () => false,
      );
      await pause(prng.below(DEPLOYMENT_MS));
      await own.site.kill();
      const wasAnswered = await deployed;
      const held = await own.held();
      await own.site.up();
      const version = await own.version();
      for (const [i, { configuration, routes }] of held.entries()) {
        const isNew = configuration !== before[i]?.configuration;
        expect(routes).toEqual(isNew ? own.routesOf(i, isWide) : before[i]?.routes);
        if (isNew) expect(configuration).toMatch(new RegExp(`^${version} `));
        seen.add(isNew ? "new" : "old");
      }
      const isThere = await own.isWide();
      if (wasAnswered) expect(isThere).toBe(isWide);
      await own.settled();
      const routes = (await own.held()).map((one) => one.routes);
      expect(routes).toEqual([0, 1].map((i) => own.routesOf(i, isThere)));
    }
    console.log(`what STLinks had when the Commander was killed: ${[...seen].join(", ")}`);
    await expectSound(own.site);
    await own.goesOn();
  });

  it("that is killed in the middle of activations has each device activated, once", async () => {
    const site = await UpSite.start();
    const { id } = await site.json<{ id: string }>("profile", "add", "devices");
    const whole = new Device(site);
    await whole.start(id);
    await whole.done();
    const prng = new Prng(3);
    const devices: Device[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const way = prng.pick(["up", "down"] as const);
      const bytes = 1 + prng.below(whole.passed[way]);
      const some = Array.from({ length: DEVICES }, () => new Device(site));
      await Promise.all(some.map((device) => device.start(id)));
      devices.push(...some);
      while (!some.some(({ passed }) => passed[way] >= bytes)) await pause(1);
      // Those of the rounds before may be killed once more.
      await site.kill();
      await site.up();
    }
    const ids = await Promise.all(devices.map((device) => device.done()));
    expect(new Set(ids).size).toBe(devices.length);
    const uses = site.rows<{ n: number }>(
      "SELECT json_array_length(body, '$.uses') AS n FROM codes WHERE profile_id = ?",
      id,
    );
    expect(uses.map(({ n }) => n)).toEqual(Array(devices.length + 1).fill(1));
    const stlinks = site.count("SELECT count(*) AS n FROM stlink_facts");
    expect(stlinks).toBe(devices.length + 1);
    await expectSound(site);
  });

  it("is restored after kill -9: nothing of the backup is missing, no STLink refuses it", async () => {
    const own = await TalkingSite.start();
    const { site } = own;
    await own.deploy(true);
    const kept = await site.sealed("export");
    const { name } = await site.json<{ name: string }>("backup");
    await own.deploy(false);
    await own.settled();
    for (const { configuration } of await own.held()) expect(configuration).toMatch(/^1\.\d+ /);
    await site.kill();
    await site.sealed("restore", join("site", "backups", name), "site");
    await site.up();
    await own.settled();
    expect(await site.sealed("export")).toBe(kept);
    for (const [i, { configuration, routes, refused }] of (await own.held()).entries()) {
      expect([routes, refused]).toEqual([own.routesOf(i, true), null]);
      expect(configuration).toMatch(/^2\.\d+ /);
    }
    await expectSound(site);
    await own.goesOn();
  });

  it.skipIf(refusal !== null)(
    "whose disk has no room loses nothing that was answered for, says so, and STLinks go on",
    async () => {
      const folder = makeFolder();
      const disk = await SmallDisk.make(join(folder, "site"), DISK_BYTES);
      const inside: Inside = (command) => disk.inside(command, folder);
      const own = await TalkingSite.start({ folder, root: disk.root, inside });
      disk.fill();
      const answered = await writtenUntilFull(own);
      disk.fill();
      const refused = await own.site.tried("tag", "add", "late", "--description", LONG);
      expect(refused.err).toMatch(/The database .* has no room on its disk: nothing was changed/);
      expect(refused.code).toBe(19);
      expect(await tagNames(own)).toEqual(answered);
      await own.goesOn();

      await own.site.kill();
      const again = await own.site.tried("up", "site");
      expect([again.code, again.err]).toEqual([19, expect.stringMatching(/no room on its disk/)]);
      disk.makeRoom();
      await own.site.up();
      expect(await tagNames(own)).toEqual(answered);
      await own.site.sealed("tag", "add", "late", "--description", LONG);
      await own.deploy(true);
      await own.settled();
      await expectSound(own.site);
      await own.goesOn();
      await own.site.kill();
      await disk.close();
    },
  );
});

let deviceCount = 0;

/** An STLink in this process that is activated with a code of its own. */
class Device {
  readonly #site: UpSite;
  #line: CutLine | null = null;
  #running: RunningCommanded | null = null;

  constructor(site: UpSite) {
    this.#site = site;
  }

  /** Bytes of its first connection. */
  get passed(): { up: number; down: number } {
    return this.#line?.first ?? { up: 0, down: 0 };
  }

  async start(profileId: string): Promise<void> {
    const { text } = await this.#site.ask<MadeCode>("POST", `/profiles/${profileId}/codes`);
    await this.#site.published();
    this.#line = await CutLine.start(this.#site.connectorPort, null);
    const folder = StateFolder.make(join(this.#site.folder, `device-${deviceCount++}`));
    folder.save("code", text);
    this.#running = startCommanded({ folder, log: SILENT, world: this.#line.world });
  }

  /** Its id, once the Commander knows that it has its configuration. */
  async done(): Promise<string> {
    const id = (await this.#running?.activated) ?? "";
    await this.#site.confirmed(id);
    await this.#running?.stop();
    this.#line?.stop();
    return id;
  }
}

/** The names that were answered for, in the order of lists. */
async function writtenUntilFull({ site }: TalkingSite): Promise<string[]> {
  const answered: string[] = [];
  for (let i = 0, refused = 0; refused < REFUSED_IN_A_ROW; i++) {
    if (i === WRITES_MOST) throw new Error("the disk is never full");
    const name = `t-${String(i).padStart(4, "0")}`;
    try {
      await site.ask("POST", "/tags", { name, description: LONG });
      answered.push(name);
      refused = 0;
    } catch (error) {
      expect(String(error)).toContain("507");
      refused++;
    }
  }
  return answered;
}
