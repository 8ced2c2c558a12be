// SPDX-License-Identifier: Apache-2.0
// Tickets: hops of those who activate with a code (PROTOCOL 9.1, 10.2; rules T6, T7). Before it: connector.ts,
// for a hop that has shown one. After it: a guest's place, paired with the Commander alone, or a reason.
// Invariants: at most one guest for each code, GUESTS_MOST in a tenant; hashes are compared in constant time.

import { createHash, timingSafeEqual } from "node:crypto";
import { isInSubnet } from "../net/ip.ts";
import { hex } from "../service/hex.ts";
import type { Place } from "./place.ts";
import type { Roster } from "./roster.ts";
import type { Rate } from "./settings.ts";
import type { Tenancy } from "./tenancy.ts";

/** A code that is open, as its Commander has told of it, and whose turn with it is. */
export type Ticket = {
  /** 8 bytes, and BLAKE2s of the ticket, 32 bytes. */
  codeId: Uint8Array;
  hash: Uint8Array;
  /** Since 1970. */
  expiresAtMs: number;
  usesLeft: number;
  /** Networks that it may be shown from; none: all. */
  sources: readonly string[];
  /** Keys, hexadecimal, that have used the code and wait for approval. */
  readonly waiting: Set<string>;
  /** Until then it is this key's alone. */
  turn: { key: string; untilMs: number } | null;
  /** Who shows it now. */
  guest: Place | null;
};

export type TicketReason =
  | "CodeUnknown"
  | "CodeExpired"
  | "CodeUsed"
  | "WrongNetwork"
  | "NotAdmitted";

/** What became of a ticket; the Commanders of `tenancies` are to hear of it. */
export type Showing =
  | { place: Place }
  | { reason: TicketReason; tenancies: readonly Tenancy[]; codeId: Uint8Array };

/** A hop that has shown a ticket: whose key, from where. */
export type Shown = { key: Uint8Array; host: string; codeId: Uint8Array; ticket: Uint8Array };

/** A guest's hop goes after so long, and so long a ticket is its first key's (rule T6). */
export const GUEST_MS = 60_000;
const GUESTS_MOST = 10;
/** A handshake's first message with all that is around it fits in a second's worth. */
const GUEST_RATE: Rate = { bytesPerSecond: 8192, packetsPerSecond: 100 };
const CODE_ID_LEN = 8;
const ID_LEN = 16;

/** The id under which a code's guest is known: codeId and eight zeros. */
export function guestIdOf(codeId: Uint8Array): Uint8Array {
  const id = new Uint8Array(ID_LEN);
  id.set(codeId);
  return id;
}

/** What a hop has shown with TICKET, 40 bytes; null: nothing. */
export function ticketOf(shown: Uint8Array): { codeId: Uint8Array; ticket: Uint8Array } | null {
  if (shown.every((byte) => byte === 0)) return null;
  return { codeId: shown.slice(0, CODE_ID_LEN), ticket: shown.slice(CODE_ID_LEN) };
}

export class Tickets {
  readonly #roster: Roster;
  /** Milliseconds since 1970: codes expire by the wall clock. */
  readonly #wallMs: () => number;

  constructor(roster: Roster, wallMs: () => number) {
    this.#roster = roster;
    this.#wallMs = wallMs;
  }

