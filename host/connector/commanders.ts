// SPDX-License-Identifier: Apache-2.0
// The Commanders of a Connector: what is kept on disk of them, the desk that they speak to, and what is shown
// of them. Before it: service.ts, where the file names one. After it: admissions/, desk/. PROTOCOL 9.1.

import type { World } from "../net/world.ts";
import type { Log } from "../service/log.ts";
import { Admissions, versionText } from "./admissions/admissions.ts";
import { AdmissionStore } from "./admissions/store.ts";
import type { Connector } from "./connector.ts";
import { Desk } from "./desk/desk.ts";
import type { ConnectorEvent } from "./options.ts";
import type { Place } from "./place.ts";
import type { CommanderEntry, ConnectorSettings, Rate } from "./settings.ts";
import type { CommanderLine } from "./status.ts";
import type { Tenancy } from "./tenancy.ts";

export type CommandersOptions = {
  connector: Connector;
  settings: ConnectorSettings;
  /** The one of the settings. */
  commander: CommanderEntry;
  log: Log;
  world: World;
};

export class Commanders {
  readonly #store: AdmissionStore;
  readonly #desk: Desk;
  readonly #admissions: Admissions;

  /** Puts into force what is on disk. Throws AppError: BadFile, BadKeyFile, AlreadyRunning, NotWritten. */
  constructor({ connector, settings, commander, log, world }: CommandersOptions) {
    this.#store = new AdmissionStore(settings.stateFolder);
    const { privateKey, publicKey, limits } = settings;
    this.#desk = new Desk({ connector, world, log, privateKey, publicKey });
    const about = { connector, store: this.#store, log, desk: this.#desk.id };
    const rates = { tenantRate: rateOf(settings, commander), rate: limits.rate };
    this.#admissions = new Admissions({ ...about, commander, ...rates });
    try {
      this.#admissions.start();
      this.#desk.start(this.#admissions);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** The operator's Commander has another key or PSK, or its tenant another rate, from now on. */
  set(settings: ConnectorSettings): void {
    const { commander } = settings;
    if (commander === null) return;
    this.#admissions.setCommander(commander, rateOf(settings, commander));
    this.#desk.sync();
  }

  hear(event: ConnectorEvent): void {
    this.#desk.hear(event);
  }

  line({ isSuspended, tickets }: Tenancy, { id, seat }: Place): CommanderLine {
    return {
      id,
      hop: seat === null ? "away" : "up",
      role: id === this.#admissions.operator ? "operator" : "customer",
      isSuspended,
      version: versionText(this.#admissions.versionOf(id)),
      customers: this.#admissions.customersOf(id),
      codes: tickets.size,
    };
  }

  stop(): void {
    this.#desk.stop();
    this.#store.close();
  }
}

/** Of the operator's own tenant. */
function rateOf({ tenants }: ConnectorSettings, { tenant }: CommanderEntry): Rate | null {
  return tenants.find(({ name }) => name === tenant)?.rate ?? null;
}
