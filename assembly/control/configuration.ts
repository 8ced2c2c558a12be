// SPDX-License-Identifier: Apache-2.0
//
// A configuration, read where it lies: offsets, the walk over its entries, the check of the whole. Before it: CONFIG,
// or the host's flash. After it: in-force.ts, and the host, which binds and dials by its Routes. Nothing is copied or
// changed here. Invariant: what `configCheck` let through is walked without further checks. PROTOCOL 10.3, rule T9.

import { ctIsZero } from "../crypto/ct";
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
const ROUTE_LEN: i32 = 46;

/** Offsets in a Connector and in a Route. */
const CONNECTOR_ADDRESS: i32 = 64;
const ROUTE_KIND: i32 = 16;
const ROUTE_PROTOCOL: i32 = 17;
const ROUTE_FLAGS: i32 = 18;
const ROUTE_ADDRESS: i32 = 25;
export const MAPPING: u8 = 1;
export const BINDING: u8 = 2;
const UDP: u8 = 2;

/** Options of a Route: `type u8, length u8, value`. Of a Binding alone are the first three, of UDP alone the others. */
const OPTION_SOURCE: i32 = 1;
const OPTION_RATE: i32 = 3;
const OPTION_IDLE: i32 = 4;
const OPTION_LAST: i32 = 6;

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
    if (section == ROUTES && len <= left) {
      len += (<i32>load<u16>(at + <usize>(ROUTE_ADDRESS + 1 + text))) << 4;
      // The length of the options stands last.
      if (len <= left) len += <i32>load<u16>(at + <usize>(len - 2));
    }
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
    if (walked == PEERS) {
      // All of one length: thousands are not walked.
      const isIn = section == PEERS && <u32>index < <u32>entryCount;
      at += <usize>((isIn ? index : entryCount) * PEER_LEN);
      if (at > end) return 0;
      if (isIn) return at;
      continue;
    }
    for (let i = 0; i < entryCount; i++) {
      if (walked == section && i == index) return at;
      const len = entryLen(walked, at, end);
      if (len == 0) return 0;
      at += <usize>len;
    }
  }
  return index < 0 ? at : 0;
}

/** The first entry of a section of peers or Routes with this id, or 0. Ids are no secrets. */
export function entryOf(config: usize, end: usize, section: i32, id: usize): usize {
  const low = load<u64>(id);
  const high = load<u64>(id, 8);
  let at = entryAt(config, end, section, 0);
  if (at == 0) return 0;
  for (let i = 0; i < entryCount; i++) {
    entryIndex = i;
    if (load<u64>(at) == low && load<u64>(at, 8) == high) return at;
    at += <usize>entryLen(section, at, end);
  }
  return 0;
}

/** True when the Route at `route` names the peer `id`, before the position `most`. */
function namesPeer(route: usize, id: usize, most: i32): bool {
  const low = load<u64>(id);
  const high = load<u64>(id, 8);
  let at = peersOf(route) + 2;
  for (let i = 0; i < most; i++) {
    if (load<u64>(at) == low && load<u64>(at, 8) == high) return true;
    at += 16;
  }
  return false;
}

/** Where a Route's count of peers stands; the peers follow, then the Mapping's id, and then the options. */
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
  return namesPeer(route, peer, <i32>load<u16>(peersOf(route))) ? route : 0;
}

/** True when the Route refuses a peer whose key has changed (rule T12). */
export function routePinned(route: usize): bool {
  return load<u8>(route, ROUTE_FLAGS) != 0;
}

/** Kinds in their range, a Binding with a Mapping, peers that are there, each once, options that are right. */
function routeGood(config: usize, end: usize, route: usize): bool {
  const kind = load<u8>(route, ROUTE_KIND);
  const protocol = load<u8>(route, ROUTE_PROTOCOL);
  if (<u8>(kind - 1) > 1 || <u8>(protocol - 1) > 1 || load<u8>(route, ROUTE_FLAGS) > 1)
    return false;
  const list = peersOf(route);
  const count = <i32>load<u16>(list);
  const behind = entryAt(config, end, PEERS, -1);
  let next = behind - <usize>(entryCount * PEER_LEN);
  let at = list + 2;
  for (let i = 0; i < count; i++) {
    const low = load<u64>(at);
    const high = load<u64>(at, 8);
    let peer = next;
    while (peer < behind && (load<u64>(peer) != low || load<u64>(peer, 8) != high))
      peer += PEER_LEN;
    // One behind all that were named is named the first time: a long list in their order is walked once.
    if (peer < behind) next = peer + PEER_LEN;
    else if (entryOf(config, end, PEERS, at) == 0 || namesPeer(route, at, i)) return false;
    at += 16;
  }
  return ctIsZero(at, 16) == (kind == MAPPING) && optionsGood(at + 16, kind, protocol);
}

/**
 * The options at `at`, behind their length: they add up, and those that are known have their length, say something,
 * stand where that means something, and but for networks once.
 */
function optionsGood(at: usize, kind: u8, protocol: u8): bool {
  const end = at + 2 + <usize>load<u16>(at);
  at += 2;
  let seen = 0;
  while (at < end) {
    if (at + 2 > end) return false;
    const type = <i32>load<u8>(at);
    const len = <i32>load<u8>(at, 1);
    const value = at + 2;
    at = value + <usize>len;
    if (at > end) return false;
    if (<u32>(type - 1) >= <u32>OPTION_LAST) continue;
    if (type < OPTION_IDLE ? kind != BINDING : protocol != UDP) return false;
    if (type == OPTION_SOURCE) {
      if (!networkGood(value, len)) return false;
      continue;
    }
    const isWide = type == OPTION_RATE || type == OPTION_IDLE;
    if (len != (isWide ? 4 : 2) || (seen & (1 << type)) != 0) return false;
    if ((isWide ? load<u32>(value) : <u32>load<u16>(value)) == 0) return false;
    seen |= 1 << type;
  }
  return true;
}

/** Family 4 or 6, a prefix of at most as many bits as the address behind it has. */
function networkGood(at: usize, len: i32): bool {
  const family = load<u8>(at);
  if (len != (family == 4 ? 6 : family == 6 ? 18 : -1)) return false;
  return <i32>load<u8>(at, 1) <= (len - 2) << 3;
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
