// SPDX-License-Identifier: Apache-2.0
// Brings configurations to STLinks (rules T9, T10): first what a Connector has to hold, then peers of who was revoked,
// then those whose content is another one; slowly, and once there is calm, all others, who have the same content under
// an older version.
// Before it: control.ts (what changed), reception.ts (who asks). After it: conversation.ts. Invariants: a CONFIG is made
// when it is sent, at the version of that moment, once the Connectors hold what last concerned that STLink; who is away
// gets it with its STATE.

import { createHash } from "node:crypto";
import type { Id } from "../domain/fields.ts";
import { compareVersions, type Version } from "../domain/version.ts";
import { configurationsBytes } from "../store/configurations.ts";
import type { Conversation } from "./conversation.ts";
import type { Desks } from "./desks.ts";
import { encodeConfig } from "./messages.ts";
import type { Office } from "./office.ts";
import type { Parties } from "./parties.ts";

/** Who is served first. */
export const Rank = { Revoked: 0, Changed: 1, Asked: 2 } as const;
export type RankOf = (typeof Rank)[keyof typeof Rank];

type Configuration = { version: Version; bytes: Uint8Array };

const RANKS = 3;
/** Made at once, so that nothing else waits long. */
const BATCH = 32;
/** Without a deployment: each version that follows is one more write of a device's flash. */
const BEHIND_AFTER_MS = 10_000;
const BEHIND_EVERY_MS = 100;
const BEHIND_BATCH = 30;
const LOOK_MS = 1000;
const AGAIN_MS = 2000;
/** Where the version stands in a configuration, which its content does not depend on. */
const VERSION_AT = 4;
const VERSION_END = 16;

export class Deployer {
  readonly #office: Office;
  readonly #parties: Parties;
  readonly #desks: Desks;
  /** Ids of parties, by rank. */
  readonly #due = Array.from({ length: RANKS }, () => new Set<Id>());
  /** Ids of parties that may have an older version of the same content. */
  readonly #behind = new Set<Id>();
  /** The audit entry that last concerned an STLink, until the Connectors hold it. */
  readonly #concerned = new Map<Id, number>();
  /** What was sent last to an STLink: its content's hash. */
  readonly #contents = new Map<Id, string>();
  #isScheduled = false;
  #isStopped = false;
  #cancelLook: (() => void) | null = null;
  #cancelBehind: (() => void) | null = null;
  #deployedAtMs = Number.NEGATIVE_INFINITY;
  #blockedMs = 0;

  constructor(office: Office, parties: Parties, desks: Desks) {
    this.#office = office;
    this.#parties = parties;
    this.#desks = desks;
  }

  /** Nothing goes to this STLink before the Connectors hold this audit entry. */
  concern(id: Id, serial: number): void {
    this.#concerned.set(id, serial);
  }

