// SPDX-License-Identifier: Apache-2.0
// The lines of an STLink's status, made of what it holds. Before it: service.ts. After it: status.ts's
// shapes, `sealed status`.

import { type Core, type LinkView, statusName } from "../core/core.ts";
import { formatAddress } from "../service/fields.ts";
import { pairFingerprint } from "../service/fingerprint.ts";
import { hex } from "../service/hex.ts";
import type { Binding } from "./bindings.ts";
import type { ConfigurationHead } from "./configured-site.ts";
import type { KeptConnector } from "./kept-connector.ts";
import { CODE_ADVICE, reasonName } from "./reasons.ts";
import type { Identity, SiteBinding, SiteConnector, SiteMapping, SitePeer } from "./site.ts";
import type { BindingLine, CommanderLine, ConnectorLine, MappingLine, PeerLine } from "./status.ts";
import type { Traffic } from "./traffic.ts";

export function connectorLine(
  connector: SiteConnector,
  kept: KeptConnector,
  lastError: string | null,
): ConnectorLine {
  return {
    name: connector.name,
    address: formatAddress(connector.address),
    hop: kept.isUp ? "up" : "down",
    ...kept.counters,
    roundTripMs: kept.roundTripMs,
    pqAuthentication: connector.psk === null ? "no" : "yes",
    lastError,
  };
}

/** A peer that has to wait for the place of one that is going. */
const NO_LINK = {
  session: "none",
  inFlightBytes: 0,
  unanswered: 0,
  packetsIn: 0,
  packetsOut: 0,
  dropped: 0,
  lastDrop: 0,
} as const;

export function peerLine(
  own: Identity,
  peer: SitePeer,
  link: LinkView | null,
  connector: string | null,
): PeerLine {
  const { session, inFlightBytes, unanswered, packetsIn, packetsOut, dropped, lastDrop } =
    link ?? NO_LINK;
  return {
    name: peer.name,
    id: hex(peer.id),
    fingerprint: pairFingerprint({ id: own.id, key: own.publicKey }, peer),
    hasNewKey: false,
    pqAuthentication: peer.psk === null ? "no" : "yes",
    session,
    connector,
    roundTripMs: link?.roundTrip?.srttMs ?? null,
    inFlightBytes,
    unanswered,
    load: link?.peerLoad ?? 0,
    packetsIn,
    packetsOut,
    dropped,
    lastError: lastDrop === 0 ? null : statusName(lastDrop),
  };
}

/** `head` of the configuration in force, `id` the Commander's; null: none. */
export function commanderLine(
  core: Core,
  head: ConfigurationHead | null,
  id: Uint8Array | null,
  lastError: string | null,
): CommanderLine {
  const { phase, refused, leaseExpired, byRecoveryKey } = core.controlState();
  const link = id === null ? -1 : core.linkFind(id);
  const leftMs = core.leaseLeftMs();
  const advice = CODE_ADVICE.get(refused);
  return {
    id: id && hex(id),
    phase: PHASES[phase] ?? "none",
    session: link < 0 ? "none" : core.linkInfo(link).session,
    refused: refused === 0 ? null : [reasonName(refused), advice].filter(Boolean).join(": "),
    version: head && `${head.epoch}.${head.serial}`,
    hash: head && hex(head.hash),
    leaseLeftSeconds:
      head === null || leftMs === Number.POSITIVE_INFINITY ? null : Math.floor(leftMs / 1000),
    leaseExpired,
    byRecoveryKey,
    lastError,
  };
}

const PHASES = ["none", "activating", "activated"] as const;

export function mappingLine(mapping: SiteMapping, traffic: Traffic): MappingLine {
  const { name, id, protocol, host, port, peers } = mapping;
  const target = formatAddress({ host, port });
  return { name, id: hex(id), protocol, peers, target, ...traffic };
}

export function bindingLine(
  binding: SiteBinding,
  listening: readonly string[],
  { traffic, access }: Pick<Binding, "traffic" | "access">,
): BindingLine {
  const { name, id, protocol, peers } = binding;
  const mappingId = hex(binding.mappingId);
  const refused = protocol === "tcp" ? { refused: { ...access.refused } } : {};
  return { name, id: hex(id), protocol, peers, mappingId, listening, ...traffic, ...refused };
}
