// SPDX-License-Identifier: Apache-2.0
// What the two ends of a UDP Route have in common: how long, how old and how many, what is counted, and
// what is told. Before it: the site's file. After it: datagram-binding.ts, datagram-mapping.ts count;
// `sealed status` shows. PROTOCOL 8.1, 8.2; rule U4. Nothing here could hold a payload.

import type { Refusal } from "./access.ts";
import { Traffic } from "./traffic.ts";

/** What the Route says of its flows and datagrams. */
export type DatagramTimes = {
  /** A flow on which nothing went either way for so long is forgotten. */
  idleMs: number;
  /** A datagram that could not be sent for so long is dropped, 50 to 10,000. */
  ageMs: number;
  /** Flows at once, 1 to 65,536: of a Binding, or of a Mapping for each peer. */
  flows: number;
};

/** At the Mapping each flow is a socket. */
export const DATAGRAM_TIMES: DatagramTimes = { idleMs: 30_000, ageMs: 2000, flows: 1024 };

/** A channel whose last flow is forgotten stays warm for so long after its last datagram (PROTOCOL 11). */
export const CHANNEL_IDLE_MS = 600_000;
/** Idle flows and channels are looked for so often, and successors that are due. */
export const SWEEP_MS = 1000;

/** Why a datagram was dropped here; what a Connector drops it counts itself. */
export type DropName =
  /** Larger than the path to the peer carries, or than this machine's network takes (U4). */
  | "DatagramTooBig"
  /** There was no channel, and newer ones waited for it; or it could not be opened. */
  | "NoChannel"
  /** It waited for longer than the Route's age for a channel or a name. */
  | "Aged"
  /** In the core: older than the Route's age, or its room went to newer ones. */
  | "Overtaken"
  /** The core's memory is used up. */
  | "NoBuffer"
  /** Mapping: of a flow beyond the limit. */
  | "FlowLimit"
  /** An answer on a flow that was forgotten. */
  | "UnknownFlow"
  /** This machine's network did not take more. */
  | "SocketFull"
  /** Binding: of a source that its access list does not allow, of a flow beyond its limit, beyond its rate. */
  | Refusal
  | "RateExceeded"
  /** What the kernel said of one that was sent. */
  | "Refused"
  | "Unreachable"
  | "Failed"
  /** Mapping: its name does not resolve, or to what is not allowed. */
  | "NoTarget";

/** What goes through one UDP Route: its connections are its flows, and what failed its channels. */
export class DatagramTraffic extends Traffic {
  /** Channels that have been opened. */
  channelsTotal = 0;
  /** Into the tunnel, and out of it. */
  datagramsIn = 0;
  datagramsOut = 0;
  readonly dropped: Partial<Record<DropName, number>> = {};

  countIn(bytes: Uint8Array): void {
    this.datagramsIn += 1;
    this.bytesIn += bytes.length;
  }

  countOut(bytes: Uint8Array): void {
    this.datagramsOut += 1;
    this.bytesOut += bytes.length;
  }

  drop(name: DropName, count = 1): void {
    if (count > 0) this.dropped[name] = (this.dropped[name] ?? 0) + count;
  }
}
