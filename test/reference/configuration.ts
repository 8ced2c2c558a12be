// SPDX-License-Identifier: Apache-2.0
// An STLink's configuration, whole: PROTOCOL.md 10.3. A Commander encodes it, CONFIG carries it
// (control.ts), an STLink decodes it, stores it and confirms its hash.
// Invariants: decode accepts only what adds up to the last byte; encode(decode(x)) = x.

import { blake2s } from "@noble/hashes/blake2.js";
import { toBase32 } from "./activation.ts";
import { compare, concat, isZero, Reader, toHex, utf8, Writer } from "./bytes.ts";
import { label } from "./hop.ts";
import { checkCanonical } from "./noise.ts";
import { ProtocolError } from "./status.ts";

const MAGIC = utf8("SLC1");
const MAPPING = 1;
const BINDING = 2;
const TCP = 1;
const UDP = 2;
const PINNED = 1;
/** Of a Binding alone. */
const OPTION_SOURCE = 1;
const OPTION_CONNECTIONS = 2;
const OPTION_RATE = 3;
/** Of UDP alone. */
const OPTION_IDLE = 4;
const OPTION_AGE = 5;
const OPTION_FLOWS = 6;
/** Bytes of the options that are numbers. */
const NUMBERS = new Map([
  [OPTION_CONNECTIONS, 2],
  [OPTION_RATE, 4],
  [OPTION_IDLE, 4],
  [OPTION_AGE, 2],
  [OPTION_FLOWS, 2],
]);
const FINGERPRINT_LEN = 20;
const CHECKSUM_LEN = 4;

export interface ConfiguredPeer {
  id: Uint8Array;
  key: Uint8Array;
  /** Zeros: none. */
  nextKey: Uint8Array;
  keyEpoch: number;
  pskName: Uint8Array;
  psk: Uint8Array;
}

export interface ConfiguredRoute {
  id: Uint8Array;
  kind: number;
  protocol: number;
  flags: number;
  holdSeconds: number;
  port: number;
  address: string;
  peers: Uint8Array[];
  mappingId: Uint8Array;
  /** None where there are none. */
  options?: RouteOption[];
}

export interface RouteOption {
  type: number;
  value: Uint8Array;
}

export interface Configuration {
  epoch: number;
  serial: bigint;
  id: Uint8Array;
  leaseSeconds: number;
  commanderKey: Uint8Array;
  recoveryKey: Uint8Array;
  commanderId: Uint8Array;
  connectors: { key: Uint8Array; psk: Uint8Array; address: string }[];
  peers: ConfiguredPeer[];
  routes: ConfiguredRoute[];
}

/** BLAKE2s of all the bytes. */
export function configurationHash(bytes: Uint8Array): Uint8Array {
  return blake2s(bytes);
}

/** The fingerprint of a pair as both its ends show it (10.4): eight groups of four letters. */
export function pairFingerprint(
  one: { id: Uint8Array; key: Uint8Array },
  other: { id: Uint8Array; key: Uint8Array },
): string {
  const [lower, higher] = compare(one.id, other.id) < 0 ? [one, other] : [other, one];
  const bytes = concat(label("sealed/1 pair"), lower.id, lower.key, higher.id, higher.key);
  const letters = toBase32(blake2s(bytes).slice(0, FINGERPRINT_LEN));
  return letters.match(/.{4}/g)?.join(" ") ?? "";
}

/** Whether `(epoch, serial)` of `offered` is greater than the stored one (else `OldConfig`). */
export function isNewer(
  offered: { epoch: number; serial: bigint },
  stored: { epoch: number; serial: bigint },
): boolean {
  if (offered.epoch !== stored.epoch) return offered.epoch > stored.epoch;
  return offered.serial > stored.serial;
}

export function encodeConfiguration(config: Configuration): Uint8Array {
  const writer = new Writer()
    .bytes(MAGIC)
    .u32(config.epoch)
    .u64(config.serial)
    .bytes(config.id)
    .u32(config.leaseSeconds)
    .bytes(config.commanderKey)
    .bytes(config.recoveryKey)
    .bytes(config.commanderId)
    .u8(config.connectors.length);
  for (const { key, psk, address } of config.connectors) {
    writer.bytes(key).bytes(psk).text8(address);
  }
  writer.u16(config.peers.length);
  for (const peer of config.peers) writePeer(writer, peer);
  writer.u16(config.routes.length);
  for (const route of config.routes) writeRoute(writer, route);
  return writer.finish();
}

/** Throws `BadConfig`. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new Reader(bytes, "BadConfig");
  const config = readConfiguration(reader);
  reader.end();
  check(config);
  return config;
}

/** What an STLink keeps (10.3) of a configuration that came first: no peer is marked. */
export function encodeStored(config: Configuration): Uint8Array {
  const body = new Writer()
    .bytes(encodeConfiguration(config))
    .u32(config.epoch)
    .bytes(new Uint8Array(config.peers.length))
    .finish();
  return concat(body, blake2s(body).subarray(0, CHECKSUM_LEN));
}

/** What an STLink keeps (10.3): the configuration, the pinned epoch, and behind it marks and a checksum. */
export function decodeStored(bytes: Uint8Array): { config: Configuration; pinnedEpoch: number } {
  const reader = new Reader(bytes, "BadConfig");
  const config = readConfiguration(reader);
  const pinnedEpoch = reader.u32();
  reader.bytes(config.peers.length + CHECKSUM_LEN);
  reader.end();
  return { config, pinnedEpoch };
}

