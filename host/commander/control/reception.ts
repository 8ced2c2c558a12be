// SPDX-License-Identifier: Apache-2.0
// What the messages of STLinks mean (PROTOCOL 10.1): what they have in force, keys they change to, how they stand. Before
// it: conversation.ts. After it: deployer.ts answers with CONFIG; facts go to presence.ts. Invariants: a configuration
// that this database has not made is never confirmed; what an STLink says of itself costs no more than its pace.

import { statusName } from "../../core/core.ts";
import type { Id } from "../domain/fields.ts";
import { compareVersions, type Version, versionText } from "../domain/version.ts";
import { confirm } from "../store/activations.ts";
import { readVersion } from "../store/site.ts";
import { readStlink } from "../store/stlinks.ts";
import type { Activation } from "./activation.ts";
import type { Conversation } from "./conversation.ts";
import { type Deployer, Rank } from "./deployer.ts";
import type { Membership } from "./membership.ts";
import {
  type About,
  encodeCurrent,
  type FromStlink,
  type InForce,
  type Report,
} from "./messages.ts";
import type { Office } from "./office.ts";
import type { Presence } from "./presence.ts";
import type { Revocations } from "./revocations.ts";
import type { Rotations } from "./rotations.ts";

/** The parts that carry out what messages ask for. */
export type Parts = {
  membership: Membership;
  presence: Presence;
  deployer: Deployer;
  activation: Activation;
  rotations: Rotations;
  revocations: Revocations;
};

const ERRORS_MOST = 8;

export class Reception {
  readonly #office: Office;
  readonly #parts: Parts;
  /** STLinks with a configuration that this database has not made: another database has (rule T9). */
  readonly #foreign = new Set<Id>();
  /** Those that have told of a peer's key that is not confirmed. */
  readonly #changedPeers = new Set<Id>();

  constructor(office: Office, parts: Parts) {
    this.#office = office;
    this.#parts = parts;
  }

  /** How many hold a newer configuration than this database has made, or another one of the same version. */
  get newer(): number {
    return this.#foreign.size;
  }

  hear(conversation: Conversation, message: FromStlink): void {
    const { party } = conversation;
    if (party.codeId !== null) {
      return this.#parts.activation.hear(conversation, party.codeId, message);
    }
    if (message.type === "STATE") this.#state(conversation, message);
    if (message.type === "CONFIRM") this.#confirm(conversation, message);
    if (message.type === "ROTATE") this.#parts.rotations.ask(conversation, message.key);
    if (message.type === "REPORT") this.#report(conversation, message);
    if (message.type === "ABOUT") this.#about(party.id, message);
  }

  #state(conversation: Conversation, inForce: InForce): void {
    const { id } = conversation.party;
    this.#parts.activation.forgetOf(id);
    this.#parts.presence.note(id, { lastSeenMs: this.#office.registry.nowMs });
    const newest = readVersion(this.#office.db);
    if (!this.#isOurs(conversation, inForce, newest)) return;
    if (!this.#take(conversation, inForce)) return;
    const isNewest = compareVersions(inForce.version, newest) === 0;
    if (isNewest) return conversation.send(encodeCurrent(newest));
    // What may have been sent has not come into force.
    conversation.sent = null;
    this.#parts.deployer.want(id, Rank.Asked);
  }

  #confirm(conversation: Conversation, inForce: InForce): void {
    const newest = readVersion(this.#office.db);
    if (this.#isOurs(conversation, inForce, newest)) this.#take(conversation, inForce);
  }

  /** Whether this database can have made it: what can be known of that. */
  #isOurs(conversation: Conversation, { version, hash }: InForce, newest: Version): boolean {
    const { id } = conversation.party;
    const order = compareVersions(version, newest);
    const known = this.#knownHash(conversation, version, order === 0);
    if (order <= 0 && (known === null || known === hash)) {
      this.#foreign.delete(id);
      return true;
    }
    const text =
      "an STLink has a configuration in force that this database has not made: it is not confirmed; if a backup was put back by hand, restore it with the command";
    const fields = { stlink: id, version: versionText(version), newest: versionText(newest), hash };
    if (!this.#foreign.has(id)) this.#office.log.error(fields, text);
    this.#foreign.add(id);
    return false;
  }

  /** The hash of the configuration of this version; null: it is not known any more. */
  #knownHash({ party, sent }: Conversation, version: Version, isNewest: boolean): string | null {
    if (sent !== null && compareVersions(sent.version, version) === 0) return sent.hash;
    if (!isNewest) return null;
    const attempt = this.#office.attempt("make a configuration", () =>
      this.#parts.deployer.expectedHash(party.id),
    );
    return attempt.ok ? attempt.value : null;
  }

  /** It is in force there; the first one ends what a code may be answered. False: it could not be written. */
  #take(conversation: Conversation, { version, hash }: InForce): boolean {
    const { id } = conversation.party;
    const confirmed = { epoch: version.epoch, serial: String(version.serial), hash };
    conversation.inForce = version;
    this.#parts.revocations.confirmed(id, version);
    if (this.#parts.membership.members.get(id)?.codeId === null) {
      this.#parts.presence.note(id, { confirmed });
      return true;
    }
    const attempt = this.#office.change(`stlink ${id}`, "confirm an activation", (change) =>
      confirm(change, id, confirmed),
    );
    if (!attempt.ok) conversation.endForNow();
    return attempt.ok;
  }

  #report(conversation: Conversation, report: Report): void {
    const { id } = conversation.party;
    const { status, leaseLeftMs } = report;
    this.#parts.presence.noteReport(id, { leaseLeftMs });
    if (status !== 0) this.#addError(id, statusName(status));
    if (this.#changedPeers.has(id) === report.hasChangedPeer) return;
    if (!conversation.party.costly.take()) return;
    this.#auditPeers(id, report.hasChangedPeer);
  }

  #addError(id: Id, name: string): void {
    const before = this.#parts.presence.lastErrors(id);
    if (before[0] === name) return;
    const lastErrors = [name, ...before].slice(0, ERRORS_MOST);
    this.#parts.presence.noteReport(id, { lastErrors });
  }

  /** A peer's key has changed unannounced, or a person has confirmed it there (rule T12). */
  #auditPeers(id: Id, hasChanged: boolean): void {
    const stlink = readStlink(this.#office.db, id);
    if (stlink === null) return;
    const what = hasChanged ? "PeerKeyChanged" : "peer key confirmed";
    const { name } = stlink;
    const attempt = this.#office.change(`stlink ${id}`, "write an alarm", (change) =>
      change.audit({ what, kind: "stlink", id, name, before: null, after: { hasChanged } }),
    );
    if (!attempt.ok) return;
    if (hasChanged) this.#changedPeers.add(id);
    else this.#changedPeers.delete(id);
  }

  #about(id: Id, { sessions, streams, core, ...texts }: About): void {
    this.#parts.presence.noteReport(id, { sessions, streams, core });
    this.#parts.presence.noteTexts(id, texts);
  }
}
