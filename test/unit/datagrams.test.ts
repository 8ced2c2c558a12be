// SPDX-License-Identifier: Apache-2.0
// Datagram channels of the core against the reference: age, share of the link, successor, an end whose
// RESET is lost, and the largest datagram. PROTOCOL.md section 8, rules U1 to U4.
// Hostile datagrams: hostile-record.test.ts. Many seeds: test/sim/scenarios/datagrams.ts.

import { describe, expect, it } from "vitest";
import { CoreError, DESKTOP_SIZES, DEVICE_SIZES, StreamFlag } from "../../host/core/core.ts";
import { equal, toHex } from "../reference/bytes.ts";
import type { LinkFrame } from "../reference/link-frames.ts";
import { BINDING_ID, ID_A, ID_B, MAPPING_ID, pattern } from "../reference/world.ts";
import type { CorePipe, Pipe } from "./core-ends.ts";
import { CoreWorld } from "./core-world.ts";
import { LinkBench } from "./hostile-tools.ts";
import type { ReferencePipe } from "./reference-ends.ts";

const MINUTE = 60_000;
const SESSION_GONE = 14;
const APPLICATION = 12;
const FLOW = 7;
/** What a datagram of 1,200 bytes counts in flight: tag, and the packet around it. */
const COUNTED = 1200 + 16 + 64;

/** A channel, its core and its reference end. */
class Channel {
  readonly bench: LinkBench;
  readonly mine: CorePipe;
  readonly theirs: ReferencePipe;

  constructor(bench: LinkBench, opener: "a" | "b", bindingId = BINDING_ID) {
    const { world, core, reference } = bench;
    const [from, to, id] = opener === "a" ? [core, reference, ID_B] : [reference, core, ID_A];
    const before = to.offered.length;
    const opened = from.open(id, 2, bindingId, MAPPING_ID);
    world.wire.run(() => to.offered.length > before, 5000);
    const accepted = to.offered.at(-1) as Pipe;
    accepted.accept();
    world.wire.pass(200);
    this.bench = bench;
    this.mine = (opener === "a" ? opened : accepted) as CorePipe;
    this.theirs = (opener === "a" ? accepted : opened) as ReferencePipe;
  }

  get flags(): number {
    return this.bench.core.core.streamFlags(this.mine.handle);
  }

  get dropped(): number {
    return this.bench.core.core.streamInfo(this.mine.handle).dropped;
  }

  get ends(): number[] {
    return [this.mine, this.theirs].map((pipe) => (pipe.ended ? pipe.reason : -1));
  }

  /** Whether a datagram gets through in each direction. */
  get carries(): boolean[] {
    return [carries(this.bench.world, this.mine, this.theirs), this.hears];
  }

  get hears(): boolean {
    return carries(this.bench.world, this.theirs, this.mine);
  }
}

function carries(world: CoreWorld, from: Pipe, to: Pipe): boolean {
  from.sendDatagram(FLOW, pattern(100));
  world.wire.pass(100);
  const got = to.readDatagram();
  return got !== null && equal(got.bytes, pattern(100));
}

function lengthsOf(frames: LinkFrame[], type: "STREAM" | "DATAGRAM"): number[] {
  return frames.flatMap((frame) => {
    if (frame.type !== type) return [];
    return [frame.type === "STREAM" ? frame.record.length : frame.sealed.length];
  });
}

const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0);

describe("age", () => {
  /** Datagrams that arrive when the hop comes back after 300 ms. */
  function arrived(ageMs: number): [number, number] {
    const bench = new LinkBench();
    const channel = new Channel(bench, "a");
    const { world, core } = bench;
    core.core.datagramAge(channel.mine.handle, ageMs);
    world.hangUp(core);
    channel.mine.sendDatagram(FLOW, pattern(10));
    world.wire.pass(300);
    world.dial(core);
    world.wire.pass(5000);
    return [channel.theirs.readDatagram() ? 1 : 0, channel.dropped];
  }

  it("drops and counts before it is sent what has become older", () => {
    expect(arrived(250)).toEqual([0, 1]);
  });

  it("lets through what has not", () => {
    expect(arrived(2000)).toEqual([1, 0]);
  });

  it("counts from the call, not from the last tick", () => {
    const bench = new LinkBench();
    const channel = new Channel(bench, "a");
    bench.core.core.datagramAge(channel.mine.handle, 50);
    bench.world.wire.pass(20_000);
    expect(channel.carries).toEqual([true, true]);
  });

  it("is 50 ms to 10 s", () => {
    const channel = new Channel(new LinkBench(), "a");
    const { core } = channel.bench.core;
    for (const ms of [49, 10_001, 0, -1]) {
      expect(() => core.datagramAge(channel.mine.handle, ms)).toThrow(CoreError);
    }
    for (const ms of [50, 10_000]) core.datagramAge(channel.mine.handle, ms);
  });
});

