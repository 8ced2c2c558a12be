// SPDX-License-Identifier: Apache-2.0
// The core talks to the reference, in both roles of every layer: STLink and Connector, initiator and
// responder, opener and accepter; whole, in random splits, byte by byte; on V8 and under wasm3.
// PROTOCOL.md sections 4 to 8. Losses and restarts: core-reference-loss.test.ts.

import { afterEach, describe, expect, it } from "vitest";
import { DEVICE_SIZES, type Sizes } from "../../host/core/core.ts";
import { watchSeals } from "../reference/aead.ts";
import { toHex } from "../reference/bytes.ts";
import type { Cut } from "../reference/wire.ts";
import { ID_A, ID_B, pattern } from "../reference/world.ts";
import { TEST_ENGINES } from "../vectors/engines.ts";
import { CoreStlink, TEST_SIZES } from "./core-ends.ts";
import {
  App,
  CoreWorld,
  type CoreWorldOptions,
  digest,
  exchange,
  type Kind,
  openStream,
  outcome,
  Server,
  whole,
} from "./core-world.ts";
import { ReferenceStlink } from "./reference-ends.ts";

afterEach(() => watchSeals());

const NONE = new Uint8Array(0);

// a, b, relay: every place where core meets reference, and the core alone as a check on both.
const PARTIES: [Kind, Kind, Kind][] = [
  ["core", "reference", "reference"],
  ["reference", "core", "reference"],
  ["reference", "reference", "core"],
  ["core", "reference", "core"],
  ["core", "core", "reference"],
];
const CUTS: Cut[] = ["whole", "random", "byte"];

/** Packets and records as large as they can be. */
const WIDE_SIZES: Sizes = {
  ...TEST_SIZES,
  maxPacketBytes: 65_000,
  maxRecordBytes: 64_000,
  windowBytes: 262_144,
  blockBytes: 4096,
  hopBufferBytes: 131_072,
  hopCreditBytes: 262_144,
};
const WIDE_PEER = {
  maxPacket: 65_000,
  maxRecord: 64_000,
  maxInFlight: 150_000,
  windowBytes: 200_000,
};

function title(a: Kind, b: Kind, relay: Kind): string {
  return `A ${a}, B ${b}, Connector ${relay}`;
}

describe.each(PARTIES)("transfer: A %s, B %s, Connector %s", (a, b, relay) => {
  const up = pattern(20_000, 0x5a);
  const down = pattern(15_000, 0xa5);
  for (const cut of CUTS) {
    for (const opener of ["a", "b"] as const) {
      it(`carries both directions, ${cut}, opened by ${opener}`, () => {
        const world = new CoreWorld({ seed: `${a}${b}${cut}`, a, b, relay, cut }).start();
        expect(outcome(exchange(world, up, down, opener))).toEqual(whole(up, down));
      });
    }
  }

  it("carries an empty stream: FIN alone", () => {
    const world = new CoreWorld({ seed: "empty", a, b, relay }).start();
    expect(outcome(exchange(world, NONE, NONE))).toEqual(whole(NONE, NONE));
  });

  it("carries bytes in one direction alone", () => {
    const world = new CoreWorld({ seed: "oneway", a, b, relay }).start();
    expect(outcome(exchange(world, up, NONE))).toEqual(whole(up, NONE));
    expect(outcome(exchange(world, NONE, down, "b"))).toEqual(whole(NONE, down));
  });

  it("opens streams from the side that answered the handshake", () => {
    const world = new CoreWorld({ seed: "sides", a, b, relay }).start();
    for (const opener of ["a", "b", "a", "b"] as const) {
      expect(outcome(exchange(world, up, down, opener))).toEqual(whole(up, down));
    }
  });

  it("works at 100 ms", () => {
    const world = new CoreWorld({ seed: "slow", a, b, relay, latencyMs: 25 }).start();
    expect(outcome(exchange(world, up, down))).toEqual(whole(up, down));
  });

  it("works without pre-shared keys", () => {
    const world = new CoreWorld({ seed: "nopsk", a, b, relay, noPsk: true }).start();
    expect(outcome(exchange(world, up, down))).toEqual(whole(up, down));
  });
});

