// SPDX-License-Identifier: Apache-2.0
// Who a hop is whose handshake is over: an STLink that is admitted, a guest with a ticket, or nobody. Before
// it: connector.ts. After it: a place, or the reason of REFUSED. PROTOCOL section 9; rules T2, T3, T6, K7.
// Invariant: nothing is told from here; whoever asks carries it out.

import type { Reason } from "../core/abi.gen.ts";
import type { Core } from "../core/core.ts";
import { hex } from "../service/hex.ts";
import { type Counters, count, type HopRefusalName } from "./counters.ts";
import type { ConnectorOptions } from "./options.ts";
import type { Place } from "./place.ts";
import type { Roster } from "./roster.ts";
import type { Seat } from "./seat.ts";
import { GUEST_MS, Tickets, ticketOf } from "./tickets.ts";

/** Why a hop is refused or closed, in a word that is on the wire too. */
export type TurnReason = HopRefusalName & keyof typeof Reason;

export type Arrival = {
  /** Where it may sit down; null: it is refused with `reason`. */
  place: Place | null;
  reason: TurnReason;
  /** The hop that it takes the place of, if any, is closed with `olderReason`. */
  older: Seat | null;
  olderReason: TurnReason;
};

export class Arrivals {
  readonly #core: Core;
  readonly #options: ConnectorOptions;
  readonly #counters: Counters;
  readonly #roster: Roster;
  readonly #tickets: Tickets;

  constructor(options: ConnectorOptions, counters: Counters, roster: Roster) {
    this.#core = options.core;
    this.#options = options;
    this.#counters = counters;
    this.#roster = roster;
    this.#tickets = new Tickets(roster, options.wallMs ?? Date.now);
  }

  /** The PSK for a seat whose handshake asks for it. */
  pskFor(seat: Seat): Uint8Array {
    return this.#roster.pskOf(this.#core.hopPeerKey(seat.hop));
  }

  /** The newest hop of an id wins, unless its key is at two places (rule K7). */
  decide(seat: Seat, nowMs: number): Arrival {
    const key = this.#core.hopPeerKey(seat.hop);
    this.#roster.ownerOf(hex(key))?.notePsk(seat.psk);
    const found = this.#identify(seat, key, nowMs);
    if (typeof found === "string") return refused(found);
    const older = found.seat;
    const twice = found.noteHop(older !== null, nowMs);
    if (twice === "first") this.#alarm(found, seat.remoteHost);
    if (twice !== "alone")
      return { ...refused("KeyUsedTwice"), older, olderReason: "KeyUsedTwice" };
    seat.key = hex(key);
    found.takeKey(seat.key);
    seat.leaveByMs = found.guestOf === null ? null : nowMs + GUEST_MS;
    return { place: found, reason: "NotAdmitted", older, olderReason: "Superseded" };
  }

  #identify(seat: Seat, key: Uint8Array, nowMs: number): Place | TurnReason {
    const ticket = ticketOf(this.#core.hopTicket(seat.hop));
    if (ticket === null) return this.#roster.find(key) ?? "NotAdmitted";
    const host = seat.remoteHost;
    const showing = this.#tickets.admit({ key, host, ...ticket }, nowMs);
    if ("place" in showing) return showing.place;
    this.#options.onEvent?.({ kind: "turned", ...showing, key, host });
    return showing.reason;
  }

  #alarm(place: Place, host: string): void {
    count(this.#counters.alarms, "KeyUsedTwice");
    this.#options.onEvent?.({ kind: "KeyUsedTwice", place, host });
  }
}

function refused(reason: TurnReason): Arrival {
  return { place: null, reason, older: null, olderReason: "Superseded" };
}
