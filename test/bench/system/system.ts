// SPDX-License-Identifier: Apache-2.0
// What is measured: a client's side, a relay and a server's side as three processes on loopback, between a
// port that clients dial and the port of a server. Ours and others are such systems. Before it: sealed.ts,
// peers.ts. After it: measure.ts, which knows no more of them.

export type SystemPart = { role: string; pid: number };

export interface RunningSystem {
  /** Where clients dial. */
  readonly port: number;
  readonly parts: readonly SystemPart[];
  stop(): Promise<void>;
}

export interface System {
  readonly name: string;
  /** What it encrypts, between whom, and how often. */
  readonly encrypts: string;
  /** Starts it in front of a server at this port of loopback. Rejects in time when it does not come up. */
  start(targetPort: number): Promise<RunningSystem>;
}
