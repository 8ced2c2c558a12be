// SPDX-License-Identifier: Apache-2.0
// Layer 2 of the core under hostile packets: garbage, forgeries, replays, floods. Each is dropped with
// one status and nothing else (S8, S9, K3): no byte reaches the application, the stream that was up
// goes on, and new ones can be opened. PROTOCOL.md 5.1, 5.2 and 13.1.

import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { concat, encodeUint } from "../reference/bytes.ts";
import type { LinkOptions } from "../reference/link.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { ID_A, ID_B, pattern } from "../reference/world.ts";
import { TEST_SIZES } from "./core-ends.ts";
import { beginner, firstPacket, flip, LinkBench, positions } from "./hostile-tools.ts";

afterEach(() => watchSeals());

const random = seededRandom("hostile packets");
const ID_C = new Uint8Array(16).fill(0x0c);
const PROBE = { type: "PROBE", token: 1 } as const;
const BAD_KEM_KEY = new Uint8Array(1184).fill(0xff);

/** Takes the next packet of `type` that the core sends. */
function answered(bench: LinkBench, type: number): Uint8Array {
  const found = bench.sent.findLast((packet) => packet[0] === type);
  if (!found) throw new Error("no answer");
  return found;
}

/** Lets enough time pass that S9 allows handshakes again. */
function rest(bench: LinkBench): void {
  bench.world.wire.pass(40_000);
  bench.sent.length = 0;
  bench.drops();
}

describe("data packet", () => {
  let bench: LinkBench;
  beforeAll(() => {
    bench = new LinkBench();
  });
  afterEach(() => {
    expect(bench.silent).toBe(true);
    expect(bench.works).toBe(true);
    expect(bench.opens).toBe(true);
  });

  it("cut at any length is BadFrame, or BadTag where a tag could stand", () => {
    const packet = bench.seal([PROBE]);
    for (let length = 1; length < packet.length; length++) {
      const status = length < 30 ? "BadFrame" : "BadTag";
      expect(bench.give(packet.subarray(0, length)), `${length} bytes`).toEqual([status]);
    }
  });

  it("that is longer than it was sealed is BadTag", () => {
    const packet = bench.seal([PROBE]);
    for (const more of [1, 16, 64, 1000, 2000]) {
      expect(bench.give(concat(packet, new Uint8Array(more)))).toEqual(["BadTag"]);
    }
  });

  it("with a changed bit at any position of header and tag, and many between, is dropped", () => {
    const packet = bench.seal([{ type: "RESET", stream: bench.theirs.stream.number, reason: 12 }]);
    for (const at of positions(packet.length, packet.length, 0)) {
      for (let bit = 0; bit < 8; bit++) {
        const [status] = bench.give(flip(packet, at, bit));
        const wanted =
          at === 0
            ? ["BadFrame", "BadVersion", "BadHandshake"]
            : at < 5
              ? ["UnknownIndex"]
              : at < 13
                ? ["BadTag", "Stale"]
                : ["BadTag"];
        expect(wanted, `position ${at}, bit ${bit}`).toContain(status);
      }
    }
  });

  it("with a changed bit anywhere in a full record is BadTag", () => {
    const packet = bench.seal([
      { type: "STREAM", stream: bench.theirs.stream.number, number: 5n, record: random(1400) },
    ]);
    for (const at of positions(packet.length, 0, 100)) {
      if (at < 13) continue;
      expect(bench.give(flip(packet, at)), `position ${at}`).toEqual(["BadTag"]);
    }
  });

  it("replayed is Stale", () => {
    const packet = bench.seal([PROBE]);
    expect(bench.give(packet)).toEqual([]);
    for (let i = 0; i < 3; i++) expect(bench.give(packet)).toEqual(["Stale"]);
  });

  it("delayed within the window is taken once, and beyond it is Stale", () => {
    const [early, late] = [bench.seal([PROBE]), bench.seal([PROBE])];
    for (let i = 0; i < 200; i++) expect(bench.give(bench.seal([PROBE]))).toEqual([]);
    expect([bench.give(late), bench.give(late)]).toEqual([[], ["Stale"]]);
    for (let i = 0; i < 60; i++) expect(bench.give(bench.seal([PROBE]))).toEqual([]);
    expect(bench.give(early)).toEqual(["Stale"]);
  });

  it("with a forged counter far ahead is BadTag or Stale and does not move the window", () => {
    const packet = bench.seal([PROBE]);
    const counters = [2n ** 64n - 1n, 2n ** 63n, 2n ** 32n, 2n ** 20n];
    for (const counter of counters) {
      const forged = concat(packet.subarray(0, 5), encodeUint(counter, 8), packet.subarray(13));
      expect(["BadTag", "Stale"]).toContain(bench.give(forged)[0]);
    }
    expect(bench.give(packet)).toEqual([]);
  });

  it("spliced from two is BadTag", () => {
    const [first, second] = [bench.seal([PROBE]), bench.seal([PROBE])];
    expect(bench.give(concat(first.subarray(0, 13), second.subarray(13)))).toEqual(["BadTag"]);
    expect(bench.give(concat(first.subarray(0, 20), second.subarray(20)))).toEqual(["BadTag"]);
  });

  it("of the core's own, sent back, is dropped", () => {
    bench.give(bench.seal([PROBE]));
    const reflected = answered(bench, 0x14);
    expect(["UnknownIndex", "BadTag", "Stale"]).toContain(bench.give(reflected)[0]);
  });

  it("of an unknown index is UnknownIndex and asks for nothing but NO_SESSION, once in 5 s", () => {
    bench.world.wire.pass(6000);
    bench.sent.length = 0;
    for (let i = 0; i < 20; i++) {
      const packet = concat(Uint8Array.of(0x14), random(4), random(100));
      expect(bench.give(packet)).toEqual(["UnknownIndex"]);
    }
    expect(bench.sent.filter((packet) => packet[0] === 0x15).length).toBe(1);
    expect(bench.give(concat(Uint8Array.of(0x14), new Uint8Array(50)))).toEqual(["UnknownIndex"]);
  });

  it("of no known type is BadFrame", () => {
    for (const type of [0, 0x10, 0x16, 0x1f, 0x24, 0x44, 0xff]) {
      const [status] = bench.give(concat(Uint8Array.of(type), random(99)));
      expect(["BadFrame", "BadVersion"], `type ${type}`).toContain(status);
    }
  });

  it("of random bytes and any first byte is dropped", () => {
    for (let length = 1; length < 300; length += 11) {
      for (const first of [0x11, 0x12, 0x13, 0x14, 0x15]) {
        const garbage = random(length);
        garbage[0] = first;
        expect(bench.give(garbage).length, `${first}, ${length}`).toBe(1);
      }
    }
  });
});

