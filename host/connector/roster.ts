// SPDX-License-Identifier: Apache-2.0
// Whom a Connector admits: tenants, places, keys, and which places may talk. Before it: the settings, at
// the start and again at each reload; for the tenants of Commanders, their admissions, one by one. After it:
// connector.ts. The whole key decides (rule T2); an id alone authorises nothing. PROTOCOL section 9; rules
// K2, K5, K6, T4, T10.

import { hex } from "../service/hex.ts";
import { Bucket } from "./bucket.ts";
import { Place } from "./place.ts";
import { MemoryQueue, type QueueLimits } from "./queue.ts";
import type { AdmittedStlink, ConnectorLimits, ConnectorRules, Rate } from "./settings.ts";
import { newTenancy, type Tenancy } from "./tenancy.ts";

const NO_PSK = new Uint8Array(32);

/** What a change leaves to be done, in the order of rule T10. */
export type RosterChange = {
  /** No longer admitted, or under another key: hop, key and packets go. */
  removed: Place[];
  /** Their hop was made with a key or PSK that no longer holds. */
  cut: Place[];
  /** Their tenant is suspended: their hop goes, and nothing else. */
  suspended: Place[];
  /** Their queue may hold packets of somebody that they are no pair with any more. */
  unpaired: Set<Place>;
};

export function noChange(): RosterChange {
  return { removed: [], cut: [], suspended: [], unpaired: new Set() };
}

export class Roster {
  readonly #maxPacketBytes: number;
  #limits: ConnectorLimits;
  /** Those of the file, by name. */
  readonly #tenancies = new Map<string, Tenancy>();
  /** Those of Commanders, by the Commander's id. */
  readonly #commanded = new Map<string, Tenancy>();
  /** By id; the desk's neighbours. */
  readonly #commanders = new Map<string, Place>();
  #desk: Place | null = null;
  #byKey = new Map<string, Place>();

  constructor(rules: ConnectorRules, maxPacketBytes: number, nowMs: number) {
    this.#maxPacketBytes = maxPacketBytes;
    this.#limits = rules.limits;
    this.replace(rules, nowMs);
  }

  /** All but the desk's. */
  *tenancies(): Generator<Tenancy> {
    yield* this.#tenancies.values();
    yield* this.#commanded.values();
  }

  /** Everybody who is admitted but the desk. */
  *places(): Generator<Place> {
    for (const { places } of this.tenancies()) yield* places.values();
  }

