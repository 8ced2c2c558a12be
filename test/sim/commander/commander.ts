// SPDX-License-Identifier: Apache-2.0
// The Commander of the simulated site: its real database, registry and control (host/commander), as one process that
// is killed at any moment, or as a transaction ends, and comes up again from the file that it left. Before it: site.ts,
// administrator.ts. After it: the simulated network. Invariant: what was answered for is in the database again.

import { type CommanderControl, startControl } from "../../../host/commander/control/control.ts";
import { Registry } from "../../../host/commander/registry.ts";
import type { CommitEvents, WatchedDatabase } from "./disk.ts";
import type { Running, Site } from "./site.ts";

export const HOST = "10.0.3.1";

/** The process dies when so many more transactions end: before that counts, or as soon as it does. */
export type DeathAtCommit = { commits: number; when: "before" | "after"; awayMs: number };

type Life = Running & {
  db: WatchedDatabase;
  registry: Registry;
  control: CommanderControl | null;
};

export class SimCommander {
  /** The next one is its last. */
  death: DeathAtCommit | null = null;
  readonly #site: Site;
  #file: string;
  #life: Life | null = null;

  /** `file`: a database that has been founded. */
  constructor(site: Site, file: string) {
    this.#site = site;
    this.#file = file;
  }

  /** What it runs on; null: it is not up. */
  get life(): Life | null {
    return this.#life;
  }

  get isUp(): boolean {
    return this.#life !== null;
  }

  start(): void {
    const site = this.#site;
    if (this.#life !== null || site.isClosed) return;
    const running = site.begin(HOST);
    const isLiving = (): boolean => this.#life?.process === running.process;
    const db = site.disk.open(this.#file, this.#eventsOf(isLiving));
    site.ledger.expectAnswered(db);
    site.ledger.note(db);
    const registry = new Registry(db, () => site.wallMs);
    const life: Life = { ...running, db, registry, control: null };
    this.#life = life;
    const { process: world, core } = running;
    const log = site.logOf("commander");
    life.control = startControl({ registry, world, log, engine: core.engine });
  }

  /** The process is gone; only its file is left. */
  kill(): void {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    this.#file = this.#site.disk.databaseAsLeft(this.#file, "commander");
    this.#site.end(life);
  }

  restart(awayMs: number): void {
    if (this.#life === null) return;
    this.#site.log(`--- the Commander is killed for ${awayMs} ms`);
    this.kill();
    this.#site.later(awayMs, () => this.start());
  }

  /** Ends as it ends itself. */
  async stop(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    await life.control?.stop();
    life.db.close();
    this.#site.end(life);
  }

  /** Nobody has the file open: something is done with it, as by `sealed restore`. */
  async withFile(act: (file: string) => void): Promise<void> {
    await this.stop();
    act(this.#file);
    this.start();
  }

  #eventsOf(isLiving: () => boolean): CommitEvents {
    return {
      committing: () => {
        if (isLiving()) this.#dieAt("before");
      },
      committed: () => {
        if (!isLiving() || this.#life === null) return;
        this.#site.ledger.note(this.#life.db);
        this.#dieAt("after");
      },
    };
  }

  #dieAt(when: DeathAtCommit["when"]): void {
    const { death } = this;
    if (death === null || death.when !== when) return;
    death.commits -= 1;
    if (death.commits > 0) return;
    this.death = null;
    this.restart(death.awayMs);
  }
}