function readConfiguration(reader: Reader): Configuration {
  if (toHex(reader.bytes(4)) !== toHex(MAGIC)) throw new ProtocolError("BadConfig");
  return {
    epoch: reader.u32(),
    serial: reader.u64(),
    id: reader.bytes(16),
    leaseSeconds: reader.u32(),
    commanderKey: reader.bytes(32),
    recoveryKey: reader.bytes(32),
    commanderId: reader.bytes(16),
    connectors: repeat(reader.u8(), () => ({
      key: reader.bytes(32),
      psk: reader.bytes(32),
      address: reader.text8(),
    })),
    peers: repeat(reader.u16(), () => readPeer(reader)),
    routes: repeat(reader.u16(), () => readRoute(reader)),
  };
}

function writePeer(writer: Writer, peer: ConfiguredPeer): void {
  writer
    .bytes(peer.id)
    .bytes(peer.key)
    .bytes(peer.nextKey)
    .u32(peer.keyEpoch)
    .bytes(peer.pskName)
    .bytes(peer.psk);
}

function readPeer(reader: Reader): ConfiguredPeer {
  return {
    id: reader.bytes(16),
    key: reader.bytes(32),
    nextKey: reader.bytes(32),
    keyEpoch: reader.u32(),
    pskName: reader.bytes(8),
    psk: reader.bytes(32),
  };
}

function writeRoute(writer: Writer, route: ConfiguredRoute): void {
  writer
    .bytes(route.id)
    .u8(route.kind)
    .u8(route.protocol)
    .u8(route.flags)
    .u32(route.holdSeconds)
    .u16(route.port)
    .text8(route.address)
    .u16(route.peers.length);
  for (const id of route.peers) writer.bytes(id);
  const options = new Writer();
  for (const { type, value } of route.options ?? []) {
    options.u8(type).u8(value.length).bytes(value);
  }
  const bytes = options.finish();
  writer.bytes(route.mappingId).u16(bytes.length).bytes(bytes);
}

function readRoute(reader: Reader): ConfiguredRoute {
  return {
    id: reader.bytes(16),
    kind: reader.u8(),
    protocol: reader.u8(),
    flags: reader.u8(),
    holdSeconds: reader.u32(),
    port: reader.u16(),
    address: reader.text8(),
    peers: repeat(reader.u16(), () => reader.bytes(16)),
    mappingId: reader.bytes(16),
    options: readOptions(new Reader(reader.bytes(reader.u16()), "BadConfig")),
  };
}

function readOptions(reader: Reader): RouteOption[] {
  const options: RouteOption[] = [];
  while (reader.left > 0) {
    options.push({ type: reader.u8(), value: reader.bytes(reader.u8()) });
  }
  return options;
}

function check(config: Configuration): void {
  checkKeys(config);
  checkAuthority(config);
  const peerIds = distinct(config.peers.map(({ id }) => id));
  distinct(config.routes.map(({ id }) => id));
  for (const route of config.routes) checkRoute(route, peerIds);
}

function checkKeys({ commanderKey, recoveryKey, connectors, peers }: Configuration): void {
  const next = peers.map(({ nextKey }) => nextKey).filter((key) => !isZero(key));
  const keys = [...connectors, ...peers].map(({ key }) => key);
  for (const key of [commanderKey, recoveryKey, ...keys, ...next]) {
    try {
      checkCanonical(key);
    } catch {
      throw new ProtocolError("BadConfig");
    }
  }
}

/** A Commander's id is not zeros; a site has none only where all that it would say is zeros (10.7). */
function checkAuthority(config: Configuration): void {
  const { commanderId, commanderKey, recoveryKey, epoch, serial, leaseSeconds } = config;
  if (!isZero(commanderId)) return;
  const isAlone = isZero(commanderKey) && isZero(recoveryKey);
  if (!isAlone || epoch !== 0 || serial !== 0n || leaseSeconds !== 0) {
    throw new ProtocolError("BadConfig");
  }
}

function checkRoute(route: ConfiguredRoute, peerIds: Set<string>): void {
  const isMapping = route.kind === MAPPING;
  const good =
    (isMapping || route.kind === BINDING) &&
    (route.protocol === TCP || route.protocol === UDP) &&
    (route.flags & ~PINNED) === 0 &&
    isZero(route.mappingId) === isMapping &&
    [...distinct(route.peers)].every((id) => peerIds.has(id)) &&
    areGood(route.options ?? [], isMapping, route.protocol === UDP);
  if (!good) throw new ProtocolError("BadConfig");
}

function areGood(options: RouteOption[], isMapping: boolean, isUdp: boolean): boolean {
  const types = options.map(({ type }) => type);
  return options.every(({ type, value }, i) => {
    if (type === OPTION_SOURCE) return !isMapping && isNetwork(value);
    const length = NUMBERS.get(type);
    if (length === undefined) return true;
    const isInPlace = type <= OPTION_RATE ? !isMapping : isUdp;
    const isAlone = types.indexOf(type) === i;
    return isInPlace && isAlone && value.length === length && !isZero(value);
  });
}

/** Family, prefix, address. */
function isNetwork([family, prefix = 0, ...address]: Uint8Array): boolean {
  const length = family === 4 ? 4 : family === 6 ? 16 : -1;
  return address.length === length && prefix <= 8 * length;
}

function distinct(ids: Uint8Array[]): Set<string> {
  const names = new Set(ids.map(toHex));
  if (names.size !== ids.length || ids.some(isZero)) throw new ProtocolError("BadConfig");
  return names;
}

function repeat<T>(count: number, read: () => T): T[] {
  return Array.from({ length: count }, read);
}
