// SPDX-License-Identifier: Apache-2.0
// The Commander's talk with one Connector's desk (PROTOCOL 9.1): the admission is pushed, one version after the other,
// and what the desk tells is passed on. Before it: desks.ts, with what differs. After it: presence.ts, activation.ts.
// Invariants: one push is out at a time; all is told anew whenever the Connector holds another version than we know.

import { timingSafeEqual } from "node:crypto";
import {
  DeskError,
  type DeskMessage,
  DeskReader,
  deskId,
  deskPskName,
} from "../../connector/desk/messages.ts";
import { Reason } from "../../core/abi.gen.ts";
import { CoreError } from "../../core/core.ts";
import { fromHex } from "../../service/hex.ts";
import { reasonName } from "../../stlink/reasons.ts";
import type { Key } from "../domain/fields.ts";
import type { Version } from "../domain/version.ts";
import { readSecret } from "../store/site.ts";
import type { Admission, Push } from "./admission.ts";
import { Differences } from "./differences.ts";
import type { Office } from "./office.ts";
import { Pace } from "./pace.ts";
import { hopPskName, NO_PSK } from "./secrets.ts";
import { CONTROL } from "./switchboard.ts";
import { Talk } from "./talk.ts";

export interface DeskEvents {
  message(connector: Key, message: DeskMessage): void;
  /** It holds another version, has come, or is gone. */
  changed(connector: Key): void;
}

type OutPush = Push & { differences: Differences | null };

const NONE = new Uint8Array(16);
const AGAIN_FIRST_MS = 1000;
const AGAIN_MOST_MS = 30_000;
/** A Connector that never holds what it was told is not told all of it without end. */
const LIST_RATE = { burst: 4, everyMs: 15_000 };

export class DeskClient {
  readonly key: Key;
  readonly #office: Office;
  readonly #admission: Admission;
  readonly #events: DeskEvents;
  readonly #link: number;
  /** Of the Commander's hop, and of this link; null: zeros. */
  readonly #psk: Uint8Array | null;
  #talk: Talk | null = null;
  #reader = new DeskReader();
  /** What it has in force, as it said last; null: it has not said yet. */
  #held: Version | null = null;
  /** The version that it is known to hold, from which differences count; null: all is to be told. */
  #base: Version | null = null;
  /** All is to be told anew, whatever it holds. */
  #isListDue = false;
  #waiting = new Differences();
  #out: OutPush | null = null;
  /** Codes that it has been told of, the oldest first. */
  #tickets = new Set<string>();
  #tries = 0;
  #isStopped = false;
  #cancelAgain = (): void => {};
  /** Since when it is away, or has not answered a push; null: it owes nothing. */
  #lateSinceMs: number | null;
  readonly #lists: Pace;

  /** Throws CoreError: NoLinkSlot. */
  constructor(office: Office, admission: Admission, connector: Key, events: DeskEvents) {
    this.key = connector;
    this.#office = office;
    this.#admission = admission;
    this.#events = events;
    this.#lateSinceMs = office.world.clock.now();
    this.#lists = new Pace(office.world.clock, LIST_RATE);
    const id = deskId(fromHex(connector));
    this.#psk = readSecret(office.db, hopPskName(connector));
    const secret = this.#psk === null ? {} : { psk: this.#psk, pskName: deskPskName(id) };
    this.#link = office.agent.core.linkAdd({ id, key: fromHex(connector), ...secret });
    this.#open();
  }

