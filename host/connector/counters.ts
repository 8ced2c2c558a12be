// SPDX-License-Identifier: Apache-2.0
// What a Connector counts, all of it in this place: packets and bytes, every packet and hop refused under
// its named reason, alarms. Before it: connector.ts, forwarding.ts, place.ts. After it: whoever shows it.
// Nothing here could hold a payload.

import { Reason } from "../core/abi.gen.ts";
import type { TicketReason } from "./tickets.ts";

/** Why a packet is refused, in the order of PROTOCOL section 9. */
export const REFUSALS = {
  UnknownChannel: Reason.UnknownChannel,
  TooBig: Reason.TooBig,
  NotPaired: Reason.NotPaired,
  Muted: Reason.Muted,
  RateLimited: Reason.RateLimited,
  QueueFull: Reason.QueueFull,
  Aged: Reason.Aged,
  Purged: Reason.Purged,
} as const;
export type RefusalName = keyof typeof REFUSALS;

/** Counts by name; a name that never occurred is absent. */
export type Tally<Name extends string> = Partial<Record<Name, number>>;

export function count<Name extends string>(tally: Tally<Name>, name: Name): void {
  tally[name] = (tally[name] ?? 0) + 1;
}

/** Why a connection or hop was not kept, beside the statuses of PROTOCOL 13.1 that end a hop. */
export type HopRefusalName =
  /** No place among the handshakes under way: of its network, or of all. */
  | "HalfOpen"
  /** It had the oldest place of the most crowded network, and a newcomer needed one. */
  | "Displaced"
  /** Nothing finished within HANDSHAKE_MS. */
  | "HandshakeTimeout"
  /** Who had shown a ticket had its minute (rule T6). */
  | "TicketOver"
  | TicketReason
  | "NoHopSlot"
  | "Superseded"
  | "KeyUsedTwice"
  | "Revoked"
  | "Draining"
  /** A record not finished in 5 s, or no buffer free for it (rule K9). */
  | "HopBuffers"
  /** Nothing was heard for 60 s. */
  | "Silent";

/** Upper bounds of the size classes, bytes; the last takes the rest. */
export const SIZE_CLASSES: readonly number[] = [64, 256, 2048, 8192, 65_535];

export class Counters {
  packetsIn = 0;
  packetsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Wake packets that a newer one of the same sender replaced (rule K1). */
  replaced = 0;
  /** MUTE frames. */
  mutes = 0;
  /** How often a hop was not read for a moment because its sender was too fast (rule F5). */
  pauses = 0;
  /** Handshakes that were finished by an admitted key. */
  hopsAdmitted = 0;
  /** Packets in, by SIZE_CLASSES. */
  readonly sizes: number[] = SIZE_CLASSES.map(() => 0);
  readonly refused: Tally<RefusalName> = {};
  /** By HopRefusalName, or the name of the status that ended the hop. */
  readonly hopsRefused: Record<string, number> = {};
  /** What somebody should look into. */
  readonly alarms: Tally<"KeyUsedTwice"> = {};

  countIn(bytes: number): void {
    this.packetsIn += 1;
    this.bytesIn += bytes;
    const index = SIZE_CLASSES.findIndex((most) => bytes <= most);
    this.sizes[index] = (this.sizes[index] ?? 0) + 1;
  }

  countOut(bytes: number): void {
    this.packetsOut += 1;
    this.bytesOut += bytes;
  }
}
