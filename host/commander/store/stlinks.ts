// SPDX-License-Identifier: Apache-2.0
// An STLink's facts as rows: its keys, each in one place for ever, its state in lists, and what it reports. Before
// it: activations.ts and the Commander's control streams. After it: deployment.ts. Changes of keys are audited
// and deploy; what is only seen (online, last seen, reports) is neither.

import type { KeyChange } from "../domain/activation.ts";
import type { Id, Key } from "../domain/fields.ts";
import { subjectOf } from "../domain/kinds.ts";
import { problemOf, Refusal } from "../domain/problem.ts";
import {
  keysOf,
  type Stlink,
  type StlinkFacts,
  type StlinkReport,
  stateOf,
} from "../domain/stlink.ts";
import type { Change } from "./change.ts";
import type { Database } from "./database.ts";
import { missing, readObject } from "./objects.ts";
import { voidPsks } from "./psks.ts";

export function readStlink(db: Database, id: Id): Stlink | null {
  const stored = readObject(db, "stlink", id);
  return stored === null ? null : { ...stored.fields, id, facts: readFacts(db, id) };
}

/** Of an STLink that is there. */
export function readFacts(db: Database, id: Id): StlinkFacts {
  const row = db.get<{ facts: string }>("SELECT facts FROM stlink_facts WHERE id = ?", id);
  if (row === undefined) throw new Error(`STLink ${id} has no facts`);
  return JSON.parse(row.facts);
}

/** Throws Refusal: NotFound. */
export function stlinkAt(db: Database, id: Id): Stlink {
  const stlink = readStlink(db, id);
  if (stlink === null) throw new Refusal([missing("stlink", id)]);
  return stlink;
}

export type KeyPlace = { stlinkId: Id; isSpent: boolean };

/** Whose key it is, or was; null: nobody's. */
export function keyPlace(db: Database, key: Key): KeyPlace | null {
  const row = db.get<{ stlink_id: Id; is_spent: number }>(
    "SELECT stlink_id, is_spent FROM keys WHERE key = ?",
    key,
  );
  return row === undefined ? null : { stlinkId: row.stlink_id, isSpent: row.is_spent === 1 };
}

/** Keys that change: facts, the keys' places, void pre-shared keys, audit entry, version. */
export function changeKeys(
  change: Change,
  stlink: Stlink,
  what: string,
  { facts, spent, arePsksVoid }: KeyChange,
): void {
  const { db } = change;
  const { id, name } = stlink;
  placeKeys(db, stlink, facts, spent);
  writeFacts(db, id, facts);
  if (arePsksVoid) voidPsks(db, id);
  change.audit({
    what,
    kind: "stlink",
    id,
    name,
    before: shown(stlink.facts),
    after: shown(facts),
  });
  change.deploy();
}

/** The facts of keys, which the audit log shows. */
function shown({ key, nextKey, keyEpoch, waiting, revokedAtMs }: StlinkFacts): object {
  return { key, nextKey, keyEpoch, waiting, revokedAtMs };
}

function placeKeys(
  db: Database,
  { id, name }: Stlink,
  facts: StlinkFacts,
  spent: readonly Key[],
): void {
  db.run("DELETE FROM keys WHERE stlink_id = ? AND is_spent = 0", id);
  for (const key of spent) spendKey(db, key, id);
  for (const key of keysOf(facts)) {
    const place = keyPlace(db, key);
    if (place !== null) {
      const what = `can't have a key that ${place.stlinkId} has or had: it has to make another.`;
      throw new Refusal([problemOf("Taken", subjectOf("stlink", name), what)]);
    }
    db.run("INSERT INTO keys VALUES (?, ?, 0)", key, id);
  }
}

/** Never admitted again. */
export function spendKey(db: Database, key: Key, id: Id): void {
  db.run("INSERT OR REPLACE INTO keys VALUES (?, ?, 1)", key, id);
}

/**
 * What is only seen: neither audited nor deployed. Keys are not changed by it; of who is not there it notes nothing,
 * and nobody is connected who has no key.
 */
export function noteFacts(
  db: Database,
  id: Id,
  seen: Partial<Pick<StlinkFacts, "isConnected" | "lastSeenMs" | "confirmed">> & {
    report?: Partial<StlinkReport>;
  },
): void {
  const row = db.get<{ facts: string }>("SELECT facts FROM stlink_facts WHERE id = ?", id);
  if (row === undefined) return;
  const facts: StlinkFacts = JSON.parse(row.facts);
  const isConnected = facts.key !== null && (seen.isConnected ?? facts.isConnected);
  const report = { ...facts.report, ...seen.report };
  writeFacts(db, id, { ...facts, ...seen, isConnected, report });
}

/** Nobody is connected when a Commander begins. */
export function allAway(db: Database): void {
  const online = db.all<{ id: Id }>(
    "SELECT id FROM objects WHERE kind = 'stlink' AND facet = 'online'",
  );
  for (const { id } of online) noteFacts(db, id, { isConnected: false });
}

export function writeFacts(db: Database, id: Id, facts: StlinkFacts): void {
  db.run("UPDATE stlink_facts SET facts = ? WHERE id = ?", JSON.stringify(facts), id);
  const state = stateOf(facts);
  db.run("UPDATE objects SET facet = ? WHERE id = ? AND facet <> ?", state, id, state);
}