  *[Symbol.iterator](): Generator<Place> {
    yield* this.places();
    if (this.#desk !== null) yield this.#desk;
  }

  /** Whose key this is; null for a key that nobody has told of. */
  find(key: Uint8Array): Place | null {
    const place = this.ownerOf(hex(key));
    return place === null || place.tenancy.isSuspended ? null : place;
  }

  /** Whose key this is, hexadecimal, suspended or not. */
  ownerOf(key: string): Place | null {
    const place = this.#byKey.get(key);
    return place?.accepts(key) ? place : null;
  }

  /** The PSK of a key; zeros for an unknown one, whose refusal comes under the seal (rule K5). */
  pskOf(key: Uint8Array): Uint8Array {
    return this.ownerOf(hex(key))?.nextPsk() ?? NO_PSK;
  }

  /** Admits whom these rules name from now on, and of the file's tenants nobody else. */
  replace(rules: ConnectorRules, nowMs: number): RosterChange {
    const change = noChange();
    const before = new Map(
      this.#filed().map((place) => [keyOf(place.tenancy.name, place.id), place]),
    );
    const signatures = this.#signatures();
    this.#limits = rules.limits;
    this.#replaceTenancies(rules, nowMs);
    const groups = groupsOf(rules);
    for (const stlink of rules.stlinks) {
      const name = keyOf(stlink.tenant, hex(stlink.id));
      const tenancy = this.#tenancies.get(stlink.tenant) as Tenancy;
      const kept = before.get(name);
      const place = this.#place(tenancy, stlink, kept, nowMs, change);
      if (place === kept) before.delete(name);
      place.groups = groups.get(stlink.name) ?? new Set();
    }
    change.removed.push(...before.values());
    this.#limitCommanded(nowMs);
    this.#byKey = new Map();
    for (const place of this) this.#index(place);
    this.#raiseVersions(signatures);
    change.unpaired = new Set(this.#filed());
    return change;
  }

  /** Lets the desk in, which speaks to every Commander and to nobody else (PROTOCOL 9.1). */
  openDesk(stlink: AdmittedStlink, rate: Rate, nowMs: number): Place {
    const desk = this.make(newTenancy(stlink.tenant), stlink, rate, nowMs);
    desk.neighbours = this.#commanders;
    this.#desk = desk;
    this.#index(desk);
    return desk;
  }

  /** The tenant of the Commander with this id, hexadecimal. */
  tenancyOf(commander: string): Tenancy | null {
    return this.#commanded.get(commander) ?? null;
  }

  /** A Commander, and a tenant for it where it has none. `rate`: of the tenant; null: unlimited. */
  admitCommander(
    stlink: AdmittedStlink,
    rate: Rate | null,
    nowMs: number,
    change: RosterChange,
  ): Tenancy {
    const id = hex(stlink.id);
    const tenancy = this.#commanded.get(id) ?? newTenancy(stlink.tenant);
    this.#commanded.set(id, tenancy);
    tenancy.name = stlink.tenant;
    setRate(tenancy, rate, nowMs);
    const commander = this.admit(tenancy, stlink, nowMs, change);
    tenancy.commander = commander;
    if (this.#desk !== null) commander.neighbours = new Map([[this.#desk.id, this.#desk]]);
    this.#commanders.set(id, commander);
    return tenancy;
  }

  /** A Commander goes, with all of its tenant. */
  dissolve(tenancy: Tenancy, change: RosterChange): void {
    for (const place of [...tenancy.places.values()]) this.remove(place, change);
    const id = tenancy.commander?.id ?? "";
    this.#commanded.delete(id);
    this.#commanders.delete(id);
  }

  /** An STLink of a Commander's tenant, new or other. */
  admit(tenancy: Tenancy, stlink: AdmittedStlink, nowMs: number, change: RosterChange): Place {
    const kept = tenancy.places.get(hex(stlink.id));
    if (kept !== undefined) this.#forget(kept);
    const place = this.#place(tenancy, stlink, kept, nowMs, change);
    if (kept !== undefined && place !== kept) {
      change.removed.push(kept);
      place.pairs = kept.pairs;
    }
    this.#index(place);
    return place;
  }

  /** An STLink of a Commander's tenant is none any more, and no pair with anybody. */
  remove(place: Place, change: RosterChange): void {
    this.#forget(place);
    place.tenancy.places.delete(place.id);
    for (const id of place.pairs ?? []) place.tenancy.places.get(id)?.pairs?.delete(place.id);
    change.removed.push(place);
  }

  /** Makes a place that has no tenant's leave to be found yet: the desk's, a guest's. */
  make(tenancy: Tenancy, stlink: AdmittedStlink, rate: Rate, nowMs: number): Place {
    return new Place(tenancy, stlink, new MemoryQueue(this.#queueLimits), rate, nowMs);
  }

  get #queueLimits(): QueueLimits {
    return { queueBytes: this.#limits.queueBytes, maxPacketBytes: this.#maxPacketBytes };
  }

  #filed(): Place[] {
    return [...this.#tenancies.values()].flatMap(({ places }) => [...places.values()]);
  }

  #place(
    tenancy: Tenancy,
    stlink: AdmittedStlink,
    kept: Place | undefined,
    nowMs: number,
    change: RosterChange,
  ): Place {
    if (!kept?.continuesAs(stlink)) {
      const place = this.make(tenancy, stlink, this.#limits.rate, nowMs);
      tenancy.places.set(place.id, place);
      return place;
    }
    kept.update(stlink, this.#limits.rate, nowMs);
    kept.queue.setLimits(this.#queueLimits);
    const { seat } = kept;
    if (seat !== null && !(kept.acceptsPsk(seat.psk) && kept.accepts(seat.key)))
      change.cut.push(kept);
    tenancy.places.set(kept.id, kept);
    return kept;
  }

  /** The limits of the file are those of Commanders' STLinks too. */
  #limitCommanded(nowMs: number): void {
    for (const { places } of this.#commanded.values()) {
      for (const place of places.values()) {
        if (place.guestOf === null) place.setRate(this.#limits.rate, nowMs);
        place.queue.setLimits(this.#queueLimits);
      }
    }
  }

  #index(place: Place): void {
    // A ticket admits its guest, not the key.
    if (place.guestOf !== null) return;
    for (const key of [place.key, place.nextKey]) {
      if (key === null) continue;
      const owner = this.ownerOf(key);
      // A key that the operator has given somebody is theirs, whoever else claims it.
      if (owner === null || this.#isMember(owner) || !this.#isMember(place)) {
        this.#byKey.set(key, place);
      }
    }
  }

  /** Admitted by a Commander, and neither one nor of the file. */
  #isMember(place: Place): boolean {
    const { tenancy } = place;
    const isFiled = this.#tenancies.get(tenancy.name) === tenancy;
    return !isFiled && place !== this.#desk && tenancy.commander !== place;
  }

  #forget(place: Place): void {
    for (const key of place.allKeys()) {
      if (this.#byKey.get(key) === place) this.#byKey.delete(key);
    }
  }

  /** Tenancies keep who they are, so that places that stay keep theirs; their places are named anew. */
  #replaceTenancies({ stlinks, tenants }: ConnectorRules, nowMs: number): void {
    const names = new Set(stlinks.map(({ tenant }) => tenant));
    for (const name of this.#tenancies.keys()) if (!names.has(name)) this.#tenancies.delete(name);
    for (const name of names) {
      const tenancy = this.#tenancies.get(name) ?? newTenancy(name);
      this.#tenancies.set(name, tenancy);
      tenancy.places.clear();
      setRate(tenancy, tenants.find((one) => one.name === name)?.rate ?? null, nowMs);
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

function setRate(tenancy: Tenancy, rate: Rate | null, nowMs: number): void {
  if (rate === null) tenancy.bucket = null;
  else if (tenancy.bucket === null) tenancy.bucket = new Bucket(rate, nowMs);
  else tenancy.bucket.setRate(rate, nowMs);
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
