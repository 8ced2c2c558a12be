// SPDX-License-Identifier: Apache-2.0
// Whom Commanders admit at a Connector: each tenant's list, on disk and in force. Before it: the desk's
// conversations commit changes; the store at the start. After it: the Connector. PROTOCOL 9.1. Invariant: a
// change is on disk before it is in force, and where it can't be, the version before it stays.

import { AppError } from "../../service/app-error.ts";
import { hex } from "../../service/hex.ts";
import type { Log } from "../../service/log.ts";
import type { Connector } from "../connector.ts";
import type { DeskMessageOf } from "../desk/messages.ts";
import type { Place } from "../place.ts";
import { noChange } from "../roster.ts";
import type { CommanderEntry, Rate } from "../settings.ts";
import { enforce } from "./force.ts";
import { AdmissionList, type ListChange, type ListMessage, type Version } from "./list.ts";
import type { AdmissionStore } from "./store.ts";

export type AdmissionsOptions = {
  connector: Connector;
  store: AdmissionStore;
  log: Log;
  /** The desk's id, hexadecimal. */
  desk: string;
  commander: CommanderEntry;
  /** Of the operator's tenant; null: unlimited. */
  tenantRate: Rate | null;
  /** Of each sender. */
  rate: Rate;
};

/** What stood between LIST or CHANGE and COMMIT. */
export type Draft = {
  /** The version that it changes; null: it is all there is. */
  base: Version | null;
  messages: readonly ListMessage[];
};

export class Admissions {
  readonly #options: AdmissionsOptions;
  readonly #operator: string;
  /** By the Commander's id, hexadecimal. */
  readonly #lists = new Map<string, AdmissionList>();

  constructor(options: AdmissionsOptions) {
    this.#options = options;
    this.#operator = hex(options.commander.id);
  }

  /** The id of the operator's Commander, hexadecimal. */
  get operator(): string {
    return this.#operator;
  }

  /** Puts into force what is on disk. Throws AppError(BadFile). */
  start(): void {
    const { commander, tenantRate } = this.#options;
    this.setCommander(commander, tenantRate);
    this.#load(this.#operator);
  }

