// SPDX-License-Identifier: Apache-2.0
// A configuration as bytes: who an STLink is, its Connectors, its peers, its Routes. PROTOCOL 10.3. Before
// it: a Commander (commander/domain/configuration.ts), or an STLink's file for a device (device/
// configuration.ts). After it: CONFIG, or a device's flash. Encodes only: the core decodes and judges.

import type { Protocol } from "../service/fields.ts";

export type ConfiguredConnector = {
  /** 32 bytes each. */
  key: Uint8Array;
  psk: Uint8Array;
  /** `host:port`. */
  address: string;
};

export type ConfiguredPeer = {
  /** 16 bytes. */
  id: Uint8Array;
  /** 32 bytes each; `nextKey` of zeros: none. */
  key: Uint8Array;
  nextKey: Uint8Array;
  keyEpoch: number;
  /** 8 bytes. */
  pskName: Uint8Array;
  /** 32 bytes. */
  psk: Uint8Array;
};

export type ConfiguredRoute = {
  id: Uint8Array;
  kind: "mapping" | "binding";
  protocol: Protocol;
  isPinned: boolean;
  holdSeconds: number;
  port: number;
  address: string;
  /** Ids of peers. */
  peers: readonly Uint8Array[];
  /** Of a Binding its Mapping's; of a Mapping zeros. */
  mappingId: Uint8Array;
};

export type Configuration = {
  epoch: number;
  serial: bigint;
  id: Uint8Array;
  /** 0: never ends. */
  leaseSeconds: number;
  commanderKey: Uint8Array;
  recoveryKey: Uint8Array;
  commanderId: Uint8Array;
  connectors: readonly ConfiguredConnector[];
  peers: readonly ConfiguredPeer[];
  routes: readonly ConfiguredRoute[];
};

/** What the counts and lengths of 10.3 can say. */
export const CONNECTORS_MOST = 0xff;
export const ROUTE_PEERS_MOST = 0xff;
export const ADDRESS_BYTES_MOST = 0xff;

const MAGIC = "SLC1";
const KINDS = { mapping: 1, binding: 2 } as const;
const PROTOCOLS = { tcp: 1, udp: 2 } as const;
const PINNED = 1;

/** The bytes of 10.3. Counts and lengths are the caller's to keep within their fields. */
export function encodeConfiguration(configuration: Configuration): Buffer {
  const { epoch, serial, id, leaseSeconds, connectors, peers, routes } = configuration;
  const { commanderKey, recoveryKey, commanderId } = configuration;
  return Buffer.concat([
    ...[Buffer.from(MAGIC), u32(epoch), u64(serial), id, u32(leaseSeconds)],
    ...[commanderKey, recoveryKey, commanderId],
    u8(connectors.length),
    ...connectors.flatMap(({ key, psk, address }) => [key, psk, ...text8(address)]),
    u16(peers.length),
    ...peers.flatMap(peerFields),
    u16(routes.length),
    ...routes.flatMap(routeFields),
  ]);
}

function peerFields({ id, key, nextKey, keyEpoch, pskName, psk }: ConfiguredPeer): Uint8Array[] {
  return [id, key, nextKey, u32(keyEpoch), pskName, psk];
}

function routeFields(route: ConfiguredRoute): Uint8Array[] {
  const { id, kind, protocol, isPinned, holdSeconds, port, address, peers, mappingId } = route;
  return [
    ...[id, u8(KINDS[kind]), u8(PROTOCOLS[protocol]), u8(isPinned ? PINNED : 0)],
    ...[u32(holdSeconds), u16(port), ...text8(address)],
    ...[u8(peers.length), ...peers, mappingId],
  ];
}

function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >>> 8);
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** A length byte and the text. */
function text8(text: string): Uint8Array[] {
  const bytes = Buffer.from(text);
  return [u8(bytes.length), bytes];
}
