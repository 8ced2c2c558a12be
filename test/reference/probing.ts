// SPDX-License-Identifier: Apache-2.0
// When a link sends PROBE: by its time-out while something is wanted, by a hint, or to keep an idle
// link with streams alive. PROTOCOL.md 7.2, 7.3 and 11. link-streams.ts asks, link-writer.ts sends.
// Invariants: the time-out doubles until there is progress; a hint works once per round trip (D5).

import { RoundTrip } from "./round-trip.ts";

const NEVER = Number.POSITIVE_INFINITY;

export class Probing {
  readonly roundTrip = new RoundTrip();
  /** A PROBE is to go out. */
  due = false;
  private readonly keepAliveMs: number;
  private readonly sent = new Map<number, { order: number; at: number }>();
  private backoff = 0;
  private timeoutAt = NEVER;
  private hintedAt = Number.NEGATIVE_INFINITY;
  private keptAliveAt: number;

  constructor(keepAliveMs: number, now: number) {
    this.keepAliveMs = keepAliveMs;
    this.keptAliveAt = now;
  }

  /** DROPPED or BACK: the time-out fires now, if it runs. */
  hint(now: number): void {
    if (this.timeoutAt === NEVER || now - this.hintedAt < this.roundTrip.srtt) return;
    this.hintedAt = now;
    this.due = true;
  }

  /** Lets the time-out run while something is wanted. */
  arm(now: number, wanted: boolean): void {
    if (!wanted) this.stop();
    else if (this.timeoutAt === NEVER) this.timeoutAt = now + this.roundTrip.pto(this.backoff);
  }

  stop(): void {
    this.timeoutAt = NEVER;
  }

  /** Something has been acknowledged: back to the start. */
  progress(): void {
    this.backoff = 0;
    this.stop();
  }

  /** Sets `due` when the time-out has passed, or nothing was heard for long. */
  tick(now: number, heardAt: number, keepAlive: boolean): void {
    if (now >= this.timeoutAt) {
      this.due = true;
      this.backoff++;
      this.timeoutAt = now + this.roundTrip.pto(this.backoff);
    }
    if (now >= this.keepAliveAt(heardAt, keepAlive)) {
      this.keptAliveAt = now;
      this.due = true;
    }
  }

  /** When `tick` has something to do. */
  nextAt(heardAt: number, keepAlive: boolean): number {
    return Math.min(this.timeoutAt, this.keepAliveAt(heardAt, keepAlive));
  }

  /** Remembers a PROBE by its token; `order` is the link's count of sends. */
  probed(token: number, order: number, now: number): void {
    this.due = false;
    this.sent.set(token, { order, at: now });
  }

  /** A PONG: returns the order of its PROBE, or undefined if there was none. */
  answered(token: number, now: number): number | undefined {
    const probe = this.sent.get(token);
    if (!probe) return undefined;
    this.sent.clear();
    this.roundTrip.sample(now - probe.at);
    return probe.order;
  }

  /** Another peer stands at the other end. */
  forget(): void {
    this.sent.clear();
  }

  private keepAliveAt(heardAt: number, wanted: boolean): number {
    return wanted ? Math.max(heardAt, this.keptAliveAt) + this.keepAliveMs : NEVER;
  }
}