describe("packet above maxPacket", () => {
  it("is TooBig, and the hop stays", () => {
    const bench = new LinkBench();
    expect(bench.give(bench.seal(new Uint8Array(4096)))).toEqual(["TooBig"]);
    expect([bench.silent, bench.works, bench.opens]).toEqual([true, true, true]);
  });
});

describe("sender", () => {
  it("that is no peer's id is UnknownPeer, whatever it sends (K3)", () => {
    const bench = new LinkBench();
    for (const packet of [bench.seal([PROBE]), firstPacket(beginner(bench)), random(100)]) {
      expect(bench.give(packet, ID_C)).toEqual(["UnknownPeer"]);
    }
    expect(bench.works).toBe(true);
  });

  it("that the Connector forged, under another peer's name, is UnknownIndex or BadTag (K3)", () => {
    const bench = new LinkBench();
    const link = bench.core.core.linkAdd({ id: ID_C, key: publicKey(random(32)) });
    expect(link).toBeGreaterThanOrEqual(0);
    expect(bench.give(bench.seal([PROBE]), ID_C)).toEqual(["UnknownIndex"]);
    const [status] = bench.give(firstPacket(beginner(bench)), ID_C);
    expect(["UnknownPeer", "BadTag"]).toContain(status);
    expect([bench.silent, bench.works, bench.opens]).toEqual([true, true, true]);
  });
});