  /** Decides about a hop that shows a ticket. `nowMs`: of the monotonic clock. */
  admit(shown: Shown, nowMs: number): Showing {
    const code = hex(shown.codeId);
    const { codeId } = shown;
    const tenancies = [...this.#roster.tenancies()].filter(({ tickets }) => tickets.has(code));
    const hash = createHash("blake2s256").update(shown.ticket).digest();
    // Two tenants may name one codeId; a ticket is good for one of them.
    const tenancy = tenancies.find(({ tickets }) => {
      return timingSafeEqual(hash, tickets.get(code)?.hash ?? new Uint8Array(hash.length));
    });
    const ticket = tenancy?.tickets.get(code);
    if (tenancy === undefined || ticket === undefined) {
      return { reason: "CodeUnknown", tenancies, codeId };
    }
    const reason = this.#refusal(tenancy, ticket, shown, nowMs);
    if (reason !== null) return { reason, tenancies: [tenancy], codeId };
    return { place: this.#guest(tenancy, ticket, shown.key, nowMs) };
  }

  #refusal(tenancy: Tenancy, ticket: Ticket, shown: Shown, nowMs: number): TicketReason | null {
    const key = hex(shown.key);
    if (tenancy.isSuspended) return "NotAdmitted";
    if (this.#wallMs() > ticket.expiresAtMs) return "CodeExpired";
    if (!isFrom(shown.host, ticket.sources)) return "WrongNetwork";
    const isKnown = this.#isKnown(tenancy, ticket, key);
    if (ticket.usesLeft === 0 && !isKnown) return "CodeUsed";
    if (isOthersTurn(ticket, key, nowMs)) {
      const isKept = ticket.usesLeft === 1 && !this.#isSpent(tenancy, ticket);
      if (isKept && !isKnown) return "CodeUsed";
      if (isKept || ticket.guest !== null) return "NotAdmitted";
    }
    const isCrowded = ticket.guest === null && guestsOf(tenancy) >= GUESTS_MOST;
    return isCrowded ? "NotAdmitted" : null;
  }

  /** The key has used the code, and is to get the same answer again (rule T7). */
  #isKnown(tenancy: Tenancy, { codeId, waiting }: Ticket, key: string): boolean {
    const owner = this.#roster.ownerOf(key);
    if (owner === null) return waiting.has(key);
    return owner.tenancy === tenancy && owner.codeId === hex(codeId);
  }

  /** Whose turn it is has its use already, or is a member by now: no use that is left is kept for it. */
  #isSpent(tenancy: Tenancy, { turn, waiting }: Ticket): boolean {
    if (turn === null || waiting.has(turn.key)) return true;
    const owner = this.#roster.ownerOf(turn.key);
    return owner !== null && owner.guestOf === null && owner.tenancy === tenancy;
  }

  #guest(tenancy: Tenancy, ticket: Ticket, key: Uint8Array, nowMs: number): Place {
    const text = hex(key);
    if (ticket.turn?.key !== text || nowMs >= ticket.turn.untilMs) {
      ticket.turn = { key: text, untilMs: nowMs + GUEST_MS };
    }
    if (ticket.guest?.key === text) return ticket.guest;
    const code = hex(ticket.codeId);
    const who = { name: `code ${code}`, tenant: tenancy.name, guestOf: code };
    const rest = { id: guestIdOf(ticket.codeId), key, nextKey: null, psk: null };
    return this.#roster.make(tenancy, { ...who, ...rest }, GUEST_RATE, nowMs);
  }
}

/** A guest has its hop, and can be written to. Returns the one of another key, whose hop has to go. */
export function enter(guest: Place): Place | null {
  const { tenancy } = guest;
  const ticket = ticketFor(guest);
  const before = ticket?.guest ?? null;
  if (ticket !== undefined) ticket.guest = guest;
  tenancy.places.set(guest.id, guest);
  return before === guest ? null : before;
}

/** A guest has no hop any more: nobody finds it. A member is away, and stays what it is. */
export function leave(guest: Place): void {
  if (guest.guestOf === null) return;
  const { tenancy } = guest;
  const ticket = ticketFor(guest);
  if (ticket?.guest === guest) ticket.guest = null;
  if (tenancy.places.get(guest.id) === guest) tenancy.places.delete(guest.id);
}

function ticketFor({ tenancy, guestOf }: Place): Ticket | undefined {
  return guestOf === null ? undefined : tenancy.tickets.get(guestOf);
}

function isFrom(host: string, sources: readonly string[]): boolean {
  return sources.length === 0 || sources.some((network) => isInSubnet(host, network));
}

function isOthersTurn({ turn }: Ticket, key: string, nowMs: number): boolean {
  return turn !== null && turn.key !== key && nowMs < turn.untilMs;
}

function guestsOf({ tickets }: Tenancy): number {
  let guests = 0;
  for (const { guest } of tickets.values()) if (guest !== null) guests += 1;
  return guests;
}
