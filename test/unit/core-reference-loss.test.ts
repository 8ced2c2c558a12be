// SPDX-License-Identifier: Apache-2.0
// The core and the reference repair together what the path does to them: any single packet lost, two
// in a row, at random; repeated and forged packets; hops that break and sides that restart after any
// packet; both beginning at once. PROTOCOL.md 5.2, 5.4, 5.5, 7.2, 7.3.

import { afterEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { equal, toHex } from "../reference/bytes.ts";
import { decodeLinkFrames } from "../reference/link-frames.ts";
import { ID_A, ID_B, pattern } from "../reference/world.ts";
import {
  App,
  CoreWorld,
  type CoreWorldOptions,
  exchange,
  type Kind,
  openStream,
  outcome,
  Server,
  whole,
} from "./core-world.ts";
import type { ReferenceStlink } from "./reference-ends.ts";

afterEach(() => watchSeals());

const up = pattern(6000, 1);
const down = pattern(5000, 2);

// a, b and who opens: the core in both roles on both sides of the order of ids.
const ROLES: [Kind, Kind, "a" | "b"][] = [
  ["core", "reference", "a"],
  ["core", "reference", "b"],
  ["reference", "core", "a"],
  ["reference", "core", "b"],
];

function newWorld(options: CoreWorldOptions): CoreWorld {
  return new CoreWorld({ latencyMs: 3, ...options }).start();
}

function packetsOf(options: CoreWorldOptions, opener: "a" | "b"): number {
  const world = newWorld(options);
  expect(outcome(exchange(world, up, down, opener))).toEqual(whole(up, down));
  return world.packets;
}

describe.each(ROLES)("A %s, B %s, opened by %s", (a, b, opener) => {
  // Of what happens after packet n, each opener takes every other n: both together have all.
  const odd = opener === "b" ? 1 : 0;

  it("survives the loss of any single packet", () => {
    const count = packetsOf({ seed: "single", a, b }, opener);
    expect(count).toBeGreaterThan(10);
    for (let n = 0; n < count; n++) {
      const world = newWorld({ seed: "single", a, b });
      world.lose = (packet) => packet === n;
      const done = outcome(exchange(world, up, down, opener));
      expect(done, `packet ${n}`).toEqual(whole(up, down));
    }
  });

  it("survives the loss of any two packets in a row", () => {
    const count = packetsOf({ seed: "double", a, b }, opener);
    for (let n = 0; n < count; n++) {
      const world = newWorld({ seed: "double", a, b });
      world.lose = (packet) => packet === n || packet === n + 1;
      const done = outcome(exchange(world, up, down, opener));
      expect(done, `packets ${n}, ${n + 1}`).toEqual(whole(up, down));
    }
  });

  it("loses no byte, whatever one packet in ten does", () => {
    for (const seed of ["r1", "r2", "r3", "r4", "r5", "r6"]) {
      const world = newWorld({ seed, a, b, latencyMs: 10 });
      world.lose = () => (world.random(1)[0] as number) < 25;
      const { client, server, finished } = exchange(world, up, down, opener, 600_000);
      const last = server.apps.at(-1);
      expect(finished, seed).toBe(true);
      expect(equal(client.bytes, down) && equal(last?.bytes ?? down, up), seed).toBe(true);
    }
  });

  it("takes every packet twice", () => {
    const world = newWorld({ seed: "twice", a, b });
    world.lose = (_n, from, packet) => {
      world.inject(equal(from, ID_A) ? ID_B : ID_A, from, packet);
      return false;
    };
    expect(outcome(exchange(world, up, down, opener))).toEqual(whole(up, down));
  });

  it("takes every packet again a little later, and in another order", () => {
    const world = newWorld({ seed: "again", a, b });
    const kept: { to: Uint8Array; from: Uint8Array; packet: Uint8Array }[] = [];
    world.lose = (n, from, packet) => {
      kept.push({ to: equal(from, ID_A) ? ID_B : ID_A, from, packet });
      if (n % 5 === 4)
        for (const one of kept.splice(0).reverse()) world.inject(one.to, one.from, one.packet);
      return false;
    };
    expect(outcome(exchange(world, up, down, opener))).toEqual(whole(up, down));
  });

  it("does not notice a forged packet behind each packet", () => {
    const world = newWorld({ seed: "forged", a, b });
    world.lose = (_n, from, packet) => {
      const forged = packet.slice();
      const at = (world.random(2)[0] as number) % forged.length;
      forged[at] = (forged[at] as number) ^ 0x10;
      const to = equal(from, ID_A) ? ID_B : ID_A;
      world.inject(to, from, packet);
      world.inject(to, from, forged);
      return true;
    };
    expect(outcome(exchange(world, up, down, opener))).toEqual(whole(up, down));
  });

  it("goes on when a hop breaks after any packet", () => {
    for (const who of ["a", "b"] as const) {
      for (let cut = odd; cut < 30; cut += 2) {
        const world = newWorld({ seed: `cut ${cut}`, a, b });
        const { due, step } = onPacket(world, cut, () => {
          world.hangUp(world[who]);
          world.dial(world[who]);
        });
        const done = exchangeWith(world, opener, step);
        expect(outcome(done), `${who}, packet ${cut}, ${due()}`).toEqual(whole(up, down));
      }
    }
  });

  it("ends old streams and lets new ones through when a side restarts after any packet", () => {
    for (const who of ["a", "b"] as const) {
      for (let at = odd; at < 30; at += 2) {
        const world = newWorld({ seed: `restart ${at}`, a, b });
        const { due, step } = onPacket(world, at, () => undefined);
        const server = new Server(world[opener === "a" ? "b" : "a"], down);
        const first = new App(openStream(world, opener), up);
        world.wire.run(() => {
          step();
          server.step();
          return first.step() || due();
        }, 60_000);
        const wasOpen = first.pipe.connected && !first.pipe.ended;
        world.restart(who);
        const back = world.wire.run(() => world[who].welcomed, 10_000);
        expect(back, `${who}, packet ${at}: hop`).toBe(true);
        const next = exchange(world, up, down, opener, 180_000);
        expect(outcome(next), `${who}, packet ${at}`).toEqual(whole(up, down));
        if (who === opener || !wasOpen) continue;
        first.step();
        const arrived = equal(first.bytes, down) && equal(server.apps[0]?.bytes ?? down, up);
        const reasons = arrived ? [0, 8] : [8];
        expect(first.pipe.ended, `${who}, ${at}`).toBe(true);
        expect(reasons, `${who}, ${at}`).toContain(first.pipe.reason);
      }
    }
  });
});

it("a core has another linkId after each restart, though its links come before its entropy", () => {
  const world = newWorld({ seed: "lives", a: "core", b: "reference" });
  const link = (world.b as ReferenceStlink).peer.linkTo(ID_A);
  const receive = link.receive.bind(link);
  const linkIds = new Set<string>();
  link.receive = (packet) => {
    const opened = receive(packet);
    const [first] = opened ? decodeLinkFrames(opened.frames) : [];
    if (first?.type === "HELLO") linkIds.add(toHex(first.myLinkId));
    return opened;
  };
  for (const life of [1, 2, 3]) {
    expect(outcome(exchange(world, up, down))).toEqual(whole(up, down));
    expect(linkIds.size).toBe(life);
    world.restart("a");
    world.wire.run(() => world.a.welcomed, 10_000);
  }
});

describe("glare", () => {
  for (const [a, b] of [
    ["core", "reference"],
    ["reference", "core"],
    ["core", "core"],
  ] as const) {
    it(`settles between A ${a} and B ${b}, whatever is lost`, () => {
      for (let lost = -1; lost < 14; lost++) {
        const world = newWorld({ seed: `glare ${lost}`, a, b });
        world.lose = (n) => n === lost;
        const servers = [new Server(world.a, down), new Server(world.b, down)];
        const clients = [new App(openStream(world, "a"), up), new App(openStream(world, "b"), up)];
        const done = world.wire.run(() => {
          for (const server of servers) server.step();
          return clients.map((client) => client.step()).every((ended) => ended);
        }, 120_000);
        for (const client of clients) client.step();
        expect(done, `packet ${lost}`).toBe(true);
        expect(clients.every((one) => one.pipe.reason === 0 && equal(one.bytes, down))).toBe(true);
      }
    });
  }
});

describe.each(ROLES)("time: A %s, B %s, opened by %s", (a, b, opener) => {
  it("holds a stream for the hold time and no longer", () => {
    const world = newWorld({ seed: "hold", a, b });
    const other = world[opener === "a" ? "b" : "a"];
    const mine = openStream(world, opener);
    world.wire.run(() => {
      for (const pipe of other.offered) if (!pipe.connected) pipe.accept();
      return mine.connected;
    }, 5000);
    const theirs = other.offered[0];
    world.hangUp(other);
    world.wire.pass(100_000);
    world.dial(other);
    world.wire.pass(5000);
    expect([mine.ended, theirs?.ended]).toEqual([false, false]);
    world.hangUp(other);
    world.wire.pass(125_000);
    expect([mine.ended, mine.reason]).toEqual([true, 9]);
    world.dial(other);
    world.wire.pass(60_000);
    expect(theirs?.ended).toBe(true);
  });

  it("opens again while the other side's configuration is behind", () => {
    let refusals = 2;
    const admit = () => (refusals-- > 0 ? 6 : undefined);
    const world = newWorld({ seed: "behind", a, b, peer: { admit } });
    expect(outcome(exchange(world, up, down, opener))).toEqual(whole(up, down));
  });

  it("ends every stream with GOODBYE, whoever says it", () => {
    const world = newWorld({ seed: "goodbye", a, b });
    const first = openStream(world, opener);
    const second = openStream(world, opener);
    const other = world[opener === "a" ? "b" : "a"];
    world.wire.run(() => {
      for (const pipe of other.offered) if (!pipe.connected) pipe.accept();
      return first.connected && second.connected;
    }, 5000);
    const [core, reference] = a === "core" ? [world.a, world.b] : [world.b, world.a];
    sayGoodbye(core, reference);
    world.wire.run(
      () => first.ended && second.ended && other.offered.every((one) => one.ended),
      5000,
    );
    expect([first.reason, second.reason, ...other.offered.map((one) => one.reason)]).toEqual([
      16, 16, 16, 16,
    ]);
  });
});

function sayGoodbye(core: unknown, reference: CoreWorld["a"]): void {
  const { core: instance, link } = core as import("./core-ends.ts").CoreStlink;
  expect(instance.engine.call("link_goodbye", link.call(core, reference.id), 16)).toBe(0);
}

// Runs `act` once packet `n` has passed; `step` belongs into the run's condition.
function onPacket(world: CoreWorld, n: number, act: () => void) {
  let seen = false;
  let acted = false;
  world.lose = (packet) => {
    seen ||= packet === n;
    return false;
  };
  const step = () => {
    if (!seen || acted) return;
    acted = true;
    act();
  };
  return { due: () => seen, step };
}

function exchangeWith(world: CoreWorld, opener: "a" | "b", step: () => void) {
  const run = world.wire.run.bind(world.wire);
  world.wire.run = (done, limitMs) =>
    run(() => {
      step();
      return done();
    }, limitMs);
  return exchange(world, up, down, opener);
}
