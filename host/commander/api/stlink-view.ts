// SPDX-License-Identifier: Apache-2.0
// An STLink put together for an answer: facts, Routes with their origins, pairs with fingerprints, and the
// configuration that it should have. Before it: store/, domain/deployment.ts. After it: stlinks.ts, the events.
// Nothing is made here: where a pre-shared key is not there yet, there is no current configuration yet.

import { createHash } from "node:crypto";
import { pairFingerprint } from "../../service/fingerprint.ts";
import { encodeConfiguration } from "../../stlink/configuration.ts";
import { configurationOf, type Psks } from "../domain/configuration.ts";
import { type EffectiveRoute, type PairedRoute, pairedRoutes } from "../domain/deployment.ts";
import type { Id, Key } from "../domain/fields.ts";
import type { Kind } from "../domain/kinds.ts";
import { type Stlink, type StlinkFacts, type StlinkFields, stateOf } from "../domain/stlink.ts";
import type { Database } from "../store/database.ts";
import { StoredDeployment } from "../store/deployment.ts";
import { readObject, type Stored } from "../store/objects.ts";
import { psksOf } from "../store/psks.ts";
import { readAuthority, readVersion } from "../store/site.ts";
import { readFacts } from "../store/stlinks.ts";
import { waitingFingerprint } from "../waiting.ts";
import { viewOf } from "./object-view.ts";
import { timeOf } from "./schemas.ts";
import type { StlinkDetail, StlinkLine } from "./stlink-schemas.ts";

/** As lists and events have it. */
export function stlinkLine(db: Database, stored: Stored<StlinkFields>): StlinkLine {
  return { ...viewOf(stored), ...factsView(db, readFacts(db, stored.id)) };
}

function factsView(db: Database, facts: StlinkFacts) {
  const { key, nextKey, keyEpoch, codeId, confirmed, report } = facts;
  return {
    ...{ state: stateOf(facts), key, nextKey, keyEpoch, codeId },
    waiting: waitingView(db, facts),
    lastSeen: timeOf(facts.lastSeenMs),
    revokedAt: timeOf(facts.revokedAtMs),
    ...{ ...report, lastErrors: [...report.lastErrors] },
    confirmed:
      confirmed === null
        ? null
        : {
            version: { epoch: confirmed.epoch, serial: confirmed.serial },
            hash: confirmed.hash,
          },
  };
}

function waitingView(db: Database, { waiting }: StlinkFacts): StlinkLine["waiting"] {
  const authority = readAuthority(db);
  if (waiting === null || authority === null) return null;
  const fingerprint = waitingFingerprint(authority, waiting);
  return { key: waiting.key, fingerprint, codeId: waiting.codeId, since: timeOf(waiting.sinceMs) };
}

/** With all that is known of it. */
export function stlinkDetail(db: Database, stored: Stored<StlinkFields>): StlinkDetail {
  const { id } = stored;
  const stlink = { ...stored.fields, id, facts: readFacts(db, id) };
  const deployment = new StoredDeployment(db);
  const routes = pairedRoutes(deployment, stlink);
  const nameOf = (kind: Kind, of: Id | null) => {
    return of === null ? null : { id: of, name: readObject(db, kind, of)?.fields.name ?? of };
  };
  return {
    ...stlinkLine(db, stored),
    current: currentOf(db, deployment, stlink),
    routes: routes.map((route) => routeView(route, nameOf)),
    pairs: stlink.facts.key === null ? [] : pairViews(stlink, stlink.facts.key, routes),
  };
}

function routeView(
  { route, origins }: EffectiveRoute,
  nameOf: (kind: Kind, id: Id | null) => { id: Id; name: string } | null,
): StlinkDetail["routes"][number] {
  const { id, name, type, protocol, address, port } = route;
  return {
    ...{ id, name, type, protocol, address, port },
    origins: origins.map(({ profile, template }) => ({
      profile: nameOf("profile", profile),
      template: nameOf("template", template),
    })),
  };
}

function pairViews(
  { id }: Stlink,
  key: Key,
  routes: readonly PairedRoute[],
): StlinkDetail["pairs"] {
  const own = partyOf(id, key);
  const peers = new Map(routes.flatMap(({ peers: all }) => all).map((peer) => [peer.id, peer]));
  return [...peers.values()].map(({ id: peer, name, facts }) => {
    // A peer has a key, or it would be none.
    const theirs = facts.key ?? "";
    return {
      ...{ id: peer, name, key: theirs },
      fingerprint: pairFingerprint(own, partyOf(peer, theirs)),
      routes: routes
        .filter(({ peers: all }) => all.some((one) => one.id === peer))
        .map(({ route }) => route.id),
    };
  });
}

function partyOf(id: Id, key: Key): { id: Uint8Array; key: Uint8Array } {
  return { id: Buffer.from(id, "hex"), key: Buffer.from(key, "hex") };
}

const NO_KEY = new Uint8Array(32);

/** By version and hash; null: it has no key, or a pre-shared key is still to be made. */
function currentOf(
  db: Database,
  deployment: StoredDeployment,
  stlink: Stlink,
): StlinkDetail["current"] {
  const authority = readAuthority(db);
  if (authority === null || stlink.facts.key === null) return null;
  let isWhole = true;
  const kept = psksOf(db);
  const orMissing = <Value>(value: Value | null, none: Value): Value => {
    if (value === null) isWhole = false;
    return value ?? none;
  };
  const psks: Psks = {
    hop: (id, connector) => orMissing(kept.hop(id, connector), NO_KEY),
    pair: (one, other) =>
      orMissing(kept.pair(one, other), { name: new Uint8Array(8), key: NO_KEY }),
  };
  const version = readVersion(db);
  const made = configurationOf(deployment, authority, version, stlink, psks);
  if (!made.ok || !isWhole) return null;
  const hash = createHash("blake2s256").update(encodeConfiguration(made.value)).digest("hex");
  return { version: { epoch: version.epoch, serial: String(version.serial) }, hash };
}
