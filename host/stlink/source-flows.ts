// SPDX-License-Identifier: Apache-2.0
// The source addresses of a UDP Binding and their flows, a u16 each. Before it: datagram-binding.ts. After
// it: nothing. A flow's number comes again only after all others have had their turn, so that a late
// answer meets a flow that is forgotten and not somebody else. PROTOCOL 8.1, rule U1.

import type { Address, DatagramSocket } from "../net/transport.ts";
import { IdleMap } from "./idle-map.ts";

export type Source = { flow: number; name: string; socket: DatagramSocket; address: Address };

const FLOW_NUMBERS = 65_536;

export class SourceFlows {
  readonly #most: number;
  readonly #byFlow = new IdleMap<number, Source>();
  readonly #byName = new Map<string, number>();
  #next = 0;

  /** At most `most` flows, 1 to 65,536. */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#byFlow.size;
  }

  /** The flow of a source; undefined: it has none. */
  flowOf(socket: DatagramSocket, address: Address, nowMs: number): number | undefined {
    const known = this.#byName.get(nameOf(socket, address));
    if (known !== undefined) this.#byFlow.use(known, nowMs);
    return known;
  }

  /** A flow for a source that has none; the one idle longest may go for it. */
  add(socket: DatagramSocket, address: Address, nowMs: number): number {
    const source = { flow: this.#free(), name: nameOf(socket, address), socket, address };
    this.#byFlow.set(source.flow, source, nowMs);
    this.#byName.set(source.name, source.flow);
    return source.flow;
  }

  /** Whose flow it is, for an answer; undefined: it was forgotten. */
  sourceOf(flow: number, nowMs: number): Source | undefined {
    return this.#byFlow.use(flow, nowMs);
  }

  /** Forgets what was last used before `beforeMs`. */
  forgetIdle(beforeMs: number): void {
    for (const { name } of this.#byFlow.takeIdle(beforeMs)) this.#byName.delete(name);
  }

  /** Forgets the flows of hosts that `isMeant` says. */
  forgetHosts(isMeant: (host: string) => boolean): void {
    const isGone = ({ address }: Source): boolean => isMeant(address.host);
    for (const { name } of this.#byFlow.takeWhere(isGone)) this.#byName.delete(name);
  }

  /** A number that no flow has. */
  #free(): number {
    if (this.#byFlow.size >= this.#most) {
      const oldest = this.#byFlow.takeOldest();
      if (oldest !== undefined) this.#byName.delete(oldest.name);
    }
    while (this.#byFlow.has(this.#next)) this.#next = (this.#next + 1) % FLOW_NUMBERS;
    const flow = this.#next;
    this.#next = (this.#next + 1) % FLOW_NUMBERS;
    return flow;
  }
}

function nameOf(socket: DatagramSocket, { host, port }: Address): string {
  return `${socket.address.host} ${host} ${port}`;
}