describe("share of the link", () => {
  const maxInFlight = 8192;

  /** Lengths that arrive in the first flight, of eight datagrams and, perhaps, a stream's bytes. */
  function firstFlight(withStream: boolean): { records: number[]; datagrams: number[] } {
    const bench = new LinkBench({ latencyMs: 100, peer: { settings: { maxInFlight } as never } });
    const channels = [1, 2, 3, 4].map(
      (n) => new Channel(bench, "a", new Uint8Array(16).fill(n)).mine,
    );
    bench.world.wire.pass(3000);
    bench.heard.length = 0;
    if (withStream) bench.mine.write(pattern(16_000));
    for (const mine of channels) for (const flow of [1, 2]) mine.sendDatagram(flow, pattern(1200));
    bench.world.wire.pass(300);
    const { heard } = bench;
    return { records: lengthsOf(heard, "STREAM"), datagrams: lengthsOf(heard, "DATAGRAM") };
  }

  it("is at most half of maxInFlight while a stream waits", () => {
    const { records, datagrams } = firstFlight(true);
    expect(datagrams.length * COUNTED).toBeLessThanOrEqual(maxInFlight / 2);
    expect(datagrams.length).toBeGreaterThan(1);
    const inRecords = sum(records) + records.length * 64;
    expect(inRecords).toBeGreaterThan(2000);
    expect(inRecords + datagrams.length * COUNTED).toBeLessThanOrEqual(maxInFlight);
  });

  it("is all of it while none does, and no more", () => {
    const { datagrams } = firstFlight(false);
    expect(datagrams.length * COUNTED).toBeGreaterThan(maxInFlight / 2);
    expect(datagrams.length * COUNTED).toBeLessThanOrEqual(maxInFlight);
  });
});

describe.each(["a", "b"] as const)("successor, opened by %s", (opener) => {
  const asks = ({ flags, theirs }: Channel) =>
    [(flags & StreamFlag.Successor) !== 0, theirs.stream.outgoing?.successorWanted] as const;
  const byOpener = opener === "a" ? [true, false] : [false, true];

  it("is asked of the opener alone, after 50 minutes", () => {
    const channel = new Channel(new LinkBench(), opener);
    channel.bench.world.wire.pass(49 * MINUTE);
    expect(asks(channel)).toEqual([false, false]);
    channel.bench.world.wire.pass(2 * MINUTE);
    expect(asks(channel)).toEqual(byOpener);
    expect(channel.carries).toEqual([true, true]);
  });

  it("is asked after 2^32 datagrams of either side", () => {
    const channel = new Channel(new LinkBench(), opener);
    const cell = channel.theirs.stream.channel as unknown as { counter: number };
    cell.counter = 2 ** 32;
    expect(channel.hears).toBe(true);
    channel.bench.world.wire.pass(MINUTE);
    expect(asks(channel)).toEqual(byOpener);
  });

  it("leaves the old one ten seconds from its own first datagram", () => {
    const bench = new LinkBench();
    const old = new Channel(bench, opener);
    bench.world.wire.pass(51 * MINUTE);
    const next = new Channel(bench, opener);
    bench.world.wire.pass(MINUTE);
    expect(old.carries).toEqual([true, true]);
    expect(next.carries).toEqual([true, true]);
    bench.world.wire.pass(9000);
    expect(old.carries).toEqual([true, true]);
    bench.world.wire.pass(2000);
    expect(old.ends.every((reason) => reason > 0)).toBe(true);
    expect(next.carries).toEqual([true, true]);
    expect(asks(next)).toEqual([false, false]);
  });

  it("is not needed: after an hour the channel ends by itself, and another one can be opened", () => {
    const bench = new LinkBench();
    const old = new Channel(bench, opener);
    bench.world.wire.pass(59 * MINUTE);
    expect(old.carries).toEqual([true, true]);
    bench.world.wire.pass(2 * MINUTE);
    expect(old.ends).toEqual([SESSION_GONE, SESSION_GONE]);
    expect(new Channel(bench, opener).carries).toEqual([true, true]);
    expect(bench.works).toBe(true);
  });

  it("is not waited for beyond 2^33 datagrams", () => {
    const channel = new Channel(new LinkBench(), opener);
    const cell = channel.theirs.stream.channel as unknown as { counter: number };
    cell.counter = 2 ** 33;
    channel.theirs.sendDatagram(FLOW, pattern(1));
    channel.bench.world.wire.pass(2 * MINUTE);
    expect(channel.ends.every((reason) => reason === SESSION_GONE)).toBe(true);
  });

  it("of other ids leaves a channel alone", () => {
    const bench = new LinkBench();
    const one = new Channel(bench, opener, new Uint8Array(16).fill(1));
    const two = new Channel(bench, opener, new Uint8Array(16).fill(2));
    expect([one.carries, two.carries]).toEqual([
      [true, true],
      [true, true],
    ]);
    bench.world.wire.pass(MINUTE);
    expect([one.carries, two.carries]).toEqual([
      [true, true],
      [true, true],
    ]);
  });
});

