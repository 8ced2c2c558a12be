// SPDX-License-Identifier: Apache-2.0
// What an STLink is to do, however it came to know: its Connectors, its peers, its Mappings and Bindings.
// Before it: site-file.ts, or a Commander's configuration (configured-site.ts). After it: stlink.ts.
// Invariants: names are unique among their kind; peers named by a Route are in `peers`.

import type { Address } from "../net/transport.ts";
import type { LogSettings, Protocol } from "../service/fields.ts";

export type Identity = {
  /** 16 bytes. */
  id: Uint8Array;
  /** X25519, 32 bytes each. */
  privateKey: Uint8Array;
  publicKey: Uint8Array;
};

export type SiteConnector = {
  name: string;
  address: Address;
  /** Its static public key, 32 bytes. */
  key: Uint8Array;
  /** The hop's pre-shared key, 32 bytes; null: zeros. */
  psk: Uint8Array | null;
};

export type SitePeer = {
  name: string;
  id: Uint8Array;
  key: Uint8Array;
  /** The key that it changes to (rule T3). */
  nextKey: Uint8Array | null;
  psk: Uint8Array | null;
};

export type SiteMapping = {
  name: string;
  /** 16 bytes. */
  id: Uint8Array;
  protocol: Protocol;
  /** An IP address, or a name that is resolved at each dial. Never public. */
  host: string;
  port: number;
  /** Names of the peers that may use it. */
  peers: readonly string[];
  times: RouteTimes;
};

export type SiteBinding = {
  name: string;
  id: Uint8Array;
  mappingId: Uint8Array;
  protocol: Protocol;
  /** An IP address, the name of a network interface, or "all". */
  listenOn: string;
  /** 0: any free one. */
  port: number;
  /** Names of the peers that hold the Mapping: the candidates of rule D10. */
  peers: readonly string[];
  times: RouteTimes;
  access: BindingAccess;
};

/** Who may use a Binding, and how much: its access list. */
export type BindingAccess = {
  /** Networks such as "10.0.0.0/8" whose machines may use it, loopback like any other. Empty: all. */
  sources: readonly string[];
  /** At once; of a UDP Binding, flows. null: no limit. */
  connections: number | null;
  /** Of all connections together, in each direction. null: no limit. */
  bytesPerSecond: number | null;
};

export const OPEN_ACCESS: BindingAccess = { sources: [], connections: null, bytesPerSecond: null };

export type RouteTimes = {
  /** How long a stream is held without its peer (rule S4). */
  holdMs: number;
  /** UDP: a flow that is quiet so long is forgotten (rule U1). */
  idleMs: number;
  /** UDP: a datagram older than this is not worth sending (rule U4). */
  ageMs: number;
  /** UDP: flows at once, of a Binding, or of a Mapping for each peer. */
  flows: number;
};

export type SiteLimits = {
  streams: number;
  /** Bytes for what has been sealed or received and not yet taken; half for each. */
  memoryBytes: number;
};

export type SiteEntries = {
  connectors: readonly SiteConnector[];
  peers: readonly SitePeer[];
  mappings: readonly SiteMapping[];
  bindings: readonly SiteBinding[];
};

/** A site's file. */
export type Site = Identity &
  SiteEntries & {
    /** The file that says so. */
    file: string;
    limits: SiteLimits;
    log: LogSettings;
    /** Another status socket beside the usual one; null: none. */
    statusSocket: string | null;
  };
