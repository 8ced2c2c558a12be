// SPDX-License-Identifier: Apache-2.0
// The replay window of packets (PROTOCOL.md 5.2) and of datagrams (8): a plain set.
// Invariant: no counter is taken twice, and none at or below `highest - size`.

import { ProtocolError } from "./status.ts";

export class ReplayWindow {
  private readonly size: bigint;
  private readonly seen = new Set<bigint>();
  private highest = -1n;

  /** A window that reaches from the highest counter down, `size` counters in all. */
  constructor(size: number) {
    this.size = BigInt(size);
  }

  /** Throws `Stale` if `counter` was seen or is too old. To be asked before the AEAD. */
  check(counter: bigint): void {
    if (counter <= this.highest - this.size || this.seen.has(counter)) {
      throw new ProtocolError("Stale");
    }
  }

  /** Remembers `counter`. To be called after the AEAD has opened. */
  take(counter: bigint): void {
    this.seen.add(counter);
    if (counter <= this.highest) return;
    this.highest = counter;
    for (const old of this.seen) if (old <= counter - this.size) this.seen.delete(old);
  }
}
