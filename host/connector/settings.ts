// SPDX-License-Identifier: Apache-2.0
// What a Connector is told, however it came to know: where it listens, whom it admits, who may talk to
// whom, and its limits. Before it: connector-file.ts; a Commander for its own tenant (PROTOCOL 9.1). After it:
// service.ts.
// Invariant: members of a group are admitted STLinks of one tenant (rule T4).

import type { Address } from "../net/transport.ts";
import type { LogSettings } from "../service/fields.ts";

export type AdmittedStlink = {
  name: string;
  tenant: string;
  /** 16 bytes. */
  id: Uint8Array;
  /** 32 bytes. */
  key: Uint8Array;
  /** The key that it changes to (rule T3). */
  nextKey: Uint8Array | null;
  /** The hop's pre-shared key, 32 bytes; null: zeros. */
  psk: Uint8Array | null;
  /** Of a Commander's: it came by this code, 16 digits, and has not confirmed yet. */
  codeId?: string | null;
  /** It shows this code's ticket, and is nobody yet. */
  guestOf?: string;
};

/** The operator's Commander: it decides who is in its tenant, and names Customers (PROTOCOL 9.1). */
export type CommanderEntry = Pick<AdmittedStlink, "id" | "key" | "psk" | "tenant">;

/** Token buckets in bytes and in packets (rule K3). */
export type Rate = { bytesPerSecond: number; packetsPerSecond: number };

export type Tenant = { name: string; rate: Rate };

export type ConnectorLimits = {
  hops: number;
  /** Hops that have not finished their handshake: in all, and from one source network (rule K4). */
  halfOpen: number;
  halfOpenPerSource: number;
  /** Bytes that each STLink's queue may hold (rule F7). */
  queueBytes: number;
  /** Of each sender. */
  rate: Rate;
};

export type ConnectorSettings = {
  /** The file that says so. */
  file: string;
  /** X25519, 32 bytes each. */
  privateKey: Uint8Array;
  publicKey: Uint8Array;
  listen: readonly Address[];
  stlinks: readonly AdmittedStlink[];
  tenants: readonly Tenant[];
  /** Names of STLinks: all members of a group may talk to one another (rule K2). */
  groups: readonly (readonly string[])[];
  /** null: the file alone decides. */
  commander: CommanderEntry | null;
  /** What a Connector with a Commander keeps on disk. */
  stateFolder: string;
  limits: ConnectorLimits;
  log: LogSettings;
  statusSocket: string | null;
};

/** What of the settings a running Connector can be told anew. */
export type ConnectorRules = Pick<ConnectorSettings, "stlinks" | "tenants" | "groups" | "limits">;
