// SPDX-License-Identifier: Apache-2.0
// Hops that have not shown who they are yet, bounded for each source network and in all (rule K4). Before
// it: an accepted connection. After it: connector.ts, which works on them. Where all places are taken, a
// newcomer takes that of the oldest of the network that has the most, so that a flood displaces itself.

import { networkOf } from "../net/ip.ts";

export type HalfOpenLimits = { most: number; mostPerSource: number };

export class HalfOpen<Hop> {
  #limits: HalfOpenLimits;
  /** By source network, in the order in which they came. */
  readonly #networks = new Map<string, Set<Hop>>();
  readonly #networkOf = new Map<Hop, string>();

  constructor(limits: HalfOpenLimits) {
    this.#limits = limits;
  }

  set limits(limits: HalfOpenLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#networkOf.size;
  }

  has(hop: Hop): boolean {
    return this.#networkOf.has(hop);
  }

  [Symbol.iterator](): IterableIterator<Hop> {
    return this.#networkOf.keys();
  }

  /**
   * Whether there is a place for a hop from this host.
   * @returns false, true, or the hop that has to go for it
   */
  placeFor(host: string): boolean | Hop {
    const own = this.#networks.get(networkOf(host))?.size ?? 0;
    const { most, mostPerSource } = this.#limits;
    if (own >= mostPerSource) return false;
    if (this.size < most) return true;
    const crowd = this.#mostCrowded();
    const [oldest] = crowd;
    return oldest !== undefined && crowd.size > own + 1 ? oldest : false;
  }

  add(hop: Hop, host: string): void {
    const network = networkOf(host);
    const hops = this.#networks.get(network) ?? new Set();
    this.#networks.set(network, hops.add(hop));
    this.#networkOf.set(hop, network);
  }

  delete(hop: Hop): void {
    const network = this.#networkOf.get(hop);
    if (network === undefined) return;
    this.#networkOf.delete(hop);
    const hops = this.#networks.get(network);
    hops?.delete(hop);
    if (hops?.size === 0) this.#networks.delete(network);
  }

  #mostCrowded(): ReadonlySet<Hop> {
    let crowd: ReadonlySet<Hop> = new Set();
    for (const hops of this.#networks.values()) if (hops.size > crowd.size) crowd = hops;
    return crowd;
  }
}
