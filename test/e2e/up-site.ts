// SPDX-License-Identifier: Apache-2.0
// A site as its owner makes it with `sealed up`, and STLinks of it: every step is a command, each process may be
// on a host of its own. Before it: commander-*.test.ts, the shows of a Commander, the bench. After it:
// sealed-tools.ts, whose `endAll` ends the processes. What a test waits for it reads in the database and on status
// sockets, which lie in the file system for all hosts.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { askSocket } from "../../host/cli/status-socket.ts";
import type { StlinkFacts } from "../../host/commander/domain/stlink.ts";
import type { StlinkStatus } from "../../host/stlink/status.ts";
import { freePort } from "./free-port.ts";
import { type Ended, makeFolder, SealedProcess, type Surroundings } from "./sealed-tools.ts";

export type Inside = NonNullable<Surroundings["inside"]>;

export type UpOptions = {
  /** Where the Connector listens, `host:port`; a free port of loopback when absent. */
  listen?: string;
  /** Where STLinks find it, where that is another place. */
  address?: string;
  /** The host of the Commander, the Connector and whoever commands. */
  inside?: Inside;
  /** Where everything lies; a folder of its own when absent. */
  folder?: string;
  /** Where the user's configuration lies; with everything else when absent. */
  config?: string;
  /** Where this process finds the root of that host, which may have disks of its own. */
  root?: string;
};

/** What `sealed code add` and `sealed stlink code` say, as JSON. */
export type MadeCode = { id: string; text: string };

export type AuditLine = {
  n: number;
  who: string;
  what: string;
  kind: string;
  id: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
};

const SITE = "site";
const WAIT_MS = 60_000;
const LOOK_MS = 50;

export class UpSite {
  /** Everything: the Commander's folder, and a state folder for each STLink. */
  readonly folder: string;
  readonly #options: UpOptions & { listen: string };
  readonly #apiPort: number;
  #process: SealedProcess | null = null;

  private constructor(options: UpOptions & { listen: string }, apiPort: number) {
    this.folder = options.folder ?? makeFolder();
    this.#options = options;
    this.#apiPort = apiPort;
  }

  /** Makes the site; its API answers. */
  static async start(options: UpOptions = {}): Promise<UpSite> {
    const { listen = `127.0.0.1:${await freePort()}` } = options;
    const site = new UpSite({ ...options, listen }, await freePort());
    await site.up();
    return site;
  }

