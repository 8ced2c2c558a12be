// SPDX-License-Identifier: Apache-2.0
// A core with two streams up to a hostile peer: what the tests of frames, OPENs and records share.
// Before it: hostile-tools.ts. After it: hostile-frame, hostile-open, hostile-record.test.ts.
// Invariant: the second stream must not notice anything, unless the link ends.

import { expect } from "vitest";
import type { LinkFrame } from "../reference/link-frames.ts";
import { seededRandom } from "../reference/random.ts";
import { BINDING_ID, MAPPING_ID } from "../reference/world.ts";
import type { Pipe } from "./core-ends.ts";
import { LinkBench } from "./hostile-tools.ts";
import type { ReferencePipe } from "./reference-ends.ts";

const random = seededRandom("hostile streams");

/** Reasons of 13.2. */
export const REASONS = { unknown: 1, peerLost: 8, peerViolation: 11, badRecord: 13 } as const;

export class StreamBench extends LinkBench {
  readonly second: [Pipe, ReferencePipe];

  constructor() {
    super();
    this.second = this.connect("a");
    this.world.wire.pass(100);
    this.heard.length = 0;
  }

  /** The first stream's number. */
  get number(): number {
    return this.theirs.stream.number;
  }

  /** What the core has said of one type. */
  said(type: LinkFrame["type"]): LinkFrame[] {
    return this.heard.filter((frame) => frame.type === type);
  }

  /** The packet was dropped from some frame on, and nothing more. */
  expectUntouched(): void {
    expect(this.silent).toBe(true);
    expect(this.works).toBe(true);
    expect(this.carries(...this.second)).toBe(true);
    expect(this.opens).toBe(true);
  }

  /** The link has ended as F10 says. */
  expectViolation(): void {
    const reason = REASONS.peerViolation;
    expect(this.silent).toBe(true);
    expect([this.mine.ended, this.mine.reason]).toEqual([true, reason]);
    expect([this.second[0].ended, this.second[0].reason]).toEqual([true, reason]);
    expect(this.said("GOODBYE")).toEqual([{ type: "GOODBYE", reason }]);
  }

  /** The first stream alone has ended with `reason`. */
  expectEnded(reason: number): void {
    expect(this.silent).toBe(true);
    expect([this.mine.ended, this.mine.reason]).toEqual([true, reason]);
    expect(this.carries(...this.second)).toBe(true);
    expect(this.opens).toBe(true);
  }

  /** A HELLO of the reference, with something changed. */
  hello(change: Partial<LinkFrame & { type: "HELLO" }> = {}): LinkFrame {
    const { linkId, peerLinkId } = this.acquaintance;
    return {
      type: "HELLO",
      myLinkId: linkId,
      yourLinkId: peerLinkId ?? new Uint8Array(8),
      maxPacket: 2048,
      maxRecord: 1460,
      maxInFlight: 16_384,
      maxPendingOpens: 4,
      load: 0,
      epoch: 0,
      serial: 0n,
      ...change,
    };
  }

  private get acquaintance(): Acquainted {
    const { relations } = this.reference.peer as unknown as Relations;
    const [relation] = relations;
    if (!relation) throw new Error("no link");
    return relation.streams.acquaintance;
  }
}

interface Acquainted {
  linkId: Uint8Array;
  peerLinkId?: Uint8Array;
}

interface Relations {
  relations: { streams: { acquaintance: Acquainted } }[];
}

/** A RESET frame. */
export function resetOf(stream: number, reason: number): LinkFrame {
  return { type: "RESET", stream, reason };
}

/** A number that the reference may open: it has the higher id, so odd, and rising. */
export const FRESH = 9001;

/** An OPEN of the reference, with something changed. */
export function openOf(
  stream: number,
  change: Partial<LinkFrame & { type: "OPEN" }> = {},
): LinkFrame {
  return {
    type: "OPEN",
    stream,
    kind: 1,
    bindingId: BINDING_ID,
    mappingId: MAPPING_ID,
    epoch: 0,
    serial: 0n,
    limit: 8192n,
    version: 1,
    message: random(1216),
    ...change,
  };
}
