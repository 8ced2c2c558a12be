// SPDX-License-Identifier: Apache-2.0
// The targets of all Mappings: each accepts connections at a port of its own, and learns from the first bytes which one
// it is. Before it: the STLinks' Mappings dial. After it: conversation.ts. Invariant: a connection reaches the target of
// its own Mapping.

import type { Connection, ConnectionEvents } from "../../../host/net/transport.ts";
import type { World } from "../../../host/net/world.ts";
import { SimFailure } from "../failure.ts";
import { type Conversation, NUMBER_LEN } from "./conversation.ts";

export class Targets {
  readonly host: string;
  readonly #world: World;
  readonly #find: (number: number) => Conversation | undefined;

  constructor(world: World, host: string, find: (number: number) => Conversation | undefined) {
    this.#world = world;
    this.host = host;
    this.#find = find;
  }

  listen(port: number): Promise<unknown> {
    return this.#world.transport.listen({ host: this.host, port }, (connection) =>
      this.#newcomer(connection, port),
    );
  }

  /** A connection until its first bytes say which one it is. */
  #newcomer(connection: Connection, port: number): ConnectionEvents {
    let first: Uint8Array = new Uint8Array(0);
    let events: ConnectionEvents | null = null;
    return {
      data: (bytes) => {
        if (events !== null) return events.data(bytes);
        first = Buffer.concat([first, bytes]);
        if (first.length < NUMBER_LEN) return;
        const number = Buffer.from(first).readUInt32BE(0);
        const conversation = this.#find(number);
        if (conversation?.pair.targetPort !== port) {
          throw new SimFailure(
            `connection ${number} came to port ${port}, where it has no business`,
          );
        }
        events = conversation.take(connection);
        events.data(first);
      },
      drained: () => events?.drained(),
      ended: () => events?.ended(),
      closed: (why) => events?.closed(why),
    };
  }
}
