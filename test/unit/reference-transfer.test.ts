// SPDX-License-Identifier: Apache-2.0
// The reference talks to the reference through its Connector: whole, in random splits, byte by
// byte; with each single packet lost; over rekeying; and no key ever seals twice under one counter
// (D6). PROTOCOL.md sections 4 to 7.

import { afterEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { toHex } from "../reference/bytes.ts";
import {
  type Application,
  exchange,
  ID_A,
  ID_B,
  type Outcome,
  pattern,
  REQUEST,
  serve,
  startWorld,
  type WorldOptions,
} from "../reference/world.ts";

function expectWhole({ finished, client, served }: Outcome, up: Uint8Array, down: Uint8Array) {
  expect(finished).toBe(true);
  const last = served.at(-1) as Application;
  expect([client.stream.endReason, last.stream.endReason]).toEqual([0, 0]);
  expect(toHex(last.bytes)).toBe(toHex(up));
  expect(toHex(client.bytes)).toBe(toHex(down));
}

afterEach(() => watchSeals());

describe("transfer", () => {
  const up = pattern(40_000, 0x5a);
  const down = pattern(30_000, 0xa5);
  const worlds: [string, WorldOptions][] = [
    ["whole", { seed: "whole" }],
    ["in random splits", { seed: "random", cut: "random" }],
    ["byte by byte", { seed: "byte", cut: "byte" }],
    ["at 100 ms", { seed: "slow", latencyMs: 25 }],
    ["with credit for one packet", { seed: "credit", peer: { creditBytes: 1 } }],
  ];
  for (const [name, options] of worlds) {
    for (const opener of ["a", "b"] as const) {
      it(`carries both directions ${name}, opened by ${opener}`, () => {
        const world = startWorld(options);
        expectWhole(exchange(world, up, down, opener), up, down);
      });
    }
  }

  it("carries an empty stream: FIN alone", () => {
    const world = startWorld({ seed: "empty" });
    const none = new Uint8Array(0);
    expectWhole(exchange(world, none, none), none, none);
  });
});

describe("loss", () => {
  const up = pattern(6000, 1);
  const down = pattern(5000, 2);

  function packetsOf(seed: string): number {
    const world = startWorld({ seed });
    expectWhole(exchange(world, up, down), up, down);
    return world.packets;
  }

  it("survives the loss of any single packet", () => {
    const count = packetsOf("single");
    expect(count).toBeGreaterThan(10);
    for (let n = 0; n < count; n++) {
      const world = startWorld({ seed: "single" });
      world.lose = (packet) => packet === n;
      const outcome = exchange(world, up, down);
      expect(outcome.finished, `packet ${n}`).toBe(true);
      expectWhole(outcome, up, down);
    }
  });

  it("survives the loss of any two packets in a row", () => {
    const count = packetsOf("double");
    for (let n = 0; n < count; n++) {
      const world = startWorld({ seed: "double" });
      world.lose = (packet) => packet === n || packet === n + 1;
      const outcome = exchange(world, up, down);
      expect(outcome.finished, `packets ${n}, ${n + 1}`).toBe(true);
      expectWhole(outcome, up, down);
    }
  });

  it("survives one packet in five, at random", () => {
    for (const seed of ["r1", "r2", "r3", "r4", "r5"]) {
      const world = startWorld({ seed, latencyMs: 10 });
      world.lose = () => (world.random(1)[0] as number) < 51;
      const outcome = exchange(world, up, down, "a", 600_000);
      expect(outcome.finished, seed).toBe(true);
      expectWhole(outcome, up, down);
    }
  });

  it("survives every packet twice", () => {
    const world = startWorld({ seed: "twice" });
    world.lose = (_n, from, packet) => {
      const to = from === ID_A ? ID_B : ID_A;
      world.connector.mailbox(to).queue.push({ from, class: 0, packet, since: 0 });
      return false;
    };
    expectWhole(exchange(world, up, down), up, down);
  });

  it("does not notice a forged packet after each packet", () => {
    const world = startWorld({ seed: "forged" });
    world.lose = (_n, from, packet) => {
      const forged = packet.slice();
      const last = forged.length - 1;
      forged[last] = (forged[last] as number) ^ 0x80;
      const to = from === ID_A ? ID_B : ID_A;
      world.connector.mailbox(to).queue.push({ from, class: 0, packet: forged, since: 0 });
      return false;
    };
    expectWhole(exchange(world, up, down), up, down);
  });
});

describe("rekeying", () => {
  it("renews hop, link and stream keys in the middle of a transfer", () => {
    const world = startWorld({
      seed: "rekey",
      latencyMs: 5,
      peer: {
        settings: { updateRule: { records: 5, ms: 1e9 } },
        linkTimes: { renewPackets: 15 },
        hopAges: { rekeyRecords: 20 },
      },
    });
    const up = pattern(60_000, 3);
    const down = pattern(50_000, 4);
    expectWhole(exchange(world, up, down), up, down);
    expect(world.a.closed || world.b.closed).toBe(false);
  });

  it("renews by age while a stream stays open", () => {
    const world = startWorld({ seed: "age" });
    const server = serve(world.b, pattern(100));
    const stream = world.a.openStream(ID_B, REQUEST);
    world.wire.run(() => {
      server();
      return stream.connected;
    }, 5000);
    const first = world.a.linkTo(ID_B).current;
    for (let minute = 0; minute < 130; minute++) {
      world.wire.pass(60_000);
      world.a.write(stream, pattern(10));
    }
    expect(stream.state).toBe("open");
    expect(world.a.linkTo(ID_B).current).not.toBe(first);
    expect(world.a.welcomed && world.b.welcomed).toBe(true);
  });
});
