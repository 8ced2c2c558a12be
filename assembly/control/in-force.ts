// SPDX-License-Identifier: Apache-2.0
//
// The configuration in force, and what coming into force means for identity, links and lease. Before it: arriving.ts,
// which has checked the whole and had it stored. After it: links, and the host by its Routes. Invariant: whom it
// does not list any more is cut at once, and a stream ends with its Route. PROTOCOL 10.3 to 10.5; rules T8 to T10, T12.

import { now } from "../clock";
import { ctEqual, ctIsZero } from "../crypto/ct";
import { wipe } from "../crypto/wipe";
import { ARG, SIZE_CONFIG, size, take } from "../layout";
import { Hop, hopAt, hopCount, hopKnown } from "../seal/hop";
import { MY_ID } from "../seal/identity";
import {
  COMMANDER,
  COMMANDER_RECOVERY,
  CURRENT,
  LINK_ID,
  LINK_KEY,
  LINK_NEXT_KEY,
  Link,
  LinkArea,
  linkAt,
  linkCount,
  linkEnd,
  PEER_GONE,
  PREVIOUS,
  sessionWipe,
} from "../seal/link";
import { handshakeDrop } from "../seal/link-handshake";
import {
  REASON_NO_SUCH_MAPPING,
  REASON_PEER_KEY_CHANGED,
  REASON_REVOKED,
  REASON_WITHDRAWN,
  STATUS_OK,
} from "../status";
import { linkFind } from "../stream/hop-rx";
import { endStreams } from "../stream/link-rx";
import { CONFIG_VERSION, versionNewer } from "../stream/opening";
import { peerAdd, peerRemove } from "../stream/peers";
import { streamReset } from "../stream/record";
import { STREAM_BINDING, StreamArea, streamAt, tellHost } from "../stream/stream";
import { CODE_PSK, HASH, hashOf } from "./code";
import {
  BINDING,
  CONFIG_COMMANDER_ID,
  CONFIG_ID,
  CONFIG_KEYS,
  CONFIG_LEASE,
  CONFIG_VERSION_AT,
  entryAt,
  entryCount,
  entryIndex,
  entryLen,
  entryOf,
  hasCommander,
  MAPPING,
  PEER_KEY,
  PEER_NEXT_KEY,
  PEER_PSK,
  PEER_PSK_NAME,
  PEERS,
  routeOf,
  routePinned,
} from "./configuration";
import { leaseReset, leaseRestart } from "./lease";
import { VERSION_LEN } from "./messages";

/** In front of a configuration, for the header of the message that brings it. */
const HEAD_ROOM: i32 = 8;
/** Behind it when stored, and between them a mark for each peer: pinned epoch, checksum. */
export const TRAILER_LEN: i32 = 8;

/** BLAKE2s of the configuration in force. */
export const CONFIG_HASH: usize = memory.data(32, 8);

/** The configuration in force; the other half, where one arrives, waits to be stored, or is loaded by the host. */
export let config: usize = 0;
export let arriving: usize = 0;
/** Most bytes of a configuration; 0 or less: there is no control plane. */
export let configMost: i32 = 0;
/** Length of the configuration in force; 0: none. */
export let inForceLen: i32 = 0;
/** The Commander's link (Link), or 0. */
export let commander: usize = 0;
/** Hops of the identity before are to be made anew. */
export let redial: bool = false;
/** The id has changed: the Commander's link begins anew with the next hop. */
let reborn: bool = false;
/** Some peer's key changed and the host has not confirmed it. */
export let peersMarked: bool = false;
/** Peers that found no link slot yet, or links that wait to be forgotten. */
let unsettled: bool = false;

/** Takes the two halves' memory. */
export function configLayout(): void {
  const half = (size(SIZE_CONFIG) >> 1) & ~7;
  configMost = half - HEAD_ROOM - TRAILER_LEN - linkCount();
  config = take(2, half) + HEAD_ROOM;
  arriving = config + <usize>half;
  inForceLen = 0;
  commander = 0;
  memory.fill(CONFIG_VERSION, 0, VERSION_LEN);
  memory.fill(CONFIG_HASH, 0, 32);
  leaseReset();
}

/** There is no control plane any more; the memory has been wiped. */
export function configStop(): void {
  configMost = inForceLen = 0;
  commander = 0;
  redial = reborn = unsettled = peersMarked = false;
}

/** The Commander's link, where there is one. */
export function commanderLink(): Link {
  return changetype<Link>(commander);
}

/** Where the configuration in force ends. */
export function configEnd(): usize {
  return config + <usize>inForceLen;
}