  /** The pre-shared key of the Commander's hop is still the one that this began with. */
  get hasItsPsk(): boolean {
    const psk = readSecret(this.#office.db, hopPskName(this.key));
    return timingSafeEqual(psk ?? NO_PSK, this.#psk ?? NO_PSK);
  }

  get isConnected(): boolean {
    return this.#held !== null;
  }

  /** The admission that it holds; null: not known. */
  get version(): Version | null {
    return this.#held;
  }

  /** It holds all that concerns it; the admission's version may be higher. */
  get isCurrent(): boolean {
    const owes = this.#out !== null || !this.#waiting.isEmpty || this.#isListDue;
    return this.#base !== null && this.#held !== null && !owes;
  }

  /** It holds what the admission was at this audit entry, or later. */
  holds(serial: number): boolean {
    if (this.#base === null || this.#held === null) return false;
    return this.isCurrent || this.#base.serial >= BigInt(serial);
  }

  /** For how long it is away, or has not answered a push; 0: it owes nothing. */
  get lateMs(): number {
    return this.#lateSinceMs === null ? 0 : this.#office.world.clock.now() - this.#lateSinceMs;
  }

  /** This is not as it was. */
  tell(differences: Differences): void {
    if (differences.isEmpty) return;
    this.#waiting.add(differences);
    this.#push();
  }

  /** Nothing may be as it was. */
  tellAll(): void {
    this.#isListDue = true;
    this.#push();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelAgain();
    this.#talk?.end(Reason.Stopping);
    this.#office.agent.core.linkRemove(this.#link, Reason.Stopping);
  }

  #open(): void {
    const { agent } = this.#office;
    try {
      const stream = agent.core.streamOpen(this.#link, CONTROL, NONE, NONE);
      this.#reader = new DeskReader();
      this.#talk = new Talk(agent, stream, {
        bytes: (bytes) => this.#take(bytes),
        drained: () => {},
        over: (reason) => this.#over(reason),
      });
      agent.attach(stream, this.#talk);
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.#openAgain();
    }
  }

  #over(reason: number): void {
    this.#talk = null;
    this.#held = null;
    // It has refused what it was told: all of it may go through.
    if (reason === Reason.BadRecord && this.#out !== null) this.#base = null;
    this.#lateSinceMs ??= this.#office.world.clock.now();
    if (this.#isStopped) return;
    const why = reasonName(reason);
    this.#office.warnSeldom(`desk ${this.key} ${why}`, () => {
      return `the desk of the Connector ${this.key} is away (${why}): it is asked again`;
    });
    this.#openAgain();
    this.#events.changed(this.key);
  }

  #openAgain(): void {
    this.#cancelAgain();
    const waitMs = Math.min(AGAIN_FIRST_MS * 2 ** this.#tries, AGAIN_MOST_MS);
    this.#tries += 1;
    this.#cancelAgain = this.#office.world.clock.after(waitMs, () => this.#open());
  }

  #take(bytes: Uint8Array): void {
    try {
      for (const message of this.#reader.take(bytes)) this.#hear(message);
    } catch (error) {
      if (!(error instanceof DeskError)) throw error;
      const fields = { connector: this.key, why: error.message };
      this.#office.log.error(
        fields,
        "a Connector's desk says what is no message: its stream is reset",
      );
      this.#talk?.end(Reason.BadRecord);
    }
  }

  #hear(message: DeskMessage): void {
    if (message.type === "HOLDS") this.#hearHolds(message);
    else this.#events.message(this.key, message);
  }

  #hearHolds({ epoch, serial }: Version): void {
    const held = { epoch, serial };
    const isFirst = this.#held === null;
    this.#held = held;
    this.#tries = 0;
    if (this.#out !== null && isSame(this.#out.version, held)) this.#base = held;
    else this.#takeBack(isFirst);
    this.#out = null;
    if (this.#base !== null && !isSame(this.#base, held)) this.#base = null;
    if (this.#base !== null) this.#lateSinceMs = null;
    this.#push();
    this.#events.changed(this.key);
  }

  /** What was out did not take effect, or that is not known. */
  #takeBack(isFirst: boolean): void {
    const differences = this.#out?.differences ?? null;
    if (differences !== null) this.#waiting.add(differences);
    if (isFirst) return;
    // It has answered with another version than it was told.
    this.#base = null;
    this.#office.warnSeldom(`refused ${this.key}`, () => {
      return `the Connector ${this.key} does not take the admission that it was told: its own log says why, and it is told again`;
    });
  }

  /** Tells what there is to tell, if it is its turn. */
  #push(): void {
    if (this.#talk === null || this.#held === null || this.#out !== null) return;
    const isList = this.#base === null || this.#isListDue;
    if (!isList && this.#waiting.isEmpty) return;
    this.#lateSinceMs ??= this.#office.world.clock.now();
    if (isList && !this.#lists.take()) return this.#pushLater();
    const attempt = this.#office.attempt("read the admission", () => this.#next());
    if (!attempt.ok) return void this.#talk.end(Reason.Application);
    this.#out = attempt.value;
    this.#waiting = new Differences();
    this.#talk.send(attempt.value.bytes);
  }

  #pushLater(): void {
    this.#cancelAgain();
    this.#cancelAgain = this.#office.world.clock.after(this.#lists.waitMs(), () => this.#push());
  }

  #next(): OutPush {
    if (this.#base === null || this.#isListDue) {
      this.#tickets = new Set();
      const push = this.#admission.list(this.key, this.#tickets);
      this.#isListDue = false;
      return { ...push, differences: null };
    }
    const differences = this.#waiting;
    const told = { connector: this.key, tickets: this.#tickets };
    return { ...this.#admission.change(this.#base, differences, told), differences };
  }
}

function isSame(one: Version, other: Version): boolean {
  return one.epoch === other.epoch && one.serial === other.serial;
}
