// SPDX-License-Identifier: Apache-2.0
// A token bucket in bytes and packets: what one sender, or one tenant, may send (rule K3). Before it:
// place.ts asks for each packet. After it: a refusal, or a hop that is not read for a moment (rule F5).
// Invariant: -burst <= what is left <= burst, and a burst is one second's worth.

import type { Rate } from "./settings.ts";

/** Below this part of a second's worth a sender is slowed, so that little has to be refused. */
const LOW = 0.1;

export class Bucket {
  #rate: Rate;
  #bytes: number;
  #packets: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#bytes = rate.bytesPerSecond;
    this.#packets = rate.packetsPerSecond;
    this.#atMs = nowMs;
  }

  /** Another rate from now on; what is left stays, as far as the new one allows. */
  setRate(rate: Rate, nowMs: number): void {
    this.#refill(nowMs);
    this.#rate = rate;
    this.#refill(nowMs);
  }

  /** True while a packet of so many bytes may be taken. */
  has(bytes: number, nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#bytes >= bytes && this.#packets >= 1;
  }

  /** Takes bytes and packets, into debt where they are not there. */
  spend(bytes: number, packets: number): void {
    this.#bytes = Math.max(this.#bytes - bytes, -this.#rate.bytesPerSecond);
    this.#packets = Math.max(this.#packets - packets, -this.#rate.packetsPerSecond);
  }

  /** Milliseconds until the bucket is no longer low; 0 while it is not. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs);
    const { bytesPerSecond, packetsPerSecond } = this.#rate;
    const bytes = LOW - this.#bytes / bytesPerSecond;
    const packets = LOW - this.#packets / packetsPerSecond;
    return Math.ceil(1000 * Math.max(bytes, packets, 0));
  }

  #refill(nowMs: number): void {
    const seconds = (nowMs - this.#atMs) / 1000;
    const { bytesPerSecond, packetsPerSecond } = this.#rate;
    this.#bytes = Math.min(this.#bytes + seconds * bytesPerSecond, bytesPerSecond);
    this.#packets = Math.min(this.#packets + seconds * packetsPerSecond, packetsPerSecond);
    this.#atMs = nowMs;
  }
}