  /** Starts it, also again after it has ended; all that it says at first is printed. */
  async up(): Promise<SealedProcess> {
    const { listen, address } = this.#options;
    const found = address === undefined ? [] : ["--address", address];
    const places = ["--listen", listen, ...found, "--api", String(this.#apiPort)];
    this.#process = this.#run(["up", SITE, ...places]);
    await this.#process.printed(/^(Next,|Who is here:)/m);
    return this.#process;
  }

  get pid(): number {
    return this.process.child.pid ?? 0;
  }

  get connectorPort(): number {
    return Number(this.#options.listen.split(":").at(-1));
  }

  get process(): SealedProcess {
    if (this.#process === null) throw new Error("the site is not up");
    return this.#process;
  }

  get database(): string {
    return this.#file("commander.db");
  }

  /** As `kill -9`. */
  async kill(): Promise<void> {
    await this.process.end("SIGKILL");
  }

  /** What a command to the Commander has printed. Rejects with what it said where it fails. */
  async sealed(...args: string[]): Promise<string> {
    const { code, out, err } = await this.tried(...args);
    if (code !== 0) throw new Error(`sealed ${args.join(" ")} ended with ${code}: ${err}`);
    return out;
  }

  /** How a command to the Commander ended. */
  tried(...args: string[]): Promise<Ended> {
    return this.#run(args).ended();
  }

  /** The same, with more in its environment. */
  triedAs(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
    return this.#at(args, { env }).ended();
  }

  /** The answer for scripts. */
  async json<Answer = Record<string, unknown>>(...args: string[]): Promise<Answer> {
    return JSON.parse(await this.sealed(...args, "--json"));
  }

  /** What the API answers, where that is on this host: for things by the hundred, and for exact times. */
  async ask<Answer>(method: string, path: string, body?: object, version?: number) {
    const token = readFileSync(this.#file("admin.token"), "utf8").trim();
    const response = await fetch(`http://127.0.0.1:${this.#apiPort}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { "content-type": "application/json" }),
        ...(version && { "if-match": `"${version}"` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Answer;
  }

  /** A new STLink of this name, and the text of its code. */
  async invite(name: string, ...fields: string[]): Promise<string> {
    await this.sealed("stlink", "add", name, ...fields);
    return (await this.json<MadeCode>("stlink", "code", name)).text;
  }

  /** The audit log of an object, the newest first. */
  history(id: string): Promise<AuditLine[]> {
    return this.json("audit", "list", "--object", id, "--limit", "500");
  }

  /** `sealed stlink activate` in a folder of this name; the code comes on standard input. */
  activate(name: string, code: string, inside?: Inside): Promise<Ended> {
    const args = ["stlink", "activate", "-", "--state", name];
    return this.#at(args, { input: code, ...(inside && { inside }) }).ended();
  }

  /** `sealed stlink run --state`. */
  run(name: string, inside?: Inside): SealedProcess {
    return this.#at(["stlink", "run", "--state", name], inside && { inside });
  }

  /** Invited, activated and running; `fields`: options of `sealed stlink add`. */
  async join(name: string, options: { inside?: Inside; fields?: string[] } = {}) {
    const { inside, fields = [] } = options;
    const text = await this.invite(name, ...fields);
    const { code, err } = await this.activate(name, text, inside);
    if (code !== 0) throw new Error(err);
    const running = this.run(name, inside);
    await running.logged("hop up");
    return running;
  }

  /** What the Commander knows of an STLink by name. */
  facts(name: string): StlinkFacts & { id: string } {
    const [row] = this.rows<{ id: string; facts: string }>(
      "SELECT id, facts FROM objects JOIN stlink_facts USING (id) WHERE name = ?",
      name,
    );
    if (row === undefined) throw new Error(`no STLink ${name}`);
    return { ...JSON.parse(row.facts), id: row.id };
  }

  /** The name of the first STLink of which the Commander knows this, once there is one. */
  someStlink(isSo: (facts: StlinkFacts) => boolean): Promise<string> {
    const look = () => {
      const sql = "SELECT name, facts FROM objects JOIN stlink_facts USING (id) ORDER BY seq";
      const rows = this.rows<{ name: string; facts: string }>(sql);
      return rows.find(({ facts }) => isSo(JSON.parse(facts)))?.name;
    };
    return until(look, "an STLink of which that is so");
  }

  /** Waits until the Connector holds the codes of now: before, it does not know one that is good. For this host. */
  async published(): Promise<void> {
    type Answer = { connectors: { isCurrent: boolean }[] };
    const isCurrent = async () => {
      const { connectors } = await this.ask<Answer>("GET", "/site");
      return connectors.every((one) => one.isCurrent);
    };
    await until(isCurrent, "the Connector holds what concerns it");
  }

  /** Waits until these STLinks, or all, have confirmed the configuration that each is to have. */
  async settled(...some: string[]): Promise<void> {
    type State = { version: { epoch: number; serial: string }; hash: string };
    type Detail = { current: State | null; confirmed: State | null };
    const all = () => this.json<{ name: string }[]>("stlink", "list");
    const names = some.length > 0 ? some : (await all()).map(({ name }) => name);
    for (const name of names) {
      const isSettled = async () => {
        const { current, confirmed } = await this.json<Detail>("stlink", "show", name);
        return current !== null && current.hash === confirmed?.hash;
      };
      await until(isSettled, `${name} has confirmed its configuration`);
    }
  }

  /** Waits until an STLink has confirmed its first configuration. */
  async confirmed(id: string): Promise<void> {
    const sql =
      "SELECT count(*) AS n FROM stlink_facts WHERE id = ? AND json_extract(facts, '$.confirmed') IS NOT NULL";
    await until(() => this.count(sql, id) === 1, `${id} has confirmed`);
  }

  /** The `n` of one row. */
  count(sql: string, ...values: (string | number)[]): number {
    return this.rows<{ n: number }>(sql, ...values)[0]?.n ?? 0;
  }

  /** Rows of the database as it is on disk. */
  rows<Row>(sql: string, ...values: (string | number)[]): Row[] {
    return this.#open(true, (db) => db.prepare(sql).all(...values) as Row[]);
  }

  /** A change that nobody could make by a command: time that has passed. */
  meddle(sql: string, ...values: (string | number)[]): void {
    this.#open(false, (db) => db.prepare(sql).run(...values));
  }

  status(name: string): Promise<StlinkStatus> {
    return askSocket(join(this.folder, name, "status.sock")) as Promise<StlinkStatus>;
  }

  /** The port of an STLink's only Binding, once it listens. */
  async portOf(name: string): Promise<number> {
    const listening = async () => (await this.status(name)).bindings[0]?.listening[0];
    return Number((await until(listening, `a Binding of ${name} listens`)).split(":").at(-1));
  }

  #file(name: string): string {
    return join(this.#options.root ?? "", this.folder, SITE, name);
  }

  #open<Value>(readOnly: boolean, use: (db: DatabaseSync) => Value): Value {
    const db = new DatabaseSync(this.database, { readOnly, timeout: WAIT_MS });
    try {
      return use(db);
    } finally {
      db.close();
    }
  }

  #run(args: readonly string[]): SealedProcess {
    const { inside, config } = this.#options;
    const env = config && { XDG_CONFIG_HOME: config };
    return this.#at(args, { ...(inside && { inside }), ...(env && { env }) });
  }

  #at(args: readonly string[], surroundings: Surroundings = {}): SealedProcess {
    return new SealedProcess(this.folder, args, surroundings);
  }
}

type Maybe<Value> = Value | undefined | null | false;

/** What `look` gives once it gives something. Rejects after a minute. */
export async function until<Value>(
  look: () => Maybe<Value> | Promise<Maybe<Value>>,
  what: string,
  withinMs = WAIT_MS,
): Promise<Value> {
  for (const endMs = performance.now() + withinMs; performance.now() < endMs; ) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    await pause(LOOK_MS);
  }
  throw new Error(`it never was so: ${what}`);
}