/** Why the peer's OPEN of `kind` for `mapping` is refused: a reason, or 0 (both ends check a pair). */
export function openRefused(link: Link, kind: i32, mapping: usize): u8 {
  if (inForceLen == 0) return commander == 0 ? 0 : REASON_NO_SUCH_MAPPING;
  if (link.commander) return REASON_NO_SUCH_MAPPING;
  return routeRefuses(link, MAPPING, mapping, kind);
}

/** True when the Binding at `binding` is pinned, and the peer's key has changed (rule T12). */
export function bindingRefuses(link: Link, kind: i32, binding: usize): bool {
  return inForceLen != 0 && routeRefuses(link, BINDING, binding, kind) == REASON_PEER_KEY_CHANGED;
}

/** Why the configuration has no Route `id` for streams of `kind` with the link's peer: a reason, or 0. */
function routeRefuses(link: Link, side: u8, id: usize, kind: i32): u8 {
  const peer = LinkArea.at(link, LINK_ID);
  const route = routeOf(config, configEnd(), id, side, kind, peer);
  if (route == 0) return REASON_NO_SUCH_MAPPING;
  if (!routePinned(route)) return 0;
  entryOf(config, configEnd(), PEERS, peer);
  return load<u8>(markOf(entryIndex)) != 0 ? REASON_PEER_KEY_CHANGED : 0;
}

/** Where the mark of a peer of the configuration in force stands: 1 when its key changed unannounced (rule T12). */
export function markOf(index: i32): usize {
  return configEnd() + 4 + <usize>index;
}

/** The half that arrived is in force from here on. True when its version is another one. */
export function enforce(len: i32): bool {
  const before = config;
  config = arriving;
  arriving = before;
  inForceLen = len;
  entryAt(config, configEnd(), PEERS, -1);
  peersMarked = false;
  for (let i = 0; i < entryCount; i++) if (load<u8>(markOf(i)) != 0) peersMarked = true;
  const version = config + <usize>CONFIG_VERSION_AT;
  const newer = versionNewer(version, CONFIG_VERSION);
  memory.copy(CONFIG_VERSION, version, VERSION_LEN);
  hashOf(0, 0, config, len, HASH);
  // Only marks have changed.
  if (ctEqual(HASH, CONFIG_HASH, 32)) return false;
  memory.copy(CONFIG_HASH, HASH, 32);
  if (!ctEqual(MY_ID, config + <usize>CONFIG_ID, 16)) {
    memory.copy(MY_ID, config + <usize>CONFIG_ID, 16);
    reborn = commander != 0;
    if (reborn) identityChanged();
  }
  leaseRestart(load<u32>(config + <usize>CONFIG_LEASE));
  commanderSync();
  peersSync();
  routesSync();
  return newer;
}

/** The Commander's link as the configuration says; a changed key, or a session of the recovery key, ends its sessions. */
function commanderSync(): void {
  if (!hasCommander(config)) return;
  const keys = config + <usize>CONFIG_KEYS;
  const id = config + <usize>CONFIG_COMMANDER_ID;
  if (commander != 0) {
    const link = commanderLink();
    if (link.commander & COMMANDER_RECOVERY || !ctEqual(LinkArea.at(link, LINK_KEY), keys, 32)) {
      sessionsEnd(link);
      link.commander = COMMANDER;
    }
  }
  const entry = entryOf(config, configEnd(), PEERS, id);
  if (entry != 0) {
    memory.copy(CODE_PSK, entry + <usize>PEER_PSK, 32);
    memory.copy(CODE_PSK + 32, entry + <usize>PEER_PSK_NAME, 8);
  }
  commanderAdd(id, keys, keys + 32, entry != 0 ? CODE_PSK : 0);
  wipe(CODE_PSK, 40);
}

/** Adds the Commander's link, or changes its keys; `next` may be 0 for none, and `psk`, whose name [8] follows it. */
export function commanderAdd(id: usize, key: usize, next: usize, psk: usize): i32 {
  const index = peerPut(id, key, next, psk, psk + 32);
  commander = 0;
  if (index < 0) return index;
  commander = changetype<usize>(linkAt(index));
  commanderLink().commander |= COMMANDER;
  return STATUS_OK;
}

/** `peerAdd` of what stands in different places. */
function peerPut(id: usize, key: usize, next: usize, psk: usize, name: usize): i32 {
  memory.copy(ARG, id, 16);
  memory.copy(ARG + 16, key, 32);
  memory.fill(ARG + 48, 0, 72);
  if (next != 0) memory.copy(ARG + 48, next, 32);
  if (psk != 0) {
    memory.copy(ARG + 80, psk, 32);
    memory.copy(ARG + 112, name, 8);
  }
  return peerAdd();
}

