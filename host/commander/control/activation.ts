// SPDX-License-Identifier: Apache-2.0
// STLinks that show a code (PROTOCOL 10.2; rules T3, T6, T7): known under the code's id from the moment a Connector
// tells their key, answered by what the store decides in one transaction, forgotten when they are heard under their own
// id. Before it: SHOWN, ACTIVATE, CONFIRM. After it: deployer.ts, which sends CONFIG once the Connectors admit the
// key. Invariant: who shows codes takes at most CODES_MOST links, however many a Connector tells of.

import { createHash } from "node:crypto";
import { Reason } from "../../core/abi.gen.ts";
import { hex } from "../../service/hex.ts";
import type { Activation as Decision, RefusedReason } from "../domain/activation.ts";
import type { Id, Key } from "../domain/fields.ts";
import { activate, confirm } from "../store/activations.ts";
import { readCode, readCodePsk } from "../store/codes.ts";
import type { Conversation } from "./conversation.ts";
import { type Deployer, Rank } from "./deployer.ts";
import { encodeRefused, type FromStlink, type InForce } from "./messages.ts";
import type { Office } from "./office.ts";
import { type Parties, provisionalId } from "./parties.ts";
import type { Presence } from "./presence.ts";

const CODES_MOST = 128;
const ID_LEN = 16;
const REASONS: Readonly<Record<RefusedReason, number>> = {
  CodeUsed: Reason.CodeUsed,
  CodeExpired: Reason.CodeExpired,
  CodeUnknown: Reason.CodeUnknown,
  WaitApproval: Reason.WaitApproval,
  Revoked: Reason.Revoked,
};

type Message<Type> = Extract<FromStlink, { type: Type }>;

export class Activation {
  readonly #office: Office;
  readonly #parties: Parties;
  readonly #deployer: Deployer;
  readonly #presence: Presence;
  /** Codes whose links there are, the oldest first, with the STLink that the key which has its turn is known to be. */
  readonly #codes = new Map<string, Id | null>();

  constructor(office: Office, parties: Parties, deployer: Deployer, presence: Presence) {
    this.#office = office;
    this.#parties = parties;
    this.#deployer = deployer;
    this.#presence = presence;
  }

  /** A code's ticket was shown with this key, and it is that key's turn. False: there is no such code. */
  shown(codeId: string, key: Key): boolean {
    const psk = readCodePsk(this.#office.db, codeId);
    if (psk === null) return false;
    const isSame = this.#parties.get(provisionalId(codeId))?.key === key;
    const stlinkId = isSame ? (this.#codes.get(codeId) ?? null) : null;
    this.#codes.delete(codeId);
    this.#codes.set(codeId, stlinkId);
    const [oldest] = this.#codes.keys();
    if (this.#codes.size > CODES_MOST && oldest !== undefined) this.#forget(oldest);
    this.#parties.show(codeId, key, psk);
    return true;
  }

  /** A message on the link of a code; others than these two have no meaning there. */
  hear(conversation: Conversation, codeId: string, message: FromStlink): void {
    if (message.type === "ACTIVATE") this.#activate(conversation, codeId, message);
    if (message.type === "CONFIRM") this.#confirm(conversation, codeId, message);
  }

  /** An STLink speaks under its own id: what it was while it activated is forgotten. */
  forgetOf(id: Id): void {
    for (const [codeId, stlinkId] of this.#codes) if (stlinkId === id) this.#forget(codeId);
  }

  /** An STLink has this key now; who waits for that is answered at once. */
  admitted(id: Id, key: Key): void {
    for (const [codeId, stlinkId] of this.#codes) {
      const party = this.#parties.get(provisionalId(codeId));
      if (stlinkId === id && party?.key === key) this.#deployer.want(party.id, Rank.Asked);
    }
  }

  #activate(
    conversation: Conversation,
    codeId: string,
    { secret, platform, board, firmware }: Message<"ACTIVATE">,
  ): void {
    const { key } = conversation.party;
    const secretHash = createHash("blake2s256").update(secret).digest("hex");
    const newId = hex(this.#office.random(ID_LEN));
    const attempt = this.#office.change(`code ${codeId}`, "activate an STLink", (change) =>
      activate(change, { codeId, secretHash, key }, newId),
    );
    // No answer is given that is not on disk: it comes again.
    if (!attempt.ok) return conversation.endForNow();
    this.#answer(conversation, codeId, attempt.value);
    if (conversation.stlinkId !== null) {
      this.#presence.noteTexts(conversation.stlinkId, { platform, board, firmware });
    }
  }

  #answer(conversation: Conversation, codeId: string, decision: Decision): void {
    const { log } = this.#office;
    if (decision.answer === "refused") {
      const { reason } = decision;
      if (reason === "WaitApproval") this.#know(conversation, codeId, this.#usedFor(conversation));
      log.warn({ code: codeId, key: conversation.party.key, reason }, "an activation is refused");
      return conversation.send(encodeRefused(REASONS[reason]));
    }
    this.#know(conversation, codeId, decision.stlinkId);
    log.info({ code: codeId, stlink: decision.stlinkId }, `activation: ${decision.answer}`);
    if (decision.answer === "wait") conversation.send(encodeRefused(Reason.WaitApproval));
    else this.#deployer.want(conversation.party.id, Rank.Asked);
  }

  #know(conversation: Conversation, codeId: string, stlinkId: Id | null): void {
    conversation.stlinkId = stlinkId;
    this.#codes.set(codeId, stlinkId);
  }

  /** The STLink that this key is, or waits to be. */
  #usedFor({ party }: Conversation): Id | null {
    const code = party.codeId === null ? null : readCode(this.#office.db, party.codeId);
    return code?.uses.find(({ key }) => key === party.key)?.stlinkId ?? null;
  }

  /** The first configuration is in force at an STLink. */
  #confirm(conversation: Conversation, codeId: string, { version, hash }: InForce): void {
    const { stlinkId, sent } = conversation;
    const isSent = sent !== null && sent.hash === hash;
    if (stlinkId === null || !isSent || !conversation.party.costly.take()) return;
    const { epoch, serial } = version;
    const attempt = this.#office.change(`code ${codeId}`, "confirm an activation", (change) =>
      confirm(change, stlinkId, { epoch, serial: String(serial), hash }),
    );
    if (!attempt.ok) conversation.endForNow();
  }

  #forget(codeId: string): void {
    this.#codes.delete(codeId);
    this.#parties.forget(provisionalId(codeId));
  }
}
