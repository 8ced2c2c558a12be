// SPDX-License-Identifier: Apache-2.0
// The Commander's database, and the news of it: every change goes through here, and whoever has to act on it
// (control/, the API's events) hears of it once it is on disk. Before it: the API, the Commander's STLink,
// `sealed up`. After it: store/. Invariant: nobody hears of what was not committed.

import type { Kind } from "./domain/kinds.ts";
import type { StlinkFacts, StlinkReport } from "./domain/stlink.ts";
import type { Actor, AuditEntry } from "./store/audit.ts";
import { type Change, changeStore } from "./store/change.ts";
import type { Database } from "./store/database.ts";
import { noteFacts } from "./store/stlinks.ts";

/** What only is seen of an STLink: neither audited nor deployed. */
export type Seen = Partial<Pick<StlinkFacts, "isConnected" | "lastSeenMs" | "confirmed">> & {
  /** What is not named stays as it was. */
  report?: Partial<StlinkReport>;
};

export type News =
  /** A change was committed; `isDeploying`: configurations may be other ones now, and the version has risen. */
  | { kind: "changed"; by: Actor; entries: readonly AuditEntry[]; isDeploying: boolean }
  /** Something was seen of these STLinks. */
  | { kind: "seen"; ids: readonly string[] };

export type Listener = (news: News) => void;

export class Registry {
  readonly db: Database;
  readonly #now: () => number;
  readonly #listeners = new Set<Listener>();

  /** `now`: milliseconds since 1970. */
  constructor(db: Database, now: () => number = Date.now) {
    this.db = db;
    this.#now = now;
  }

  get nowMs(): number {
    return this.#now();
  }

  /** From now on `listener` hears; returns what ends that. */
  on(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** All that `act` does in the name of `who`, or nothing. Throws Refusal, and what `act` throws. */
  change<Value>(who: string, act: (change: Change) => Value): Value {
    const by = { who, atMs: this.nowMs };
    let change: Change | null = null;
    const value = changeStore(this.db, by, (made) => {
      change = made;
      return act(made);
    });
    this.#tell(by, change);
    return value;
  }

  /** What was seen of STLinks, in one transaction; of one that is gone meanwhile nothing. */
  note(seen: ReadonlyMap<string, Seen>): void {
    if (seen.size === 0) return;
    this.db.transaction(() => {
      for (const [id, facts] of seen) noteFacts(this.db, id, facts);
    });
    this.#emit({ kind: "seen", ids: [...seen.keys()] });
  }

  #tell(by: Actor, change: Change | null): void {
    if (change === null || change.entries.length === 0) return;
    const { entries, isDeploying } = change;
    this.#emit({ kind: "changed", by, entries, isDeploying });
  }

  #emit(news: News): void {
    for (const listener of [...this.#listeners]) listener(news);
  }
}

/** Which objects of a kind a change was about. */
export function changedIds(entries: readonly AuditEntry[], kind: Kind): string[] {
  return [...new Set(entries.filter((entry) => entry.kind === kind).map(({ id }) => id))];
}
