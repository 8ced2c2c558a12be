// SPDX-License-Identifier: Apache-2.0
// The configuration of one STLink at a version (rule T9, PROTOCOL 10.3): who it is, its Connectors, the peers
// that its Routes pair it with, and those Routes. Before it: deployment.ts and the pre-shared keys. After it:
// stlink/configuration.ts, which makes bytes of it. A Route that pairs it with nobody is left out: nothing
// may listen that leads nowhere.

import { durationMs, sizeBytes } from "../../service/fields.ts";
import {
  CONNECTORS_MOST,
  type Configuration,
  type ConfiguredPeer,
  type ConfiguredRoute,
  PEERS_MOST,
  type RouteOptions,
} from "../../stlink/configuration.ts";
import { type Deployment, type PairedRoute, pairedRoutes } from "./deployment.ts";
import type { Id, Key } from "./fields.ts";
import { subjectOf } from "./kinds.ts";
import { type Problem, problemOf, type Result, resultOf } from "./problem.ts";
import { DEFAULT_LEASE, leaseSecondsOf } from "./profile.ts";
import type { Route } from "./route.ts";
import type { Stlink } from "./stlink.ts";
import type { Version } from "./version.ts";

/** What every configuration of the site names. */
export type Authority = {
  commanderId: Id;
  commanderKey: Key;
  recoveryKey: Key;
  /** `address`: `host:port`. */
  connectors: readonly { key: Key; address: string }[];
};

/** A pre-shared key and its name: 32 and 8 random bytes. */
export type Psk = { name: Uint8Array; key: Uint8Array };

/** The pre-shared keys that are there; made once for each pair and each hop, and kept. */
export type Psks = {
  /** Of an STLink's hop to a Connector. */
  hop(stlink: Id, connector: Key): Uint8Array | null;
  /** Of two STLinks, or of one and the Commander. */
  pair(one: Id, other: Id): Psk | null;
};

const NO_KEY = new Uint8Array(32);
const NO_ID = new Uint8Array(16);

/**
 * The configuration, or why it can't carry what it should. Throws where a pre-shared key is not there, or
 * the STLink has no key: making them comes before.
 */
export function configurationOf(
  deployment: Deployment,
  authority: Authority,
  version: Version,
  stlink: Stlink,
  psks: Psks,
): Result<Configuration> {
  const { commanderId, commanderKey, recoveryKey, connectors } = authority;
  const routes = pairedRoutes(deployment, stlink).filter(({ peers }) => peers.length > 0);
  const profile = stlink.profile === undefined ? null : deployment.profile(stlink.profile);
  const configuration: Configuration = {
    ...version,
    id: bytes(stlink.id),
    leaseSeconds: leaseSecondsOf(profile?.lease ?? DEFAULT_LEASE),
    commanderKey: bytes(commanderKey),
    recoveryKey: bytes(recoveryKey),
    commanderId: bytes(commanderId),
    connectors: connectors.map(({ key, address }) => {
      const psk = present(psks.hop(stlink.id, key), `a hop's PSK of ${stlink.id}`);
      return { key: bytes(key), psk, address };
    }),
    peers: peersOf(routes, stlink, authority, psks),
    routes: routes.map(configuredRoute),
  };
  return resultOf(configuration, tooLarge(stlink, configuration));
}

/** Each peer once; the Commander's entry carries the pre-shared key with it alone (10.3). */
function peersOf(
  routes: readonly PairedRoute[],
  stlink: Stlink,
  { commanderId, commanderKey }: Authority,
  psks: Psks,
): ConfiguredPeer[] {
  const peers = new Map(routes.flatMap((route) => route.peers).map((peer) => [peer.id, peer]));
  const entry = (id: Id, key: Key, nextKey: Key | null, keyEpoch: number): ConfiguredPeer => {
    const psk = present(psks.pair(stlink.id, id), `a PSK of ${stlink.id} and ${id}`);
    const keys = { key: bytes(key), nextKey: nextKey === null ? NO_KEY : bytes(nextKey), keyEpoch };
    return { id: bytes(id), ...keys, pskName: psk.name, psk: psk.key };
  };
  const sorted = [...peers.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return [
    entry(commanderId, commanderKey, null, 0),
    ...sorted.map(({ id, facts: { key, nextKey, keyEpoch } }) =>
      entry(id, present(key, `a key of ${id}`), nextKey, keyEpoch),
    ),
  ];
}

function configuredRoute({ route, peers }: PairedRoute): ConfiguredRoute {
  const { id, type, protocol, pinned, hold, port, address } = route;
  return {
    ...{ id: bytes(id), kind: type, protocol, isPinned: pinned, port, address },
    holdSeconds: Math.ceil(durationMs(hold) / 1000),
    peers: peers.map((peer) => bytes(peer.id)),
    mappingId: route.type === "binding" ? bytes(route.mapping) : NO_ID,
    options: { ...accessOptions(route), ...datagramOptions(route) },
  };
}

function accessOptions(route: Route): RouteOptions {
  if (route.type === "mapping") return {};
  const { sources, connections, rate } = route.access;
  return {
    sources,
    ...(connections === undefined ? {} : { connections }),
    ...(rate === undefined ? {} : { rateBytes: sizeBytes(rate) }),
  };
}

function datagramOptions({ protocol, idle, age, flows }: Route): RouteOptions {
  if (protocol !== "udp") return {};
  return {
    ...(idle === undefined ? {} : { idleMs: durationMs(idle) }),
    ...(age === undefined ? {} : { ageMs: durationMs(age) }),
    ...(flows === undefined ? {} : { flows }),
  };
}

function tooLarge(stlink: Stlink, { connectors, peers }: Configuration): Problem[] {
  const subject = subjectOf("stlink", stlink.name);
  const many: string[] = [];
  if (peers.length > PEERS_MOST) {
    many.push(
      `is paired with ${peers.length - 1} STLinks, and a configuration carries ${PEERS_MOST - 1}: make several of it, with some of them each.`,
    );
  }
  if (connectors.length > CONNECTORS_MOST) {
    many.push(
      `has ${connectors.length} Connectors, and a configuration carries ${CONNECTORS_MOST}.`,
    );
  }
  return many.map((what) => problemOf("TooLarge", subject, what));
}

function present<Value>(value: Value | null, what: string): Value {
  if (value === null) throw new Error(`there is no ${what}`);
  return value;
}

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}
