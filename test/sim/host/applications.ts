// SPDX-License-Identifier: Apache-2.0
// The applications at both ends of a simulated site: clients that dial Bindings, and the targets of the
// Mappings, which learn from a connection's first bytes which one it is. Before it: site.ts. After it:
// connection.ts. Invariant: a connection reaches the target of its own Mapping, and that once.

import type { Address, Connection, ConnectionEvents, Ending } from "../../../host/net/transport.ts";
import type { World } from "../../../host/net/world.ts";
import { SimFailure } from "../failure.ts";
import { End, HEADER_LEN, type Name, type Plan } from "./connection.ts";

export type Pair = { plan: Plan; client: End; server: End };

export class Applications {
  readonly pairs: Pair[] = [];
  /** Connections that reached a target without a byte so far. */
  readonly unknown = new Set<Newcomer>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Dials the Binding for a plan. */
  dial(plan: Plan, binding: Address): void {
    const { clock } = this.#world;
    const client = new End(plan, true, clock);
    const server = new End(plan, false, clock);
    client.other = server;
    this.pairs.push({ plan, client, server });
    const connection = this.#world.transport.connect(binding, {
      opened: () => client.begin(connection),
      data: (bytes) => client.data(bytes),
      drained: () => client.drained(),
      ended: () => client.ended(),
      closed: (why) => client.closed(why),
    });
  }

  /** The target of a Mapping of the STLink `at`. */
  serve(at: Name, address: Address): Promise<unknown> {
    const find = (number: number): Pair => {
      const pair = this.pairs.find(({ plan }) => plan.number === number);
      if (pair?.plan.to !== at || pair.server.other !== null) {
        throw new SimFailure(`connection ${number} came to ${at}, where it has no business`);
      }
      return pair;
    };
    return this.#world.transport.listen(address, (connection) => {
      const newcomer = new Newcomer(connection, find, () => this.unknown.delete(newcomer));
      this.unknown.add(newcomer);
      return newcomer;
    });
  }
}

/** A connection at a target until its first bytes say which one it is. */
class Newcomer implements ConnectionEvents {
  readonly #connection: Connection;
  readonly #find: (number: number) => Pair;
  readonly #onKnown: () => void;
  #first: Uint8Array = new Uint8Array(0);
  #end: End | null = null;

  constructor(connection: Connection, find: (number: number) => Pair, onKnown: () => void) {
    this.#connection = connection;
    this.#find = find;
    this.#onKnown = onKnown;
  }

  data(bytes: Uint8Array): void {
    if (this.#end !== null) return this.#end.data(bytes);
    this.#first = Buffer.concat([this.#first, bytes]);
    if (this.#first.length < HEADER_LEN) return;
    const { client, server } = this.#find(Buffer.from(this.#first).readUInt32BE(0));
    server.other = client;
    this.#end = server;
    this.#onKnown();
    server.begin(this.#connection);
    server.data(this.#first);
  }

  drained(): void {
    this.#end?.drained();
  }

  ended(): void {
    if (this.#end !== null) return this.#end.ended();
    if (this.#first.length > 0) throw new SimFailure("a connection ended inside its header");
    this.#connection.end();
  }

  closed(why: Ending | null): void {
    if (this.#end !== null) return this.#end.closed(why);
    this.#onKnown();
  }
}
