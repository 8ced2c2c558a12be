// SPDX-License-Identifier: Apache-2.0
// What is seen of STLinks, gathered and written together: a transaction costs a disk's answer, and ten thousand of
// them tell something each few seconds. Before it: desks (HERE, GONE, NAMED, MOVED), reception.ts. After it: the
// registry's news. Invariants: nobody is here before a Connector has said so; what could not be written waits.

import type { DeskMessage, DeskMessageOf } from "../../connector/desk/messages.ts";
import { hex } from "../../service/hex.ts";
import type { Id, Key } from "../domain/fields.ts";
import type { StlinkReport } from "../domain/stlink.ts";
import type { Seen } from "../registry.ts";
import { allAway, readStlink } from "../store/stlinks.ts";
import type { Membership } from "./membership.ts";
import type { Texts } from "./messages.ts";
import type { Office } from "./office.ts";
import type { Parties } from "./parties.ts";

const WRITE_MS = 200;
const WRITE_AGAIN_MS = 2000;
/** A Connector that has gone may be back by then, with who was at it. */
const GONE_MS = 10_000;
const SAMPLE_MS = 10_000;
/** A round trip that is so much longer or shorter is worth a line on the disk. */
const SAMPLE_DIFFERS = 0.25;

export class Presence {
  readonly #office: Office;
  readonly #membership: Membership;
  readonly #parties: Parties;
  readonly #seen = new Map<Id, Seen>();
  /** At which Connectors an STLink is. */
  readonly #at = new Map<Id, Set<Key>>();
  /** Named by a Connector since its desk was asked anew. */
  readonly #named = new Map<Key, Set<Id>>();
  readonly #gone = new Map<Key, () => void>();
  /** The round trips that were noted. */
  readonly #roundTrips = new Map<Id, number>();
  #cancelWrite: (() => void) | null = null;
  #cancelSample = (): void => {};

  constructor(office: Office, membership: Membership, parties: Parties) {
    this.#office = office;
    this.#membership = membership;
    this.#parties = parties;
  }

  /** Nobody is here when a Commander begins. Throws Refusal (Store...). */
  begin(): void {
    this.#office.db.transaction(() => allAway(this.#office.db));
    this.#sampleLater();
  }

  isHere(id: Id): boolean {
    return this.#at.has(id);
  }

  hear(connector: Key, message: DeskMessage): void {
    if (message.type === "HERE") this.#here(connector, hex(message.id));
    if (message.type === "GONE") this.#leave(connector, hex(message.id));
    if (message.type === "NAMED") this.#endNaming(connector);
    if (message.type === "MOVED") this.#moved(message);
  }

  /** A Connector's desk is asked anew: who is not named again has gone. */
  ask(connector: Key): void {
    this.#gone.get(connector)?.();
    this.#gone.delete(connector);
    this.#named.set(connector, new Set());
  }

  /** A Connector's desk has gone. */
  lose(connector: Key): void {
    if (this.#gone.has(connector)) return;
    this.#named.delete(connector);
    const cancel = this.#office.world.clock.after(GONE_MS, () => this.#leaveAll(connector, null));
    this.#gone.set(connector, cancel);
  }

  /** Facts of an STLink, to be written soon. */
  note(id: Id, seen: Seen): void {
    const before = this.#seen.get(id);
    const report = { ...before?.report, ...seen.report };
    this.#seen.set(id, { ...before, ...seen, report });
    this.#cancelWrite ??= this.#office.world.clock.after(WRITE_MS, () => this.write());
  }

  noteReport(id: Id, report: Partial<StlinkReport>): void {
    this.note(id, { report, lastSeenMs: this.#office.registry.nowMs });
  }

  noteTexts(id: Id, { platform, board, firmware }: Texts): void {
    const texts = { platform: platform || null, board: board || null, firmware: firmware || null };
    this.noteReport(id, texts);
  }

  /** The errors that an STLink has told, the newest first. */
  lastErrors(id: Id): readonly string[] {
    const waiting = this.#seen.get(id)?.report?.lastErrors;
    return waiting ?? readStlink(this.#office.db, id)?.facts.report.lastErrors ?? [];
  }

  /** All that waits, in one transaction. */
  write(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = null;
    const { registry, world } = this.#office;
    const attempt = this.#office.attempt("write what is seen of STLinks", () => {
      registry.note(this.#seen);
    });
    if (attempt.ok) return this.#seen.clear();
    this.#cancelWrite = world.clock.after(WRITE_AGAIN_MS, () => this.write());
  }

  stop(): void {
    this.#cancelSample();
    for (const cancel of this.#gone.values()) cancel();
    for (const id of this.#at.keys()) this.note(id, { isConnected: false });
    this.write();
    this.#cancelWrite?.();
  }

  #here(connector: Key, id: Id): void {
    if (!this.#membership.members.has(id)) return;
    this.#named.get(connector)?.add(id);
    const at = this.#at.get(id);
    if (at === undefined) this.#at.set(id, new Set([connector]));
    else at.add(connector);
    const lastSeenMs = this.#office.registry.nowMs;
    this.note(id, { isConnected: true, lastSeenMs, report: { connector } });
  }

  #leave(connector: Key, id: Id): void {
    const at = this.#at.get(id);
    if (at?.delete(connector) !== true) return;
    const [other] = at;
    if (other !== undefined) return this.note(id, { report: { connector: other } });
    this.#at.delete(id);
    this.note(id, { isConnected: false });
  }

  #endNaming(connector: Key): void {
    const named = this.#named.get(connector);
    this.#named.delete(connector);
    if (named !== undefined) this.#leaveAll(connector, named);
  }

  /** Those at a Connector, but for some. */
  #leaveAll(connector: Key, but: ReadonlySet<Id> | null): void {
    for (const id of [...this.#at.keys()]) if (!but?.has(id)) this.#leave(connector, id);
  }

  #moved({ id, bytesIn, bytesOut }: DeskMessageOf<"MOVED">): void {
    const text = hex(id);
    if (this.#membership.members.has(text)) this.noteReport(text, { bytesIn, bytesOut });
  }

  #sampleLater(): void {
    this.#cancelSample = this.#office.world.clock.after(SAMPLE_MS, () => {
      for (const { id, conversation, link } of this.#parties) {
        if (conversation !== null) this.#sample(id, link);
      }
      this.#sampleLater();
    });
  }

  #sample(id: Id, link: number): void {
    const { roundTrip } = this.#office.agent.core.linkInfo(link);
    if (roundTrip === null || !this.#membership.members.has(id)) return;
    const { srttMs } = roundTrip;
    const before = this.#roundTrips.get(id);
    const isSame = before !== undefined && Math.abs(srttMs - before) <= SAMPLE_DIFFERS * before;
    if (isSame) return;
    this.#roundTrips.set(id, srttMs);
    this.note(id, { report: { roundTripMs: srttMs } });
  }
}