describe("message 1", () => {
  let bench: LinkBench;
  beforeAll(() => {
    bench = new LinkBench();
  });
  afterEach(() => {
    expect(bench.silent).toBe(true);
    rest(bench);
    expect(bench.works).toBe(true);
  });

  it("of another length is BadHandshake", () => {
    const packet = firstPacket(beginner(bench));
    for (const length of [5, 13, 29, 1261, 1279]) {
      expect(bench.give(packet.subarray(0, length)), `${length}`).toEqual(["BadHandshake"]);
    }
    expect(bench.give(concat(packet, new Uint8Array(64)))).toEqual(["BadHandshake"]);
  });

  it("with padding that is not zero is BadHandshake", () => {
    const packet = firstPacket(beginner(bench));
    for (const at of [1261, 1270, 1279]) {
      expect(bench.give(flip(packet, at)), `position ${at}`).toEqual(["BadHandshake"]);
    }
  });

  it("with index zero is BadHandshake", () => {
    const packet = firstPacket(beginner(bench));
    packet.fill(0, 1, 5);
    expect(bench.give(packet)).toEqual(["BadHandshake"]);
  });

  it("with another PSK name is UnknownPeer", () => {
    const packet = firstPacket(beginner(bench));
    for (let at = 5; at < 13; at++) expect(bench.give(flip(packet, at))).toEqual(["UnknownPeer"]);
  });

  it("with a changed bit anywhere is BadTag, BadPoint or HandshakeRate, and is not answered", () => {
    for (const at of positions(1261, 0, 24)) {
      if (at < 13) continue;
      const packet = firstPacket(beginner(bench));
      bench.sent.length = 0;
      const [status] = bench.give(flip(packet, at, at % 8));
      expect(["BadTag", "BadPoint"], `position ${at}`).toContain(status);
      expect(bench.sent.some(([type]) => type === 0x12)).toBe(false);
      bench.world.wire.pass(5000);
    }
  });

  it("with a small-order e is BadPoint", () => {
    const packet = firstPacket(beginner(bench));
    packet.fill(0, 13, 45);
    expect(bench.give(packet)).toEqual(["BadPoint"]);
  });

  it("with a KEM key that FIPS 203 refuses is BadKemKey", () => {
    const packet = firstPacket(beginner(bench, { shown: { kemKey: BAD_KEM_KEY } }));
    expect(bench.give(packet)).toEqual(["BadKemKey"]);
  });

  it("to another key than the core's is BadTag", () => {
    const peer = { id: ID_A, key: publicKey(random(32)), pskName: bench.world.psk.name };
    expect(bench.give(firstPacket(beginner(bench, { peer })))).toEqual(["BadTag"]);
  });

  it("under other ids is BadTag", () => {
    expect(bench.give(firstPacket(beginner(bench, { ownId: ID_C })))).toEqual(["BadTag"]);
  });

  it("twice is answered by the same message 2", () => {
    const packet = firstPacket(beginner(bench));
    expect(bench.give(packet)).toEqual([]);
    const first = answered(bench, 0x12);
    bench.sent.length = 0;
    expect(bench.give(packet)).toEqual([]);
    expect(answered(bench, 0x12)).toEqual(first);
  });

  it("in a flood is HandshakeRate beyond the burst, and ends nothing (S9)", () => {
    bench.sent.length = 0;
    const statuses = Array.from({ length: 30 }, () => bench.give(firstPacket(beginner(bench)))[0]);
    const answers = bench.sent.filter(([type]) => type === 0x12).length;
    expect(answers).toBeLessThanOrEqual(5);
    expect(statuses.filter((status) => status === "HandshakeRate").length).toBe(30 - answers);
    expect(bench.works).toBe(true);
  });

  it("in a flood begins 64 handshakes at most, with room for however many peers (S9)", () => {
    const wide = new LinkBench({ seed: "wide", sizes: { ...TEST_SIZES, links: 100 } });
    wide.sent.length = 0;
    const statuses = Array.from({ length: 99 }, () => wide.give(firstPacket(beginner(wide)))[0]);
    const refused = statuses.filter((status) => status === "HandshakeRate").length;
    const answers = wide.sent.filter(([type]) => type === 0x12).length;
    // One of the 64 made the session that there is.
    expect([answers, refused]).toEqual([63, 36]);
    expect(wide.works).toBe(true);
  });

  it("replayed from an earlier handshake costs one answer and changes nothing (S6)", () => {
    const own = new LinkBench();
    const recorded: Uint8Array[] = [];
    own.world.lose = (_n, from, packet) => {
      if (from[0] === ID_B[0] && (packet[0] ?? 0) < 0x14) recorded.push(packet);
      return false;
    };
    const first = beginner(own);
    recorded.push(firstPacket(first));
    own.give(recorded[0] as Uint8Array);
    rest(own);
    for (let i = 0; i < 10; i++) for (const packet of recorded) own.give(packet);
    expect([own.silent, own.works]).toEqual([true, true]);
    rest(own);
    expect(own.opens).toBe(true);
  });
});

