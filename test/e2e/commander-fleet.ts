// SPDX-License-Identifier: Apache-2.0
// Many STLinks under one `sealed up`: halls of forty, in each a desk with a Binding to the Mapping that the others of
// the hall hold; a Template that all of them have; connections that go on meanwhile. Before it: shows.ts and the bench
// at a thousand, a test at fifty. After it: up-site.ts; the STLinks are two processes (bench/system/fleet-worker.ts).
// Times are those of this one machine, where everything shares its processors.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstUsable } from "../../host/cli/demo/ports.ts";
import type { FleetSaid, FleetSetup, Invited } from "../bench/system/fleet-worker.ts";
import { costOf } from "../bench/system/process-cost.ts";
import { Worker } from "../bench/system/worker.ts";
import { Echo, eachAnswered } from "./echoes.ts";
import { startServer, turnOver } from "./services.ts";
import { type MadeCode, UpSite, until } from "./up-site.ts";

const WORKERS = 2;
/** STLinks in a hall; fewer where there are few, for those of one hall activate with one code, one at a time. */
const HALL_MOST = 40;
const HALLS_LEAST = 4;
/** A Connector serves ten tickets at once, and a hop that has done its work may still be one of them. */
const ACTIVATIONS_AT_ONCE = 4;
const EACH_MS = 2000;
const LEAST_MS = 60_000;
const ANSWER_MS = 60_000;
/** Below the ports that the system gives away. */
const FIRST_PORT = 22_000;
/** Where a machine has it: a thousand machines have a thousand disks, and this one has one. */
const MEMORY_FOLDER = "/dev/shm";

type Tell = (text: string) => void;
type ThingLine = { id: string; name: string; version: number };

/** From the moment at which the change was asked for, milliseconds. */
export type Deployment = {
  /** Until the Commander answered, having written it down. */
  answeredMs: number;
  /** Until it was in force at half of the STLinks, at 99 of a hundred, at the last. */
  halfMs: number;
  most99Ms: number;
  lastMs: number;
  /** Until the Commander had the last STLink's word that it is. */
  confirmedMs: number;
};

export class Fleet {
  readonly stlinks: number;
  readonly site: UpSite;
  readonly #folder: string;
  readonly #tell: Tell;
  readonly #workers: Worker<FleetSetup, FleetSaid>[] = [];
  readonly #ids = new Map<number, string>();
  readonly #failures: string[] = [];
  /** By version: when it came into force at whom. */
  readonly #inForce = new Map<string, Map<number, number>>();
  #echoPort = 0;
  /** Of the desks' Bindings, and of the workshop's. */
  #ports: number[] = [];
  activationSeconds = 0;

