// SPDX-License-Identifier: Apache-2.0
// One change by one actor: what happens inside a transaction, with its audit entries and, where configurations
// come out different, the next version (rule T9). Before it: store.ts begins the transaction. After it:
// objects.ts, stlinks.ts, codes.ts write rows.

import { type Actor, type AuditEntry, appendAudit } from "./audit.ts";
import type { Database } from "./database.ts";
import { bumpVersion } from "./site.ts";

export class Change {
  readonly db: Database;
  readonly by: Actor;
  #isDeployed = false;

  constructor(db: Database, by: Actor) {
    this.db = db;
    this.by = by;
  }

  audit(entry: AuditEntry): void {
    appendAudit(this.db, this.by, entry);
  }

  /** Configurations are other ones now: the version rises, once however much changes. */
  deploy(): void {
    if (!this.#isDeployed) bumpVersion(this.db);
    this.#isDeployed = true;
  }
}

/** All that `act` does, with its audit entries, or nothing of it. Throws what `act` throws. */
export function changeStore<Value>(db: Database, by: Actor, act: (change: Change) => Value): Value {
  return db.transaction(() => act(new Change(db, by)));
}
