// SPDX-License-Identifier: Apache-2.0
// How far a revocation has come (rule T10): which Connectors and which of its peers have confirmed a configuration
// without it. Before it: control.ts, reception.ts. After it: the log; facts.confirmed tells the same of each peer.

import type { Id } from "../domain/fields.ts";
import { compareVersions, type Version } from "../domain/version.ts";
import type { Desks } from "./desks.ts";
import type { Office } from "./office.ts";

const LATE_MS = 10_000;

type Revocation = {
  id: Id;
  /** The audit entry that Connectors have to hold, and the version that peers have to confirm. */
  serial: number;
  version: Version;
  isHeld: boolean;
  peers: Set<Id>;
  cancel: () => void;
};

export class Revocations {
  readonly #office: Office;
  readonly #desks: Desks;
  readonly #open = new Map<Id, Revocation>();

  constructor(office: Office, desks: Desks) {
    this.#office = office;
    this.#desks = desks;
  }

  begin(id: Id, serial: number, version: Version, peers: Iterable<Id>): void {
    const { clock } = this.#office.world;
    const cancel = clock.after(LATE_MS, () => this.#tellLate(id));
    this.#open.get(id)?.cancel();
    this.#open.set(id, { id, serial, version, isHeld: false, peers: new Set(peers), cancel });
    this.#office.log.warn({ stlink: id }, "an STLink is revoked: the Connectors are told first");
  }

  /** A Connector holds another version. */
  held(): void {
    for (const one of this.#open.values()) {
      if (one.isHeld || !this.#desks.holds(one.serial)) continue;
      one.isHeld = true;
      this.#office.log.info(
        { stlink: one.id },
        "revoked: every Connector that is there has confirmed",
      );
      this.#settle(one);
    }
  }

  /** An STLink has this version in force. */
  confirmed(peer: Id, version: Version): void {
    for (const one of this.#open.values()) {
      if (compareVersions(version, one.version) < 0 || !one.peers.delete(peer)) continue;
      this.#settle(one);
    }
  }

  stop(): void {
    for (const { cancel } of this.#open.values()) cancel();
  }

  #settle(one: Revocation): void {
    if (!one.isHeld || one.peers.size > 0) return;
    this.#close(one);
    this.#office.log.info({ stlink: one.id }, "revoked: all of its peers have confirmed");
  }

  #tellLate(id: Id): void {
    const one = this.#open.get(id);
    if (one === undefined) return;
    const waiting = [...one.peers];
    const text =
      "revoked, and these peers have not confirmed: they are away, or a Connector withholds it; their leases end it";
    this.#office.log.warn({ stlink: id, isHeld: one.isHeld, waiting }, text);
    this.#close(one);
  }

  #close(one: Revocation): void {
    one.cancel();
    this.#open.delete(one.id);
  }
}
