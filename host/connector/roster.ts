// SPDX-License-Identifier: Apache-2.0
// Whom a Connector admits: tenants, places, keys, and which places may talk. Before it: the settings, at
// the start and again at each reload. After it: connector.ts. The whole key decides (rule T2); an id alone
// authorises nothing. PROTOCOL section 9; rules K2, K5, K6, T4, T10.

import { hex } from "../service/hex.ts";
import { Bucket } from "./bucket.ts";
import { Place, type Tenancy } from "./place.ts";
import { MemoryQueue, type PacketQueue, type QueueLimits } from "./queue.ts";
import type { AdmittedStlink, ConnectorRules } from "./settings.ts";

const NO_PSK = new Uint8Array(32);

/** What a reload leaves to be done, in the order of rule T10. */
export type RosterChange = {
  /** No longer admitted, or under another key: hop, key and packets go. */
  removed: readonly Place[];
  /** Their hop was made with a key or PSK that no longer holds. */
  cut: readonly Place[];
};

export class Roster {
  readonly #maxPacketBytes: number;
  readonly #tenancies = new Map<string, Tenancy>();
  #byKey = new Map<string, Place>();

  constructor(rules: ConnectorRules, maxPacketBytes: number, nowMs: number) {
    this.#maxPacketBytes = maxPacketBytes;
    this.replace(rules, nowMs);
  }

  get tenancies(): Iterable<Tenancy> {
    return this.#tenancies.values();
  }

  *[Symbol.iterator](): Generator<Place> {
    for (const { places } of this.#tenancies.values()) yield* places.values();
  }

  /** Whose key this is; null for a key that nobody has told of. */
  find(key: Uint8Array): Place | null {
    const text = hex(key);
    const place = this.#byKey.get(text);
    return place?.accepts(text) ? place : null;
  }

  /** The PSK of a key; zeros for an unknown one, whose refusal comes under the seal (rule K5). */
  pskOf(key: Uint8Array): Uint8Array {
    return this.find(key)?.psk ?? NO_PSK;
  }

  /** Admits whom these rules name from now on, and nobody else. */
  replace(rules: ConnectorRules, nowMs: number): RosterChange {
    const before = new Map([...this].map((place) => [keyOf(place.tenancy.name, place.id), place]));
    const signatures = this.#signatures();
    this.#replaceTenancies(rules, nowMs);
    const groups = groupsOf(rules);
    const cut: Place[] = [];
    for (const stlink of rules.stlinks) {
      const name = keyOf(stlink.tenant, hex(stlink.id));
      const kept = before.get(name);
      const place = this.#place(stlink, kept, rules, nowMs, cut);
      if (place === kept) before.delete(name);
      place.groups = groups.get(stlink.name) ?? new Set();
    }
    this.#byKey = new Map();
    for (const place of this) {
      for (const key of [place.key, place.nextKey]) if (key !== null) this.#byKey.set(key, place);
    }
    this.#raiseVersions(signatures);
    return { removed: [...before.values()], cut };
  }

  #place(
    stlink: AdmittedStlink,
    kept: Place | undefined,
    { limits }: ConnectorRules,
    nowMs: number,
    cut: Place[],
  ): Place {
    const queueLimits = { queueBytes: limits.queueBytes, maxPacketBytes: this.#maxPacketBytes };
    const tenancy = this.#tenancies.get(stlink.tenant) as Tenancy;
    if (!kept?.continuesAs(stlink)) {
      const place = new Place(tenancy, stlink, makeQueue(queueLimits), limits.rate, nowMs);
      tenancy.places.set(place.id, place);
      return place;
    }
    const isOtherPsk = hex(kept.psk ?? NO_PSK) !== hex(stlink.psk ?? NO_PSK);
    kept.update(stlink, limits.rate, nowMs);
    kept.queue.setLimits(queueLimits);
    if (kept.seat !== null && (isOtherPsk || !kept.accepts(kept.seat.key))) cut.push(kept);
    tenancy.places.set(kept.id, kept);
    return kept;
  }

  /** Tenancies keep who they are, so that places that stay keep theirs; their places are named anew. */
  #replaceTenancies({ stlinks, tenants }: ConnectorRules, nowMs: number): void {
    const names = new Set(stlinks.map(({ tenant }) => tenant));
    for (const name of this.#tenancies.keys()) if (!names.has(name)) this.#tenancies.delete(name);
    for (const name of names) {
      const tenancy = this.#tenancies.get(name) ?? newTenancy(name);
      this.#tenancies.set(name, tenancy);
      tenancy.places.clear();
      const rate = tenants.find((one) => one.name === name)?.rate ?? null;
      if (rate === null) tenancy.bucket = null;
      else if (tenancy.bucket === null) tenancy.bucket = new Bucket(rate, nowMs);
      else tenancy.bucket.setRate(rate, nowMs);
    }
  }

  #signatures(): Map<string, string> {
    return new Map([...this.#tenancies].map(([name, tenancy]) => [name, signatureOf(tenancy)]));
  }

  #raiseVersions(before: ReadonlyMap<string, string>): void {
    for (const [name, tenancy] of this.#tenancies) {
      if (before.has(name) && before.get(name) !== signatureOf(tenancy)) tenancy.version += 1;
    }
  }
}

function newTenancy(name: string): Tenancy {
  return { name, bucket: null, version: 1, places: new Map() };
}

function makeQueue(limits: QueueLimits): PacketQueue {
  return new MemoryQueue(limits);
}

function keyOf(tenant: string, id: string): string {
  return `${tenant}/${id}`;
}

/** Who is admitted, and with whom each may talk. */
function signatureOf({ places }: Tenancy): string {
  const lines = [...places.values()].map(({ id, key, nextKey, psk, groups }) =>
    [id, key, nextKey, hex(psk ?? NO_PSK), ...groups].join(" "),
  );
  return lines.sort().join("\n");
}

/** The numbers of each STLink's groups, by its name. */
function groupsOf({ groups }: ConnectorRules): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  for (const [number, group] of groups.entries()) {
    for (const name of group) {
      const numbers = found.get(name) ?? new Set();
      found.set(name, numbers.add(number));
    }
  }
  return found;
}
