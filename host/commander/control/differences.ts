// SPDX-License-Identifier: Apache-2.0
// What a Connector has to hear of an admission that it holds an older version of: names of things alone; how they
// are now is looked up when they are told. Before it: a change. After it: admission.ts. PROTOCOL 9.1.

import type { Pair } from "../domain/deployment.ts";
import type { Id } from "../domain/fields.ts";

export class Differences {
  readonly members = new Set<Id>();
  readonly #pairs = new Map<string, Pair>();
  readonly codes = new Set<string>();
  /** Codes with which somebody waited and does no more. */
  readonly voided = new Set<string>();
  /** Ids of Customers' Commanders. */
  readonly customers = new Set<Id>();

  get pairs(): Iterable<Pair> {
    return this.#pairs.values();
  }

  get isEmpty(): boolean {
    const { members, codes, voided, customers } = this;
    return members.size + this.#pairs.size + codes.size + voided.size + customers.size === 0;
  }

  addPair(pair: Pair): void {
    this.#pairs.set(pair.low + pair.high, pair);
  }

  add(other: Differences): void {
    for (const id of other.members) this.members.add(id);
    for (const pair of other.pairs) this.addPair(pair);
    for (const id of other.codes) this.codes.add(id);
    for (const id of other.voided) this.voided.add(id);
    for (const id of other.customers) this.customers.add(id);
  }
}
