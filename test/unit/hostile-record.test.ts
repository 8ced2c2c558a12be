// SPDX-License-Identifier: Apache-2.0
// Records and datagrams of layer 1 under hostile input: changed, cut, spliced, replayed, out of order,
// of the wrong type. The stream ends as BadRecord, or the record is dropped; no byte that was not
// verified reaches the application. PROTOCOL.md 6, 7.2, 8.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { toHex } from "../reference/bytes.ts";
import type { LinkFrame } from "../reference/link-frames.ts";
import { seededRandom } from "../reference/random.ts";
import { BINDING_ID, MAPPING_ID, pattern } from "../reference/world.ts";
import type { Pipe } from "./core-ends.ts";
import { REASONS, resetOf, StreamBench } from "./hostile-streams.ts";
import { flip, positions } from "./hostile-tools.ts";
import type { ReferencePipe } from "./reference-ends.ts";

const NONE = new Uint8Array(0);
const PEER_VIOLATION = REASONS.peerViolation;
const BAD_RECORD = REASONS.badRecord;
const random = seededRandom("hostile-record.test.ts");

let bench: StreamBench;
beforeEach(() => {
  bench = new StreamBench();
});
afterEach(() => watchSeals());

describe("record", () => {
  it("with a changed bit at any position ends the stream as BadRecord", () => {
    for (const at of positions(117, 20, 20)) {
      const [mine, theirs] = bench.connect("b");
      const frame = bench.record(theirs, 0x41, pattern(100));
      bench.heard.length = 0;
      bench.say({ ...frame, record: flip(frame.record, at) });
      expect([mine.ended, mine.reason], `position ${at}`).toEqual([true, BAD_RECORD]);
      expect(mine.read().length).toBe(0);
      expect(bench.said("RESET")).toContainEqual(resetOf(theirs.stream.number, BAD_RECORD));
    }
    bench.expectUntouched();
  });

  const bad: [string, number, Uint8Array][] = [
    ["of type 0", 0, pattern(10)],
    ["of type 0x40", 0x40, pattern(10)],
    ["of type 0x46", 0x46, NONE],
    ["of type 0xff", 0xff, pattern(10)],
    ["DATA without bytes", 0x41, NONE],
    ["FIN with bytes", 0x42, Uint8Array.of(1)],
    ["RESET without a reason", 0x43, NONE],
    ["RESET with two bytes", 0x43, Uint8Array.of(1, 2)],
    ["KEY_UPDATE with bytes", 0x44, Uint8Array.of(1)],
    ["CONNECTED with bytes", 0x45, Uint8Array.of(1)],
    ["CONNECTED from the opener", 0x45, NONE],
  ];
  for (const [title, type, bytes] of bad) {
    it(`${title} ends the stream as BadRecord`, () => {
      bench.say(bench.record(bench.theirs, type, bytes));
      bench.expectEnded(BAD_RECORD);
    });
  }

  it("CONNECTED a second time from the accepter ends the stream as BadRecord", () => {
    bench.say(bench.record(bench.second[1], 0x45, NONE));
    expect([bench.second[0].ended, bench.second[0].reason]).toEqual([true, BAD_RECORD]);
    expect(bench.works).toBe(true);
  });

  it("other than CONNECTED or RESET as the accepter's first ends the stream as BadRecord", () => {
    const { world } = bench;
    for (const type of [0x41, 0x42, 0x44]) {
      const pipe = bench.core.open(world.b.id, 1, BINDING_ID, MAPPING_ID);
      const before = world.b.offered.length;
      world.wire.run(() => world.b.offered.length > before, 5000);
      world.wire.pass(20);
      const theirs = world.b.offered.at(-1) as ReferencePipe;
      bench.say(bench.record(theirs, type, type === 0x41 ? pattern(5) : NONE));
      expect([pipe.ended, pipe.reason, pipe.connected], `type ${type}`).toEqual([
        true,
        BAD_RECORD,
        false,
      ]);
    }
    expect(bench.works).toBe(true);
  });

  it("DATA after FIN ends the stream as BadRecord, with the bytes before it delivered", () => {
    bench.say(bench.record(bench.theirs, 0x41, pattern(50)));
    bench.say(bench.record(bench.theirs, 0x42, NONE));
    bench.say(bench.record(bench.theirs, 0x41, pattern(60)));
    expect([bench.mine.ended, bench.mine.reason]).toEqual([true, BAD_RECORD]);
    expect(bench.mine.read().length).toBeLessThanOrEqual(50);
    expect(bench.carries(...bench.second)).toBe(true);
  });

  it("FIN twice ends the stream as BadRecord or is nothing", () => {
    bench.say(bench.record(bench.theirs, 0x42, NONE));
    bench.say(bench.record(bench.theirs, 0x42, NONE));
    expect([0, BAD_RECORD]).toContain(bench.mine.reason);
    expect(bench.carries(...bench.second)).toBe(true);
  });

  it("shorter than type and tag is BadFrame, and the stream goes on", () => {
    for (const length of [0, 1, 15, 16]) {
      const { nextNumber } = bench.sealer(bench.theirs);
      const next = BigInt(nextNumber);
      const frame: LinkFrame = {
        type: "STREAM",
        stream: bench.number,
        number: next,
        record: random(length),
      };
      expect(bench.say(frame), `${length} bytes`).toEqual(["BadFrame"]);
    }
    bench.expectUntouched();
  });

  it("longer than maxRecord ends the stream, and delivers nothing", () => {
    bench.say(bench.record(bench.theirs, 0x41, pattern(2049)));
    expect([BAD_RECORD, PEER_VIOLATION]).toContain(bench.mine.reason);
    expect(bench.silent).toBe(true);
  });

  it("twice is a duplicate: acknowledged, not delivered", () => {
    const frame = bench.record(bench.theirs, 0x41, pattern(50));
    for (let i = 0; i < 5; i++) expect(bench.say(frame)).toEqual([]);
    expect(bench.mine.read().length).toBe(50);
    expect(bench.said("ACK").length).toBeGreaterThan(1);
    expect(bench.carries(...bench.second)).toBe(true);
  });

  it("under a used number with other bytes is a duplicate too, never opened", () => {
    const frame = bench.record(bench.theirs, 0x41, pattern(50));
    bench.say(frame);
    bench.say({ ...frame, record: random(67) });
    expect(bench.mine.ended).toBe(false);
    expect(bench.mine.read().length).toBe(50);
  });

  it("ahead of a gap is not delivered but asked for", () => {
    const first = bench.record(bench.theirs, 0x41, pattern(50));
    const next = bench.record(bench.theirs, 0x41, pattern(60));
    bench.heard.length = 0;
    bench.say(next);
    expect(bench.silent).toBe(true);
    expect(bench.said("ACK").some((frame) => (frame as { flags: number }).flags === 1)).toBe(true);
    bench.say(first);
    bench.say(next);
    expect(bench.mine.read().length).toBe(110);
  });

  it("of any number ahead, of 18 bytes that are no RESET, is a gap", () => {
    const { stream } = bench.record(bench.theirs, 0x41, pattern(1));
    for (const ahead of [50n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n]) {
      bench.say({ type: "STREAM", stream, number: ahead, record: random(18) });
    }
    expect([bench.mine.ended, bench.silent]).toEqual([false, true]);
  });

  it("RESET ahead of a gap ends the stream with its reason, and no bytes after it count", () => {
    const data = bench.record(bench.theirs, 0x41, pattern(50));
    const reset = bench.record(bench.theirs, 0x43, Uint8Array.of(3));
    bench.say(reset);
    expect([bench.mine.ended, bench.mine.reason]).toEqual([true, 3]);
    bench.say(data);
    expect(bench.silent).toBe(true);
  });

  it("RESET with reason 0 does not look like a clean end", () => {
    bench.say(bench.record(bench.theirs, 0x43, Uint8Array.of(0)));
    expect(bench.mine.ended).toBe(true);
    expect(bench.mine.reason).not.toBe(0);
  });

  it("of one stream spliced into another ends that one as BadRecord", () => {
    const [, theirs] = bench.connect("b");
    const frame = bench.record(theirs, 0x41, pattern(50));
    bench.say({
      ...frame,
      stream: bench.number,
      number: bench.record(bench.theirs, 0x41, NONE).number,
    });
    expect([bench.mine.ended, bench.mine.reason]).toEqual([true, BAD_RECORD]);
    expect(bench.silent).toBe(true);
    expect(bench.carries(...bench.second)).toBe(true);
  });

  it("of the core's own, sent back, ends the stream as BadRecord and delivers nothing", () => {
    bench.heard.length = 0;
    bench.mine.write(pattern(50));
    bench.world.wire.pass(50);
    const [own] = bench.said("STREAM") as (LinkFrame & { type: "STREAM" })[];
    if (!own) throw new Error("nothing sent");
    const { number: next } = bench.record(bench.theirs, 0x41, NONE);
    bench.say({ ...own, number: next });
    expect([bench.mine.ended, bench.silent]).toEqual([true, true]);
  });

  it("KEY_UPDATE in a flood costs nothing but its records", () => {
    for (let i = 0; i < 100; i++) bench.say(bench.record(bench.theirs, 0x44, NONE));
    bench.say(bench.record(bench.theirs, 0x41, pattern(50)));
    expect(toHex(bench.mine.read())).toBe(toHex(pattern(50)));
    expect(bench.carries(...bench.second)).toBe(true);
  });

  it("on a channel of datagrams is dropped", () => {
    const [, theirs] = bench.connect("b", 2);
    const { stream } = theirs;
    expect(
      bench.say({ type: "STREAM", stream: stream.number, number: 0n, record: random(40) }).length,
    ).toBeLessThanOrEqual(1);
    bench.expectUntouched();
  });
});

