// SPDX-License-Identifier: Apache-2.0
//
// A configuration, read where it lies: offsets, the walk over its entries, the check of the whole. Before it: CONFIG,
// or the host's flash. After it: in-force.ts, and the host, which binds and dials by its Routes. Nothing is copied or
// changed here. Invariant: what `configCheck` let through is walked without further checks. PROTOCOL 10.3, rule T9.

import { ctEqual, ctIsZero } from "../crypto/ct";
import { x25519Canonical } from "../crypto/x25519";

export const CONFIG_VERSION_AT: i32 = 4;
export const CONFIG_ID: i32 = 16;
export const CONFIG_LEASE: i32 = 32;
/** The Commander's current key, and behind it the recovery key. */
export const CONFIG_KEYS: i32 = 36;
export const CONFIG_RECOVERY_KEY: i32 = 68;
export const CONFIG_COMMANDER_ID: i32 = 100;
const CONFIG_HEADER_LEN: i32 = 116;

/** "SLC1" */
const MAGIC: u32 = 0x31434c53;

/** Sections, in their order. */
export const CONNECTORS: i32 = 0;
export const PEERS: i32 = 1;
export const ROUTES: i32 = 2;

/** Offsets in a peer. */
export const PEER_KEY: i32 = 16;
export const PEER_NEXT_KEY: i32 = 48;
export const PEER_PSK_NAME: i32 = 84;
export const PEER_PSK: i32 = 92;

/** Least lengths: texts and lists empty. */
const CONNECTOR_LEN: i32 = 65;
const PEER_LEN: i32 = 124;
const ROUTE_LEN: i32 = 43;

/** Offsets in a Connector and in a Route. */
const CONNECTOR_ADDRESS: i32 = 64;
const ROUTE_KIND: i32 = 16;
const ROUTE_PROTOCOL: i32 = 17;
const ROUTE_FLAGS: i32 = 18;
const ROUTE_ADDRESS: i32 = 25;
export const MAPPING: u8 = 1;
export const BINDING: u8 = 2;

/** Entries of the section that `entryAt` walked last. */
export let entryCount: i32 = 0;
/** Which entry `entryOf` found last. */
export let entryIndex: i32 = 0;

/** Bytes of the entry of a section at `at`; 0: it is cut by `end`. */
export function entryLen(section: i32, at: usize, end: usize): i32 {
  const left = <i32>(end - at);
  let len = section == PEERS ? PEER_LEN : section == CONNECTORS ? CONNECTOR_LEN : ROUTE_LEN;
  if (section != PEERS && len <= left) {
    const text = <i32>(
      load<u8>(at + <usize>(section == CONNECTORS ? CONNECTOR_ADDRESS : ROUTE_ADDRESS))
    );
    len += text;
    if (section == ROUTES && len <= left)
      len += (<i32>load<u8>(at + <usize>(ROUTE_ADDRESS + 1 + text))) << 4;
  }
  return len <= left ? len : 0;
}

/**
 * The entry `index` of a section of the configuration from `config` to `end`; index -1: where the section ends.
 * @returns a pointer, or 0 when there is none or it is cut
 */
export function entryAt(config: usize, end: usize, section: i32, index: i32): usize {
  let at = config + <usize>CONFIG_HEADER_LEN;
  for (let walked = CONNECTORS; walked <= section; walked++) {
    const width: usize = walked == CONNECTORS ? 1 : 2;
    if (at + width > end) return 0;
    entryCount = walked == CONNECTORS ? <i32>load<u8>(at) : <i32>load<u16>(at);
    at += width;
    for (let i = 0; i < entryCount; i++) {
      if (walked == section && i == index) return at;
      const len = entryLen(walked, at, end);
      if (len == 0) return 0;
      at += <usize>len;
    }
  }
  return index < 0 ? at : 0;
}

/** The first entry of a section of peers or Routes with this id, or 0. */
export function entryOf(config: usize, end: usize, section: i32, id: usize): usize {
  let at = entryAt(config, end, section, 0);
  if (at == 0) return 0;
  for (let i = 0; i < entryCount; i++) {
    entryIndex = i;
    if (ctEqual(at, id, 16)) return at;
    at += <usize>entryLen(section, at, end);
  }
  return 0;
}

