// SPDX-License-Identifier: Apache-2.0
// Frames of layer 2 that an authenticated peer may not send so: each ends the packet, the stream or the
// link, as 13.1 says, and nothing else of the core is touched. PROTOCOL.md 5.3, 5.4, 7.5.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { concat, toHex } from "../reference/bytes.ts";
import { encodeLinkFrame, type LinkFrame } from "../reference/link-frames.ts";
import { seededRandom } from "../reference/random.ts";
import { BINDING_ID, MAPPING_ID, pattern } from "../reference/world.ts";
import { FRESH, openOf, REASONS, resetOf, StreamBench } from "./hostile-streams.ts";
import { positions } from "./hostile-tools.ts";

const UNKNOWN = REASONS.unknown;
const PEER_LOST = REASONS.peerLost;
const PEER_VIOLATION = REASONS.peerViolation;
const random = seededRandom("hostile-frame.test.ts");

let bench: StreamBench;
beforeEach(() => {
  bench = new StreamBench();
});
afterEach(() => watchSeals());

describe("frame", () => {
  it("of an unknown type is BadFrame; what stands before it counts", () => {
    for (const type of [0x01, 0x11, 0x20, 0x2c, 0x30, 0x41, 0x80, 0xff]) {
      bench.heard.length = 0;
      const probe = encodeLinkFrame({ type: "PROBE", token: type });
      expect(bench.sayPlaintext(concat(probe, Uint8Array.of(type, 1, 2, 3)))).toEqual(["BadFrame"]);
      expect(bench.said("PONG").length, `type ${type}`).toBe(1);
    }
    bench.expectUntouched();
  });

  it("cut at any length is BadFrame", () => {
    const frames: LinkFrame[] = [
      bench.hello(),
      { type: "ACK", stream: bench.number, flags: 0, next: 0n, limit: 0n },
      openOf(FRESH),
      {
        type: "ACCEPT",
        stream: bench.number,
        load: 0,
        limit: 0n,
        version: 1,
        message: random(1152),
      },
      resetOf(bench.number, 12),
      { type: "PROBE", token: 1 },
      { type: "PONG", token: 1, load: 0 },
      { type: "STREAM", stream: bench.number, number: 0n, record: random(17) },
      { type: "DATAGRAM", stream: bench.number, flow: 0, counter: 0n, sealed: random(16) },
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
    bench.expectUntouched();
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
      expect(bench.say(bench.hello(change))).toEqual(["PeerViolation"]);
      bench.expectViolation();
    });
  }

  it("again, the same, changes nothing", () => {
    for (let i = 0; i < 20; i++) expect(bench.say(bench.hello())).toEqual([]);
    bench.expectUntouched();
  });

  it("with another linkId ends the streams as PeerLost", () => {
    expect(bench.say(bench.hello({ myLinkId: random(8) }))).toEqual([]);
    expect([bench.mine.ended, bench.mine.reason]).toEqual([true, PEER_LOST]);
    expect([bench.second[0].ended, bench.second[0].reason]).toEqual([true, PEER_LOST]);
    expect(bench.silent).toBe(true);
  });

  it("that lets maxInFlight fall does not make the core send less for ever", () => {
    expect(bench.say(bench.hello({ maxInFlight: 4096 }))).toEqual([]);
    bench.expectUntouched();
  });
});

describe("violation", () => {
  it("is silent for 60 s, whatever comes, and over afterwards", () => {
    bench.say(bench.hello({ maxPacket: 100 }));
    bench.expectViolation();
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
    const frame = { type: "ACK", stream: bench.number, flags: 0, next: 1000n, limit: 0n } as const;
    expect(bench.say(frame)).toEqual(["PeerViolation"]);
    bench.expectViolation();
  });

  it("is an ACK of 2^64 - 1", () => {
    const next = 2n ** 64n - 1n;
    expect(bench.say({ type: "ACK", stream: bench.number, flags: 0, next, limit: 0n })).toEqual([
      "PeerViolation",
    ]);
    bench.expectViolation();
  });

  it("is an OPEN of the core's own parity", () => {
    expect(bench.say(openOf(9000))).toEqual(["PeerViolation"]);
    bench.expectViolation();
  });

  it("is a record beyond the limit", () => {
    // The application of the core does not read, and the limit is one window.
    let drops: string[] = [];
    for (let i = 0; i < 40 && drops.length === 0; i++) {
      drops = bench.say(bench.record(bench.theirs, 0x41, pattern(1400)));
    }
    expect(drops).toEqual(["PeerViolation"]);
    expect([bench.second[0].ended, bench.second[0].reason]).toEqual([true, PEER_VIOLATION]);
    expect(bench.mine.read().length).toBeLessThanOrEqual(16_384);
  });
});