describe("datagram", () => {
  let mine: Pipe;
  let theirs: ReferencePipe;
  beforeEach(() => {
    [mine, theirs] = bench.connect("b", 2);
    bench.world.wire.pass(50);
  });

  function datagram(bytes: Uint8Array, flow = 7): LinkFrame & { type: "DATAGRAM" } {
    const { channel, number: stream } = theirs.stream;
    if (!channel) throw new Error("no channel");
    const { counter, sealed } = channel.seal(flow, bytes);
    return { type: "DATAGRAM", stream, flow, counter, sealed };
  }

  it("with a changed bit at any position is dropped, BadTag, and the channel goes on", () => {
    for (const at of positions(66, 66, 0)) {
      const frame = datagram(pattern(50));
      expect(bench.say({ ...frame, sealed: flip(frame.sealed, at) })).toEqual(["BadTag"]);
    }
    expect(mine.readDatagram()).toBe(null);
    bench.say(datagram(pattern(20)));
    expect(mine.readDatagram()?.bytes.length).toBe(20);
  });

  it("under another flow is BadTag", () => {
    expect(bench.say({ ...datagram(pattern(50)), flow: 8 })).toEqual(["BadTag"]);
    expect(mine.readDatagram()).toBe(null);
  });

  it("shorter than a tag is BadFrame", () => {
    for (const length of [0, 1, 15]) {
      const drops = bench.say({ ...datagram(pattern(9)), sealed: random(length) });
      expect(drops, `${length}`).toEqual(["BadFrame"]);
    }
    expect(mine.readDatagram()).toBe(null);
    expect(bench.works).toBe(true);
  });

  it("replayed is Stale, and so is one beyond the window", () => {
    const first = datagram(pattern(10));
    const frame = datagram(pattern(50));
    expect(bench.say(frame)).toEqual([]);
    expect(bench.say(frame)).toEqual(["Stale"]);
    for (let i = 0; i < 300; i++) {
      bench.say(datagram(pattern(10)));
      mine.readDatagram();
    }
    expect(bench.say(first)).toEqual(["Stale"]);
  });

  it("with a counter far ahead that is forged is BadTag or Stale and does not move the window", () => {
    const frame = datagram(pattern(10));
    for (const counter of [2n ** 48n - 1n, 2n ** 31n]) {
      expect(["BadTag", "Stale"]).toContain(bench.say({ ...frame, counter })[0]);
    }
    expect(bench.say(frame)).toEqual([]);
    expect(mine.readDatagram()?.bytes.length).toBe(10);
  });

  it("on a byte stream is dropped", () => {
    bench.say({ ...datagram(pattern(50)), stream: bench.number });
    bench.expectUntouched();
  });

  it("in a flood keeps some and loses the rest, nothing else", () => {
    for (let i = 0; i < 500; i++) bench.say(datagram(pattern(1000)));
    let kept = 0;
    while (mine.readDatagram()) kept++;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(500);
    bench.expectUntouched();
  });

  it("of no bytes is delivered as such", () => {
    expect(bench.say(datagram(NONE))).toEqual([]);
    expect(mine.readDatagram()).toEqual({ flow: 7, bytes: NONE });
  });
});