  /** The operator's Commander has another key or PSK, or its tenant another rate, from now on. */
  setCommander({ id, key, psk, tenant }: CommanderEntry, tenantRate: Rate | null): void {
    const who = { name: "commander", tenant, id, key, nextKey: null, psk };
    this.#options.connector.change((roster, nowMs) => {
      const left = noChange();
      roster.admitCommander(who, tenantRate, nowMs, left);
      return left;
    });
  }

  /** The version in force of a Commander's tenant. */
  versionOf(commander: string): Version {
    return this.#lists.get(commander)?.version ?? { epoch: 0, serial: 0n };
  }

  customersOf(commander: string): number {
    return this.#lists.get(commander)?.customers.size ?? 0;
  }

  /**
   * Makes a draft the version in force, as a whole, or says in the log why it can't be: the one before stays
   * then. Throws DeskError where a Commander may not say so.
   */
  commit(commander: string, draft: Draft, version: Version): void {
    const list = this.#lists.get(commander);
    if (list === undefined) return;
    try {
      if (draft.base === null) list.beginAll();
      for (const message of draft.messages) list.apply(message);
      list.endAll();
      const change = list.changes();
      this.#checkRoom(commander, list, change, version);
      this.#options.store.save(commander, change, version);
      list.keep();
      list.version = version;
      for (const { name } of change.members) list.turned.delete(name);
      this.#enforce(commander, change);
    } catch (error) {
      list.undo();
      if (!(error instanceof AppError)) throw error;
      const fields = {
        commander,
        version: versionText(version),
        inForce: versionText(list.version),
      };
      this.#options.log.error(fields, `admissions not changed: ${error.message}`);
    }
  }

  /** A member has a hop. Its next key may have become its key, which outlasts a restart (rule T3). */
  noteUp({ tenancy, id, key, hasChangedKey }: Place): void {
    const commander = tenancy.commander?.id ?? "";
    const list = this.#lists.get(commander);
    if (!hasChangedKey || !list?.members.has(id) || list.turned.has(id)) return;
    try {
      this.#options.store.turn(commander, id);
      list.turned.add(id);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const what = `the old key of ${id} would be admitted after a restart: ${error.message}`;
      this.#options.log.error({ commander, stlink: id, key }, what);
    }
  }

  /** With the tenants of its Customers. */
  #load(commander: string): void {
    const { desk, store } = this.#options;
    const isOperator = commander === this.#operator;
    const list = new AdmissionList({ commander, desk, isOperator });
    this.#lists.set(commander, list);
    const { version, entries, turned } = store.load(commander);
    for (const entry of entries) list.apply(entry);
    const change = list.changes();
    list.keep();
    list.version = version;
    this.#enforce(commander, change);
    for (const id of turned) {
      list.turned.add(id);
      this.#turn(commander, id);
    }
  }

  #turn(commander: string, id: string): void {
    this.#options.connector.change((roster) => {
      const place = roster.tenancyOf(commander)?.places.get(id);
      if (place !== undefined && place.nextKey !== null) place.takeKey(place.nextKey);
      return noChange();
    });
  }

  #enforce(commander: string, change: ListChange): void {
    const { connector, rate } = this.#options;
    connector.change((roster, nowMs) => {
      const left = noChange();
      const tenancy = roster.tenancyOf(commander);
      if (tenancy !== null) enforce({ roster, nowMs, left, rate }, tenancy, change);
      return left;
    });
    for (const { name, before, now } of change.customers) {
      if (now === undefined) this.#lists.delete(name);
      else if (before === undefined && !this.#lists.has(name)) this.#load(name);
    }
  }

  /** What only the Connector can know. Throws AppError. */
  #checkRoom(commander: string, list: AdmissionList, change: ListChange, version: Version): void {
    if (isOlder(version, list.version)) {
      throw refused(`version ${versionText(version)} is older than the one in force`);
    }
    const crowd = list.crowded();
    if (crowd !== null) throw refused(`there are more ${crowd} than this Connector keeps`);
    this.#checkLimit(commander, list, change);
    for (const { now } of change.members) if (now !== undefined) this.#checkMember(commander, now);
    for (const { now } of change.customers) if (now !== undefined) this.#checkCustomer(now);
  }

  /** A Customer whose limit was lowered keeps whom it has, and gets nobody new. */
  #checkLimit(commander: string, { members }: AdmissionList, change: ListChange): void {
    const customer = this.#lists.get(this.#operator)?.customers.get(commander);
    const most = customer?.stlinks ?? 0;
    const isAnyNew = change.members.some(({ before }) => before === undefined);
    if (most === 0 || members.size <= most || !isAnyNew) return;
    throw refused(`its Customer may have ${most} STLinks, and these would be ${members.size}`);
  }

  /** A key is one STLink's at a Connector: it decides whose hop it is (rule T2). */
  #checkMember(commander: string, { key, nextKey }: DeskMessageOf<"MEMBER">): void {
    for (const one of nextKey === null ? [key] : [key, nextKey]) {
      const owner = this.#options.connector.ownerOf(hex(one));
      if (owner === null || (owner.tenancy.commander?.id === commander && !isCommander(owner)))
        continue;
      throw refused(`the key ${hex(one)} is somebody else's at this Connector`);
    }
  }

  #checkCustomer({ id, key }: DeskMessageOf<"CUSTOMER">): void {
    const owner = this.#options.connector.ownerOf(hex(key));
    if (owner === null || (owner.id === hex(id) && isCommander(owner))) return;
    throw refused(`the key ${hex(key)} is somebody else's at this Connector`);
  }
}

function isCommander(place: Place): boolean {
  return place.tenancy.commander === place;
}

export function versionText({ epoch, serial }: Version): string {
  return `${epoch}.${serial}`;
}

function isOlder(one: Version, other: Version): boolean {
  return one.epoch < other.epoch || (one.epoch === other.epoch && one.serial < other.serial);
}

function refused(why: string): AppError {
  return new AppError("BadFile", `${why}.`);
}