describe("ACK", () => {
  it("whose limit falls is ignored", () => {
    for (const limit of [0n, 1n, 100n]) {
      expect(bench.say({ type: "ACK", stream: bench.number, flags: 0, next: 0n, limit })).toEqual(
        [],
      );
    }
    bench.expectUntouched();
  });

  it("whose number falls is ignored", () => {
    expect(bench.works).toBe(true);
    expect(bench.say({ type: "ACK", stream: bench.number, flags: 0, next: 0n, limit: 0n })).toEqual(
      [],
    );
    bench.expectUntouched();
  });

  it("with the gap bit in a flood makes the core go back at most once per round trip", () => {
    bench.world.lose = (_n, from) => from[0] === 0x0b;
    bench.mine.write(pattern(1000));
    bench.world.wire.pass(50);
    bench.sent.length = 0;
    const gap = { type: "ACK", stream: bench.number, flags: 1, next: 0n, limit: 0n } as const;
    const flood = Array.from({ length: 80 }, () =>
      bench.seal(Array.from({ length: 80 }, () => gap)),
    );
    for (const packet of flood) bench.world.inject(bench.core.id, bench.reference.id, packet);
    bench.world.wire.pass(2);
    bench.world.lose = () => false;
    expect(bench.said("STREAM").length).toBeLessThanOrEqual(3);
  });

  it("with a limit of 2^64 - 1 does not overflow anything", () => {
    const limit = 2n ** 64n - 1n;
    expect(bench.say({ type: "ACK", stream: bench.number, flags: 0, next: 0n, limit })).toEqual([]);
    expect(bench.works).toBe(true);
    expect(bench.carries(...bench.second)).toBe(true);
  });

  it("with unknown flag bits is taken", () => {
    expect(
      bench.say({ type: "ACK", stream: bench.number, flags: 0xfe, next: 0n, limit: 0n }),
    ).toEqual([]);
    bench.expectUntouched();
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
      (stream) => ({
        type: "ACCEPT",
        stream,
        load: 0,
        limit: 9n,
        version: 1,
        message: random(1152),
      }),
      true,
    ],
    ["RESET", (stream) => resetOf(stream, 12), false],
  ];
  for (const [name, make, answers] of frames) {
    it(`${name} is answered by ${answers ? "RESET(Unknown)" : "nothing"}`, () => {
      for (const stream of [4000, 4001, 2 ** 32 - 2]) {
        bench.heard.length = 0;
        bench.say(make(stream));
        const resets = bench.said("RESET");
        expect(resets, `${stream}`).toEqual(answers ? [resetOf(stream, UNKNOWN)] : []);
      }
      bench.expectUntouched();
    });
  }

  it("in a flood of 1,000 numbers costs bounded answers", () => {
    const many = Array.from({ length: 50 }, (_, i) => resetless(5001 + 2 * i));
    for (let i = 0; i < 20; i++) bench.say(...many);
    expect(bench.said("RESET").length).toBeLessThanOrEqual(1000);
    bench.expectUntouched();
  });

  function resetless(stream: number): LinkFrame {
    return { type: "ACK", stream, flags: 0, next: 0n, limit: 0n };
  }
});

describe("PROBE and PONG", () => {
  it("PROBE in a flood gets at most one PONG each", () => {
    const probes = Array.from({ length: 200 }, (_, i) => ({ type: "PROBE", token: i }) as const);
    bench.say(...probes);
    expect(bench.said("PONG")).toEqual([{ type: "PONG", token: 199, load: expect.any(Number) }]);
    bench.expectUntouched();
  });

  it("PONG that nobody asked for has no effect", () => {
    for (const token of [0, 1, 2 ** 32 - 1]) {
      expect(bench.say({ type: "PONG", token, load: 255 })).toEqual([]);
    }
    bench.expectUntouched();
  });

  it("RESUME in a flood has no effect on what arrives", () => {
    bench.mine.write(pattern(3000));
    for (let i = 0; i < 50; i++) bench.say({ type: "RESUME" });
    bench.world.wire.pass(500);
    expect(toHex(bench.theirs.read())).toBe(toHex(pattern(3000)));
    bench.expectUntouched();
  });
});

describe("GOODBYE", () => {
  it("ends every stream with its reason", () => {
    bench.say({ type: "GOODBYE", reason: 10 });
    expect([bench.mine.reason, bench.second[0].reason]).toEqual([10, 10]);
    expect([bench.mine.ended, bench.second[0].ended]).toEqual([true, true]);
  });

  it("with reason 0 does not look like a clean end", () => {
    bench.say({ type: "GOODBYE", reason: 0 });
    expect([bench.mine.ended, bench.second[0].ended]).toEqual([true, true]);
    expect(bench.mine.reason).not.toBe(0);
  });
});

describe("RESET frame", () => {
  it("ends its stream alone", () => {
    bench.say(resetOf(bench.number, 10));
    bench.expectEnded(10);
  });

  it("with reason 0 does not look like a clean end", () => {
    bench.say(resetOf(bench.number, 0));
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
    bench.say(resetOf(bench.number, UNKNOWN));
    bench.expectEnded(PEER_LOST);
  });
});
