// SPDX-License-Identifier: Apache-2.0
// All Connectors of the site: what differs is told to each, and whether they hold what a configuration depends on (T10:
// the Connector first). Before it: control.ts. After it: desk-client.ts. A Connector that is away, or owes an answer,
// is waited for so long and no longer: it must not keep configurations from those who are there by another one.

import type { Authority } from "../domain/configuration.ts";
import type { Key } from "../domain/fields.ts";
import type { Version } from "../domain/version.ts";
import type { Admission } from "./admission.ts";
import { DeskClient, type DeskEvents } from "./desk-client.ts";
import type { Differences } from "./differences.ts";
import type { Office } from "./office.ts";

export type ConnectorLine = {
  key: Key;
  /** `host:port`. */
  address: string;
  isConnected: boolean;
  /** The admission that it holds; null: not known. */
  version: Version | null;
  /** It holds all that concerns it: entries of the audit log that no Connector is told of don't count. */
  isCurrent: boolean;
};

export const PATIENCE_MS = 10_000;

export class Desks {
  readonly #office: Office;
  readonly #admission: Admission;
  readonly #events: DeskEvents;
  readonly #clients = new Map<Key, DeskClient>();
  /** Those that are not waited for any more. */
  readonly #leftOut = new Set<Key>();

  constructor(office: Office, admission: Admission, events: DeskEvents) {
    this.#office = office;
    this.#admission = admission;
    this.#events = events;
  }

  /** From now on these, and no others. Throws CoreError: NoLinkSlot. */
  set(connectors: Authority["connectors"]): void {
    const keys = new Set(connectors.map(({ key }) => key));
    for (const [key, client] of this.#clients) {
      if (keys.has(key) && client.hasItsPsk) continue;
      this.#clients.delete(key);
      client.stop();
    }
    for (const key of keys) {
      if (this.#clients.has(key)) continue;
      this.#clients.set(key, new DeskClient(this.#office, this.#admission, key, this.#events));
    }
  }

  tell(differences: Differences): void {
    for (const client of this.#clients.values()) client.tell(differences);
  }

  /** Everything, whatever they hold. */
  tellAll(): void {
    for (const client of this.#clients.values()) client.tellAll();
  }

  /** Each that is waited for holds what the admission was at this audit entry. */
  holds(serial: number): boolean {
    return [...this.#clients.values()].every((one) => one.holds(serial) || this.#isLeftOut(one));
  }

  /** Those that keep configurations from being sent. */
  late(): Key[] {
    const late = [...this.#clients.values()].filter(({ lateMs }) => lateMs > 0);
    return late.filter((one) => !this.#isLeftOut(one)).map(({ key }) => key);
  }

  line(key: Key): Omit<ConnectorLine, "key" | "address"> {
    const client = this.#clients.get(key);
    const { isConnected = false, version = null, isCurrent = false } = client ?? {};
    return { isConnected, version, isCurrent };
  }

  stop(): void {
    for (const client of this.#clients.values()) client.stop();
    this.#clients.clear();
  }

  #isLeftOut(client: DeskClient): boolean {
    const isLate = client.lateMs >= PATIENCE_MS;
    if (!isLate) this.#leftOut.delete(client.key);
    else if (!this.#leftOut.has(client.key)) {
      this.#leftOut.add(client.key);
      const text = "a Connector does not confirm what it is to hold: STLinks are told without it";
      this.#office.log.warn({ connector: client.key, lateMs: client.lateMs }, text);
    }
    return isLate;
  }
}
