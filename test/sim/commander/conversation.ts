// SPDX-License-Identifier: Apache-2.0
// An application's connection through a pair of Routes: a client at the Binding writes a piece now and then, the
// Mapping's target sends back what it reads. Before it: site.ts. After it: the simulated Transport. Invariants, at
// every byte: it is the other side's, in order, and the two may talk now; at the end: it was not cut while it was
// allowed, and its STLinks lived.

import type { Connection, ConnectionEvents, Ending } from "../../../host/net/transport.ts";
import { SimFailure } from "../failure.ts";
import { patternAt, patternStart } from "../pattern.ts";
import type { Pair, Site } from "./site.ts";
import type { SimStlink } from "./stlink.ts";

/** The first bytes of a client say which connection it is. */
export const NUMBER_LEN = 4;
/** Small: the simulated network cuts each write into random pieces, and each becomes a packet. */
const PIECE_BYTES = 64;
/** What an STLink has handed to its socket arrives within this. */
const UNDER_WAY_MS = 20;
/** More than this is not written ahead of what comes back. */
const AHEAD_BYTES = 2000;

export class Conversation {
  readonly pair: Pair;
  readonly number: number;
  /** Why it may be cut; null: it may not. */
  excuse: string | null = null;
  sent = 0;
  /** What the target got, and what came back to the client. */
  got = 0;
  back = 0;
  lastByteAtMs = 0;
  ending: string | null = null;
  /** The devices that it goes through. */
  readonly from: SimStlink;
  readonly to: SimStlink;
  readonly #site: Site;
  readonly #restMs: number;
  readonly #start: number;
  #echoed = 0;
  #client: Connection | null = null;
  #target: Connection | null = null;

  constructor(site: Site, pair: Pair, number: number, restMs: number) {
    this.#site = site;
    this.pair = pair;
    this.from = pair.from.device;
    this.to = pair.to.device;
    this.number = number;
    this.#restMs = restMs;
    this.#start = patternStart(`${site.seed} ${number}`);
  }

  get isOver(): boolean {
    return this.ending !== null;
  }

  get text(): string {
    const { number, sent, got, back, ending } = this;
    const { from, to } = this.pair;
    const bytes = `sent ${sent}, arrived ${got}, back ${back}`;
    return `connection ${number} of ${from.name} to ${to.name}: ${ending ?? "open"}, ${bytes}`;
  }

  begin(connection: Connection): void {
    this.#client = connection;
    this.#write();
  }

  /** The client's side. */
  readonly events: ConnectionEvents = {
    opened: () => {},
    data: (bytes) => {
      this.#expectAllowed(this.from, this.pair.bindingId, this.pair.to.id);
      this.#check(bytes, this.back, this.got);
      this.back += bytes.length;
    },
    drained: () => {},
    ended: () => this.#over("ended"),
    closed: (why) => this.#over(why ?? "closed"),
  };

  /** The target's side, once it is known whose the connection is. */
  take(connection: Connection): ConnectionEvents {
    if (this.#target !== null) this.#fail("came to its target twice");
    this.#target = connection;
    return {
      data: (bytes) => {
        this.#expectAllowed(this.to, this.pair.mappingId, this.pair.from.id);
        this.#check(bytes, this.got, this.sent);
        this.got += bytes.length;
        this.#echo(connection);
      },
      drained: () => {},
      ended: () => this.#over("ended"),
      closed: (why) => this.#over(why ?? "closed"),
    };
  }

  /** Nobody needs it any more. */
  close(): void {
    this.excuse ??= "its client has closed it";
    this.#client?.reset();
    this.ending ??= "closed";
  }

  #check(bytes: Uint8Array, at: number, most: number): void {
    if (at + bytes.length > most) this.#fail(`got ${at + bytes.length} bytes`);
    const expected = this.#pattern(at, bytes.length);
    if (Buffer.compare(bytes, expected) !== 0) this.#fail(`got wrong bytes at ${at}`);
    this.lastByteAtMs = this.#site.clock.nowMs;
  }

  /** A byte at an application beside an STLink: its configuration lets it through, and nobody is to be silent. */
  #expectAllowed(beside: SimStlink, routeId: string, peerId: string): void {
    const { nowMs } = this.#site.clock;
    const silentFromMs = Math.min(this.from.silentFromMs, this.to.silentFromMs);
    if (nowMs >= silentFromMs) this.#fail(`a byte came ${nowMs - silentFromMs} ms too late`);
    if (beside.allowed(routeId, peerId, nowMs - UNDER_WAY_MS)) return;
    this.#fail(`a byte came through ${beside.name}, whose configuration does not allow it`);
  }

  #pattern(at: number, len: number): Uint8Array {
    const bytes = Buffer.from(patternAt(this.#start, at, len));
    const header = Buffer.alloc(NUMBER_LEN);
    header.writeUInt32BE(this.number);
    bytes.set(header.subarray(at, at + len));
    return bytes;
  }

  #write(): void {
    if (this.isOver || this.#client === null || this.#site.isClosed) return;
    if (this.sent - this.back < AHEAD_BYTES) {
      const piece = this.#pattern(this.sent, PIECE_BYTES);
      this.sent += piece.length;
      this.#client.write(new Uint8Array(piece));
    }
    this.#site.later(this.#restMs, () => this.#write());
  }

  /** Whole pieces go back. */
  #echo(connection: Connection): void {
    for (; this.#echoed + PIECE_BYTES <= this.got; this.#echoed += PIECE_BYTES) {
      connection.write(new Uint8Array(this.#pattern(this.#echoed, PIECE_BYTES)));
    }
  }

  #over(how: Ending | string): void {
    if (this.isOver) return;
    this.ending = how;
    this.#site.log(`${this.text}; ${this.excuse ?? "no excuse"}`);
    // Until the first byte has come back the other side may not have known of it yet.
    if (this.excuse !== null || this.back === 0 || this.#site.isClosed) return;
    this.#fail("was cut, though it is allowed and both STLinks live");
  }

  #fail(what: string): never {
    throw new SimFailure(`${this.text}: ${what}`);
  }
}
