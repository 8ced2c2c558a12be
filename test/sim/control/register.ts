// SPDX-License-Identifier: Apache-2.0
// Whom the simulated Connector admits: what its Commander has published last, tickets included. Before it:
// commander.ts publishes. After it: SimConnector asks. Keys decide, whole; ids address (rules T2, T4, T6).
// Invariants: a revoked key is never admitted again; a ticket is good until its code expires, and for the
// key that used it only; nobody sees an id that it is not paired with. A liar takes no news (`isDeaf`).

import { blake2s } from "@noble/hashes/blake2.js";
import type { SimClock } from "../../../host/net/sim/clock.ts";
import type { Admission, Directory } from "../../../host/net/sim/connector.ts";
import { provisionalId } from "../../reference/activation.ts";
import { toHex } from "../../reference/bytes.ts";
import { type Code, type Database, sameBytes } from "./database.ts";

/** Reasons of PROTOCOL 13.2. */
const NOT_ADMITTED = 50;
const CODE_USED = 64;
const CODE_EXPIRED = 65;
const CODE_UNKNOWN = 66;

/** How long a ticket is its first key's: the life of its hop (rule T6). Else two would supersede each other. */
const TICKET_MS = 60_000;

export const COMMANDER = "commander";

export class Register implements Directory {
  /** Keeps what it has, whatever is published: a Connector that withholds. */
  isDeaf = false;
  /** Takes tickets that have expired or are used: a Connector that admits strangers. */
  isLax = false;
  /** A ticket was shown with this key; the Commander has to know it before the handshake. */
  onTicket: (codeId: Uint8Array, key: Uint8Array) => void = () => {};
  /** A key has made a hop. */
  onKey: (key: Uint8Array) => void = () => {};
  readonly #clock: SimClock;
  readonly #known = new Map<string, Admission>();
  readonly #commander: Admission;
  #db: Database;
  /** By codeId: whose turn with the ticket it is. */
  readonly #turns = new Map<string, { key: Uint8Array; untilMs: number }>();
  /** Which of a key's PSKs is tried next: the one in force at the STLink is known when it is confirmed. */
  readonly #attempts = new Map<string, number>();
  /** PSKs outlive their admission: REFUSED could not be read without. */
  readonly #psks = new Map<string, Uint8Array>();

  constructor(clock: SimClock, commander: Admission, db: Database) {
    this.#clock = clock;
    this.#commander = commander;
    this.#db = db;
  }

  /** Takes over what is published. Returns the names whose hops and packets are to be purged. */
  publish(db: Database): string[] {
    if (this.isDeaf) return [];
    const before = this.#db;
    this.#db = structuredClone(db);
    const gone = before.rows.filter(({ id, key }) => {
      const now = db.rows.find((row) => sameBytes(row.id, id));
      if (now === undefined) return true;
      return !sameBytes(now.key, key) && !this.#isRotated(key, before, now.key);
    });
    return gone.map(({ id }) => toHex(id));
  }

  /** True when `now` was announced as the next key of `key`. */
  #isRotated(key: Uint8Array, before: Database, now: Uint8Array): boolean {
    const row = before.rows.find((one) => sameBytes(one.key, key));
    return row?.nextKey != null && sameBytes(row.nextKey, now);
  }

  /** The operator moves the Commander's id to another key (rule T8). */
  moveCommander(key: Uint8Array): void {
    this.#commander.key = key;
  }

  pskOf(key: Uint8Array): Uint8Array | undefined {
    const row = this.#rowByKey(key);
    if (row === undefined) return this.#psks.get(toHex(key));
    this.#psks.set(toHex(key), row.hopPsk);
    // Until its configuration is confirmed the STLink may still dial as its code says, with zeros.
    const tries = this.#attempts.get(toHex(key)) ?? 0;
    this.#attempts.set(toHex(key), tries + 1);
    return row.confirmed === "" && tries % 2 === 1 ? undefined : row.hopPsk;
  }

  admit(key: Uint8Array, ticket: Uint8Array): Admission | number {
    const tried = this.#attempts.get(toHex(key)) ?? 0;
    if (tried > 0) this.#attempts.set(toHex(key), tried - 1);
    if (ticket.some((byte) => byte !== 0)) return this.#byTicket(key, ticket);
    if (sameBytes(key, this.#commander.key)) return this.#commander;
    const row = this.#rowByKey(key);
    if (row === undefined) return NOT_ADMITTED;
    this.onKey(key);
    return this.#admission(toHex(row.id), row.id, key);
  }

  byName(name: string): Admission | undefined {
    return name === COMMANDER ? this.#commander : this.#known.get(name);
  }

  receiver(id: Uint8Array, from: Admission): Admission | undefined {
    if (sameBytes(id, this.#commander.id)) return this.#commander;
    if (from === this.#commander) return this.#addressee(id);
    const isPaired = this.#db.pairs.some(
      (pair) =>
        (sameBytes(pair.from, from.id) && sameBytes(pair.to, id)) ||
        (sameBytes(pair.to, from.id) && sameBytes(pair.from, id)),
    );
    return isPaired ? this.#addressee(id) : undefined;
  }

  #addressee(id: Uint8Array): Admission | undefined {
    const row = this.#db.rows.find((one) => sameBytes(one.id, id));
    if (row !== undefined) return this.#admission(toHex(row.id), row.id, row.key);
    return this.#known.get(`code ${toHex(id)}`);
  }

  #rowByKey(key: Uint8Array) {
    if (this.#db.revokedKeys.includes(toHex(key))) return undefined;
    return this.#db.rows.find(
      (row) => sameBytes(row.key, key) || (row.nextKey !== null && sameBytes(row.nextKey, key)),
    );
  }

  #byTicket(key: Uint8Array, ticket: Uint8Array): Admission | number {
    const hash = blake2s(ticket.slice(8));
    const code = this.#db.codes.find((one) => sameBytes(one.ticketHash, hash));
    if (code === undefined) return CODE_UNKNOWN;
    if (!this.isLax) {
      const refusal = this.#refusal(code, key);
      if (refusal !== 0) return refusal;
    }
    this.onTicket(code.codeId, key);
    const id = provisionalId(code.codeId);
    return this.#admission(`code ${toHex(id)}`, id, key);
  }

  #refusal({ codeId, usedBy, expiresAtMs }: Code, key: Uint8Array): number {
    const { nowMs } = this.#clock;
    if (usedBy !== null && !sameBytes(usedBy, key)) return CODE_USED;
    if (nowMs > expiresAtMs) return CODE_EXPIRED;
    const turn = this.#turns.get(toHex(codeId));
    const isOver = turn === undefined || nowMs > turn.untilMs;
    if (isOver) this.#turns.set(toHex(codeId), { key, untilMs: nowMs + TICKET_MS });
    return isOver || sameBytes(turn.key, key) ? 0 : CODE_USED;
  }

  #admission(name: string, id: Uint8Array, key: Uint8Array): Admission {
    const known = this.#known.get(name) ?? { name, id, key };
    known.key = key;
    this.#known.set(name, known);
    return known;
  }
}
