// SPDX-License-Identifier: Apache-2.0
// Layer 2 of the reference: handshake packets lost, repeated, replayed, forged; both sides at once;
// unknown sessions; key rotation; the replay window. PROTOCOL.md 5.1, 5.2 and 10.4.

import { describe, expect, it } from "vitest";
import { Link, type LinkOptions } from "../reference/link.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { ReplayWindow } from "../reference/replay.ts";
import { statusOf } from "../reference/status.ts";

const random = seededRandom("link test");
const IDS = { a: new Uint8Array(16).fill(1), b: new Uint8Array(16).fill(2) };
const secrets = { a: random(32), b: random(32), c: random(32) };
const psk = random(32);
const pskName = random(8);
const FRAMES = Uint8Array.of(0x28);

function newLink(name: "a" | "b", change: Partial<LinkOptions> = {}, now = 0): Link {
  const other = name === "a" ? "b" : "a";
  const options: LinkOptions = {
    ownId: IDS[name],
    staticSecret: secrets[name],
    peer: { id: IDS[other], key: publicKey(secrets[other]), psk, pskName },
    random,
    handshakeBurst: 4,
    replayWindow: 64,
    ...change,
  };
  return new Link(options, now);
}

class Pair {
  a: Link;
  b: Link;
  now = 0;
  /** Every packet that was sent, with its sender. */
  readonly log: { from: Link; packet: Uint8Array }[] = [];
  lose: (packet: Uint8Array, n: number) => boolean = () => false;

  constructor(a = newLink("a"), b = newLink("b")) {
    this.a = a;
    this.b = b;
  }

  /** Moves what is in the outboxes until nothing moves. */
  settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const [from, to] of [
        [this.a, this.b],
        [this.b, this.a],
      ] as const) {
        for (const { packet } of from.outbox.splice(0)) {
          moved = true;
          this.log.push({ from, packet });
          if (!this.lose(packet, this.log.length - 1)) to.receive(packet);
        }
      }
    }
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (; this.now <= end; this.now += 100) {
      this.a.tick(this.now);
      this.b.tick(this.now);
      this.settle();
    }
  }

  /** Whether a data packet gets through each way. */
  get works(): boolean {
    const there = this.b.receive(this.a.seal(FRAMES, true));
    const back = this.a.receive(this.b.seal(FRAMES, true));
    return there !== undefined && back !== undefined;
  }

  count(name: "a" | "b", status: string): number {
    return this[name].counters.get(status as never) ?? 0;
  }
}

describe("handshake", () => {
  it("has packets of 1280, 1216 and 128 bytes, and data packets are padded to 64", () => {
    const pair = new Pair();
    pair.a.wanted = true;
    pair.pass(0);
    expect(pair.log.map(({ packet }) => packet.length)).toEqual([1280, 1216, 128]);
    expect(pair.a.seal(FRAMES, true).length).toBe(64);
    expect(pair.works).toBe(true);
  });

  it("survives the loss of each of its packets, once and three times", () => {
    for (const type of [0x11, 0x12, 0x13]) {
      for (const times of [1, 3]) {
        const pair = new Pair();
        let left = times;
        pair.lose = (packet) => packet[0] === type && left-- > 0;
        pair.a.wanted = true;
        pair.pass(16_000);
        expect(pair.works, `${type} lost ${times} times`).toBe(true);
      }
    }
  });

  it("begins anew when message 1 was lost six times", () => {
    const pair = new Pair();
    let left = 6;
    pair.lose = () => left-- > 0;
    pair.a.wanted = true;
    pair.pass(60_000);
    const [first, seventh] = [pair.log[0], pair.log[6]].map((sent) => sent?.packet);
    expect(seventh).not.toEqual(first);
    expect(pair.log[5]?.packet).toEqual(first);
    expect(pair.works).toBe(true);
  });

  it("settles when both sides begin at once, whatever is lost", () => {
    for (let lost = -1; lost < 8; lost++) {
      const pair = new Pair();
      pair.lose = (_packet, n) => n === lost;
      pair.a.wanted = true;
      pair.b.wanted = true;
      pair.pass(20_000);
      expect(pair.works, `packet ${lost}`).toBe(true);
    }
  });

  it("does not change a session for any replay", () => {
    const pair = new Pair();
    pair.a.wanted = true;
    pair.pass(0);
    expect(pair.works).toBe(true);
    const recorded = pair.log.map((sent) => sent);
    pair.now += 3_000_000;
    for (const _ of Array.from({ length: 20 })) {
      for (const { from, packet } of recorded) (from === pair.a ? pair.b : pair.a).receive(packet);
    }
    expect(pair.works).toBe(true);
  });

  it("limits the answers to recorded messages 1 and lives on", () => {
    const b = newLink("b");
    for (let i = 0; i < 20; i++) {
      const a = newLink("a");
      a.wanted = true;
      a.tick(0);
      for (const { packet } of a.outbox) b.receive(packet);
    }
    expect(b.outbox.length).toBe(4);
    expect(b.counters.get("HandshakeRate")).toBe(16);
  });

  it("survives a forged message 2 and a forged message 3", () => {
    const pair = new Pair();
    pair.lose = (packet) => {
      const forged = packet.slice();
      forged[40] = (forged[40] as number) ^ 1;
      (packet[0] === 0x12 ? pair.a : pair.b).receive(forged);
      return false;
    };
    pair.a.wanted = true;
    pair.pass(0);
    expect(pair.works).toBe(true);
    expect(pair.count("a", "BadTag")).toBe(1);
  });

  it("says nothing to another key, another PSK or another PSK name", () => {
    const changes: Partial<LinkOptions>[] = [
      { staticSecret: secrets.c },
      { peer: { id: IDS.b, key: publicKey(secrets.b), psk: random(32), pskName } },
      { peer: { id: IDS.b, key: publicKey(secrets.b), psk, pskName: random(8) } },
      { peer: { id: IDS.b, key: publicKey(secrets.c), psk, pskName } },
    ];
    for (const change of changes) {
      const pair = new Pair(newLink("a", change));
      pair.a.wanted = true;
      pair.pass(0);
      expect(pair.b.current).toBeUndefined();
      expect(pair.log.filter(({ from }) => from === pair.b).length).toBeLessThan(2);
    }
  });
});