/** True when the Route at `route` names the peer `id`, before the position `most`. */
function namesPeer(route: usize, id: usize, most: i32): bool {
  let at = peersOf(route) + 1;
  for (let i = 0; i < most; i++) {
    if (ctEqual(at, id, 16)) return true;
    at += 16;
  }
  return false;
}

/** Where a Route's count of peers stands; the peers follow. */
function peersOf(route: usize): usize {
  return route + <usize>(ROUTE_ADDRESS + 1) + <usize>load<u8>(route + <usize>ROUTE_ADDRESS);
}

/** The Route `id` of kind `side` (MAPPING, BINDING) for streams of `kind` that names the peer, or 0. */
export function routeOf(
  config: usize,
  end: usize,
  id: usize,
  side: u8,
  kind: i32,
  peer: usize,
): usize {
  const route = entryOf(config, end, ROUTES, id);
  if (
    route == 0 ||
    load<u8>(route, ROUTE_KIND) != side ||
    <i32>load<u8>(route, ROUTE_PROTOCOL) != kind
  )
    return 0;
  return namesPeer(route, peer, <i32>load<u8>(peersOf(route))) ? route : 0;
}

/** True when the Route refuses a peer whose key has changed (rule T12). */
export function routePinned(route: usize): bool {
  return load<u8>(route, ROUTE_FLAGS) != 0;
}

/** Kinds in their range, a Binding with a Mapping, peers that are there, each once. */
function routeGood(config: usize, end: usize, route: usize): bool {
  const kind = load<u8>(route, ROUTE_KIND);
  if (
    <u8>(kind - 1) > 1 ||
    <u8>(load<u8>(route, ROUTE_PROTOCOL) - 1) > 1 ||
    load<u8>(route, ROUTE_FLAGS) > 1
  )
    return false;
  const list = peersOf(route);
  const count = <i32>load<u8>(list);
  let at = list + 1;
  for (let i = 0; i < count; i++) {
    if (entryOf(config, end, PEERS, at) == 0 || namesPeer(route, at, i)) return false;
    at += 16;
  }
  return ctIsZero(at, 16) == (kind == MAPPING);
}

/** True when the `len` bytes at `config` add up to the last one: lengths, ids, keys, Routes (BadConfig otherwise). */
export function configCheck(config: usize, len: i32): bool {
  const end = config + <usize>len;
  if (
    len < CONFIG_HEADER_LEN ||
    load<u32>(config) != MAGIC ||
    entryAt(config, end, ROUTES, -1) != end
  )
    return false;
  if (ctIsZero(config + <usize>CONFIG_ID, 16) || !authorityGood(config)) return false;
  for (let section = CONNECTORS; section <= ROUTES; section++) {
    let at = entryAt(config, end, section, 0);
    if (at == 0) continue;
    for (let left = entryCount; left > 0; left--) {
      if (!entryGood(config, end, section, at)) return false;
      at += <usize>entryLen(section, at, end);
    }
  }
  return true;
}

/** False for a site without a Commander: there its keys and its id, which stand in a row, are zeros (10.7). */
export function hasCommander(config: usize): bool {
  return !ctIsZero(config + <usize>CONFIG_KEYS, 80);
}

/** A Commander's id and keys; or none, and then neither version nor lease, which only it could renew. */
function authorityGood(config: usize): bool {
  if (hasCommander(config))
    return (
      !ctIsZero(config + <usize>CONFIG_COMMANDER_ID, 16) && keysGood(config + <usize>CONFIG_KEYS)
    );
  return ctIsZero(config + <usize>CONFIG_VERSION_AT, 12) && load<u32>(config, CONFIG_LEASE) == 0;
}

function entryGood(config: usize, end: usize, section: i32, at: usize): bool {
  if (section == CONNECTORS) return x25519Canonical(at);
  if (ctIsZero(at, 16) || entryOf(config, end, section, at) != at) return false;
  return section == PEERS ? keysGood(at + <usize>PEER_KEY) : routeGood(config, end, at);
}

/** Two keys in a row. */
export function keysGood(at: usize): bool {
  return x25519Canonical(at) && x25519Canonical(at + 32);
}
