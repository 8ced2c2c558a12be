// SPDX-License-Identifier: Apache-2.0
// A configuration as bytes: who an STLink is, its Connectors, its peers, its Routes. PROTOCOL 10.3. Before
// it: a Commander (commander/domain/configuration.ts), or an STLink's file for a device (device/
// configuration.ts). After it: CONFIG, or a device's flash. Encodes only: the core decodes and judges, and
// configured-site.ts reads what it has let through.

import { networkBytes } from "../net/ip.ts";
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
  options: RouteOptions;
};

/** What a Route says beyond what each has; absent: it says nothing of it. */
export type RouteOptions = {
  /** Of a Binding: the networks whose machines may use it; none: all that reach it. */
  sources?: readonly string[];
  /** Of a Binding: connections at once, at most, 1 to 65,535. */
  connections?: number;
  /** Of a Binding: bytes in a second in each direction, at most, 1 to 2^32 - 1. */
  rateBytes?: number;
  /** Of UDP: a flow that is quiet so long is forgotten, 1 to 2^32 - 1 ms. */
  idleMs?: number;
  /** Of UDP: a datagram older than this is not worth sending, 1 to 65,535 ms. */
  ageMs?: number;
  /** Of UDP: flows at once, 1 to 65,535. */
  flows?: number;
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
export const PEERS_MOST = 0xffff;
export const ADDRESS_BYTES_MOST = 0xff;

const MAGIC = "SLC1";
const KINDS = { mapping: 1, binding: 2 } as const;
const PROTOCOLS = { tcp: 1, udp: 2 } as const;
const PINNED = 1;
/** Types of a Route's options. */
export const RouteOption = {
  Source: 1,
  Connections: 2,
  Rate: 3,
  Idle: 4,
  Age: 5,
  Flows: 6,
} as const;

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
  const options = Buffer.concat(optionsOf(route.options));
  return [
    ...[id, u8(KINDS[kind]), u8(PROTOCOLS[protocol]), u8(isPinned ? PINNED : 0)],
    ...[u32(holdSeconds), u16(port), ...text8(address)],
    ...[u16(peers.length), ...peers, mappingId, u16(options.length), options],
  ];
}

function optionsOf(options: RouteOptions): Uint8Array[] {
  const { sources = [], connections, rateBytes, idleMs, ageMs, flows } = options;
  return [
    ...sources.flatMap((network) => option(RouteOption.Source, networkBytes(network))),
    ...option(RouteOption.Connections, connections && u16(connections)),
    ...option(RouteOption.Rate, rateBytes && u32(rateBytes)),
    ...option(RouteOption.Idle, idleMs && u32(idleMs)),
    ...option(RouteOption.Age, ageMs && u16(ageMs)),
    ...option(RouteOption.Flows, flows && u16(flows)),
  ];
}

function option(type: number, value: Uint8Array | 0 | undefined): Uint8Array[] {
  return value ? [u8(type), u8(value.length), value] : [];
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