describe("an end whose RESET is lost", () => {
  const PAIRS = [
    ["core", "reference"],
    ["reference", "core"],
    ["core", "core"],
  ] as const;

  /** Whether a side that only listens learns of the end when packets `lost` after it vanish. */
  function learns(a: "core" | "reference", b: "core" | "reference", lost: number[]): boolean {
    const world = new CoreWorld({ seed: `end ${a} ${b}`, a, b }).start();
    const channel = world.a.open(ID_B, 2, BINDING_ID, MAPPING_ID);
    world.wire.run(() => world.b.offered.length > 0, 5000);
    const peer = world.b.offered[0] as Pipe;
    peer.accept();
    world.wire.pass(5000);
    if (!carries(world, channel, peer)) throw new Error("no channel");
    world.wire.pass(5000);
    let sent = 0;
    world.lose = (_, from) => toHex(from) === toHex(ID_A) && lost.includes(sent++);
    channel.reset(APPLICATION);
    world.wire.run(() => peer.ended, 5000);
    if (sent <= Math.max(...lost)) throw new Error("nothing was lost");
    return peer.ended && peer.reason === APPLICATION;
  }

  for (const [a, b] of PAIRS) {
    it(`is told again by the ${a} to the ${b} that only listens`, () => {
      expect(learns(a, b, [0])).toBe(true);
      expect(learns(a, b, [0, 1])).toBe(true);
      expect(learns(a, b, [0, 1, 2])).toBe(true);
    });
  }

  it("is told once where it arrives", () => {
    const channel = new Channel(new LinkBench(), "a");
    const { bench, mine, theirs } = channel;
    bench.heard.length = 0;
    mine.reset(APPLICATION);
    bench.world.wire.pass(10_000);
    const resets = bench.heard.filter((frame) => frame.type === "RESET");
    expect(resets).toEqual([{ type: "RESET", stream: theirs.stream.number, reason: APPLICATION }]);
  });

  it("is found by the ACK beside a PROBE where the other side has forgotten the channel", () => {
    const bench = new LinkBench();
    const channel = new Channel(bench, "b");
    const { mine, theirs } = channel;
    const streams = (bench.reference.peer as unknown as { relations: Table[] }).relations[0];
    streams?.streams.streams.delete(theirs.stream.number);
    bench.world.wire.pass(MINUTE);
    expect(mine.ended).toBe(true);
    expect(bench.works).toBe(true);
  });
});

interface Table {
  streams: { streams: Map<number, unknown> };
}

describe("the largest datagram", () => {
  const MOST = 2048 - 98;

  it("leaves room for headers, tags and HELLO; one byte more is TooBig on either side", () => {
    const channel = new Channel(new LinkBench({ sizes: DEVICE_SIZES }), "a");
    const { mine, theirs, bench } = channel;
    for (const [from, to] of [
      [mine, theirs],
      [theirs, mine],
    ] as const) {
      expect(from.sendDatagram(FLOW, pattern(MOST))).toBe(true);
      bench.world.wire.pass(100);
      expect(to.readDatagram()?.bytes).toEqual(pattern(MOST));
      expect(from.sendDatagram(FLOW, pattern(MOST + 1))).toBe(false);
    }
    expect(bench.works).toBe(true);
  });

  it("that a packet can hold stays within the staging area of a device", () => {
    const bench = new LinkBench({ sizes: DEVICE_SIZES });
    const channel = new Channel(bench, "a");
    const { core } = bench.core;
    // Behind it stands the configuration: the half in force, then the one at `config_ptr`.
    const half = (DEVICE_SIZES.configBytes ?? 0) / 2;
    const at = core.engine.call("config_ptr") - half;
    const behind = pattern(2 * half - 16, 0xa5);
    core.engine.write(at, behind);
    const { number, channel: keys } = channel.theirs.stream;
    if (!keys) throw new Error("no keys");
    const { counter, sealed } = keys.seal(FLOW, pattern(MOST + 40));
    const frame = { type: "DATAGRAM", stream: number, flow: FLOW, counter, sealed } as const;
    expect(bench.say(frame)).toEqual([]);
    expect(channel.mine.readDatagram()?.bytes).toEqual(pattern(MOST + 40));
    expect(core.engine.read(at, behind.length)).toEqual(behind);
  });
});