describe("message 2", () => {
  it("that nobody asked for is UnknownIndex", () => {
    const bench = new LinkBench();
    const packet = new Uint8Array(1216);
    packet.set(concat(Uint8Array.of(0x12), random(4), random(4), random(1152)));
    expect(bench.give(packet)).toEqual(["UnknownIndex"]);
    expect(bench.works).toBe(true);
  });

  it("of another length or with padding that is not zero is BadHandshake", () => {
    const bench = new LinkBench();
    for (const length of [5, 30, 1161, 1215, 1217, 1280]) {
      const packet = random(length);
      packet[0] = 0x12;
      expect(bench.give(packet), `${length}`).toEqual(["BadHandshake"]);
    }
    const padded = random(1216);
    padded[0] = 0x12;
    expect(bench.give(padded)).toEqual(["BadHandshake"]);
    expect(bench.works).toBe(true);
  });

  it("forged before the true one leaves the handshake as it was", () => {
    for (const at of [9, 40, 41, 500, 1144, 1160]) {
      const bench = new LinkBench();
      const { world } = bench;
      let forged = 0;
      world.lose = (_n, from, packet) => {
        if (from[0] !== ID_B[0] || packet[0] !== 0x12 || forged++ > 0) return false;
        world.inject(ID_A, ID_B, flip(packet, at));
        return false;
      };
      expect(bench.core.core.engine.call("link_connect", bench.core.link(ID_B))).toBe(0);
      world.wire.pass(3000);
      expect(forged, `position ${at}`).toBeGreaterThan(0);
      expect(["BadTag", "BadPoint"], `position ${at}`).toContain(bench.drops()[0]);
      expect(world.packets).toBeGreaterThan(0);
      expect([bench.silent, bench.works, bench.opens], `position ${at}`).toEqual([
        true,
        true,
        true,
      ]);
    }
  });

  it("forged in its unsealed index costs at most another handshake", () => {
    const bench = new LinkBench();
    const { world } = bench;
    let forged = 0;
    world.lose = (_n, from, packet) => {
      if (from[0] !== ID_B[0] || packet[0] !== 0x12 || forged++ > 0) return false;
      world.inject(ID_A, ID_B, flip(packet, 6));
      return true;
    };
    bench.core.core.engine.call("link_connect", bench.core.link(ID_B));
    world.wire.pass(1000);
    expect(forged).toBe(1);
    world.wire.pass(60_000);
    expect([bench.silent, bench.works, bench.opens]).toEqual([true, true, true]);
  });
});

