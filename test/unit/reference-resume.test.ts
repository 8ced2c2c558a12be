// SPDX-License-Identifier: Apache-2.0
// What the reference does when hops break, sides restart, time runs out or the peer misbehaves.
// PROTOCOL.md sections 5.4, 5.5, 7.3 and 7.5.

import { afterEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { toHex } from "../reference/bytes.ts";
import { encodeLinkFrame, type LinkFrame } from "../reference/link-frames.ts";
import type { Peer } from "../reference/peer.ts";
import { REASON } from "../reference/status.ts";
import type { Stream } from "../reference/stream.ts";
import {
  Application,
  exchange,
  ID_A,
  ID_B,
  pattern,
  REQUEST,
  serve,
  startWorld,
  type World,
} from "../reference/world.ts";

afterEach(() => watchSeals());

const up = pattern(6000, 1);
const down = pattern(5000, 2);

describe("a hop that breaks", () => {
  for (const who of ["a", "b"] as const) {
    it(`costs nothing but time after any packet (${who})`, () => {
      for (let cut = 0; cut < 30; cut++) {
        const world = startWorld({ seed: `cut ${cut}`, latencyMs: 3 });
        let hungUp = false;
        world.lose = (n) => {
          hungUp ||= n === cut;
          return false;
        };
        const redial = world.wire.run.bind(world.wire);
        world.wire.run = (done, limitMs) =>
          redial(() => {
            if (hungUp && !world[who].closed && !redialled) {
              redialled = true;
              world.hangUp(world[who]);
              world.dial(world[who]);
            }
            return done();
          }, limitMs);
        let redialled = false;
        const { finished, client, served } = exchange(world, up, down);
        expect(finished, `packet ${cut}`).toBe(true);
        expect(toHex(served.at(-1)?.bytes ?? up)).toBe(toHex(up));
        expect(toHex(client.bytes)).toBe(toHex(down));
      }
    });
  }

  it("holds streams for the hold time and no longer", () => {
    const world = startWorld({ seed: "hold" });
    const { stream, peerStream } = openOne(world);
    world.hangUp(world.b);
    world.wire.pass(100_000);
    world.dial(world.b);
    world.wire.pass(1000);
    expect([stream.state, peerStream.state]).toEqual(["open", "open"]);
    world.hangUp(world.b);
    world.wire.pass(121_000);
    expect([stream.state, stream.endReason]).toEqual(["ended", REASON.HoldExpired]);
    world.dial(world.b);
    world.wire.pass(60_000);
    expect(peerStream.state).toBe("ended");
  });

  it("keeps an idle stream alive while both are there", () => {
    const world = startWorld({ seed: "idle" });
    const { stream, peerStream } = openOne(world);
    world.wire.pass(20 * 60_000);
    expect([stream.state, peerStream.state]).toEqual(["open", "open"]);
  });
});

describe("a restart", () => {
  for (const who of ["a", "b"] as const) {
    it(`ends old streams and lets new ones through, after any packet (${who})`, () => {
      for (let at = 0; at < 30; at += 1) {
        const world = startWorld({ seed: `restart ${at}`, latencyMs: 3 });
        let due = false;
        world.lose = (n) => {
          due ||= n === at;
          return false;
        };
        const first = world.a.openStream(ID_B, REQUEST);
        const client = new Application(world.a, first, up);
        const server = serve(world.b, down);
        world.wire.run(() => {
          client.step();
          server();
          return due || first.state === "ended";
        }, 60_000);
        const wasOpen = first.state === "open";
        world.restart(who);
        world.wire.run(() => world[who].welcomed, 10_000);
        const outcome = exchange(world, up, down, "a", 180_000);
        expect(outcome.finished, `packet ${at}`).toBe(true);
        expect(toHex(outcome.client.bytes)).toBe(toHex(down));
        if (who === "b" && wasOpen) expect(first.state).toBe("ended");
      }
    });
  }

  it("is shown to the application as PeerLost", () => {
    const world = startWorld({ seed: "lost" });
    const { stream } = openOne(world);
    world.restart("b");
    world.wire.run(() => world.b.welcomed, 5000);
    const again = world.b.openStream(ID_A, REQUEST);
    serveUntil(world, world.a, () => again.connected);
    expect(stream.endReason).toBe(REASON.PeerLost);
  });
});

describe("reset and refusal", () => {
  it("carries a RESET with its reason, past what is missing", () => {
    const world = startWorld({ seed: "reset" });
    const { stream, peerStream } = openOne(world);
    world.lose = (_n, from) => from === ID_A;
    world.a.write(stream, pattern(4000));
    world.wire.pass(5);
    world.lose = () => false;
    world.a.reset(stream);
    world.wire.run(() => peerStream.state === "ended", 5000);
    expect(peerStream.endReason).toBe(REASON.Application);
    world.wire.run(() => stream.state === "ended", 5000);
    expect(stream.endReason).toBe(REASON.Application);
  });

  it("carries the target's reason before CONNECTED", () => {
    const world = startWorld({ seed: "target" });
    const stream = world.a.openStream(ID_B, REQUEST);
    world.wire.run(() => stream.state === "open", 5000);
    const opened = world.b.events.find((event) => event.type === "open");
    if (opened?.type !== "open") throw new Error("no stream");
    world.b.reset(opened.stream, REASON.TargetRefused);
    world.wire.run(() => stream.state === "ended", 5000);
    expect([stream.endReason, stream.connected]).toEqual([REASON.TargetRefused, false]);
  });

  it("refuses without a handshake what it has no room for", () => {
    const world = startWorld({ seed: "full", peer: { admit: () => REASON.TooManyStreams } });
    const stream = world.a.openStream(ID_B, REQUEST);
    world.wire.run(() => stream.state === "ended", 5000);
    expect(stream.endReason).toBe(REASON.TooManyStreams);
  });

  it("opens again while the other side's configuration is behind", () => {
    let refusals = 2;
    const admit = () => (refusals-- > 0 ? REASON.ConfigBehind : undefined);
    const world = startWorld({ seed: "behind", peer: { admit } });
    const stream = world.a.openStream(ID_B, REQUEST);
    serveUntil(world, world.b, () => stream.connected, 10_000);
    expect(stream.connected).toBe(true);
  });

  it("keeps OPENs back beyond maxPendingOpens, and survives the loss of any", () => {
    for (let lost = 0; lost < 20; lost++) {
      const settings = { maxPendingOpens: 1 + (lost % 4) };
      const world = startWorld({ seed: `pending ${lost}`, peer: { settings } });
      world.lose = (n) => n === lost;
      const streams = Array.from({ length: 9 }, () => world.a.openStream(ID_B, REQUEST));
      const all = () => streams.every((stream) => stream.connected);
      serveUntil(world, world.b, all, 60_000);
      expect(all(), `packet ${lost}`).toBe(true);
    }
  });

  it("ends every stream with GOODBYE", () => {
    const world = startWorld({ seed: "goodbye" });
    const { stream } = openOne(world);
    world.b.goodbye(ID_A, REASON.Stopping);
    world.wire.run(() => stream.state === "ended", 5000);
    expect(stream.endReason).toBe(REASON.Stopping);
  });
});

describe("flow", () => {
  it("moves many streams at once through small windows", () => {
    const settings = { windowBytes: 3000, maxInFlight: 4096, maxPendingOpens: 2 };
    const world = startWorld({ seed: "many", latencyMs: 5, peer: { settings, creditBytes: 1 } });
    world.lose = () => (world.random(1)[0] as number) < 5;
    const server = serve(world.b, pattern(9000, 9));
    const clients = [1, 2, 3, 4, 5, 6, 7, 8].map(
      (salt) => new Application(world.a, world.a.openStream(ID_B, REQUEST), pattern(9000, salt)),
    );
    const done = world.wire.run(() => {
      for (const client of clients) client.step();
      return server().filter((one) => one.done).length === 8 && clients.every((one) => one.done);
    }, 300_000);
    expect(done).toBe(true);
    for (const client of clients) {
      client.step();
      expect(toHex(client.bytes)).toBe(toHex(pattern(9000, 9)));
    }
  });

  it("waits for a reader without losing a byte or the stream", () => {
    const world = startWorld({ seed: "reader" });
    const { stream, peerStream } = openOne(world);
    let sent = 0;
    for (let i = 0; i < 20; i++) {
      sent += world.a.write(stream, pattern(4000).subarray(0, 4000));
      world.wire.pass(10_000);
    }
    expect(sent).toBe(16_384);
    expect(peerStream.receiver.buffered).toBe(8192);
    let got = 0;
    world.wire.run(() => {
      got += world.b.read(peerStream).length;
      return got === sent;
    }, 60_000);
    expect(got).toBe(sent);
  });
});

describe("violation", () => {
  const hello = {
    type: "HELLO",
    myLinkId: pattern(8, 7),
    yourLinkId: new Uint8Array(8),
    maxPacket: 2048,
    maxRecord: 1460,
    maxInFlight: 4096,
    maxPendingOpens: 1,
    load: 0,
    epoch: 0,
    serial: 0n,
  } as const;
  const cases: [string, LinkFrame][] = [
    ["an ACK above the next number", { type: "ACK", stream: 0, flags: 0, next: 99n, limit: 0n }],
    ["a HELLO out of range", { ...hello, maxPacket: 2047 }],
    ["a HELLO with a zero linkId", { ...hello, myLinkId: new Uint8Array(8) }],
    ["a HELLO with too small a maxInFlight", { ...hello, maxInFlight: 4095 }],
  ];
  for (const [title, frame] of cases) {
    it(`closes the link for ${title}`, () => {
      const world = startWorld({ seed: "violation" });
      const { stream, peerStream } = openOne(world);
      inject(world, world.b, frame);
      world.wire.run(() => stream.state === "ended" && peerStream.state === "ended", 5000);
      expect(stream.endReason).toBe(REASON.PeerViolation);
      expect(peerStream.endReason).toBe(REASON.PeerViolation);
      const again = world.a.openStream(ID_B, REQUEST);
      serveUntil(world, world.b, () => again.connected, 100_000);
      expect(again.connected).toBe(true);
    });
  }

  // Seals a frame as `from` would, and gives it to the other side.
  function inject(world: World, from: Peer, frame: LinkFrame): void {
    const packet = from.linkTo(ID_A).seal(encodeLinkFrame(frame), true);
    world.connector.mailbox(ID_A).queue.push({ from: ID_B, class: 0, packet, since: 0 });
  }
});

describe("datagrams", () => {
  it("go both ways on a channel, and what does not fit is refused", () => {
    const world = startWorld({ seed: "datagram" });
    const channel = world.a.openStream(ID_B, { ...REQUEST, kind: 2 });
    world.wire.run(() => channel.state === "open", 5000);
    expect(world.a.sendDatagram(channel, 7, pattern(1472))).toBe(true);
    expect(world.a.sendDatagram(channel, 7, pattern(1951))).toBe(false);
    const got = (peer: Peer) => peer.events.filter((event) => event.type === "datagram");
    world.wire.run(() => got(world.b).length === 1, 5000);
    const [first] = got(world.b);
    if (first?.type !== "datagram") throw new Error("no datagram");
    expect([first.flow, toHex(first.bytes)]).toEqual([7, toHex(pattern(1472))]);
    world.b.sendDatagram(first.stream, 7, pattern(10));
    world.wire.run(() => got(world.a).length === 1, 5000);
    expect(got(world.a).length).toBe(1);
  });
});

function openOne(world: World): { stream: Stream; peerStream: Stream } {
  const stream = world.a.openStream(ID_B, REQUEST);
  world.wire.run(() => {
    for (const event of world.b.events) {
      if (event.type === "open" && !event.stream.connected) world.b.connected(event.stream);
    }
    return stream.connected;
  }, 5000);
  const opened = world.b.events.find((event) => event.type === "open");
  if (opened?.type !== "open") throw new Error("no stream");
  return { stream, peerStream: opened.stream };
}

function serveUntil(world: World, peer: Peer, done: () => boolean, limitMs = 30_000): void {
  const server = serve(peer, pattern(10));
  world.wire.run(() => {
    server();
    return done();
  }, limitMs);
}