// The coverage build runs on V8 alone: its counters are imports.
describe.each(TEST_ENGINES.includes("wasm3") ? PARTIES : [])(
  "wasm3: A %s, B %s, Connector %s",
  (a, b, relay) => {
    const up = pattern(6000, 1);
    const down = pattern(5000, 2);
    for (const cut of CUTS) {
      it(`carries both directions, ${cut}`, () => {
        const world = new CoreWorld({
          seed: `m3${cut}`,
          a,
          b,
          relay,
          cut,
          engine: "wasm3",
        }).start();
        expect(outcome(exchange(world, up, down))).toEqual(whole(up, down));
        expect(outcome(exchange(world, up, down, "b"))).toEqual(whole(up, down));
      });
    }
  },
);

describe("sizes", () => {
  const cases: [string, Partial<CoreWorldOptions>, number][] = [
    ["a device's", { sizes: DEVICE_SIZES }, 30_000],
    ["the widest packets", { sizes: WIDE_SIZES, peer: { settings: WIDE_PEER } }, 500_000],
    ["wide at the core alone", { sizes: WIDE_SIZES }, 100_000],
    ["wide at the reference alone", { peer: { settings: WIDE_PEER } }, 100_000],
    ["credit for one packet", { peer: { creditBytes: 1 } }, 30_000],
    ["a window of two records", { peer: { settings: { windowBytes: 3000 } } }, 30_000],
    ["in flight two packets", { peer: { settings: { maxInFlight: 4096 } } }, 30_000],
    ["the smallest records", { peer: { settings: { maxRecord: 512 } } }, 30_000],
  ];
  for (const [name, options, length] of cases) {
    for (const opener of ["a", "b"] as const) {
      it(`work: ${name}, opened by ${opener}`, () => {
        const up = pattern(length, 3);
        const down = pattern(length, 4);
        const base = { seed: name, a: "core", b: "reference" } as const;
        const world = new CoreWorld({ ...base, latencyMs: 5, ...options }).start();
        expect(outcome(exchange(world, up, down, opener))).toEqual(whole(up, down));
      });
    }
  }
});

