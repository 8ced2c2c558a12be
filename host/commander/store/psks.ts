// SPDX-License-Identifier: Apache-2.0
// Pre-shared keys: of each pair, of each hop, and of an STLink with its Commander (H1, 3.3). Made once, kept until
// a key is replaced or revoked, and read here alone: no object, list, export or audit entry has them. Before it:
// a deployment that pairs two. After it: configurations.ts.

import type { Authority, Psk, Psks } from "../domain/configuration.ts";
import { type Deployment, type Pair, pairOf, pairsOf } from "../domain/deployment.ts";
import type { Id } from "../domain/fields.ts";
import type { Stlink } from "../domain/stlink.ts";
import type { Database } from "./database.ts";

/** So many random bytes. */
export type Random = (length: number) => Uint8Array;

const NAME_LEN = 8;
const PSK_LEN = 32;

/** Makes what an STLink's configuration needs and is not there yet. */
export function makePsks(
  db: Database,
  deployment: Deployment,
  authority: Authority,
  stlink: Stlink,
  random: Random,
): void {
  const own = pairOf(stlink.id, authority.commanderId);
  for (const pair of [own, ...pairsOf(deployment, stlink)]) makePair(db, pair, random);
  for (const { key } of authority.connectors) makeHop(db, stlink.id, key, random);
}

function makePair(db: Database, { low, high }: Pair, random: Random): void {
  if (readPair(db, low, high) !== null) return;
  db.run("INSERT INTO pair_psks VALUES (?, ?, ?, ?)", low, high, random(NAME_LEN), random(PSK_LEN));
}

function makeHop(db: Database, stlink: Id, connector: string, random: Random): void {
  if (readHop(db, stlink, connector) !== null) return;
  db.run("INSERT INTO hop_psks VALUES (?, ?, ?)", stlink, connector, random(PSK_LEN));
}

/** Of an STLink with its Commander; made where there is none yet. */
export function linkPsk(db: Database, stlink: Id, commander: Id, random: Random): Psk {
  makePair(db, pairOf(stlink, commander), random);
  return present(readPair(db, stlink, commander));
}

/** Of an STLink's hop to a Connector, 32 bytes; made where there is none yet. */
export function hopPsk(db: Database, stlink: Id, connector: string, random: Random): Uint8Array {
  makeHop(db, stlink, connector, random);
  return present(readHop(db, stlink, connector));
}

function present<Value>(made: Value | null): Value {
  if (made === null) throw new Error("a pre-shared key was not kept");
  return made;
}

export function psksOf(db: Database): Psks {
  return {
    hop: (stlink, connector) => readHop(db, stlink, connector),
    pair: (one, other) => readPair(db, one, other),
  };
}

function readPair(db: Database, one: Id, other: Id): Psk | null {
  const { low, high } = pairOf(one, other);
  const row = db.get<{ name: Uint8Array; key: Uint8Array }>(
    "SELECT name, psk AS key FROM pair_psks WHERE low = ? AND high = ?",
    ...[low, high],
  );
  return row === undefined ? null : { name: row.name, key: row.key };
}

function readHop(db: Database, stlink: Id, connector: string): Uint8Array | null {
  const row = db.get<{ psk: Uint8Array }>(
    "SELECT psk FROM hop_psks WHERE stlink_id = ? AND connector_key = ?",
    ...[stlink, connector],
  );
  return row?.psk ?? null;
}

/** Whoever had the key may have had these. */
export function voidPsks(db: Database, id: Id): void {
  db.run("DELETE FROM pair_psks WHERE low = ? OR high = ?", id, id);
  db.run("DELETE FROM hop_psks WHERE stlink_id = ?", id);
}
