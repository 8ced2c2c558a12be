// SPDX-License-Identifier: Apache-2.0
// A seat: one accepted connection at a Connector, its hop in the core, and once admitted the id it speaks
// for. Before it: connector.ts. After it: the core's hop. It keeps which channel its STLink calls each
// id, because hints (DROPPED, AWAY, BACK) name that channel (PROTOCOL 4.2).

import type { Core } from "../core/core.ts";
import { HopWire } from "../net/hop-wire.ts";
import type { Connection } from "../net/transport.ts";

export class Seat {
  readonly wire: HopWire;
  readonly remoteHost: string;
  /** The admitted STLink's id in hexadecimal; empty before. */
  id = "";
  packetsIn = 0;
  packetsOut = 0;
  readonly #core: Core;
  readonly #channelOf = new Map<string, number>();
  readonly #idAt = new Map<number, string>();

  constructor(core: Core, connection: Connection) {
    this.#core = core;
    this.wire = new HopWire(core, core.hopAccept(), connection);
    this.remoteHost = connection.remoteHost;
  }

  get hop(): number {
    return this.wire.hop;
  }

  /** The STLink called `id` by this channel just now. */
  noteChannel(channel: number, id: string): void {
    const before = this.#idAt.get(channel);
    if (before === id) return;
    if (before !== undefined) this.#channelOf.delete(before);
    this.#idAt.set(channel, id);
    this.#channelOf.set(id, channel);
  }

  /** A hint about `id`: a reason of DROPPED, "away" or "back". False: this STLink never named it. */
  tell(id: string, what: number | "away" | "back"): boolean {
    const channel = this.#channelOf.get(id);
    if (channel === undefined) return false;
    this.#core.hopTell(this.hop, channel, what);
    return true;
  }
}