describe("a burst", () => {
  /** Bytes of 1,000 datagrams that a desktop keeps for a hop that is away. */
  function kept(channel: Channel): number {
    const { bench, mine, theirs } = channel;
    bench.world.hangUp(bench.core);
    for (let i = 0; i < 1000; i++) mine.sendDatagram(i, pattern(1000, i));
    bench.world.dial(bench.core);
    bench.world.wire.pass(1000);
    let bytes = 0;
    for (let one = theirs.readDatagram(); one; one = theirs.readDatagram()) {
      bytes += one.bytes.length;
    }
    return bytes;
  }

  it("borrows a quarter of a window", () => {
    const bytes = kept(new Channel(new LinkBench({ sizes: DESKTOP_SIZES }), "a"));
    const most = DESKTOP_SIZES.windowBytes / 4;
    expect(bytes).toBeGreaterThan(most * 0.9);
    // Whole blocks are borrowed.
    expect(bytes).toBeLessThanOrEqual(most + DESKTOP_SIZES.blockBytes);
  });

  it("gives back what it has borrowed: the next channel finds as much", () => {
    const sizes = { ...DESKTOP_SIZES, streams: 16, sendBlocks: 120 };
    const bench = new LinkBench({ sizes });
    const channels = [1, 2].map((n) => new Channel(bench, "a", new Uint8Array(16).fill(n)));
    const [first = 0, second = 0] = channels.map(kept);
    expect(first).toBeGreaterThan(100_000);
    expect(second).toBeGreaterThan(first * 0.9);
  });

  it("borrows nothing that streams are guaranteed", () => {
    const sizes = { ...DESKTOP_SIZES, streams: 16, sendBlocks: 16 * 5, recvBlocks: 16 * 5 };
    const bench = new LinkBench({ sizes });
    const channels = [1, 2, 3].map((n) => new Channel(bench, "a", new Uint8Array(16).fill(n)));
    bench.world.hangUp(bench.core);
    for (const { mine } of channels) {
      for (let i = 0; i < 1000; i++) mine.sendDatagram(i, pattern(1000, i));
    }
    const { core } = bench.core;
    // Three channels and the bench's own stream are there.
    for (let n = 4; n < sizes.streams / 2; n++) {
      expect(core.streamOpen(bench.core.link(ID_B), 1, BINDING_ID, MAPPING_ID)).toBe(n);
    }
  });
});

describe("a queue that nobody empties", () => {
  const COUNT = 200;

  it("keeps the newest in order, and counts the others", () => {
    for (const sizes of [undefined, DEVICE_SIZES]) {
      const channel = new Channel(new LinkBench(sizes ? { sizes } : {}), "a");
      for (let i = 0; i < COUNT; i++) {
        channel.theirs.sendDatagram(i, pattern(400, i));
        channel.bench.world.wire.pass(10);
      }
      const flows: number[] = [];
      const { mine } = channel;
      for (let one = mine.readDatagram(); one; one = mine.readDatagram()) flows.push(one.flow);
      const first = COUNT - flows.length;
      expect(flows.length).toBeGreaterThan(1);
      expect(flows).toEqual(flows.map((_, i) => first + i));
      expect(channel.dropped).toBe(first);
      expect(channel.bench.works).toBe(true);
    }
  });

  it("keeps the newest on the way out while there is no hop", () => {
    const bench = new LinkBench({ sizes: DEVICE_SIZES });
    const channel = new Channel(bench, "a");
    bench.world.hangUp(bench.core);
    for (let i = 0; i < 20; i++) channel.mine.sendDatagram(i, pattern(400, i));
    bench.world.dial(bench.core);
    bench.world.wire.pass(500);
    const flows: number[] = [];
    const { theirs } = channel;
    for (let one = theirs.readDatagram(); one; one = theirs.readDatagram()) flows.push(one.flow);
    expect(flows.length).toBeGreaterThan(1);
    expect(flows).toEqual(flows.map((_, i) => 20 - flows.length + i));
    expect(channel.dropped).toBe(20 - flows.length);
  });
});
