// SPDX-License-Identifier: Apache-2.0
// What a Connector counts: packets and bytes, and every packet refused under its named reason. Before
// it: connector.ts, queue.ts. After it: whoever shows it. Nothing here could hold a payload.

import { Reason } from "../core/abi.gen.ts";

/** Why a packet is refused, in the order of PROTOCOL section 9. */
export const REFUSALS = {
  UnknownChannel: Reason.UnknownChannel,
  TooBig: Reason.TooBig,
  NotPaired: Reason.NotPaired,
  Muted: Reason.Muted,
  RateLimited: Reason.RateLimited,
  QueueFull: Reason.QueueFull,
  Aged: Reason.Aged,
} as const;
export type RefusalName = keyof typeof REFUSALS;

/** Why a connection or hop was not kept. */
export type HopRefusalName =
  | "HalfOpen"
  | "NoHopSlot"
  | "BadHop"
  | "NotAdmitted"
  | "Superseded"
  | "KeyUsedTwice";

/** Upper bounds of the size classes, bytes; the last takes the rest. */
export const SIZE_CLASSES: readonly number[] = [64, 256, 2048, 8192, 65_535];

export class Counters {
  packetsIn = 0;
  packetsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Wake packets that a newer one of the same sender replaced (rule K1). */
  replaced = 0;
  /** MUTE frames, which are not obeyed yet. */
  mutes = 0;
  /** Packets in, by SIZE_CLASSES. */
  readonly sizes: number[] = SIZE_CLASSES.map(() => 0);
  readonly refused: Partial<Record<RefusalName, number>> = {};
  readonly hopsRefused: Partial<Record<HopRefusalName, number>> = {};

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

  countRefused(name: RefusalName): void {
    this.refused[name] = (this.refused[name] ?? 0) + 1;
  }

  countHopRefused(name: HopRefusalName): void {
    this.hopsRefused[name] = (this.hopsRefused[name] ?? 0) + 1;
  }
}
