// SPDX-License-Identifier: Apache-2.0
// Layer 3 of the reference, both roles: handshake, records, frames, rekeying, and what ends a hop.
// PROTOCOL.md section 4.

import { describe, expect, it } from "vitest";
import { concat, encodeUint, toHex } from "../reference/bytes.ts";
import { Hop } from "../reference/hop.ts";
import {
  decodeHopFrames,
  encodeHopFrame,
  type HopFrame,
  maySend,
} from "../reference/hop-frames.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { statusOf } from "../reference/status.ts";

const random = seededRandom("hop test");
const secrets = { stlink: random(32), connector: random(32) };
const psk = random(32);

function hops(ownPsk = psk): { stlink: Hop; connector: Hop } {
  const stlink = new Hop(
    {
      role: "stlink",
      staticSecret: secrets.stlink,
      connectorKey: publicKey(secrets.connector),
      pskFor: () => ownPsk,
      random,
    },
    0,
  );
  const connector = new Hop(
    { role: "connector", staticSecret: secrets.connector, pskFor: () => psk, random },
    0,
  );
  return { stlink, connector };
}

function pass(from: Hop, to: Hop, pieceLength = 1e9): HopFrame[] {
  const bytes = from.take();
  const frames: HopFrame[] = [];
  for (let at = 0; at < bytes.length; at += pieceLength) {
    frames.push(...[...to.receive(bytes.subarray(at, at + pieceLength))].flat());
  }
  return frames;
}

function established(pieceLength?: number): { stlink: Hop; connector: Hop } {
  const pair = hops();
  pass(pair.stlink, pair.connector, pieceLength);
  pass(pair.connector, pair.stlink, pieceLength);
  pass(pair.stlink, pair.connector, pieceLength);
  return pair;
}

const PACKET: HopFrame = { type: "PACKET", class: 0, channel: 3, packet: random(100) };

describe("handshake", () => {
  it("has bodies of 1249, 1153 and 65 bytes", () => {
    const { stlink, connector } = hops();
    const lengths = [stlink, connector, stlink].map((from) => {
      const bytes = from.take();
      for (const _ of (from === stlink ? connector : stlink).receive(bytes));
      return bytes.length - 2;
    });
    expect(lengths).toEqual([1249, 1153, 65]);
    expect(toHex(connector.remoteKey)).toBe(toHex(publicKey(secrets.stlink)));
  });

  it("refuses another length, another version and a wrong PSK", () => {
    const receive = (bytes: Uint8Array) => statusOf(() => [...hops().connector.receive(bytes)]);
    const message = hops().stlink.take();
    expect(receive(encodeUint(1250, 2))).toBe("BadHandshake");
    const version2 = message.slice();
    version2[2] = 2;
    expect(receive(version2)).toBe("BadVersion");
    const { stlink, connector } = hops(random(32));
    pass(stlink, connector);
    pass(connector, stlink);
    expect(statusOf(() => pass(stlink, connector))).toBe("BadTag");
  });

  it("says nothing but message 2 before message 3", () => {
    const { stlink, connector } = hops();
    pass(stlink, connector);
    expect(connector.take().length).toBe(1155);
    expect(statusOf(() => connector.send({ type: "PING", token: 1 }))).toBe("BadState");
  });
});

describe("record", () => {
  for (const pieceLength of [1e9, 7, 1]) {
    it(`carries frames in pieces of ${pieceLength}`, () => {
      const { stlink, connector } = established(pieceLength);
      const hello: HopFrame = { type: "HOP_HELLO", maxPacket: 2048, channels: 4 };
      stlink.send(hello, PACKET);
      stlink.send({ type: "CREDIT", total: 2n ** 40n });
      expect(pass(stlink, connector, pieceLength)).toEqual([
        hello,
        PACKET,
        { type: "CREDIT", total: 2n ** 40n },
      ]);
    });
  }

  it("is a multiple of 64 bytes without a PACKET, and exact with one", () => {
    const { stlink } = established();
    stlink.send({ type: "PING", token: 1 });
    expect(stlink.take().length).toBe(2 + 64);
    stlink.send(PACKET);
    expect(stlink.take().length).toBe(2 + 16 + 4 + 100);
  });

  it("ends the hop when it is short, forged, replayed or holds what is not allowed", () => {
    const receive = (change: (bytes: Uint8Array) => Uint8Array) => {
      const { stlink, connector } = established();
      stlink.send(PACKET);
      const bytes = change(stlink.take());
      return statusOf(() => [...connector.receive(bytes)]);
    };
    const flip = (at: number) => (bytes: Uint8Array) => {
      bytes[at] = (bytes[at] as number) ^ 1;
      return bytes;
    };
    expect(receive(() => concat(encodeUint(16, 2), new Uint8Array(16)))).toBe("BadLength");
    expect(receive(flip(2))).toBe("BadTag");
    expect(receive((bytes) => flip(bytes.length - 1)(bytes))).toBe("BadTag");
    expect(receive((bytes) => concat(bytes, bytes))).toBe("BadTag");
    const { stlink, connector } = established();
    connector.send({ type: "CREDIT", total: 0n });
    expect(statusOf(() => pass(connector, stlink))).toBe("BadFrame");
  });
});

