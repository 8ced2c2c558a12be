// SPDX-License-Identifier: Apache-2.0
// What an STLink says of itself: the shape of `sealed status --json`. No secret and no payload in it.
// Before it: service.ts fills it. After it: the status socket, and the table of host/cli/status-table.ts.

import type { Protocol } from "../service/fields.ts";

export type YesNo = "yes" | "no";

export type ConnectorLine = {
  name: string;
  address: string;
  hop: "up" | "down";
  bytesIn: number;
  bytesOut: number;
  /** What its last connection took to be made; null: none was. */
  roundTripMs: number | null;
  /** How often a link left it because nobody answered over it (`ConnectorSuspect`, PROTOCOL 7.6). */
  suspected: number;
  /** Whether the hop's pre-shared key is set. */
  pqAuthentication: YesNo;
  lastError: string | null;
};

export type PeerLine = {
  name: string;
  /** Hexadecimal, as all ids and keys here. */
  id: string;
  /** Rule T12: compare it with the peer's owner. */
  fingerprint: string;
  /** Under a Commander: its key has changed unannounced, and its pinned Routes wait for `sealed stlink confirm`. */
  hasNewKey: boolean;
  /** "no": the pair has no pre-shared key, and its authentication rests on X25519 alone. */
  pqAuthentication: YesNo;
  /** Whether there is a session (layer 2). */
  session: "up" | "handshake" | "none";
  /** The Connector over whose hop this side sends; null: none. */
  connector: string | null;
  roundTripMs: number | null;
  /** What went to it and is not acknowledged. */
  inFlightBytes: number;
  /** Questions in a row that it has not answered. */
  unanswered: number;
  /** How full it says that it is, sixteenths. */
  load: number;
  packetsIn: number;
  packetsOut: number;
  /** Packets that were dropped, and why the last one was. */
  dropped: number;
  lastError: string | null;
};

type RouteLine = {
  name: string;
  id: string;
  protocol: Protocol;
  peers: readonly string[];
  open: number;
  total: number;
  failed: number;
  bytesIn: number;
  bytesOut: number;
  lastError: string | null;
  /** UDP: the connections are flows; datagrams both ways, and those dropped here by name. */
  datagramsIn?: number;
  datagramsOut?: number;
  dropped?: Readonly<Record<string, number>>;
};

export type MappingLine = RouteLine & { target: string };

/** `listening`: each `host:port`. */
export type BindingLine = RouteLine & {
  mappingId: string;
  listening: readonly string[];
  /** TCP: connections that its access list has refused, by name; of UDP `dropped` has the datagrams. */
  refused?: Readonly<Record<string, number>>;
};

/** Who says what this STLink does, and how it stands with it (PROTOCOL section 10). */
export type CommanderLine = {
  /** null: there is neither configuration nor code. */
  id: string | null;
  phase: "none" | "activating" | "activated";
  session: PeerLine["session"];
  /** Its last refusal, by its name in PROTOCOL 13.2, and what to do about it. */
  refused: string | null;
  /** `epoch.serial` and hash of the configuration in force. */
  version: string | null;
  hash: string | null;
  /** null: it never ends, or there is none yet. */
  leaseLeftSeconds: number | null;
  leaseExpired: boolean;
  /** The session is one of the recovery key. */
  byRecoveryKey: boolean;
  /** Why the last configuration or key that came is not in force. */
  lastError: string | null;
};

export type StlinkStatus = {
  role: "stlink";
  /** null: it runs from a file. */
  commander: CommanderLine | null;
  id: string;
  publicKey: string;
  /** What runs the core: v8, wasm3. */
  engine: string;
  connectors: readonly ConnectorLine[];
  peers: readonly PeerLine[];
  mappings: readonly MappingLine[];
  bindings: readonly BindingLine[];
  streams: { open: number; most: number };
  /** Packets and handshakes that the core dropped, by status (PROTOCOL 13.1). */
  dropped: Readonly<Record<string, number>>;
};
