// SPDX-License-Identifier: Apache-2.0
// What a Connector says of itself: the shape of `sealed status --json`. It holds ids, sizes and counts,
// which is all that a Connector knows. Before it: service.ts fills it. After it: the status socket, and
// the table of host/cli/status-table.ts.

export type AdmittedLine = {
  name: string;
  tenant: string;
  /** Hexadecimal. */
  id: string;
  hop: "up" | "away";
  /** Where it connected from; null while it is away. */
  from: string | null;
  /** Whether the hop's pre-shared key is set. */
  pqAuthentication: "yes" | "no";
  /** Of the present hop. */
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  queue: { packets: number; bytes: number; most: number };
};

export type ConnectorStatus = {
  role: "connector";
  publicKey: string;
  /** Each `host:port`. */
  listening: readonly string[];
  stlinks: readonly AdmittedLine[];
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Packets in, by size: `mostBytes` is a class's upper bound. */
  sizes: readonly { mostBytes: number; packets: number }[];
  /** Packets refused, and hops refused or ended, by named reason. */
  refused: Readonly<Record<string, number>>;
  hopsRefused: Readonly<Record<string, number>>;
  /** MUTE frames received. */
  mutes: number;
};
