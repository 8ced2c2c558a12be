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
  /** Which of its keys is in force: that of the file, or its `next_key`, once a hop came under it. */
  key: "key" | "next_key";
  /** Packets that it sent (in) and was sent (out) since the Connector began, and their bytes. */
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Packets that it sent and that were refused, by named reason. */
  refused: Counts;
  /** What waits for it. `oldestMs`: how long its oldest packet has; null while it is empty. */
  queue: { packets: number; bytes: number; most: number; oldestMs: number | null };
};

export type TenantLine = {
  name: string;
  /** Grows with each change of who is admitted; begins at 1 with the process. */
  version: number;
  stlinks: number;
  up: number;
  /** Who decides in it; null: the file does. */
  commander: CommanderLine | null;
};

export type CommanderLine = {
  /** Hexadecimal. */
  id: string;
  hop: "up" | "away";
  role: "operator" | "customer";
  /** All hops of its tenant are refused for now. */
  isSuspended: boolean;
  /** Of its list that is in force and on disk: `epoch.serial`, 0.0 before the first. */
  version: string;
  customers: number;
  /** Codes that are open. */
  codes: number;
};

export type Counts = Readonly<Record<string, number>>;

export type ConnectorStatus = {
  role: "connector";
  publicKey: string;
  /** Each `host:port`. */
  listening: readonly string[];
  /** It stops, and has told its STLinks to come back later. */
  isDraining: boolean;
  stlinks: readonly AdmittedLine[];
  tenants: readonly TenantLine[];
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Packets in, by size: `mostBytes` is a class's upper bound. */
  sizes: readonly { mostBytes: number; packets: number }[];
  /** Packets refused, and hops refused or ended, by named reason. */
  refused: Counts;
  hopsRefused: Counts;
  hopsAdmitted: number;
  /** Hops that have not shown who they are yet, and how many may be so at once. */
  halfOpen: { now: number; most: number };
  /** How often a hop was not read for a moment because its sender was too fast. */
  pauses: number;
  /** MUTE frames received. */
  mutes: number;
  /** Wake packets that a newer one replaced. */
  replaced: number;
  /** What somebody should look into, by name. */
  alarms: Counts;
};
