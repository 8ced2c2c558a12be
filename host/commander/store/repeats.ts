// SPDX-License-Identifier: Apache-2.0
// Requests that may be sent again because their answer was lost: of each Idempotency-Key what was asked and what was
// made, for a day. Before it: the API's creation of objects, in the same transaction. After it: the same answer.

import { problemOf, Refusal } from "../domain/problem.ts";
import type { Change } from "./change.ts";

/** `key`: who asks chooses it anew for each request. `requestHash`: of all that was asked. */
export type Repeatable = { key: string; requestHash: string };

const KEPT_MS = 86_400_000;

/**
 * What `make` returns, or what it returned when this was asked before. Throws Refusal(Invalid) where the key was
 * used for something else, and what `make` throws.
 */
export function once<Answer>(
  { db, by }: Change,
  { key, requestHash }: Repeatable,
  make: () => Answer,
): Answer {
  db.run("DELETE FROM repeats WHERE at_ms < ?", by.atMs - KEPT_MS);
  const known = db.get<{ request_hash: string; answer: string }>(
    "SELECT request_hash, answer FROM repeats WHERE who = ? AND key = ?",
    ...[by.who, key],
  );
  if (known === undefined) {
    const answer = make();
    db.run(
      "INSERT INTO repeats VALUES (?, ?, ?, ?, ?)",
      ...[by.who, key, requestHash, JSON.stringify(answer), by.atMs],
    );
    return answer;
  }
  if (known.request_hash === requestHash) return JSON.parse(known.answer);
  const what = `${key} was used for another request within a day: choose a new one for each.`;
  throw new Refusal([problemOf("Invalid", "The Idempotency-Key", what)]);
}
