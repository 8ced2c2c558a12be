// SPDX-License-Identifier: Apache-2.0
// A seat: one accepted connection at a Connector, its hop in the core, and once admitted the place that it
// speaks for. Before it: connector.ts. After it: the core's hop. It keeps which channel its STLink calls
// each id, because hints (DROPPED, AWAY, BACK) name that channel (PROTOCOL 4.2).

import type { Core } from "../core/core.ts";
import { HopWire, type Loans } from "../net/hop-wire.ts";
import type { Connection } from "../net/transport.ts";
import type { Place } from "./place.ts";

/** A record's most bytes on the wire. */
const RECORD_MOST = 65_537;

export class Seat {
  readonly wire: HopWire;
  readonly remoteHost: string;
  /** Whose hop it is; null before it is admitted. */
  place: Place | null = null;
  /** The key that it was admitted under, hexadecimal. */
  key = "";
  /** The PSK that its handshake was answered with. */
  psk: Uint8Array = new Uint8Array(32);
  /** The largest packet that its STLink takes; 0 before it is admitted. */
  maxPacketBytes = 0;
  /** It goes at this time, whatever its peer does; null: it may stay. */
  leaveByMs: number | null;
  /** A last record that ends it is under way. */
  isTurnedAway = false;
  /** Bytes that came and were no packets, as far as nobody has paid for them. */
  #unpaidBytes = 0;
  readonly #core: Core;
  /** Ids by channel. A channel below the core's number of them: it lets no other through. */
  readonly #ids: string[] = [];

  constructor(core: Core, connection: Connection, loans: Loans, leaveByMs: number) {
    this.#core = core;
    this.wire = new HopWire(core, core.hopAccept(), connection, loans);
    this.remoteHost = connection.remoteHost;
    this.leaveByMs = leaveByMs;
  }

  get hop(): number {
    return this.wire.hop;
  }

  /** The STLink called `id` by this channel just now. */
  noteChannel(channel: number, id: string): void {
    this.#ids[channel] = id;
  }

  /** A hint about `id`: a reason of DROPPED, "away" or "back". False: this STLink never named it. */
  tell(id: string, what: number | "away" | "back"): boolean {
    const channel = this.#ids.indexOf(id);
    if (channel < 0) return false;
    this.#core.hopTell(this.hop, channel, what);
    return true;
  }

  /** Bytes came; those of packets are paid for one by one. */
  notePackets(bytes: number): void {
    this.#unpaidBytes -= bytes;
  }

  /** Bytes came. Returns how many of all that did are to be paid for beside the packets. */
  noteBytes(bytes: number): number {
    const due = Math.max(this.#unpaidBytes + bytes - RECORD_MOST, 0);
    this.#unpaidBytes += bytes - due;
    return due;
  }
}