describe.each(PARTIES)("streams: A %s, B %s, Connector %s", (a, b, relay) => {
  it("run side by side in both directions", () => {
    const world = new CoreWorld({ seed: "many", a, b, relay, latencyMs: 3 }).start();
    const servers = [new Server(world.a, pattern(9000, 9)), new Server(world.b, pattern(9000, 9))];
    const clients = [1, 2, 3, 4, 5, 6].map(
      (salt) => new App(openStream(world, salt % 2 ? "a" : "b"), pattern(9000, salt)),
    );
    const done = world.wire.run(() => {
      for (const server of servers) server.step();
      return clients.map((client) => client.step()).every((ended) => ended);
    }, 60_000);
    expect(done).toBe(true);
    for (const client of clients) {
      client.step();
      expect([client.pipe.reason, digest(client.bytes)]).toEqual([0, digest(pattern(9000, 9))]);
    }
  });

  it("wait for a reader without losing a byte or the stream", () => {
    const world = new CoreWorld({ seed: "reader", a, b, relay }).start();
    for (const opener of ["a", "b"] as const) {
      const { mine, theirs } = connected(world, opener);
      let sent = 0;
      for (let i = 0; i < 20; i++) {
        sent += mine.write(pattern(4000));
        world.wire.pass(10_000);
      }
      const got: Uint8Array[] = [];
      const all = () => got.reduce((sum, part) => sum + part.length, 0) === sent;
      world.wire.run(() => {
        got.push(theirs.read());
        return all();
      }, 60_000);
      expect([all(), mine.ended, theirs.ended]).toEqual([true, false, false]);
      mine.reset(12);
      world.wire.run(() => mine.ended && theirs.ended, 10_000);
      expect([mine.reason, theirs.reason]).toEqual([12, 12]);
    }
  });

  it("carry the half-close: bytes flow back long after FIN", () => {
    const world = new CoreWorld({ seed: "half", a, b, relay }).start();
    for (const opener of ["a", "b"] as const) {
      const { mine, theirs } = connected(world, opener);
      expect(mine.fin()).toBe(true);
      world.wire.pass(60_000);
      expect([mine.ended, theirs.ended]).toEqual([false, false]);
      theirs.write(pattern(100));
      const got: Uint8Array[] = [];
      world.wire.run(() => got.push(mine.read()) > 0 && Buffer.concat(got).length === 100, 5000);
      expect(toHex(Buffer.concat(got))).toBe(toHex(pattern(100)));
      theirs.fin();
      world.wire.run(() => mine.ended && theirs.ended, 5000);
      expect([mine.reason, theirs.reason]).toEqual([0, 0]);
    }
  });

  it("carry RESET with its reason, from either side, and past what is missing", () => {
    const world = new CoreWorld({ seed: "reset", a, b, relay }).start();
    for (const opener of ["a", "b"] as const) {
      for (const who of ["mine", "theirs"] as const) {
        const pair = connected(world, opener);
        const other = who === "mine" ? pair.theirs : pair.mine;
        const from = (opener === "a") === (who === "mine") ? ID_A : ID_B;
        world.lose = (_n, sender) => toHex(sender) === toHex(from);
        pair[who].write(pattern(3000));
        world.wire.pass(5);
        world.lose = () => false;
        pair[who].reset(12);
        world.wire.run(() => pair.mine.ended && pair.theirs.ended, 30_000);
        expect([pair.mine.reason, pair.theirs.reason]).toEqual([12, 12]);
        expect(toHex(other.read()).length).toBeLessThanOrEqual(6000);
      }
    }
  });

  it("carry the target's reason before CONNECTED", () => {
    const world = new CoreWorld({ seed: "target", a, b, relay }).start();
    for (const opener of ["a", "b"] as const) {
      const other = world[opener === "a" ? "b" : "a"];
      const before = other.offered.length;
      const stream = openStream(world, opener);
      world.wire.run(() => other.offered.length > before, 5000);
      other.offered.at(-1)?.reset(2);
      world.wire.run(() => stream.ended, 5000);
      expect([stream.reason, stream.connected]).toEqual([2, false]);
    }
  });

  it("leave the others alone when one is given up before it has a number", () => {
    for (const opener of ["a", "b"] as const) {
      const world = new CoreWorld({ seed: "early", a, b, relay }).start();
      const { mine, theirs } = connected(world, opener);
      const early = [openStream(world, "a"), openStream(world, "b")];
      for (const one of early) one.reset(12);
      const server = new App(theirs, pattern(3000, 1));
      const client = new App(mine, pattern(3000, 2));
      world.wire.run(() => [server.step(), client.step()].every((ended) => ended), 10_000);
      expect([mine.reason, theirs.reason]).toEqual([0, 0]);
      expect(digest(client.bytes)).toBe(digest(pattern(3000, 1)));
      expect(early.every((one) => one.ended && one.reason === 12)).toBe(true);
    }
  });

  it("carry datagrams both ways on a channel", () => {
    const world = new CoreWorld({ seed: "datagrams", a, b, relay }).start();
    for (const opener of ["a", "b"] as const) {
      const other = world[opener === "a" ? "b" : "a"];
      const before = other.offered.length;
      const channel = openStream(world, opener, 2);
      world.wire.run(() => other.offered.length > before && channel.connected, 5000);
      const peer = other.offered.at(-1);
      if (!peer) throw new Error("no channel");
      peer.accept();
      for (const [from, to, length] of [
        [channel, peer, 1],
        [channel, peer, 1472],
        [peer, channel, 0],
        [peer, channel, 1000],
      ] as const) {
        expect(from.sendDatagram(7, pattern(length))).toBe(true);
        let got = to.readDatagram();
        world.wire.run(() => {
          got ??= to.readDatagram();
          return got !== null;
        }, 1000);
        expect([got?.flow, digest(got?.bytes ?? pattern(9))]).toEqual([7, digest(pattern(length))]);
      }
      expect(channel.sendDatagram(7, pattern(60_000))).toBe(false);
      channel.reset(12);
      world.wire.run(() => peer.ended && channel.ended, 5000);
      expect([peer.ended, channel.ended]).toEqual([true, true]);
    }
  });
});

describe("clock", () => {
  const up = pattern(8000, 1);
  const down = pattern(8000, 2);
  for (const now of [2 ** 31 - 1500, 2 ** 32 - 1500]) {
    it(`wraps at ${now + 1500} in a transfer with losses`, () => {
      const world = new CoreWorld({ seed: "wrap", a: "core", b: "reference", now, latencyMs: 20 });
      world.start();
      world.lose = (n) => n % 9 === 3 && n < 40;
      expect(outcome(exchange(world, up, down))).toEqual(whole(up, down));
      const more = exchange(world, up, down, "b");
      expect(outcome(more)).toEqual(whole(up, down));
      world.wire.pass(10_000);
      expect(world.a.welcomed && world.b.welcomed).toBe(true);
    });
  }
});

