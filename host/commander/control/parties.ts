// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of each link of the Commander's core: STLinks that have a key, and keys that show a code
// (PROTOCOL 10.2). Before it: control.ts, with the store's keys. After it: conversation.ts. Invariants: a link has
// one key and at most one next; a key that was not announced never takes over what another had begun (rule T3).

import { Reason } from "../../core/abi.gen.ts";
import { CoreError } from "../../core/core.ts";
import { fromHex } from "../../service/hex.ts";
import type { Psk } from "../domain/configuration.ts";
import type { Id, Key } from "../domain/fields.ts";
import { linkPsk } from "../store/psks.ts";
import type { Conversation } from "./conversation.ts";
import type { Member } from "./membership.ts";
import type { Office } from "./office.ts";
import { Pace } from "./pace.ts";

/** Streams that one may open: so many at once, then one for each while. */
const STREAM_RATE = { burst: 16, everyMs: 8000 };
/** Messages, of whatever kind and however long; and those that cost a transaction each. */
const MESSAGE_RATE = { burst: 32, everyMs: 1000 };
const COSTLY_RATE = { burst: 4, everyMs: 20_000 };
const MUTE_SECONDS = 60;

export class Party {
  /** 32 hexadecimal digits: an STLink's id, or a code's with zeros behind it. */
  readonly id: Id;
  /** The code that it shows; null: it speaks under its own id. */
  readonly codeId: string | null;
  readonly link: number;
  key: Key;
  nextKey: Key | null = null;
  /** The newest control stream; null: there is none. */
  conversation: Conversation | null = null;
  readonly streams: Pace;
  readonly messages: Pace;
  readonly costly: Pace;

  constructor(office: Office, link: number, id: Id, key: Key, codeId: string | null) {
    this.id = id;
    this.codeId = codeId;
    this.link = link;
    this.key = key;
    const { clock } = office.world;
    this.streams = new Pace(clock, STREAM_RATE);
    this.messages = new Pace(clock, MESSAGE_RATE);
    this.costly = new Pace(clock, COSTLY_RATE);
  }
}

export class Parties {
  readonly #office: Office;
  readonly #byLink = new Map<number, Party>();
  readonly #byId = new Map<Id, Party>();

  constructor(office: Office) {
    this.#office = office;
  }

  get(id: Id): Party | undefined {
    return this.#byId.get(id);
  }

  /** Who may open a stream on this link now; null: nobody, or it has opened too many. */
  at(link: number): Party | null {
    const party = this.#byLink.get(link);
    if (party === undefined) return null;
    if (party.streams.take()) return party;
    const { log, agent } = this.#office;
    agent.core.linkMute(link, MUTE_SECONDS);
    const what = "opens streams without end: the Connectors are asked to refuse its packets";
    log.warn({ stlink: party.id, seconds: MUTE_SECONDS }, `an STLink ${what}`);
    return null;
  }

  [Symbol.iterator](): Iterator<Party> {
    return this.#byId.values();
  }

  /** An STLink with these keys; `linkPsk` is made where there is none yet. */
  know(id: Id, { key, nextKey }: Pick<Member, "key" | "nextKey">): void {
    const known = this.#byId.get(id);
    if (known !== undefined && key !== known.key && key !== known.nextKey) this.forget(id);
    const { db, authority, random } = this.#office;
    this.#add(id, key, nextKey, linkPsk(db, id, authority.commanderId, random), null);
  }

  /** A key that shows a code; what another key had begun with it ends. */
  show(codeId: string, key: Key, psk: Uint8Array): void {
    const id = provisionalId(codeId);
    if (this.#byId.get(id)?.key === key) return;
    this.forget(id);
    this.#add(id, key, null, { name: fromHex(codeId), key: psk }, codeId);
  }

  /** Everything that was begun with it ends. */
  forget(id: Id): void {
    const party = this.#byId.get(id);
    if (party === undefined) return;
    party.conversation?.end(Reason.Revoked);
    this.#byId.delete(id);
    this.#byLink.delete(party.link);
    this.#office.agent.core.linkRemove(party.link, Reason.Revoked);
    this.#office.agent.wake();
  }

  /** Each ends, and hears why as far as it can. */
  stop(): void {
    for (const { conversation } of this.#byId.values()) conversation?.end(Reason.Stopping);
  }

  #add(id: Id, key: Key, nextKey: Key | null, psk: Psk, codeId: string | null): void {
    const { core } = this.#office.agent;
    const next = nextKey === null ? {} : { nextKey: fromHex(nextKey) };
    const peer = { id: fromHex(id), key: fromHex(key), ...next, psk: psk.key, pskName: psk.name };
    try {
      const link = core.linkAdd(peer);
      const party = this.#byId.get(id) ?? new Party(this.#office, link, id, key, codeId);
      Object.assign(party, { key, nextKey });
      this.#byId.set(id, party);
      this.#byLink.set(link, party);
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      const advice = "it is not served: this Commander has room for 10,000 STLinks";
      this.#office.warnSeldom(
        "link",
        () => `STLink ${id} gets no link (${error.message}): ${advice}`,
      );
    }
  }
}

/** The id under which a code is shown. */
export function provisionalId(codeId: string): Id {
  return codeId.padEnd(32, "0");
}
