// SPDX-License-Identifier: Apache-2.0
// A Connector of the simulated site: host/connector, unchanged, with its desk and the folder in which it keeps whom the
// Commander admits; killed at any moment and started again from there. Before it: site.ts. After it: the simulated
// network. In the hands of a thief it is the same Connector with a file of his: it admits whom he likes. Invariant at
// every look: an honest one admits whom the database admitted at the version that it holds, and nobody else.

import { DatabaseSync } from "node:sqlite";
import { DeskReader } from "../../../host/connector/desk/messages.ts";
import { type RunningConnector, startConnector } from "../../../host/connector/service.ts";
import type { AdmittedStlink, ConnectorSettings } from "../../../host/connector/settings.ts";
import type { SimProcess } from "../../../host/net/sim/process.ts";
import type { Address } from "../../../host/net/transport.ts";
import { hex } from "../../../host/service/hex.ts";
import type { KeyPair } from "../../../host/service/key-file.ts";
import type { Site } from "./site.ts";

type Life = { process: SimProcess; relay: RunningConnector | null };

/** Whom it admits: ids in force (the Commander's and those of tickets too), keys on disk; all hexadecimal. */
export type Admission = { version: string; ids: readonly string[]; keys: ReadonlySet<string> };

const TENANT = "default";
const RATE = { bytesPerSecond: 1 << 30, packetsPerSecond: 1 << 20 };

export class SimConnector {
  readonly address: Address;
  readonly keys: KeyPair;
  /** Of the Commander's hop. */
  readonly commanderPsk: Uint8Array;
  readonly #site: Site;
  #folder: string;
  #life: Life | null = null;
  #held: Admission | null = null;
  /** Whom a thief admits; null: it is honest. */
  #accomplices: readonly AdmittedStlink[] | null = null;

  constructor(site: Site, host: string, keys: KeyPair, commanderPsk: Uint8Array) {
    this.#site = site;
    this.address = { host, port: 443 };
    this.keys = keys;
    this.commanderPsk = commanderPsk;
    this.#folder = site.disk.folder("connector");
  }

  get isUp(): boolean {
    return this.#life !== null;
  }

  get isHonest(): boolean {
    return this.#accomplices === null;
  }

  start(): void {
    if (this.#life !== null || this.#site.isClosed) return;
    const process = this.#site.process(this.address.host);
    const life: Life = { process, relay: null };
    this.#life = life;
    const log = this.#site.logOf(`connector ${this.address.host}`);
    const starting = startConnector(this.#settings(), log, process, () => this.#site.wallMs);
    starting.then(
      (relay) => {
        life.relay = relay;
      },
      (error) => this.#site.fail(error),
    );
  }

  kill(): void {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    life.process.kill();
    this.#folder = this.#site.disk.folderAsLeft(this.#folder, "connector");
  }

  restart(awayMs: number): void {
    if (this.#life === null) return;
    this.#site.log(`--- the Connector ${this.address.host} is killed for ${awayMs} ms`);
    this.kill();
    this.#site.later(awayMs, () => this.start());
  }

  async stop(): Promise<void> {
    const life = this.#life;
    this.#life = null;
    await life?.relay?.stop();
  }

  /** A thief runs it from now on: it knows these STLinks alone, and no Commander. */
  lie(accomplices: readonly AdmittedStlink[]): void {
    this.kill();
    this.#accomplices = accomplices;
    this.start();
  }

  repent(): void {
    this.kill();
    this.#accomplices = null;
    this.start();
  }

  /** What it holds now, in force and on disk; null: it has no desk now. */
  get admission(): Admission | null {
    const status = this.#life?.relay?.status();
    const version = status?.tenants.find(({ name }) => name === TENANT)?.commander?.version;
    if (status === undefined || version === undefined) return null;
    if (this.#held?.version === version) return this.#held;
    const admitted = status.stlinks.filter(({ tenant }) => tenant === TENANT);
    const left = this.#site.disk.databaseAsLeft(`${this.#folder}/admissions.db`, "admission");
    this.#held = { version, ids: admitted.map(({ id }) => id), keys: keysIn(left) };
    return this.#held;
  }

  /** An honest one holds what the Commander's database said at that version. */
  inspect(): void {
    const before = this.#held;
    const { admission } = this;
    if (admission !== null && admission !== before) this.#site.ledger.expectAdmitted(admission);
  }

  #settings(): ConnectorSettings {
    const { commanderId: id, commanderKeys } = this.#site;
    const { privateKey, publicKey } = this.keys;
    const stlinks = this.#accomplices ?? [];
    const commander = { id, key: commanderKeys.publicKey, psk: this.commanderPsk, tenant: TENANT };
    return {
      file: "",
      privateKey,
      publicKey,
      listen: [this.address],
      stlinks,
      tenants: [],
      groups: [stlinks.map(({ name }) => name)],
      commander: this.isHonest ? commander : null,
      stateFolder: this.#folder,
      limits: { hops: 32, halfOpen: 16, halfOpenPerSource: 16, queueBytes: 1 << 20, rate: RATE },
      log: { level: "debug", file: null },
      statusSocket: null,
    };
  }
}

/** Keys of the members that a Connector's file names. */
function keysIn(file: string): Set<string> {
  const db = new DatabaseSync(file);
  try {
    const rows = db.prepare("SELECT message FROM entries WHERE type = 'MEMBER'").all();
    const messages = rows.flatMap(({ message }) => new DeskReader().take(message as Uint8Array));
    return new Set(
      messages.flatMap((one) => {
        if (one.type !== "MEMBER") return [];
        return [one.key, ...(one.nextKey === null ? [] : [one.nextKey])].map(hex);
      }),
    );
  } finally {
    db.close();
  }
}