describe.each(PARTIES)("idle: A %s, B %s, Connector %s", (a, b, relay) => {
  it("a stream lives on by PROBE and PONG, hops by PING and PONG", () => {
    const world = new CoreWorld({ seed: "idle", a, b, relay }).start();
    const { mine, theirs } = connected(world, "a");
    world.wire.pass(20 * 60_000);
    expect([mine.ended, theirs.ended]).toEqual([false, false]);
    mine.write(pattern(10));
    let got: Uint8Array = NONE;
    world.wire.run(() => {
      got = Buffer.concat([got, theirs.read()]);
      return got.length === 10;
    }, 2000);
    expect(toHex(got)).toBe(toHex(pattern(10)));
    expect(world.a.welcomed && world.b.welcomed).toBe(true);
  });

  it("a link without streams makes a new session after three hours", () => {
    const world = new CoreWorld({ seed: "hours", a, b, relay }).start();
    const up = pattern(3000, 1);
    expect(outcome(exchange(world, up, up))).toEqual(whole(up, up));
    world.wire.pass(3 * 3_600_000);
    expect(world.a.welcomed && world.b.welcomed).toBe(true);
    expect(outcome(exchange(world, up, up, "b"))).toEqual(whole(up, up));
  });
});

describe.each(PARTIES)("rekeying: A %s, B %s, Connector %s", (a, b, relay) => {
  it("renews hops, link and stream keys by age while a stream is used", () => {
    const world = new CoreWorld({ seed: "age", a, b, relay }).start();
    const { mine, theirs } = connected(world, "a");
    const packets = { [toHex(ID_A)]: 0, [toHex(ID_B)]: 0 };
    world.lose = (_n, from, packet) => {
      if (packet[0] === 0x11) packets[toHex(from)] = (packets[toHex(from)] ?? 0) + 1;
      return false;
    };
    const got: Uint8Array[] = [];
    const back: Uint8Array[] = [];
    for (let minute = 0; minute < 125; minute++) {
      mine.write(pattern(100, minute));
      theirs.write(pattern(50, minute));
      world.wire.pass(60_000);
      got.push(theirs.read());
      back.push(mine.read());
    }
    const wanted = (length: number) =>
      digest(Buffer.concat(Array.from({ length: 125 }, (_, minute) => pattern(length, minute))));
    expect([mine.ended, theirs.ended]).toEqual([false, false]);
    expect([digest(Buffer.concat(got)), digest(Buffer.concat(back))]).toEqual([
      wanted(100),
      wanted(50),
    ]);
    expect(world.a.welcomed && world.b.welcomed).toBe(true);
    // The lower id renews at 50 and at 100 minutes; the other never has to.
    expect(packets).toEqual({ [toHex(ID_A)]: 2, [toHex(ID_B)]: 0 });
    const last = exchange(world, pattern(5000, 1), pattern(5000, 2), "b");
    expect(outcome(last)).toEqual(whole(pattern(5000, 1), pattern(5000, 2)));
  });
});

describe("rekeying by count", () => {
  it("takes KEY_UPDATE and new sessions of link and hop from the reference at any time", () => {
    for (const opener of ["a", "b"] as const) {
      for (const [a, b] of [
        ["core", "reference"],
        ["reference", "core"],
      ] as const) {
        const world = new CoreWorld({
          seed: `count ${opener}`,
          a,
          b,
          latencyMs: 5,
          peer: {
            settings: { updateRule: { records: 5, ms: 1e9 } },
            linkTimes: { renewPackets: 15 },
            hopAges: { rekeyRecords: 20 },
          },
        }).start();
        const up = pattern(60_000, 3);
        const down = pattern(50_000, 4);
        expect(outcome(exchange(world, up, down, opener)), title(a, b, "reference")).toEqual(
          whole(up, down),
        );
      }
    }
  });
});

describe("kinds of end", () => {
  it("are what the options say", () => {
    const world = new CoreWorld({ seed: "kinds", a: "core", b: "reference" });
    expect(world.a).toBeInstanceOf(CoreStlink);
    expect(world.b).toBeInstanceOf(ReferenceStlink);
  });
});

function connected(world: CoreWorld, opener: "a" | "b") {
  const other = world[opener === "a" ? "b" : "a"];
  const before = other.offered.length;
  const mine = openStream(world, opener);
  world.wire.run(() => {
    if (other.offered.length > before && !other.offered.at(-1)?.connected) {
      other.offered.at(-1)?.accept();
    }
    return mine.connected;
  }, 10_000);
  const theirs = other.offered.at(-1);
  if (!theirs || !mine.connected) throw new Error("not connected");
  return { mine, theirs };
}