  /** The Connectors hold what last concerned this STLink. */
  isHeld(id: Id): boolean {
    const serial = this.#concerned.get(id);
    if (serial === undefined) return true;
    if (!this.#desks.holds(serial)) return false;
    this.#concerned.delete(id);
    return true;
  }

  /** A party is to have its configuration. */
  want(id: Id, rank: RankOf): void {
    this.#due[rank]?.add(id);
    this.wake();
  }

  /** All are to have the present version, once no other one follows for a while. */
  wantAll(): void {
    this.#deployedAtMs = this.#office.world.clock.now();
    for (const { id, conversation } of this.#parties)
      if (conversation !== null) this.#behind.add(id);
    this.#followLater();
  }

  /** Whether a CONFIG waits to go to this party. */
  isDue(id: Id): boolean {
    return this.#due.some((ids) => ids.has(id));
  }

  /** Of the configuration that it is to have at this version, hexadecimal; null: it is to have none. */
  expectedHash(id: Id): string | null {
    const made = this.#configured([id]).configurations.get(id);
    return made?.ok ? hashOf(made.value) : null;
  }

  /** Something may be possible now that was not before. */
  wake(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    this.#office.world.clock.soon(() => {
      this.#isScheduled = false;
      if (!this.#isStopped) this.#serve();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelLook?.();
    this.#cancelBehind?.();
  }

  #serve(): void {
    const { batch, isBlocked } = this.#nextBatch();
    if (batch.size > 0 && this.#send([...batch])) this.wake();
    this.#look(isBlocked);
  }

  /** Those whose turn it is; while peers of who was revoked can be served, nobody else. */
  #nextBatch(): { batch: Set<Conversation>; isBlocked: boolean } {
    const batch = new Set<Conversation>();
    let isBlocked = false;
    for (const [rank, ids] of this.#due.entries()) {
      for (const id of ids) {
        if (batch.size === BATCH) return { batch, isBlocked };
        const conversation = this.#parties.get(id)?.conversation ?? null;
        if (conversation === null || conversation.stlinkId === null) ids.delete(id);
        else if (!this.isHeld(conversation.stlinkId)) isBlocked = true;
        else if (!conversation.isBusy) batch.add(conversation);
      }
      if (batch.size > 0 && rank === Rank.Revoked) break;
    }
    return { batch, isBlocked };
  }

  /** False: they could not be made now. */
  #send(batch: readonly Conversation[]): boolean {
    const ids = batch.flatMap(({ stlinkId }) => (stlinkId === null ? [] : [stlinkId]));
    const attempt = this.#office.attempt("make configurations", () => this.#configured(ids));
    if (!attempt.ok) {
      this.#cancelLook ??= this.#office.world.clock.after(AGAIN_MS, () => this.#lookAgain());
      return false;
    }
    const { version, configurations } = attempt.value;
    for (const conversation of batch) {
      const { stlinkId, party } = conversation;
      const made = configurations.get(stlinkId ?? "");
      const isAsked = this.#due[Rank.Asked]?.has(party.id) ?? false;
      for (const waiting of this.#due) waiting.delete(party.id);
      if (made?.ok === false) this.#tellTooLarge(made.problems[0]?.sentence ?? "");
      if (made?.ok !== true || stlinkId === null) continue;
      this.#give(conversation, stlinkId, { version, bytes: made.value }, isAsked);
    }
    return true;
  }

  /** Who has the same content already is in no hurry. */
  #give(
    conversation: Conversation,
    id: Id,
    { version, bytes }: Configuration,
    isAsked: boolean,
  ): void {
    const { inForce, sent } = conversation;
    if (isAtLeast(inForce, version) || isAtLeast(sent?.version ?? null, version)) return;
    const content = contentOf(bytes);
    if (!isAsked && this.#contents.get(id) === content) {
      this.#behind.add(conversation.party.id);
      return this.#followLater();
    }
    this.#contents.set(id, content);
    this.#behind.delete(conversation.party.id);
    conversation.sent = { version, hash: hashOf(bytes) };
    conversation.send(encodeConfig(bytes));
  }

  #configured(ids: readonly Id[]) {
    const { db, authority, random } = this.#office;
    return configurationsBytes(db, authority, ids, random);
  }

  #tellTooLarge(sentence: string): void {
    this.#office.warnSeldom(sentence, () => `a configuration can't be made: ${sentence}`);
  }

  // Those with the same content.

  #followLater(): void {
    if (this.#behind.size === 0 || this.#isStopped) return;
    const { clock } = this.#office.world;
    const calmMs = () => this.#deployedAtMs + BEHIND_AFTER_MS - clock.now();
    this.#cancelBehind ??= clock.after(Math.max(BEHIND_EVERY_MS, calmMs()), () => {
      this.#cancelBehind = null;
      if (calmMs() <= 0) this.#follow();
      this.#followLater();
    });
  }

  #follow(): void {
    let left = BEHIND_BATCH;
    for (const id of this.#behind) {
      if (left === 0) return;
      const conversation = this.#parties.get(id)?.conversation ?? null;
      if (conversation?.isBusy) continue;
      this.#behind.delete(id);
      if (conversation === null) continue;
      left -= 1;
      this.want(id, Rank.Asked);
    }
  }

  // What waits for what.

  #look(isBlocked: boolean): void {
    if (!isBlocked) {
      this.#blockedMs = 0;
      return;
    }
    this.#cancelLook ??= this.#office.world.clock.after(LOOK_MS, () => this.#lookAgain());
  }

  #lookAgain(): void {
    this.#cancelLook = null;
    this.#blockedMs += LOOK_MS;
    const connectors = this.#desks.late();
    if (this.#blockedMs === 2 * LOOK_MS && connectors.length > 0) {
      const waiting = new Set(this.#due.flatMap((ids) => [...ids])).size;
      const text = "configurations wait until these Connectors hold the admission";
      this.#office.log.warn({ waiting, connectors }, text);
    }
    this.wake();
  }
}

function isAtLeast(one: Version | null, other: Version): boolean {
  return one !== null && compareVersions(one, other) >= 0;
}

function hashOf(configuration: Uint8Array): string {
  return createHash("blake2s256").update(configuration).digest("hex");
}

function contentOf(configuration: Uint8Array): string {
  return createHash("blake2s256")
    .update(configuration.subarray(0, VERSION_AT))
    .update(configuration.subarray(VERSION_END))
    .digest("base64");
}