describe("frame", () => {
  const frames: HopFrame[] = [
    { type: "HOP_HELLO", maxPacket: 2048, channels: 3 },
    { type: "WELCOME", id: random(16), maxPacket: 65000, channels: 16, queueBytes: 1 << 20 },
    { type: "REFUSED", reason: 50 },
    { type: "TICKET", codeId: random(8), ticket: random(32) },
    { type: "NAME", channel: 2, id: random(16) },
    { type: "DROPPED", channel: 1, reason: 33, count: 2 },
    { type: "AWAY", channel: 1 },
    { type: "BACK", channel: 1 },
    { type: "MUTE", channel: 1, seconds: 60 },
    { type: "DRAIN", afterMs: 5000 },
    { type: "CLOSE", reason: 48 },
    { type: "PONG", token: 0xffffffff },
    PACKET,
  ];

  it("decodes to what was encoded, one after the other", () => {
    expect([...decodeHopFrames(concat(...frames.map(encodeHopFrame)))]).toEqual(frames);
  });

  it("refuses unknown types, cut frames and padding that is not zero", () => {
    const refuse = (bytes: number[]) =>
      statusOf(() => [...decodeHopFrames(Uint8Array.from(bytes))]);
    expect(refuse([0x12])).toBe("BadFrame");
    expect(refuse([0x07, 1, 2, 3])).toBe("BadFrame");
    expect(refuse([0, 0, 1])).toBe("BadFrame");
    expect(refuse([0, 0, 0])).toBeUndefined();
  });

  it("knows the way of each", () => {
    const ways = frames.map(({ type }) => [maySend("stlink", type), maySend("connector", type)]);
    expect(ways).toEqual([
      [true, false],
      [false, true],
      [false, true],
      [true, false],
      [true, true],
      [false, true],
      [false, true],
      [false, true],
      [true, false],
      [false, true],
      [true, true],
      [true, true],
      [true, true],
    ]);
  });
});

describe("rekey", () => {
  it("changes the keys of both directions while records go on", () => {
    const { stlink, connector } = established();
    stlink.send(PACKET);
    stlink.startRekey();
    connector.send(PACKET);
    for (let i = 0; i < 3; i++) {
      stlink.send({ type: "PING", token: i });
      connector.send({ type: "PING", token: 10 + i });
      const up = pass(stlink, connector, 5);
      const down = pass(connector, stlink, 5);
      expect(up.at(-1)).toEqual({ type: "PING", token: i });
      expect(down.some((frame) => frame.type === "PING" && frame.token === 10 + i)).toBe(true);
    }
    stlink.startRekey();
    for (let i = 0; i < 2; i++) {
      pass(stlink, connector);
      pass(connector, stlink);
    }
    expect(statusOf(() => stlink.startRekey())).toBeUndefined();
  });

  it("ends sending at its age", () => {
    const { stlink } = established();
    expect(statusOf(() => stlink.tick(60 * 60_000))).toBe("Exhausted");
    expect(statusOf(() => stlink.send(PACKET))).toBe("Exhausted");
  });

  it("refuses a REKEY or NEWKEYS out of order", () => {
    const { stlink, connector } = established();
    stlink.send({ type: "NEWKEYS" });
    expect(statusOf(() => pass(stlink, connector))).toBe("BadFrame");
    const other = established();
    other.connector.send({ type: "REKEY", version: 1, message: random(1152) });
    expect(statusOf(() => pass(other.connector, other.stlink))).toBe("BadFrame");
  });
});
