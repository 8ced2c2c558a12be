// SPDX-License-Identifier: Apache-2.0
// Keys that STLinks change (rule T3, PROTOCOL 10.4): written as nextKey, held by the Connectors, told to the peers that
// are here, and then answered with ROTATED. Before it: ROTATE. After it: HERE under the new key makes it the key.
// Invariant: ROTATED never comes before all of that; a peer that does not read is waited for so long and no longer.

import { fromHex } from "../../service/hex.ts";
import type { Id, Key } from "../domain/fields.ts";
import { heard, rotate } from "../store/activations.ts";
import type { Conversation } from "./conversation.ts";
import type { Deployer } from "./deployer.ts";
import type { Membership } from "./membership.ts";
import { encodeRotated } from "./messages.ts";
import type { Office } from "./office.ts";
import type { Parties } from "./parties.ts";
import type { Presence } from "./presence.ts";

const LOOK_MS = 100;
const PEERS_MS = 5000;
const AGAIN_MS = 2000;

type Publication = { key: Key; sinceMs: number };

export class Rotations {
  readonly #office: Office;
  readonly #parties: Parties;
  readonly #membership: Membership;
  readonly #deployer: Deployer;
  readonly #presence: Presence;
  readonly #published = new Map<Id, Publication>();
  /** Keys that a Connector has told of, and that could not be written. */
  readonly #unheard = new Map<Id, Key>();
  #cancelLook: (() => void) | null = null;
  #cancelAgain: (() => void) | null = null;

  constructor(
    office: Office,
    parties: Parties,
    membership: Membership,
    deployer: Deployer,
    presence: Presence,
  ) {
    this.#presence = presence;
    this.#office = office;
    this.#parties = parties;
    this.#membership = membership;
    this.#deployer = deployer;
  }

  /** ROTATE. */
  ask(conversation: Conversation, key: Key): void {
    const { id } = conversation.party;
    const attempt = this.#office.change(`stlink ${id}`, "publish a key", (change) =>
      rotate(change, id, key),
    );
    // It asks again on its next stream.
    if (!attempt.ok) return conversation.endForNow();
    if (attempt.value.answer === "none") {
      return this.#office.log.warn(
        { stlink: id, key },
        "a key is not published: it is another's, or used up",
      );
    }
    this.#published.set(id, { key, sinceMs: this.#office.world.clock.now() });
    this.#look();
  }

  /** A Connector has a hop under this key. */
  here(id: Id, key: Key): void {
    if (this.#membership.members.get(id)?.nextKey !== key) return;
    const attempt = this.#office.change(`stlink ${id}`, "take a key into force", (change) =>
      heard(change, id, key),
    );
    if (attempt.ok) this.#unheard.delete(id);
    else this.#hearAgain(id, key);
  }

  stop(): void {
    this.#cancelLook?.();
    this.#cancelAgain?.();
  }

  #look(): void {
    this.#cancelLook = null;
    for (const [id, publication] of this.#published) {
      if (this.#isPublished(id, publication)) this.#answer(id, publication.key);
    }
    if (this.#published.size === 0) return;
    this.#cancelLook = this.#office.world.clock.after(LOOK_MS, () => this.#look());
  }

  #isPublished(id: Id, { sinceMs }: Publication): boolean {
    if (!this.#deployer.isHeld(id)) return false;
    if (this.#office.world.clock.now() - sinceMs >= PEERS_MS) return true;
    return ![...this.#membership.peersOf(id)].some((peer) => this.#isToBeSent(peer));
  }

  /** It is here and has not been sent it: who has no stream yet will have one soon, as where this process has just begun. */
  #isToBeSent(peer: Id): boolean {
    if (this.#deployer.isDue(peer)) return true;
    const conversation = this.#parties.get(peer)?.conversation ?? null;
    return conversation === null && this.#presence.isHere(peer);
  }

  #answer(id: Id, key: Key): void {
    this.#published.delete(id);
    this.#parties.get(id)?.conversation?.send(encodeRotated(fromHex(key)));
  }

  #hearAgain(id: Id, key: Key): void {
    this.#unheard.set(id, key);
    this.#cancelAgain ??= this.#office.world.clock.after(AGAIN_MS, () => {
      this.#cancelAgain = null;
      for (const [of, one] of [...this.#unheard]) this.here(of, one);
    });
  }
}