/** Streams reset with Revoked, sessions and handshakes wiped, at once (rule T10). */
export function sessionsEnd(link: Link): void {
  endStreams(link, REASON_REVOKED);
  handshakeDrop(link);
  sessionWipe(link, CURRENT);
  sessionWipe(link, PREVIOUS);
  link.due = 0;
  link.wanted = 0;
}

/** Cuts who is no longer configured, or has another key than announced; adds and changes the others. */
function peersSync(): void {
  const end = configEnd();
  unsettled = false;
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (!link.used || link.commander & COMMANDER) continue;
    const entry = entryOf(config, end, PEERS, LinkArea.at(link, LINK_ID));
    if (entry == 0 || !announced(link, entry)) cut(link);
    if (link.commander & PEER_GONE) unsettled = !forget(link) || unsettled;
  }
  let at = entryAt(config, end, PEERS, 0);
  for (let left = at != 0 ? entryCount : 0; left > 0; left--) {
    if (!ctEqual(at, config + <usize>CONFIG_COMMANDER_ID, 16)) peerSync(at);
    at += <usize>entryLen(PEERS, at, end);
  }
}

/** Ends the streams whose Route is not there any more, and no other. */
function routesSync(): void {
  for (let i = 0; i < linkEnd; i++) {
    const link = linkAt(i);
    if (!link.used || link.commander) continue;
    for (let s = link.streams; s >= 0; ) {
      const stream = streamAt(s);
      s = stream.nextOfLink;
      const id = StreamArea.at(stream, STREAM_BINDING);
      const refused = stream.opener
        ? routeRefuses(link, BINDING, id, stream.kind)
        : routeRefuses(link, MAPPING, id + 16, stream.kind);
      if (!refused) continue;
      streamReset(stream, refused == REASON_NO_SUCH_MAPPING ? REASON_WITHDRAWN : refused);
      tellHost(stream);
    }
  }
}

/** True when the peer's key is the one known, or was announced as its next one, or the link has changed to that already. */
function announced(link: Link, entry: usize): bool {
  const key = LinkArea.at(link, LINK_KEY);
  if (ctEqual(entry + <usize>PEER_KEY, key, 32) || ctEqual(entry + <usize>PEER_NEXT_KEY, key, 32))
    return true;
  return ctEqual(entry + <usize>PEER_KEY, LinkArea.at(link, LINK_NEXT_KEY), 32);
}

/** A revoked peer's link: it stays, without keys, until the host has let its streams go. */
function cut(link: Link): void {
  if (link.commander & PEER_GONE) return;
  sessionsEnd(link);
  wipe(LinkArea.at(link, LINK_KEY), 144);
  link.oldPsk = 0;
  link.commander = PEER_GONE;
  link.penalty = 1;
}

/** Frees a revoked peer's link when none of its streams is left; true then. */
function forget(link: Link): bool {
  link.penaltyAt = now;
  if (link.streams >= 0) return false;
  peerRemove(link, REASON_REVOKED);
  return true;
}

function peerSync(entry: usize): void {
  const index = linkFind(entry);
  let key = entry + <usize>PEER_KEY;
  let next = entry + <usize>PEER_NEXT_KEY;
  if (index >= 0) {
    const link = linkAt(index);
    if (link.commander & PEER_GONE) {
      link.commander = 0;
      link.penalty = 0;
    }
    // The first handshake under the next key has dropped the old one (rule T3).
    if (!ctIsZero(next, 32) && ctEqual(LinkArea.at(link, LINK_KEY), next, 32)) {
      key = next;
      next = 0;
    }
  }
  if (peerPut(entry, key, next, entry + <usize>PEER_PSK, entry + <usize>PEER_PSK_NAME) < 0)
    unsettled = true;
}

/** Tries again what had to wait for the host. */
export function settleTick(): void {
  if (unsettled) peersSync();
}

/** Id or static key have changed: hops are to be made anew. */
export function identityChanged(): void {
  redial = true;
  for (let i = 0; i < hopCount(); i++) if (hopKnown(i)) hopAt(i).stale = 1;
}

/** A hop has come up. With a new id the Commander's link begins anew. */
export function identityShown(hop: Hop): void {
  if (!redial || hop.stale) return;
  redial = false;
  if (!reborn) return;
  reborn = false;
  peerRemove(commanderLink(), REASON_REVOKED);
  commander = 0;
  commanderSync();
}
