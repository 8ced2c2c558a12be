// SPDX-License-Identifier: Apache-2.0
// When a link sends PROBE: by the time-out of a stream that waits, by a hint, or to keep an idle link
// with streams alive. PROTOCOL.md 7.2, 7.3 and 11. link-streams.ts asks, link-writer.ts sends.
// Invariants: a stream's time-out runs from its last progress and doubles until there is more; a hint
// works once per round trip (D5).

import { RoundTrip } from "./round-trip.ts";

/** From this PROBE in a row without an answer on the token says so. */
const UNHEARD = 3;
const NEVER = Number.POSITIVE_INFINITY;

/** How long a stream waits for its peer, and how often its time-out has fired. */
export interface Waiting {
  /** Since its last progress; never, while it wants nothing. */
  since: number;
  backoff: number;
}

/** Of a stream that waits for nothing. */
export function noWaiting(): Waiting {
  return { since: NEVER, backoff: 0 };
}

export class Probing {
  readonly roundTrip = new RoundTrip();
  /** A PROBE is to go out. */
  due = false;
  private readonly keepAliveMs: number;
  private readonly sent = new Map<number, { order: number; at: number }>();
  /** PROBEs in a row without an answer. */
  private unanswered = 0;
  private hintedAt = Number.NEGATIVE_INFINITY;
  private keptAliveAt: number;

  constructor(keepAliveMs: number, now: number) {
    this.keepAliveMs = keepAliveMs;
    this.keptAliveAt = now;
  }

  /** DROPPED or BACK: the time-out fires now, if one runs. */
  hint(now: number, streams: Waiting[]): void {
    const runs = streams.some(({ since }) => since !== NEVER);
    if (!runs || now - this.hintedAt < this.roundTrip.srtt) return;
    this.hintedAt = now;
    this.due = true;
  }

  /** Sets `due` when a stream's time-out has passed, or nothing was heard for long. */
  tick(now: number, heardAt: number, streams: Waiting[]): void {
    for (const stream of streams) {
      if (now < this.timeoutAt(stream)) continue;
      this.due = true;
      stream.backoff++;
      stream.since = now;
    }
    if (now >= this.keepAliveAt(heardAt, streams)) {
      this.keptAliveAt = now;
      this.due = true;
    }
  }

  /** When `tick` has something to do. */
  nextAt(heardAt: number, streams: Waiting[]): number {
    const timeouts = streams.map((stream) => this.timeoutAt(stream));
    return Math.min(this.keepAliveAt(heardAt, streams), ...timeouts);
  }

  /** Remembers a PROBE and returns its token; `order` is the link's count of sends. Bit 0: 7.6. */
  probed(order: number, now: number): number {
    const token = (order * 2 + (++this.unanswered >= UNHEARD ? 1 : 0)) >>> 0;
    this.due = false;
    this.sent.set(token, { order, at: now });
    return token;
  }

  /** The peer answers, be it to another question. */
  progress(): void {
    this.unanswered = 0;
  }

  /** A PONG: returns the order of its PROBE, or undefined if there was none. */
  answered(token: number, now: number): number | undefined {
    const probe = this.sent.get(token);
    if (!probe) return undefined;
    this.sent.clear();
    this.unanswered = 0;
    this.roundTrip.sample(now - probe.at);
    return probe.order;
  }

  /** Another peer stands at the other end. */
  forget(): void {
    this.sent.clear();
  }

  private timeoutAt({ since, backoff }: Waiting): number {
    return since === NEVER ? NEVER : since + this.roundTrip.pto(backoff);
  }

  private keepAliveAt(heardAt: number, streams: Waiting[]): number {
    return streams.length > 0 ? Math.max(heardAt, this.keptAliveAt) + this.keepAliveMs : NEVER;
  }
}
