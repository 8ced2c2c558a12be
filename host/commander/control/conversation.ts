// SPDX-License-Identifier: Apache-2.0
// The control stream of one STLink: its messages, at a pace that a Commander bears, and what it is answered. Before
// it: switchboard.ts, which takes the stream. After it: reception.ts (what messages mean), deployer.ts (CONFIG).
// Invariants: the newest stream of an STLink counts; what it has not read is bounded (talk.ts). PROTOCOL 10.1.

import { Reason } from "../../core/abi.gen.ts";
import type { Id } from "../domain/fields.ts";
import type { Version } from "../domain/version.ts";
import { ControlReader, type FromStlink, type InForce } from "./messages.ts";
import type { Office } from "./office.ts";
import type { Party } from "./parties.ts";
import { Talk } from "./talk.ts";

export interface ConversationEvents {
  message(conversation: Conversation, message: FromStlink): void;
  /** All that was to be sent is in the stream. */
  drained(): void;
  over(conversation: Conversation): void;
}

/** Each of these is a transaction. */
function isCostly({ type }: FromStlink): boolean {
  return type === "ACTIVATE" || type === "ROTATE";
}

export class Conversation {
  readonly party: Party;
  /** Whose configuration goes over it; null: not known before ACTIVATE. */
  stlinkId: Id | null;
  /** The last CONFIG that went over it. */
  sent: InForce | null = null;
  /** What the STLink has said to have in force. */
  inForce: Version | null = null;
  readonly #talk: Talk;
  readonly #reader = new ControlReader();
  readonly #events: ConversationEvents;
  /** Read, and not dealt with yet: the stream is not read meanwhile. */
  #waiting: FromStlink[] = [];
  #unknown = 0;

  constructor(office: Office, stream: number, party: Party, events: ConversationEvents) {
    this.party = party;
    this.stlinkId = party.codeId === null ? party.id : null;
    this.#events = events;
    this.#talk = new Talk(office.agent, stream, {
      bytes: (bytes) => this.#take(bytes),
      drained: () => events.drained(),
      over: () => events.over(this),
    });
  }

  /** Who hears of the stream. */
  get talk(): Talk {
    return this.#talk;
  }

  get isOver(): boolean {
    return this.#talk.isOver;
  }

  /** Something that was sent waits for the STLink to read. */
  get isBusy(): boolean {
    return this.#talk.unsentBytes > 0;
  }

  send(bytes: Uint8Array): void {
    this.#talk.send(bytes);
  }

  end(reason: number): void {
    this.#talk.end(reason);
  }

  /** What it asked for can't be written now: it is to ask again, on a new stream. */
  endForNow(): void {
    this.#talk.end(Reason.Application);
  }

  #take(bytes: Uint8Array): void {
    this.#waiting.push(...this.#reader.take(bytes));
    // What is not understood is paid for too.
    for (; this.#unknown < this.#reader.unknown; this.#unknown++) this.party.messages.take();
    this.#serve();
  }

  /** What waits, as its pace allows. */
  #serve(): void {
    for (
      let [first] = this.#waiting;
      first !== undefined && !this.isOver;
      [first] = this.#waiting
    ) {
      const pace = isCostly(first) ? this.party.costly : this.party.messages;
      if (!pace.take()) return this.#rest(pace.waitMs());
      this.#waiting.shift();
      this.#events.message(this, first);
    }
    const debtMs = this.party.messages.waitMs();
    if (debtMs > 0) this.#rest(debtMs);
  }

  /** Reads nothing for a while: what has come waits in the stream, whose window is small. */
  #rest(ms: number): void {
    this.#talk.pause(Math.max(1, ms), () => this.#serve());
  }
}