  private constructor(stlinks: number, site: UpSite, tell: Tell) {
    this.stlinks = stlinks;
    this.site = site;
    this.#tell = tell;
    const parent = existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir();
    this.#folder = mkdtempSync(join(parent, "sealed-fleet-"));
    process.once("exit", () => this.#removeFolder());
  }

  /** All are activated, and have in force what they are to have. */
  static async start(stlinks: number, tell: Tell): Promise<Fleet> {
    const fleet = new Fleet(stlinks, await UpSite.start(), tell);
    try {
      fleet.#echoPort = await startServer(turnOver);
      await fleet.#import();
      await fleet.#activateAll();
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  get halls(): number {
    return Math.ceil(this.stlinks / this.#hall);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.kill()));
    await this.site.kill();
    this.#removeFolder();
  }

  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Resident memory: the Commander's process, and an STLink's share of its own. */
  memory(): { site: number; stlink: number } {
    const bytes = this.#workers.map(({ pid }) => costOf(pid).residentBytes);
    const all = bytes.reduce((sum, one) => sum + one, 0);
    return { site: costOf(this.site.pid).residentBytes, stlink: all / this.stlinks };
  }

  /** So many connections, spread over the halls; each has had an answer. */
  async converse(connections: number): Promise<Echo[]> {
    const echoes = Array.from({ length: connections }, (_, i) => new Echo(this.#portOfHall(i)));
    await eachAnswered(echoes, ANSWER_MS);
    return echoes;
  }

  /** The hall of the connection with this number of `converse`. */
  hallOf(connection: number): number {
    return connection % this.halls;
  }

  /** Gives the Template of all the Route to the workshop, or takes it away again. */
  deploy(isThere: boolean): Promise<Deployment> {
    return this.#setRoutes("everywhere", isThere ? ["maintenance"] : [], this.stlinks);
  }

  /** Takes the Route of a hall out of its Template. */
  withdraw(hall: number): Promise<Deployment> {
    const { length } = this.#indexesOf(hall);
    return this.#setRoutes(`hall-${hall}`, [], length);
  }

  /** A letter there and back through the Route that all have now. */
  async usesWorkshop(): Promise<boolean> {
    await untilListening(this.#ports.at(-1) ?? 0);
    const echo = new Echo(this.#ports.at(-1) ?? 0);
    await eachAnswered([echo], ANSWER_MS);
    echo.stop();
    return echo.rounds > 0 && !echo.isWrong;
  }

  /** Kills the Commander with its Connector, starts it; seconds until it has heard the last STLink, from then on. */
  async restart(): Promise<number> {
    await this.site.kill();
    const killedAt = Date.now();
    await this.site.up();
    const upMs = performance.now();
    const sql = `SELECT count(*) AS n FROM objects JOIN stlink_facts USING (id)
      WHERE facet = 'online' AND json_extract(facts, '$.lastSeenMs') > ?`;
    const isBack = () => {
      const back = this.site.count(sql, killedAt);
      this.#tell(`${back} of ${this.stlinks} STLinks are back`);
      return back === this.stlinks;
    };
    await until(isBack, "all STLinks are online again", this.#patienceMs);
    return (performance.now() - upMs) / 1000;
  }

  get #patienceMs(): number {
    return LEAST_MS + EACH_MS * this.stlinks;
  }

  #portOfHall(i: number): number {
    return this.#ports[i % this.halls] ?? 0;
  }

  /** As a file says it: Routes, Templates, and a Profile for each kind of STLink. */
  async #import(): Promise<void> {
    for (let i = 0; i <= this.halls; i++) {
      this.#ports.push((await firstUsable([FIRST_PORT + i, 0])).port);
    }
    const address = "127.0.0.1";
    const halls = Array.from({ length: this.halls }, (_, i) => i);
    const here = (name: string) => ({ name, address, port: this.#echoPort });
    const template = (name: string, ...routes: string[]) => ({ name, routes });
    const profile = (name: string, uses: number, ...templates: string[]) => {
      return { name, templates: ["everywhere", ...templates], codes: { uses } };
    };
    const document = {
      mappings: [here("maintenance"), ...halls.map((i) => here(`page-${i}`))],
      bindings: [
        ...halls.map((i) => ({ name: `desk-${i}`, mapping: `page-${i}`, port: this.#ports[i] })),
        { name: "workshop", mapping: "maintenance", port: this.#ports.at(-1) },
      ],
      templates: [
        template("everywhere"),
        template("workshop", "workshop"),
        ...halls.flatMap((i) => [
          template(`hall-${i}`, `page-${i}`),
          template(`desk-${i}`, `desk-${i}`),
        ]),
      ],
      profiles: [
        { name: "default" },
        ...halls.flatMap((i) => [
          profile(`hall-${i}`, this.#hall, `hall-${i}`),
          profile(`desk-${i}`, 1, `desk-${i}`, ...(i === 0 ? ["workshop"] : [])),
        ]),
      ],
    };
    writeFileSync(join(this.site.folder, "fleet.json"), JSON.stringify(document));
    await this.site.sealed("import", "fleet.json", "--yes");
  }

  async #activateAll(): Promise<void> {
    const queues = await this.#queues();
    await this.site.published();
    const startedMs = performance.now();
    for (let worker = 0; worker < WORKERS; worker++) {
      const own = queues.filter((_, i) => i % WORKERS === worker);
      this.#startWorker({ folder: this.#folder, queues: own });
    }
    const isActivated = () => {
      this.#tell(`${this.#ids.size} of ${this.stlinks} STLinks are activated`);
      if (this.#failures.length > 0) throw new Error(this.#failures[0]);
      return this.#ids.size === this.stlinks;
    };
    await until(isActivated, "all STLinks are activated", this.#patienceMs);
    this.activationSeconds = (performance.now() - startedMs) / 1000;
    await until(() => this.#countConfirmed() === this.stlinks, "all have confirmed", LEAST_MS);
    for (const port of this.#ports.slice(0, this.halls)) await untilListening(port);
  }

  /** Machines that show one code at the same time get in each other's way (PROTOCOL 10.2): a hall is in one queue. */
  async #queues(): Promise<Invited[][]> {
    const { items } = await this.site.ask<{ items: ThingLine[] }>("GET", "/profiles?limit=500");
    const newCode = async (name: string) => {
      const id = items.find((one) => one.name === name)?.id;
      return (await this.site.ask<MadeCode>("POST", `/profiles/${id}/codes`)).text;
    };
    const queues = Array.from({ length: ACTIVATIONS_AT_ONCE }, (): Invited[] => []);
    for (let hall = 0; hall < this.halls; hall++) {
      // The first of each hall sits at its desk.
      const [desk, others] = [await newCode(`desk-${hall}`), await newCode(`hall-${hall}`)];
      for (const index of this.#indexesOf(hall)) {
        const code = index % this.#hall === 0 ? desk : others;
        queues[hall % queues.length]?.push({ index, code });
      }
    }
    return queues;
  }

  #indexesOf(hall: number): number[] {
    const first = hall * this.#hall;
    const length = Math.min(this.#hall, this.stlinks - first);
    return Array.from({ length }, (_, i) => first + i);
  }

  get #hall(): number {
    return Math.min(HALL_MOST, Math.ceil(this.stlinks / HALLS_LEAST));
  }

  #startWorker(setup: FleetSetup): void {
    const worker = new Worker<FleetSetup, FleetSaid>("fleet-worker.ts", setup);
    worker.onSaid = (said) => this.#hear(said);
    this.#workers.push(worker);
  }

  #hear(said: FleetSaid): void {
    if (said.kind === "activated") this.#ids.set(said.index, said.id);
    if (said.kind === "failed") this.#failures.push(`STLink ${said.index}: ${said.why}`);
    if (said.kind !== "in force") return;
    const times = this.#inForce.get(said.version) ?? new Map<number, number>();
    this.#inForce.set(said.version, times.set(said.index, said.atMs));
  }

  #countConfirmed(): number {
    return this.site.count(
      "SELECT count(*) AS n FROM stlink_facts WHERE json_extract(facts, '$.confirmed') IS NOT NULL",
    );
  }

  /** Changes a Template that so many STLinks have; resolves once all of them have confirmed it. */
  async #setRoutes(name: string, routes: string[], holders: number): Promise<Deployment> {
    const template = await this.#find("templates", name);
    const ids = await Promise.all(
      routes.map(async (route) => (await this.#find("routes", route)).id),
    );
    const askedMs = performance.timeOrigin + performance.now();
    await this.site.ask("PATCH", `/templates/${template.id}`, { routes: ids }, template.version);
    const sinceAsked = (atMs = performance.timeOrigin + performance.now()) => atMs - askedMs;
    const answeredMs = sinceAsked();
    const version = this.#version();
    const at = (): number[] => [...(this.#inForce.get(version)?.values() ?? [])];
    const sql = `SELECT count(*) AS n FROM stlink_facts
      WHERE json_extract(facts, '$.confirmed.epoch') || '.' || json_extract(facts, '$.confirmed.serial') = ?`;
    const isConfirmed = () => {
      this.#tell(`version ${version} is in force at ${at().length} of ${holders}`);
      return at().length >= holders && this.site.count(sql, version) >= holders;
    };
    await until(isConfirmed, `all have confirmed ${version}`, this.#patienceMs);
    const confirmedMs = sinceAsked();
    const times = at()
      .map(sinceAsked)
      .sort((one, other) => one - other);
    const part = (share: number) => times[Math.ceil(times.length * share) - 1] ?? Number.NaN;
    const [halfMs, most99Ms, lastMs] = [part(0.5), part(0.99), part(1)];
    return { answeredMs, halfMs, most99Ms, lastMs, confirmedMs };
  }

  #version(): string {
    const [row] = this.site.rows<{ epoch: number; serial: string }>("SELECT * FROM site");
    return `${row?.epoch}.${row?.serial}`;
  }

  async #find(plural: string, name: string): Promise<ThingLine> {
    const { items } = await this.site.ask<{ items: ThingLine[] }>("GET", `/${plural}?limit=500`);
    const found = items.find((one) => one.name === name);
    if (found === undefined) throw new Error(`none of the ${plural} is ${name}`);
    return found;
  }
}

async function untilListening(port: number): Promise<void> {
  const isListening = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
  await until(isListening, `port ${port} of a Binding listens`);
}
