// SPDX-License-Identifier: Apache-2.0
// One change by one actor: what happens inside a transaction, with its audit entries and, where configurations
// come out different, the next version (rule T9). Before it: store.ts begins the transaction. After it:
// objects.ts, stlinks.ts, codes.ts write rows.

import { type Problem, Refusal } from "../domain/problem.ts";
import { type Actor, type AuditEntry, appendAudit } from "./audit.ts";
import type { Database } from "./database.ts";
import { bumpVersion } from "./site.ts";

export class Change {
  readonly db: Database;
  readonly by: Actor;
  readonly #checks: (() => readonly Problem[])[] = [];
  readonly #entries: AuditEntry[] = [];
  #isDeployed = false;

  constructor(db: Database, by: Actor) {
    this.db = db;
    this.by = by;
  }

  audit(entry: AuditEntry): void {
    appendAudit(this.db, this.by, entry);
    this.#entries.push(entry);
  }

  /** What it has done so far. */
  get entries(): readonly AuditEntry[] {
    return this.#entries;
  }

  /** Whether configurations may be other ones after it. */
  get isDeploying(): boolean {
    return this.#isDeployed;
  }

  /** Found when all of the change is made: only then things have to fit together. */
  checkAtEnd(check: () => readonly Problem[]): void {
    this.#checks.push(check);
  }

  /** Throws Refusal with the problems of all checks, each once. */
  finish(): void {
    const problems = this.#checks.flatMap((check) => check());
    const sentences = problems.map(({ sentence }) => sentence);
    const distinct = problems.filter(({ sentence }, i) => sentences.indexOf(sentence) === i);
    if (distinct.length > 0) throw new Refusal(distinct);
  }

  /** Configurations are other ones now: the version rises, once however much changes. */
  deploy(): void {
    if (!this.#isDeployed) bumpVersion(this.db);
    this.#isDeployed = true;
  }
}

/**
 * All that `act` does, with its audit entries, or nothing of it. Throws what `act` throws, and Refusal where what
 * it made does not fit together. `isDry`: finds all that, and then keeps nothing.
 */
export function changeStore<Value>(
  db: Database,
  by: Actor,
  act: (change: Change) => Value,
  { isDry = false } = {},
): Value {
  const run = () => {
    const change = new Change(db, by);
    const value = act(change);
    change.finish();
    return value;
  };
  return isDry ? db.rehearse(run) : db.transaction(run);
}
