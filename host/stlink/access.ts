// SPDX-License-Identifier: Apache-2.0
// Who may use a Binding, how many at once and how fast: its access list in force, with who is here under it.
// Before it: a site's file, or a Commander's configuration. After it: bindings.ts and datagram-binding.ts ask
// before anything is opened to a peer, pump.ts asks how fast. Another list touches nobody that it still
// allows. Invariant: nothing is kept of those who are refused but a count.

import { isDeepStrictEqual } from "node:util";
import { Networks, plainAddress } from "../net/ip.ts";
import type { Clock } from "../net/world.ts";
import { Pace, type Paces } from "./pace.ts";
import type { BindingAccess } from "./site.ts";

/** Why somebody is not let in. */
export type Refusal = "SourceNotAllowed" | "TooManyConnections";

/** Who is here: one connection, or a UDP Binding's listener for all its flows. */
export interface Admitted {
  /** Another list is in force: whoever it does not allow is to end. */
  accessChanged(): void;
}

export class Access {
  readonly paces: Paces;
  /** Connections, by why. */
  readonly refused: Partial<Record<Refusal, number>> = {};
  #list: BindingAccess;
  #networks: Networks;
  readonly #admitted = new Set<Admitted>();

  constructor(clock: Clock, list: BindingAccess) {
    const { bytesPerSecond } = list;
    this.paces = { in: new Pace(clock, bytesPerSecond), out: new Pace(clock, bytesPerSecond) };
    this.#list = list;
    this.#networks = new Networks(list.sources);
  }

  /** Another list from now on. A smaller limit of connections ends nobody. */
  set(list: BindingAccess): void {
    if (isDeepStrictEqual(list, this.#list)) return;
    const { sources, bytesPerSecond } = list;
    if (bytesPerSecond !== this.#list.bytesPerSecond) {
      this.paces.in.setRate(bytesPerSecond);
      this.paces.out.setRate(bytesPerSecond);
    }
    this.#list = list;
    this.#networks = new Networks(sources);
    for (const one of [...this.#admitted]) one.accessChanged();
  }

  /** Whether the list names the network of this host, an IP address. */
  allows(host: string): boolean {
    return this.#list.sources.length === 0 || this.#networks.has(host);
  }

  /** Why one more, from this host, is not let in beside so many that are open; null: it is. */
  refusalOf(host: string, open: number): Refusal | null {
    if (!this.allows(host)) return "SourceNotAllowed";
    const { connections } = this.#list;
    return connections !== null && open >= connections ? "TooManyConnections" : null;
  }

  count(refusal: Refusal): void {
    this.refused[refusal] = (this.refused[refusal] ?? 0) + 1;
  }

  /** What a person is told of it; `what` begins with a consonant. */
  refusalText(refusal: Refusal, what: "connection" | "datagram", host: string): string {
    const from = `a ${what} from ${plainAddress(host)} was refused (${refusal})`;
    if (refusal === "SourceNotAllowed") {
      return `${from}: no network of the access list has that address. If it may use the Binding, add its network to sources.`;
    }
    return `${from}: ${this.#list.connections} are open, as many as the access list allows. Close some, or allow more connections.`;
  }

  /** How many are here. */
  get admitted(): number {
    return this.#admitted.size;
  }

  admit(one: Admitted): void {
    this.#admitted.add(one);
  }

  leave(one: Admitted): void {
    this.#admitted.delete(one);
  }

  /** The process ends: what is left may go. */
  stop(): void {
    this.paces.in.stop();
    this.paces.out.stop();
  }
}
