// SPDX-License-Identifier: Apache-2.0
// OPEN and ACCEPT of an authenticated peer that break the rules: refused by RESET, or the stream ends
// as BadRecord; no stream is offered for them. PROTOCOL.md 5.5, 6.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { concat } from "../reference/bytes.ts";
import type { LinkFrame } from "../reference/link-frames.ts";
import { seededRandom } from "../reference/random.ts";
import { BINDING_ID, MAPPING_ID } from "../reference/world.ts";
import { FRESH, openOf, REASONS, resetOf, StreamBench } from "./hostile-streams.ts";
import { flip, positions } from "./hostile-tools.ts";

const UNKNOWN = REASONS.unknown;
const BAD_RECORD = REASONS.badRecord;
const random = seededRandom("hostile-open.test.ts");

let bench: StreamBench;
beforeEach(() => {
  bench = new StreamBench();
});
afterEach(() => watchSeals());

describe("OPEN", () => {
  const refused: [string, Partial<LinkFrame & { type: "OPEN" }>][] = [
    ["another version", { version: 2 }],
    ["kind 0", { kind: 0 }],
    ["kind 4", { kind: 4 }],
    ["kind 255", { kind: 255 }],
    [
      "a KEM key that FIPS 203 refuses",
      { message: concat(random(32), new Uint8Array(1184).fill(0xff)) },
    ],
    ["a small-order e", { message: concat(new Uint8Array(32), kemKeyOf()) }],
  ];
  for (const [title, change] of refused) {
    it(`with ${title} gets RESET(BadRecord)`, () => {
      bench.say(openOf(FRESH, change));
      bench.world.wire.pass(100);
      expect(bench.said("RESET")).toEqual([resetOf(FRESH, BAD_RECORD)]);
      expect(bench.core.offered.length).toBe(1);
      expect(bench.silent).toBe(true);
      expect(bench.works).toBe(true);
      expect(bench.carries(...bench.second)).toBe(true);
    });
  }

  it("of a number that was used gets RESET(Unknown)", () => {
    bench.say(resetOf(bench.number, 12));
    expect(bench.mine.ended).toBe(true);
    bench.world.wire.pass(200_000);
    bench.heard.length = 0;
    bench.say(openOf(bench.number));
    bench.world.wire.pass(200);
    expect(bench.said("ACCEPT")).toEqual([]);
    expect(bench.said("RESET")).toEqual([resetOf(bench.number, UNKNOWN)]);
  });

  it("with a newer configuration gets RESET(ConfigBehind)", () => {
    bench.say(openOf(FRESH, { epoch: 1 }), openOf(FRESH + 2, { serial: 1n }));
    const resets = bench
      .said("RESET")
      .sort((a, b) => (a.type === b.type ? streamOf(a) - streamOf(b) : 0));
    expect(resets).toEqual([resetOf(FRESH, 6), resetOf(FRESH + 2, 6)]);
    expect(bench.works).toBe(true);
  });

  it("beyond maxPendingOpens and beyond the streams there are is refused, and ends nothing", () => {
    const before = bench.core.offered.length;
    for (let i = 0; i < 60; i++) {
      bench.say(openOf(FRESH + 2 * i, { message: concat(random(32), kemKeyOf()) }));
    }
    bench.world.wire.pass(500);
    expect(bench.core.offered.length - before).toBeLessThanOrEqual(14);
    const reasons = new Set(
      bench.said("RESET").map((frame) => (frame as { reason: number }).reason),
    );
    expect([...reasons].every((reason) => reason === 7)).toBe(true);
    expect(bench.works).toBe(true);
    expect(bench.carries(...bench.second)).toBe(true);
  });

  it("repeated gets the same ACCEPT", () => {
    const frame = openOf(FRESH, { message: concat(random(32), kemKeyOf()) });
    // The reference itself must not answer the ACCEPT of a stream that it does not know.
    bench.world.lose = (_n, from) => from[0] === bench.reference.id[0];
    bench.say(frame);
    bench.world.wire.pass(20);
    const [first] = bench.said("ACCEPT");
    expect(first).toBeDefined();
    bench.heard.length = 0;
    bench.say(frame);
    bench.world.wire.pass(20);
    expect(bench.said("ACCEPT")[0]).toEqual(first);
    bench.world.lose = () => false;
    expect(bench.works).toBe(true);
  });

  it("with random bytes as its message 1 never offers a stream that carries bytes", () => {
    bench.say(openOf(FRESH));
    bench.world.wire.pass(100);
    expect(bench.core.offered.slice(1).every((pipe) => pipe.read().length === 0)).toBe(true);
    expect(bench.works).toBe(true);
  });
});

describe("ACCEPT", () => {
  it("with a changed bit at any position ends that stream as BadRecord", () => {
    for (const at of positions(1152, 0, 12)) {
      const { world } = bench;
      const { sender } = acceptHook();
      sender.at = at;
      const before = bench.world.b.offered.length;
      const pipe = bench.core.open(world.b.id, 1, BINDING_ID, MAPPING_ID);
      world.wire.run(() => pipe.ended, 5000);
      expect([pipe.ended, pipe.reason], `position ${at}`).toEqual([true, BAD_RECORD]);
      sender.at = -1;
      expect(bench.world.b.offered.length).toBeGreaterThanOrEqual(before);
    }
    expect(bench.works).toBe(true);
    expect(bench.carries(...bench.second)).toBe(true);
  });

  it("of another version is dropped", () => {
    const frame: LinkFrame = {
      type: "ACCEPT",
      stream: bench.second[1].stream.number,
      load: 0,
      limit: 0n,
      version: 2,
      message: random(1152),
    };
    bench.say(frame);
    bench.expectUntouched();
  });

  it("for a stream that is accepted already, or that the peer opened, changes nothing", () => {
    for (const stream of [bench.second[1].stream.number, bench.number]) {
      const message = random(1152);
      bench.say({ type: "ACCEPT", stream, load: 0, limit: 0n, version: 1, message });
    }
    expect(bench.silent).toBe(true);
    expect(bench.carries(...bench.second)).toBe(true);
  });

  // Changes a byte of each ACCEPT that the reference makes.
  function acceptHook() {
    const sender = { at: -1 };
    const link = bench.reference.peer.linkTo(bench.core.id);
    const seal = link.seal.bind(link);
    link.seal = (frames, pad) => {
      const accept = sender.at < 0 ? -1 : offsetOf(frames, 0x24);
      return seal(accept < 0 ? frames : flip(frames, accept + 15 + sender.at), pad);
    };
    return { sender };
  }
});

function streamOf(frame: LinkFrame): number {
  return "stream" in frame ? frame.stream : -1;
}

// Where the first frame of `type` begins, -1 without one.
function offsetOf(frames: Uint8Array, type: number): number {
  const lengths: Record<number, number> = { 33: 40, 34: 22, 35: 1275, 36: 1167, 37: 6 };
  Object.assign(lengths, { 38: 5, 39: 6, 40: 1, 43: 2 });
  for (let at = 0; at < frames.length; at += lengths[frames[at] as number] ?? frames.length) {
    if (frames[at] === type) return at;
  }
  return -1;
}

// An encapsulation key whose coefficients are in range: all zero is one.
function kemKeyOf(): Uint8Array {
  return new Uint8Array(1184);
}
