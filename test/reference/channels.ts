// SPDX-License-Identifier: Apache-2.0
// What a link knows about its datagram channels beside their keys: what waits to be sent and for how
// long, what counts as in flight, which channel follows which, and RESETs that nobody has confirmed.
// PROTOCOL.md section 8 (U1 to U4). Before it: link-streams.ts, peer.ts. After it: link-writer.ts.
// Invariant: a RESET stands in the packet of each PROBE until one of these is answered.

import { equal } from "./bytes.ts";
import type { LinkFrame } from "./link-frames.ts";
import { noWaiting, type Waiting } from "./probing.ts";
import { inFlight } from "./sending.ts";
import { KIND, type Stream } from "./stream.ts";

const AGE_UNIT_MS = 50;
const DEFAULT_AGE_MS = 2000;
const SUCCESSOR_MS = 50 * 60_000;
const OVER_MS = 60 * 60_000;
const RETIRED_MS = 10_000;
const COUNT = 2 ** 32;
const MOST_QUEUED = 16;
const TAG_LEN = 16;

interface Queued {
  flow: number;
  bytes: Uint8Array;
  /** When it was put, by the first tick after that; never, before it. */
  at: number;
}

/** The sending half of a channel, and its time. */
export class Outgoing {
  ageMs = DEFAULT_AGE_MS;
  dropped = 0;
  /** Opener: its successor is to be opened. */
  successorWanted = false;
  /** The highest counter of either direction, plus one. */
  used = 0;
  private overAt: number;
  private isRetired = false;
  private readonly keyedAt: number;
  private readonly queue: Queued[] = [];

  constructor(now: number) {
    this.keyedAt = now;
    this.overAt = now + OVER_MS;
  }

  /** The class of its packets (4.3). */
  get class(): number {
    return Math.floor(this.ageMs / AGE_UNIT_MS);
  }

  get waits(): boolean {
    return this.queue.length > 0;
  }

  put(flow: number, bytes: Uint8Array): void {
    this.queue.push({ flow, bytes, at: Number.POSITIVE_INFINITY });
    if (this.queue.length <= MOST_QUEUED) return;
    this.queue.shift();
    this.dropped++;
  }

  /** The oldest that is not too old, left where it is. */
  oldest(now: number): Queued | undefined {
    while (this.queue[0] && now - this.queue[0].at > this.class * AGE_UNIT_MS) {
      this.queue.shift();
      this.dropped++;
    }
    return this.queue[0];
  }

  take(): void {
    this.queue.shift();
  }

  /** Its successor carries datagrams. */
  retire(now: number): void {
    if (!this.isRetired) this.overAt = now + RETIRED_MS;
    this.isRetired = true;
    this.successorWanted = false;
  }

  /** Time passes; true when the channel is over. */
  tick(now: number, opener: boolean): boolean {
    for (const one of this.queue) one.at = Math.min(one.at, now);
    const isOld = now - this.keyedAt >= SUCCESSOR_MS || this.used > COUNT;
    if (opener && isOld && !this.isRetired) this.successorWanted = true;
    return now >= this.overAt || this.used > 2 * COUNT;
  }

  nextAt(now: number): number {
    const at = [this.keyedAt + SUCCESSOR_MS, this.overAt].filter((one) => one > now);
    return Math.min(...at);
  }
}

interface End {
  reason: number;
  /** The count of sends of the last PROBE that it stood beside. */
  order: number;
  waiting: Waiting;
}

export class Channels {
  private readonly ends = new Map<number, End>();
  private bytes = 0;
  private since = Number.NEGATIVE_INFINITY;

  /** What the PTO runs for (7.2). */
  get waits(): Waiting[] {
    return [...this.ends.values()].map(({ waiting }) => waiting);
  }

  end(stream: number, reason: number, now: number): void {
    const order = Number.POSITIVE_INFINITY;
    this.ends.set(stream, { reason, order, waiting: { ...noWaiting(), since: now } });
  }

  /** The RESETs that go beside a PROBE. */
  resets(order: number): LinkFrame[] {
    return [...this.ends].map(([stream, end]) => {
      end.order = order;
      return { type: "RESET", stream, reason: end.reason };
    });
  }

  /** The PROBE of that order has been answered. */
  confirmed(order: number): void {
    for (const [stream, end] of this.ends) if (end.order <= order) this.ends.delete(stream);
  }

  /** Another peer stands at the other end. */
  forget(): void {
    this.ends.clear();
  }

  /** Bytes of datagrams that count as in flight: what went out within a round trip. */
  outstanding(now: number, srtt: number): number {
    if (now - this.since >= srtt) this.bytes = 0;
    return this.bytes;
  }

  /** When they are no longer counted. */
  freeAt(srtt: number): number {
    return this.bytes > 0 ? this.since + srtt : Number.POSITIVE_INFINITY;
  }

  sent(length: number, now: number): void {
    if (this.bytes === 0) this.since = now;
    this.bytes += inFlight(length + TAG_LEN);
  }

  /** Whether one more of `length` bytes leaves half of `most` to a stream that waits (U4). */
  leavesHalf(length: number, most: number): boolean {
    return this.bytes === 0 || this.bytes + inFlight(length + TAG_LEN) <= most / 2;
  }
}

/** The first datagram of `stream`: the channels before it for the same ids have ten seconds left (U3). */
export function retireOlder(stream: Stream, all: Iterable<Stream>, now: number): void {
  for (const other of all) {
    const isBefore = other.opener === stream.opener && other.number < stream.number;
    const isSame =
      equal(other.bindingId, stream.bindingId) && equal(other.mappingId, stream.mappingId);
    if (other.kind === KIND.datagrams && isBefore && isSame) other.outgoing?.retire(now);
  }
}
