// SPDX-License-Identifier: Apache-2.0
// Begins a session with STLinks that have not spoken: they do not know that this Commander is a new process, or speaks
// with another key, before they hear it. Before it: NAMED, SHOWN. After it: the core's handshakes; an STLink opens its
// control stream anew by itself. Invariant: a few at a time, so that who comes by itself finds a handshake slot.

import type { Id } from "../domain/fields.ts";
import type { Office } from "./office.ts";
import type { Parties } from "./parties.ts";

const WAVE = 40;
const EVERY_MS = 100;

export class Greeter {
  readonly #office: Office;
  readonly #parties: Parties;
  /** By id: when. */
  readonly #waiting = new Map<Id, number>();
  #cancel: (() => void) | null = null;

  constructor(office: Office, parties: Parties) {
    this.#office = office;
    this.#parties = parties;
  }

  /** Who has spoken until then is not greeted. */
  greet(ids: Iterable<Id>, inMs = 0): void {
    const dueMs = this.#office.world.clock.now() + inMs;
    for (const id of ids) this.#waiting.set(id, dueMs);
    this.#later();
  }

  stop(): void {
    this.#cancel?.();
  }

  #later(): void {
    if (this.#waiting.size === 0) return;
    this.#cancel ??= this.#office.world.clock.after(EVERY_MS, () => {
      this.#cancel = null;
      this.#wave();
      this.#later();
    });
  }

  #wave(): void {
    const { core } = this.#office.agent;
    const nowMs = this.#office.world.clock.now();
    let left = WAVE;
    for (const [id, dueMs] of this.#waiting) {
      if (left === 0) break;
      if (dueMs > nowMs) continue;
      this.#waiting.delete(id);
      const party = this.#parties.get(id);
      if (party === undefined || party.conversation !== null) continue;
      core.linkConnect(party.link);
      left -= 1;
    }
    this.#office.agent.wake();
  }
}
