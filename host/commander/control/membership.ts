// SPDX-License-Identifier: Apache-2.0
// Who is admitted and who may talk to whom, in memory: STLinks that have a key, and the pairs that their Routes make.
// Before it: the store, once whole and then what each change touches. After it: admission.ts, deployer.ts. A change
// of one thing costs what it touches, however many STLinks there are. Invariant: pairs are symmetric.

import { type Deployed, holdersOf, type Pair, pairOf, pairsOf } from "../domain/deployment.ts";
import type { Id, Key } from "../domain/fields.ts";
import type { Stlink } from "../domain/stlink.ts";
import type { AuditEntry } from "../store/audit.ts";
import type { Database } from "../store/database.ts";
import { StoredDeployment } from "../store/deployment.ts";

export type Member = {
  key: Key;
  nextKey: Key | null;
  /** The code by which it came, until it has confirmed its first configuration. */
  codeId: string | null;
};

/** What became other than it was. */
export type Touched = {
  /** Members that are new, other, or gone. */
  members: Set<Id>;
  pairs: Pair[];
  /** STLinks whose configuration may be another one now. */
  concerned: Set<Id>;
};

const NOBODY: ReadonlySet<Id> = new Set();
const DEPLOYED: ReadonlySet<string> = new Set(["route", "template", "profile", "stlink"]);

export class Membership {
  readonly #db: Database;
  readonly #members = new Map<Id, Member>();
  readonly #peers = new Map<Id, Set<Id>>();

  /** All of it. */
  constructor(db: Database) {
    this.#db = db;
    this.updateAll();
  }

  get members(): ReadonlyMap<Id, Member> {
    return this.#members;
  }

  peersOf(id: Id): ReadonlySet<Id> {
    return this.#peers.get(id) ?? NOBODY;
  }

  /** Each once. */
  *pairs(): Generator<Pair> {
    for (const [id, peers] of this.#peers) {
      for (const peer of peers) if (id < peer) yield { low: id, high: peer };
    }
  }

  isPair({ low, high }: Pair): boolean {
    return this.peersOf(low).has(high);
  }

  /** The STLinks that have what these entries are about. */
  holders(entries: readonly AuditEntry[]): Set<Id> {
    const deployment = new StoredDeployment(this.#db);
    const found = new Set<Id>();
    for (const { kind, id } of entries) {
      if (!DEPLOYED.has(kind)) continue;
      for (const holder of holdersOf(deployment, kind as Deployed, id)) found.add(holder);
    }
    return found;
  }

  /** Looks at these STLinks anew. */
  update(ids: Iterable<Id>): Touched {
    const touched: Touched = { members: new Set(), pairs: [], concerned: new Set() };
    const deployment = new StoredDeployment(this.#db);
    for (const id of ids) {
      const stlink = deployment.stlink(id);
      if (this.#setMember(id, stlink)) touched.members.add(id);
      touched.concerned.add(id);
      this.#setPeers(id, peersNow(deployment, stlink), touched);
    }
    return touched;
  }

  /** Looks at all of them anew. */
  updateAll(): Touched {
    const ids = this.#db.all<{ id: Id }>("SELECT id FROM stlink_facts").map(({ id }) => id);
    return this.update(new Set([...this.#members.keys(), ...ids]));
  }

  /** True when it is not as it was. */
  #setMember(id: Id, stlink: Stlink | null): boolean {
    const before = this.#members.get(id);
    const after = stlink === null ? null : memberOf(stlink);
    if (after === null) return this.#members.delete(id);
    this.#members.set(id, after);
    if (before === undefined) return true;
    const { key, nextKey, codeId } = after;
    return key !== before.key || nextKey !== before.nextKey || codeId !== before.codeId;
  }

  #setPeers(id: Id, after: ReadonlySet<Id>, touched: Touched): void {
    const before = this.peersOf(id);
    for (const peer of [...before]) {
      touched.concerned.add(peer);
      if (after.has(peer)) continue;
      this.#unpair(id, peer);
      this.#unpair(peer, id);
      touched.pairs.push(pairOf(id, peer));
    }
    for (const peer of after) {
      touched.concerned.add(peer);
      if (before.has(peer)) continue;
      this.#pair(id, peer);
      this.#pair(peer, id);
      touched.pairs.push(pairOf(id, peer));
    }
  }

  #pair(id: Id, peer: Id): void {
    const peers = this.#peers.get(id);
    if (peers === undefined) this.#peers.set(id, new Set([peer]));
    else peers.add(peer);
  }

  #unpair(id: Id, peer: Id): void {
    const peers = this.#peers.get(id);
    peers?.delete(peer);
    if (peers?.size === 0) this.#peers.delete(id);
  }
}

/** null: it has no key. */
export function memberOf({ facts }: Stlink): Member | null {
  const { key, nextKey, confirmed, codeId } = facts;
  return key === null ? null : { key, nextKey, codeId: confirmed === null ? codeId : null };
}

function peersNow(deployment: StoredDeployment, stlink: Stlink | null): Set<Id> {
  if (stlink === null || stlink.facts.key === null) return new Set();
  const { id } = stlink;
  return new Set(pairsOf(deployment, stlink).map(({ low, high }) => (low === id ? high : low)));
}
