// SPDX-License-Identifier: Apache-2.0
// What an authenticated peer of the core can do wrong: frames of layer 2 and records of layer 1 that
// break the rules. Each ends the packet, the stream or the link, as 13.1 says; nothing else of the core
// is touched, and no byte that was not verified reaches the application. PROTOCOL.md 5.3 to 8.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { concat, toHex } from "../reference/bytes.ts";
import { encodeLinkFrame, type LinkFrame } from "../reference/link-frames.ts";
import { seededRandom } from "../reference/random.ts";
import { BINDING_ID, MAPPING_ID, pattern } from "../reference/world.ts";
import type { Pipe, ReferencePipe } from "./core-ends.ts";
import { flip, LinkBench, positions } from "./hostile-tools.ts";

const random = seededRandom("hostile frames");
const NONE = new Uint8Array(0);
const UNKNOWN = 1;
const PEER_LOST = 8;
const PEER_VIOLATION = 11;
const BAD_RECORD = 13;

let bench: LinkBench;
/** A second stream, which must not notice anything. */
let second: [Pipe, ReferencePipe];

beforeEach(() => {
  bench = new LinkBench();
  second = bench.connect("a");
  bench.world.wire.pass(100);
  bench.heard.length = 0;
});
afterEach(() => watchSeals());

const number = () => bench.theirs.stream.number;

function heard(type: LinkFrame["type"]): LinkFrame[] {
  return bench.heard.filter((frame) => frame.type === type);
}

/** The packet was dropped from some frame on, and nothing more. */
function expectUntouched(): void {
  expect(bench.silent).toBe(true);
  expect(bench.works).toBe(true);
  expect(bench.carries(...second)).toBe(true);
  expect(bench.opens).toBe(true);
}

/** The link has ended as F10 says, and is silent for a minute. */
function expectViolation(): void {
  expect(bench.silent).toBe(true);
  expect([bench.mine.ended, bench.mine.reason]).toEqual([true, PEER_VIOLATION]);
  expect([second[0].ended, second[0].reason]).toEqual([true, PEER_VIOLATION]);
  expect(heard("GOODBYE")).toEqual([{ type: "GOODBYE", reason: PEER_VIOLATION }]);
}

/** The stream alone has ended with `reason`. */
function expectStreamEnded(reason: number): void {
  expect(bench.silent).toBe(true);
  expect([bench.mine.ended, bench.mine.reason]).toEqual([true, reason]);
  expect(bench.carries(...second)).toBe(true);
  expect(bench.opens).toBe(true);
}