describe("message 3", () => {
  it("that nobody asked for is UnknownIndex", () => {
    const bench = new LinkBench();
    const packet = new Uint8Array(128);
    packet.set(concat(Uint8Array.of(0x13), random(4), random(64)));
    expect(bench.give(packet)).toEqual(["UnknownIndex"]);
    expect(bench.works).toBe(true);
  });

  it("of another length or with padding that is not zero is BadHandshake", () => {
    const bench = new LinkBench();
    for (const length of [5, 30, 69, 127, 129, 192]) {
      const packet = random(length);
      packet[0] = 0x13;
      expect(bench.give(packet), `${length}`).toEqual(["BadHandshake"]);
    }
    expect(bench.works).toBe(true);
  });

  it("forged at any position leaves the handshake as it was, and the true one finishes it", () => {
    for (const at of [5, 20, 36, 37, 52, 53, 60, 68]) {
      const bench = new LinkBench();
      const link = beginner(bench);
      bench.give(firstPacket(link));
      link.receive(answered(bench, 0x12));
      const message3 = firstPacket(link);
      expect(bench.give(flip(message3, at)), `position ${at}`).toEqual(["BadTag"]);
      expect(bench.give(message3), `position ${at}`).toEqual([]);
      const opened = bench.sent.filter(([type]) => type === 0x14).map((one) => link.receive(one));
      expect(
        opened.some((one) => one !== undefined),
        `position ${at}`,
      ).toBe(true);
    }
  });

  it("under another static key, another PSK, or a key that is not canonical, changes no session", () => {
    const cases: [Partial<LinkOptions>, string[]][] = [
      [{ staticSecret: random(32) }, ["UnknownPeer"]],
      [{ shown: { s: new Uint8Array(32).fill(0xff) } }, ["BadKey", "UnknownPeer"]],
    ];
    for (const [change, wanted] of cases) {
      const bench = new LinkBench();
      const link = beginner(bench, change);
      bench.give(firstPacket(link));
      link.receive(answered(bench, 0x12));
      expect(wanted).toContain(bench.give(firstPacket(link))[0]);
      expect([bench.silent, bench.works]).toEqual([true, true]);
    }
    const bench = new LinkBench();
    const { psk } = bench.world;
    const peer = {
      id: ID_A,
      key: publicKey(bench.world.secrets.a),
      psk: random(32),
      pskName: psk.name,
    };
    const link = beginner(bench, { peer });
    bench.give(firstPacket(link));
    link.receive(answered(bench, 0x12));
    expect(bench.give(firstPacket(link))).toEqual(["BadTag"]);
    expect([bench.silent, bench.works]).toEqual([true, true]);
  });

  it("never sent: the half-open handshake goes, and the core makes one of its own again", () => {
    const bench = new LinkBench();
    bench.give(firstPacket(beginner(bench)));
    bench.world.restart("b");
    bench.world.wire.run(() => bench.world.b.welcomed, 5000);
    const stream = bench.core.open(ID_B, 1, pattern(16), pattern(16));
    const opened = bench.world.wire.run(() => {
      for (const pipe of bench.world.b.offered) if (!pipe.connected) pipe.accept();
      return stream.connected;
    }, 60_000);
    expect(opened).toBe(true);
  });
});

describe("NO_SESSION", () => {
  it("of another length or with padding that is not zero is BadHandshake", () => {
    const bench = new LinkBench();
    const { localIndex } = currentOf(bench);
    for (const length of [5, 63, 65, 128]) {
      const packet = new Uint8Array(length);
      packet[0] = 0x15;
      expect(bench.give(packet), `${length}`).toEqual(["BadHandshake"]);
    }
    const padded = new Uint8Array(64);
    padded.set(concat(Uint8Array.of(0x15), encodeUint(localIndex, 4), Uint8Array.of(1)));
    expect(bench.give(padded)).toEqual(["BadHandshake"]);
    expect(bench.works).toBe(true);
  });

  it("of an index that is not the current session's is UnknownIndex", () => {
    const bench = new LinkBench();
    const packet = new Uint8Array(64);
    packet.set(concat(Uint8Array.of(0x15), random(4)));
    expect(bench.give(packet)).toEqual(["UnknownIndex"]);
    expect(bench.works).toBe(true);
  });

  it("in a flood permits one handshake in 5 s, and streams live on (S9)", () => {
    const bench = new LinkBench();
    let messages1 = 0;
    bench.world.lose = (_n, from, packet) => {
      if (from[0] === ID_A[0] && packet[0] === 0x11) messages1++;
      return false;
    };
    for (let i = 0; i < 100; i++) {
      const packet = new Uint8Array(64);
      packet.set(concat(Uint8Array.of(0x15), encodeUint(currentOf(bench).localIndex, 4)));
      bench.give(packet);
      bench.world.wire.pass(90);
    }
    expect(messages1).toBeGreaterThan(0);
    expect(messages1).toBeLessThanOrEqual(3);
    expect([bench.silent, bench.works, bench.opens]).toEqual([true, true, true]);
  });
});

// The reference's session: its localIndex is what the core seals to.
function currentOf(bench: LinkBench) {
  const { current } = bench.reference.peer.linkTo(ID_A);
  if (!current) throw new Error("no session");
  return current;
}