describe("session", () => {
  function running(): Pair {
    const pair = new Pair();
    pair.a.wanted = true;
    pair.pass(0);
    if (!pair.works) throw new Error("no session");
    return pair;
  }

  it("is made again after NO_SESSION, and not more often than every 5 s", () => {
    const pair = running();
    pair.b = newLink("b");
    for (let i = 0; i < 10; i++) pair.b.receive(pair.a.seal(FRAMES, true));
    expect(pair.b.outbox.length).toBe(1);
    pair.settle();
    pair.pass(100);
    expect(pair.works).toBe(true);
  });

  it("keeps the previous one until the new one has opened a packet", () => {
    const pair = running();
    const late = pair.b.seal(FRAMES, true);
    pair.pass(50 * 60_000 - 1000);
    if (pair.a.current) pair.a.current.usedAt = pair.now;
    pair.pass(2000);
    expect(pair.a.previous).toBeDefined();
    expect(pair.a.receive(late)).toBeDefined();
    expect(pair.works).toBe(true);
    expect(pair.a.previous).toBeUndefined();
  });

  it("is not renewed when idle, and opens nothing after 2 h", () => {
    const pair = running();
    pair.a.wanted = false;
    const late = pair.b.seal(FRAMES, true);
    pair.pass(119 * 60_000);
    expect(pair.a.canSend).toBe(false);
    expect(pair.a.current).toBeDefined();
    pair.pass(2 * 60_000);
    expect(pair.a.receive(late)).toBeUndefined();
    expect(pair.count("a", "UnknownIndex")).toBe(1);
  });

  it("counts garbage and goes on", () => {
    const pair = running();
    for (let length = 0; length < 200; length += 7) {
      for (const first of [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x24, 0]) {
        const garbage = random(length);
        if (length > 0) garbage[0] = first;
        expect(pair.b.receive(garbage)).toBeUndefined();
      }
    }
    expect(pair.works).toBe(true);
  });

  it("adopts the next key of a peer, whoever begins", () => {
    const nextKey = publicKey(secrets.c);
    for (const first of ["a", "b"] as const) {
      const peer = { id: IDS.b, key: publicKey(secrets.b), nextKey, psk, pskName };
      const pair = new Pair(newLink("a", { peer }), newLink("b", { staticSecret: secrets.c }));
      pair[first].wanted = true;
      pair.pass(0);
      expect(pair.works).toBe(true);
      expect(peer.key).toEqual(nextKey);
      expect(peer.nextKey).toBeUndefined();
    }
  });

  it("still reaches a peer that has not rotated yet", () => {
    const nextKey = publicKey(secrets.c);
    const peer = { id: IDS.b, key: publicKey(secrets.b), nextKey, psk, pskName };
    const pair = new Pair(newLink("a", { peer }));
    pair.a.wanted = true;
    pair.pass(70_000);
    expect(pair.works).toBe(true);
    expect(peer.nextKey).toEqual(nextKey);
  });
});

describe("replay window", () => {
  it("takes each counter of the last 64 once", () => {
    const window = new ReplayWindow(64);
    const take = (counter: number) =>
      statusOf(() => {
        window.check(BigInt(counter));
        window.take(BigInt(counter));
      });
    expect([0, 100, 37, 36, 37, 100, 99, 1000, 936, 937].map(take)).toEqual([
      undefined,
      undefined,
      undefined,
      "Stale",
      "Stale",
      "Stale",
      undefined,
      undefined,
      "Stale",
      undefined,
    ]);
  });
});