function hello(change: Partial<LinkFrame & { type: "HELLO" }> = {}): LinkFrame {
  const { acquaintance } = streamsOf();
  return {
    type: "HELLO",
    myLinkId: acquaintance.linkId,
    yourLinkId: acquaintance.peerLinkId ?? new Uint8Array(8),
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

function streamsOf() {
  const { peer } = bench.reference as unknown as { peer: { relations: { streams: Streams }[] } };
  const [relation] = peer.relations;
  if (!relation) throw new Error("no link");
  return relation.streams;
}

interface Streams {
  acquaintance: { linkId: Uint8Array; peerLinkId?: Uint8Array };
}

function open(stream: number, change: Partial<LinkFrame & { type: "OPEN" }> = {}): LinkFrame {
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

const resetOf = (stream: number, reason: number): LinkFrame => ({ type: "RESET", stream, reason });

// The reference B has the higher id: it opens odd numbers, rising.
const FRESH = 9001;

describe("frame", () => {
  it("of an unknown type is BadFrame; what stands before it counts", () => {
    for (const type of [0x01, 0x11, 0x20, 0x2c, 0x30, 0x41, 0x80, 0xff]) {
      bench.heard.length = 0;
      const probe = encodeLinkFrame({ type: "PROBE", token: type });
      expect(bench.sayPlaintext(concat(probe, Uint8Array.of(type, 1, 2, 3)))).toEqual(["BadFrame"]);
      expect(heard("PONG").length, `type ${type}`).toBe(1);
    }
    expectUntouched();
  });

  it("cut at any length is BadFrame", () => {
    const frames: LinkFrame[] = [
      hello(),
      { type: "ACK", stream: number(), flags: 0, next: 0n, limit: 0n },
      open(FRESH),
      { type: "ACCEPT", stream: number(), load: 0, limit: 0n, version: 1, message: random(1152) },
      resetOf(number(), 12),
      { type: "PROBE", token: 1 },
      { type: "PONG", token: 1, load: 0 },
      { type: "STREAM", stream: number(), number: 0n, record: random(17) },
      { type: "DATAGRAM", stream: number(), flow: 0, counter: 0n, sealed: random(16) },
      { type: "GOODBYE", reason: 16 },
    ];
    for (const frame of frames) {
      const bytes = encodeLinkFrame(frame);
      for (const cut of positions(bytes.length, 45, 5)) {
        if (cut === 0) continue;
        const status = bench.sayPlaintext(bytes.subarray(0, cut));
        expect(status, `${frame.type}, ${cut} bytes`).toEqual(["BadFrame"]);
      }
    }
    expectUntouched();
  });

  it("as random plaintext never touches another stream's bytes", () => {
    for (let i = 0; i < 200; i++) bench.sayPlaintext(random(1 + ((i * 13) % 300)));
    expect(bench.silent).toBe(true);
  });

  it("before the sender's HELLO of the session is NoHello", () => {
    const { world } = bench;
    world.lose = (_n, from) => from[0] === 0x0b;
    const link = bench.reference.peer.linkTo(bench.core.id);
    expect(link).toBeDefined();
    // A new session, whose first packet from the reference is not HELLO.
    bench.core.core.engine.call("link_connect", bench.core.link(bench.reference.id));
    world.lose = (_n, from, packet) => from[0] === 0x0b && packet[0] === 0x14;
    world.wire.pass(2000);
    const drops = bench.say({ type: "PROBE", token: 77 });
    world.lose = () => false;
    expect(drops).toEqual(["NoHello"]);
    expect(bench.works).toBe(true);
  });
});

describe("HELLO", () => {
  const cases: [string, Partial<LinkFrame & { type: "HELLO" }>][] = [
    ["maxPacket below 2,048", { maxPacket: 2047 }],
    ["maxPacket above 65,000", { maxPacket: 65_001, maxInFlight: 1_000_000 }],
    ["maxRecord below 512", { maxRecord: 511 }],
    ["maxRecord above maxPacket - 128", { maxRecord: 2048 - 127 }],
    ["maxInFlight below 2 x maxPacket", { maxInFlight: 4095 }],
    ["a zero linkId", { myLinkId: new Uint8Array(8) }],
  ];
  for (const [title, change] of cases) {
    it(`with ${title} is PeerViolation`, () => {
      expect(bench.say(hello(change))).toEqual(["PeerViolation"]);
      expectViolation();
    });
  }

  it("again, the same, changes nothing", () => {
    for (let i = 0; i < 20; i++) expect(bench.say(hello())).toEqual([]);
    expectUntouched();
  });

  it("with another linkId ends the streams as PeerLost", () => {
    expect(bench.say(hello({ myLinkId: random(8) }))).toEqual([]);
    expect([bench.mine.ended, bench.mine.reason]).toEqual([true, PEER_LOST]);
    expect([second[0].ended, second[0].reason]).toEqual([true, PEER_LOST]);
    expect(bench.silent).toBe(true);
  });

  it("that lets maxInFlight fall does not make the core send less for ever", () => {
    expect(bench.say(hello({ maxInFlight: 4096 }))).toEqual([]);
    expectUntouched();
  });
});

describe("violation", () => {
  it("is silent for 60 s, whatever comes, and over afterwards", () => {
    bench.say(hello({ maxPacket: 100 }));
    expectViolation();
    bench.world.wire.pass(1000);
    bench.sent.length = 0;
    for (let i = 0; i < 10; i++) {
      bench.give(bench.seal([{ type: "PROBE", token: i }]));
      bench.world.wire.pass(3000);
    }
    expect(bench.sent.length).toBe(0);
    bench.world.wire.pass(45_000);
    expect(bench.opens).toBe(true);
  });

  it("is an ACK above the next number", () => {
    const frame = { type: "ACK", stream: number(), flags: 0, next: 1000n, limit: 0n } as const;
    expect(bench.say(frame)).toEqual(["PeerViolation"]);
    expectViolation();
  });

  it("is an ACK of 2^64 - 1", () => {
    const next = 2n ** 64n - 1n;
    expect(bench.say({ type: "ACK", stream: number(), flags: 0, next, limit: 0n })).toEqual([
      "PeerViolation",
    ]);
    expectViolation();
  });

  it("is an OPEN of the core's own parity", () => {
    expect(bench.say(open(9000))).toEqual(["PeerViolation"]);
    expectViolation();
  });

  it("is a record beyond the limit", () => {
    // The application of the core does not read, and the limit is one window.
    let drops: string[] = [];
    for (let i = 0; i < 40 && drops.length === 0; i++) {
      drops = bench.say(bench.record(bench.theirs, 0x41, pattern(1400)));
    }
    expect(drops).toEqual(["PeerViolation"]);
    expect([second[0].ended, second[0].reason]).toEqual([true, PEER_VIOLATION]);
    expect(bench.mine.read().length).toBeLessThanOrEqual(16_384);
  });
});

describe("ACK", () => {
  it("whose limit falls is ignored", () => {
    for (const limit of [0n, 1n, 100n]) {
      expect(bench.say({ type: "ACK", stream: number(), flags: 0, next: 0n, limit })).toEqual([]);
    }
    expectUntouched();
  });

  it("whose number falls is ignored", () => {
    expect(bench.works).toBe(true);
    expect(bench.say({ type: "ACK", stream: number(), flags: 0, next: 0n, limit: 0n })).toEqual([]);
    expectUntouched();
  });

  it("with the gap bit in a flood makes the core go back at most once per round trip", () => {
    bench.world.lose = (_n, from) => from[0] === 0x0b;
    bench.mine.write(pattern(1000));
    bench.world.wire.pass(50);
    bench.sent.length = 0;
    const gap = { type: "ACK", stream: number(), flags: 1, next: 0n, limit: 0n } as const;
    const flood = Array.from({ length: 80 }, () => bench.seal(Array.from({ length: 80 }, () => gap)));
    for (const packet of flood) bench.world.inject(bench.core.id, bench.reference.id, packet);
    bench.world.wire.pass(2);
    bench.world.lose = () => false;
    expect(heard("STREAM").length).toBeLessThanOrEqual(3);
  });

  it("with a limit of 2^64 - 1 does not overflow anything", () => {
    const limit = 2n ** 64n - 1n;
    expect(bench.say({ type: "ACK", stream: number(), flags: 0, next: 0n, limit })).toEqual([]);
    expect(bench.works).toBe(true);
    expect(bench.carries(...second)).toBe(true);
  });

  it("with unknown flag bits is taken", () => {
    expect(bench.say({ type: "ACK", stream: number(), flags: 0xfe, next: 0n, limit: 0n })).toEqual(
      [],
    );
    expectUntouched();
  });
});

describe("frame for a stream that is not known", () => {
  const frames: [string, (stream: number) => LinkFrame, boolean][] = [
    ["ACK", (stream) => ({ type: "ACK", stream, flags: 0, next: 5n, limit: 5n }), true],
    ["STREAM", (stream) => ({ type: "STREAM", stream, number: 0n, record: random(40) }), true],
    [
      "DATAGRAM",
      (stream) => ({ type: "DATAGRAM", stream, flow: 1, counter: 0n, sealed: random(40) }),
      true,
    ],
    [
      "ACCEPT",
      (stream) => ({ type: "ACCEPT", stream, load: 0, limit: 9n, version: 1, message: random(1152) }),
      true,
    ],
    ["RESET", (stream) => resetOf(stream, 12), false],
  ];
  for (const [name, make, answers] of frames) {
    it(`${name} is answered by ${answers ? "RESET(Unknown)" : "nothing"}`, () => {
      for (const stream of [4000, 4001, 2 ** 32 - 2]) {
        bench.heard.length = 0;
        bench.say(make(stream));
        const resets = heard("RESET");
        expect(resets, `${stream}`).toEqual(answers ? [resetOf(stream, UNKNOWN)] : []);
      }
      expectUntouched();
    });
  }

  it("in a flood of 1,000 numbers costs bounded answers", () => {
    const many = Array.from({ length: 50 }, (_, i) => resetless(5001 + 2 * i));
    for (let i = 0; i < 20; i++) bench.say(...many);
    expect(heard("RESET").length).toBeLessThanOrEqual(1000);
    expectUntouched();
  });

  function resetless(stream: number): LinkFrame {
    return { type: "ACK", stream, flags: 0, next: 0n, limit: 0n };
  }
});

describe("PROBE and PONG", () => {
  it("PROBE in a flood gets at most one PONG each", () => {
    const probes = Array.from({ length: 200 }, (_, i) => ({ type: "PROBE", token: i }) as const);
    bench.say(...probes);
    expect(heard("PONG")).toEqual([{ type: "PONG", token: 199, load: expect.any(Number) }]);
    expectUntouched();
  });

  it("PONG that nobody asked for has no effect", () => {
    for (const token of [0, 1, 2 ** 32 - 1]) {
      expect(bench.say({ type: "PONG", token, load: 255 })).toEqual([]);
    }
    expectUntouched();
  });

  it("RESUME in a flood has no effect on what arrives", () => {
    bench.mine.write(pattern(3000));
    for (let i = 0; i < 50; i++) bench.say({ type: "RESUME" });
    bench.world.wire.pass(500);
    expect(toHex(bench.theirs.read())).toBe(toHex(pattern(3000)));
    expectUntouched();
  });
});

describe("GOODBYE", () => {
  it("ends every stream with its reason", () => {
    bench.say({ type: "GOODBYE", reason: 10 });
    expect([bench.mine.reason, second[0].reason]).toEqual([10, 10]);
    expect([bench.mine.ended, second[0].ended]).toEqual([true, true]);
  });

  it("with reason 0 does not look like a clean end", () => {
    bench.say({ type: "GOODBYE", reason: 0 });
    expect([bench.mine.ended, second[0].ended]).toEqual([true, true]);
    expect(bench.mine.reason).not.toBe(0);
  });
});

describe("RESET frame", () => {
  it("ends its stream alone", () => {
    bench.say(resetOf(number(), 10));
    expectStreamEnded(10);
  });

  it("with reason 0 does not look like a clean end", () => {
    bench.say(resetOf(number(), 0));
    expect(bench.mine.ended).toBe(true);
    expect(bench.mine.reason).not.toBe(0);
  });

  it("of the largest number does not touch a stream that has none yet", () => {
    bench.world.lose = () => true;
    const waiting = Array.from({ length: 6 }, () =>
      bench.core.open(bench.reference.id, 1, BINDING_ID, MAPPING_ID),
    );
    for (const stream of [2 ** 32 - 1, 2 ** 32 - 2]) bench.say(resetOf(stream, 10));
    bench.say({ type: "ACK", stream: 2 ** 32 - 1, flags: 0, next: 0n, limit: 0n });
    bench.say({ type: "STREAM", stream: 2 ** 32 - 1, number: 0n, record: random(40) });
    expect(waiting.map((pipe) => pipe.ended)).toEqual(waiting.map(() => false));
    bench.world.lose = () => false;
    const connected = bench.world.wire.run(() => {
      for (const pipe of bench.world.b.offered) if (!pipe.connected && !pipe.ended) pipe.accept();
      return waiting.every((pipe) => pipe.connected);
    }, 60_000);
    expect(connected).toBe(true);
  });

  it("with Unknown in the middle of a stream is PeerLost", () => {
    bench.say(resetOf(number(), UNKNOWN));
    expectStreamEnded(PEER_LOST);
  });
});

describe("OPEN", () => {
  const refused: [string, Partial<LinkFrame & { type: "OPEN" }>][] = [
    ["another version", { version: 2 }],
    ["kind 0", { kind: 0 }],
    ["kind 4", { kind: 4 }],
    ["kind 255", { kind: 255 }],
    ["a KEM key that FIPS 203 refuses", { message: concat(random(32), new Uint8Array(1184).fill(0xff)) }],
    ["a small-order e", { message: concat(new Uint8Array(32), kemKeyOf()) }],
  ];
  for (const [title, change] of refused) {
    it(`with ${title} gets RESET(BadRecord)`, () => {
      bench.say(open(FRESH, change));
      bench.world.wire.pass(100);
      expect(heard("RESET")).toEqual([resetOf(FRESH, BAD_RECORD)]);
      expect(bench.core.offered.length).toBe(1);
      expect(bench.silent).toBe(true);
      expect(bench.works).toBe(true);
      expect(bench.carries(...second)).toBe(true);
    });
  }

  it("of a number that was used gets RESET(Unknown)", () => {
    bench.say(resetOf(number(), 12));
    expect(bench.mine.ended).toBe(true);
    bench.world.wire.pass(200_000);
    bench.heard.length = 0;
    bench.say(open(number()));
    bench.world.wire.pass(200);
    expect(heard("ACCEPT")).toEqual([]);
    expect(heard("RESET")).toEqual([resetOf(number(), UNKNOWN)]);
  });

  it("with a newer configuration gets RESET(ConfigBehind)", () => {
    bench.say(open(FRESH, { epoch: 1 }), open(FRESH + 2, { serial: 1n }));
    const resets = heard("RESET").sort((a, b) => (a.type === b.type ? streamOf(a) - streamOf(b) : 0));
    expect(resets).toEqual([resetOf(FRESH, 6), resetOf(FRESH + 2, 6)]);
    expect(bench.works).toBe(true);
  });

  it("beyond maxPendingOpens and beyond the streams there are is refused, and ends nothing", () => {
    const before = bench.core.offered.length;
    for (let i = 0; i < 60; i++) {
      bench.say(open(FRESH + 2 * i, { message: concat(random(32), kemKeyOf()) }));
    }
    bench.world.wire.pass(500);
    expect(bench.core.offered.length - before).toBeLessThanOrEqual(14);
    const reasons = new Set(heard("RESET").map((frame) => (frame as { reason: number }).reason));
    expect([...reasons].every((reason) => reason === 7)).toBe(true);
    expect(bench.works).toBe(true);
    expect(bench.carries(...second)).toBe(true);
  });

  it("repeated gets the same ACCEPT", () => {
    const frame = open(FRESH, { message: concat(random(32), kemKeyOf()) });
    // The reference itself must not answer the ACCEPT of a stream that it does not know.
    bench.world.lose = (_n, from) => from[0] === bench.reference.id[0];
    bench.say(frame);
    bench.world.wire.pass(20);
    const [first] = heard("ACCEPT");
    expect(first).toBeDefined();
    bench.heard.length = 0;
    bench.say(frame);
    bench.world.wire.pass(20);
    expect(heard("ACCEPT")[0]).toEqual(first);
    bench.world.lose = () => false;
    expect(bench.works).toBe(true);
  });

  it("with random bytes as its message 1 never offers a stream that carries bytes", () => {
    bench.say(open(FRESH));
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
    expect(bench.carries(...second)).toBe(true);
  });

  it("of another version is dropped", () => {
    const frame: LinkFrame = {
      type: "ACCEPT",
      stream: second[1].stream.number,
      load: 0,
      limit: 0n,
      version: 2,
      message: random(1152),
    };
    bench.say(frame);
    expectUntouched();
  });

  it("for a stream that is accepted already, or that the peer opened, changes nothing", () => {
    for (const stream of [second[1].stream.number, number()]) {
      const message = random(1152);
      bench.say({ type: "ACCEPT", stream, load: 0, limit: 0n, version: 1, message });
    }
    expect(bench.silent).toBe(true);
    expect(bench.carries(...second)).toBe(true);
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

describe("record", () => {
  it("with a changed bit at any position ends the stream as BadRecord", () => {
    for (const at of positions(117, 20, 20)) {
      const [mine, theirs] = bench.connect("b");
      const frame = bench.record(theirs, 0x41, pattern(100));
      bench.heard.length = 0;
      bench.say({ ...frame, record: flip(frame.record, at) });
      expect([mine.ended, mine.reason], `position ${at}`).toEqual([true, BAD_RECORD]);
      expect(mine.read().length).toBe(0);
      expect(heard("RESET")).toContainEqual(resetOf(theirs.stream.number, BAD_RECORD));
    }
    expectUntouched();
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
      expectStreamEnded(BAD_RECORD);
    });
  }

  it("CONNECTED a second time from the accepter ends the stream as BadRecord", () => {
    bench.say(bench.record(second[1], 0x45, NONE));
    expect([second[0].ended, second[0].reason]).toEqual([true, BAD_RECORD]);
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
    expect(bench.carries(...second)).toBe(true);
  });

  it("FIN twice ends the stream as BadRecord or is nothing", () => {
    bench.say(bench.record(bench.theirs, 0x42, NONE));
    bench.say(bench.record(bench.theirs, 0x42, NONE));
    expect([0, BAD_RECORD]).toContain(bench.mine.reason);
    expect(bench.carries(...second)).toBe(true);
  });

  it("shorter than type and tag is BadFrame, and the stream goes on", () => {
    for (const length of [0, 1, 15, 16]) {
      const { nextNumber } = bench.sealer(bench.theirs);
      const next = BigInt(nextNumber);
      const frame: LinkFrame = { type: "STREAM", stream: number(), number: next, record: random(length) };
      expect(bench.say(frame), `${length} bytes`).toEqual(["BadFrame"]);
    }
    expectUntouched();
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
    expect(heard("ACK").length).toBeGreaterThan(1);
    expect(bench.carries(...second)).toBe(true);
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
    expect(heard("ACK").some((frame) => (frame as { flags: number }).flags === 1)).toBe(true);
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
    bench.say({ ...frame, stream: number(), number: bench.record(bench.theirs, 0x41, NONE).number });
    expect([bench.mine.ended, bench.mine.reason]).toEqual([true, BAD_RECORD]);
    expect(bench.silent).toBe(true);
    expect(bench.carries(...second)).toBe(true);
  });

  it("of the core's own, sent back, ends the stream as BadRecord and delivers nothing", () => {
    bench.heard.length = 0;
    bench.mine.write(pattern(50));
    bench.world.wire.pass(50);
    const [own] = heard("STREAM") as (LinkFrame & { type: "STREAM" })[];
    if (!own) throw new Error("nothing sent");
    const { number: next } = bench.record(bench.theirs, 0x41, NONE);
    bench.say({ ...own, number: next });
    expect([bench.mine.ended, bench.silent]).toEqual([true, true]);
  });

  it("KEY_UPDATE in a flood costs nothing but its records", () => {
    for (let i = 0; i < 100; i++) bench.say(bench.record(bench.theirs, 0x44, NONE));
    bench.say(bench.record(bench.theirs, 0x41, pattern(50)));
    expect(toHex(bench.mine.read())).toBe(toHex(pattern(50)));
    expect(bench.carries(...second)).toBe(true);
  });

  it("on a channel of datagrams is dropped", () => {
    const [, theirs] = bench.connect("b", 2);
    const { stream } = theirs;
    expect(
      bench.say({ type: "STREAM", stream: stream.number, number: 0n, record: random(40) }).length,
    ).toBeLessThanOrEqual(1);
    expectUntouched();
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

  it("with a counter far ahead that is forged is BadTag and does not move the window", () => {
    const frame = datagram(pattern(10));
    expect(bench.say({ ...frame, counter: 2n ** 48n - 1n })).toEqual(["BadTag"]);
    expect(bench.say(frame)).toEqual([]);
    expect(mine.readDatagram()?.bytes.length).toBe(10);
  });

  it("on a byte stream is dropped", () => {
    bench.say({ ...datagram(pattern(50)), stream: number() });
    expectUntouched();
  });

  it("in a flood keeps some and loses the rest, nothing else", () => {
    for (let i = 0; i < 500; i++) bench.say(datagram(pattern(1000)));
    let kept = 0;
    while (mine.readDatagram()) kept++;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(500);
    expectUntouched();
  });

  it("of no bytes is delivered as such", () => {
    expect(bench.say(datagram(NONE))).toEqual([]);
    expect(mine.readDatagram()).toEqual({ flow: 7, bytes: NONE });
  });
});

function streamOf(frame: LinkFrame): number {
  return "stream" in frame ? frame.stream : -1;
}

// Where the first frame of `type` begins, -1 without one.
function offsetOf(frames: Uint8Array, type: number): number {
  const lengths: Record<number, number> = { 0x21: 40, 0x22: 22, 0x23: 1275, 0x24: 1167, 0x25: 6 };
  Object.assign(lengths, { 0x26: 5, 0x27: 6, 0x28: 1, 0x2b: 2 });
  for (let at = 0; at < frames.length; at += lengths[frames[at] as number] ?? frames.length) {
    if (frames[at] === type) return at;
  }
  return -1;
}

// An encapsulation key whose coefficients are in range: all zero is one.
function kemKeyOf(): Uint8Array {
  return new Uint8Array(1184);
}
