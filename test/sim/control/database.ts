// SPDX-License-Identifier: Apache-2.0
// What the simulated Commander keeps: STLinks with their keys, codes, pairs of Routes, and the version.
// Before it: commander.ts changes it, one call one transaction. After it: configurations for the
// STLinks, and register.ts for the Connector. Plain data, so that a backup is a structuredClone.
// Rules T1 to T9. Invariants: an id has one key and at most one next; the serial only rises.

import { toHex } from "../../reference/bytes.ts";
import {
  type ConfiguredPeer,
  type ConfiguredRoute,
  encodeConfiguration,
  type RouteOption,
} from "../../reference/configuration.ts";

const NO_KEY = new Uint8Array(32);
const NONE = new Uint8Array(16);
const PORT = 8080;

export type Row = {
  name: string;
  id: Uint8Array;
  key: Uint8Array;
  nextKey: Uint8Array | null;
  keyEpoch: number;
  hopPsk: Uint8Array;
  leaseSeconds: number;
  /** Version (`epoch.serial`) that it has confirmed last; empty: none, or its keys are new. */
  confirmed: string;
};

export type Code = {
  codeId: Uint8Array;
  secretHash: Uint8Array;
  ticketHash: Uint8Array;
  psk: Uint8Array;
  /** On the clocks of Commander and Connector (rule T7). */
  expiresAtMs: number;
  /** The new STLink's, or those of the STLink that is replaced (rule T3). */
  name: string;
  id: Uint8Array;
  usedBy: Uint8Array | null;
};

/** A Binding of `from` to a Mapping of `to`. */
export type Pair = {
  from: Uint8Array;
  to: Uint8Array;
  bindingId: Uint8Array;
  mappingId: Uint8Array;
  psk: Uint8Array;
  /** Of the Binding and of the Mapping's target, where they are real. */
  ports?: { binding: number; mapping: number };
  isPinned?: boolean;
  /** Of the Binding. */
  options?: RouteOption[];
};

export type Database = {
  epoch: number;
  serial: bigint;
  rows: Row[];
  codes: Code[];
  pairs: Pair[];
  /** Hexadecimal; never admitted again. */
  revokedKeys: string[];
};

/** What every configuration of the site names. */
export type Authority = {
  commanderId: Uint8Array;
  commanderKey: Uint8Array;
  recoveryKey: Uint8Array;
  connectorKey: Uint8Array;
  /** Where STLinks on real sockets find it. */
  connectorAddress: string;
};

export function emptyDatabase(): Database {
  return { epoch: 1, serial: 1n, rows: [], codes: [], pairs: [], revokedKeys: [] };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function rowOf(db: Database, id: Uint8Array): Row | undefined {
  return db.rows.find((row) => sameBytes(row.id, id));
}

export function versionText({ epoch, serial }: { epoch: number; serial: bigint }): string {
  return `${epoch}.${serial}`;
}

/** The configuration of an STLink at the database's version. */
export function configurationOf(db: Database, row: Row, authority: Authority): Uint8Array {
  const mine = db.pairs.filter(
    (pair) => sameBytes(pair.from, row.id) || sameBytes(pair.to, row.id),
  );
  const pairs = mine.filter((pair) => rowOf(db, pair.from) && rowOf(db, pair.to));
  const { commanderId, commanderKey, recoveryKey, connectorKey, connectorAddress } = authority;
  return encodeConfiguration({
    epoch: db.epoch,
    serial: db.serial,
    id: row.id,
    leaseSeconds: row.leaseSeconds,
    commanderKey,
    recoveryKey,
    commanderId,
    connectors: [{ key: connectorKey, psk: row.hopPsk, address: connectorAddress }],
    peers: peersOf(db, row, pairs),
    routes: pairs.map((pair) => routeOf(pair, row)),
  });
}

/** Each peer once, however many pairs it is in. */
function peersOf(db: Database, row: Row, pairs: Pair[]): ConfiguredPeer[] {
  const peers = new Map<string, ConfiguredPeer>();
  for (const pair of pairs) {
    const other = rowOf(db, sameBytes(pair.from, row.id) ? pair.to : pair.from) as Row;
    const { id, key, nextKey, keyEpoch } = other;
    const pskName = pair.psk.slice(0, 8);
    peers.set(toHex(id), { id, key, nextKey: nextKey ?? NO_KEY, keyEpoch, pskName, psk: pair.psk });
  }
  return [...peers.values()];
}

function routeOf(pair: Pair, row: Row): ConfiguredRoute {
  const isMapping = sameBytes(pair.to, row.id);
  const { ports, options = [] } = pair;
  const { binding, mapping } = ports ?? { binding: PORT, mapping: PORT };
  return {
    id: isMapping ? pair.mappingId : pair.bindingId,
    kind: isMapping ? 1 : 2,
    protocol: 1,
    flags: pair.isPinned ? 1 : 0,
    holdSeconds: 120,
    port: isMapping ? mapping : binding,
    address: "127.0.0.1",
    peers: [isMapping ? pair.from : pair.to],
    mappingId: isMapping ? NONE : pair.mappingId,
    options: isMapping ? [] : options,
  };
}
