// SPDX-License-Identifier: Apache-2.0
// Test 5 of the rules: messages 1, 2 and 3 of a link lost, doubled, replayed an hour later and a
// thousand times; both sides beginning at once, at every offset. Rules S5 to S9, PROTOCOL 5.2.

import type { Delivery, SeenPacket } from "../../../host/net/sim/connector.ts";
import { SimFailure } from "../failure.ts";
import { PACKET } from "../packets.ts";
import { type Context, inWorld, type Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

const DONE_MS = 300_000;
const HOUR_MS = 3_600_000;
const MESSAGES = [PACKET.Message1, PACKET.Message2, PACKET.Message3];
/** Handshakes that a peer may cause in a minute: one in 5 s and a burst (S9); more is a flood. */
const REPLAYS = 1000;

const once = (bytes: Uint8Array): Delivery[] => [{ bytes, delayMs: 0 }];

/** Transfers both ways. */
function talk(world: World): void {
  world.flow({ upBytes: 1500, downBytes: 1500 });
  world.flow({ opener: "B", accepter: "A", upBytes: 1500, downBytes: 1500 });
}

function finish(world: World): void {
  world.finish(DONE_MS);
  world.expectEnds();
}

/** Cases: which message (three), what happens (lost 1, 2, 5 times; doubled; late twins). */
const LOSSES = [1, 2, 5];
const TWINS = [0, 1, 15, 300, 2500];

const handshakeLost: Scenario = {
  name: "handshake-lost",
  about: "message 1, 2 or 3 lost once, twice, five times",
  cases: () => MESSAGES.length * LOSSES.length,
  run: (seed, context) => {
    const type = MESSAGES[seed % MESSAGES.length];
    let left = LOSSES[Math.floor(seed / MESSAGES.length)] as number;
    meddled(context, "handshake-lost", ({ bytes }) =>
      bytes[0] === type && left-- > 0 ? [] : once(bytes),
    );
  },
};

const handshakeTwice: Scenario = {
  name: "handshake-twice",
  about: "message 1, 2 or 3 comes twice, the second time at once or later",
  cases: () => MESSAGES.length * TWINS.length,
  run: (seed, context) => {
    const type = MESSAGES[seed % MESSAGES.length];
    const delayMs = TWINS[Math.floor(seed / MESSAGES.length)] as number;
    meddled(context, "handshake-twice", ({ bytes }) =>
      bytes[0] === type ? [...once(bytes), { bytes, delayMs, class: 0 }] : once(bytes),
    );
  },
};

function meddled(context: Context, name: string, meddle: (packet: SeenPacket) => Delivery[]): void {
  inWorld(context, { seed: name }, (world) => {
    world.meddle(meddle);
    talk(world);
    finish(world);
    world.settle();
  });
}

/** Keeps the first of each message, to say it again later. */
function recording(world: World): SeenPacket[] {
  const kept: SeenPacket[] = [];
  world.meddle((packet) => {
    if (packet.bytes[0] !== PACKET.Data) kept.push(packet);
    return once(packet.bytes);
  });
  return kept;
}

function replay(world: World, packets: SeenPacket[]): void {
  for (const { from, to, bytes } of packets) world.connector().inject(from, to, bytes);
}

const handshakeReplayed: Scenario = {
  name: "handshake-replayed",
  about: "all handshake packets replayed an hour later, before, in and after a transfer",
  cases: () => 3,
  run: (seed, context) => {
    inWorld(context, { seed: `handshake-replayed ${seed}` }, (world) => {
      const kept = recording(world);
      talk(world);
      finish(world);
      world.run(HOUR_MS);
      const again = [...kept];
      if (seed === 0) replay(world, again);
      talk(world);
      if (seed === 1) world.clock.after(30, () => replay(world, again));
      finish(world);
      if (seed === 2) replay(world, again);
      world.run(60_000);
      talk(world);
      finish(world);
      world.settle();
    });
  },
};

const handshakeFlood: Scenario = {
  name: "handshake-flood",
  about: "message 1, 2 or 3 replayed 1,000 times while a transfer runs: it goes on",
  cases: () => MESSAGES.length,
  run: (seed, context) => {
    const type = MESSAGES[seed % MESSAGES.length];
    inWorld(context, { seed: `handshake-flood ${seed}` }, (world) => {
      const kept = recording(world);
      talk(world);
      finish(world);
      world.run(HOUR_MS / 60);
      const flood = kept.filter(({ bytes }) => bytes[0] === type);
      const [packet] = flood;
      if (packet === undefined) throw new SimFailure(`no packet of type ${type} was seen`);
      for (let i = 0; i < REPLAYS; i++) {
        world.clock.after(i * 3, () => replay(world, [packet]));
      }
      world.flow({ upBytes: 60_000, downBytes: 60_000, writePauseMs: 10 });
      const before = world.clock.nowMs;
      finish(world);
      const took = world.clock.nowMs - before;
      if (took > FLOOD_MS) throw new SimFailure(`the transfer took ${took} ms under the flood`);
      world.settle();
    });
  },
};

/** 60,000 bytes with a rest of 10 ms after each 700, and a margin. */
const FLOOD_MS = 8000;

const GLARE_OFFSETS = 90;

export const glare: Scenario = {
  name: "glare",
  about:
    "both sides begin a handshake, one n ms after the other, for the first and the next session",
  cases: () => 2 * GLARE_OFFSETS,
  run: (seed, context) => {
    const [first, second] = seed < GLARE_OFFSETS ? ["A", "B"] : ["B", "A"];
    const offset = seed % GLARE_OFFSETS;
    inWorld(context, { seed: "glare" }, (world) => {
      world.run(2000);
      begin(world, first as string, offset, second as string);
      world.run(offset + 1);
      finish(world);
      // The same with a session that is in use.
      world.stlink(first as string).rekey(second as string);
      world.clock.after(offset, () => world.stlink(second as string).rekey(first as string));
      talk(world);
      finish(world);
      world.settle();
    });
  },
};

function begin(world: World, first: string, offset: number, second: string): void {
  world.flow({ opener: first, accepter: second, upBytes: 900, downBytes: 900 });
  world.clock.after(offset, () => {
    world.flow({ opener: second, accepter: first, upBytes: 900, downBytes: 900 });
  });
}

/** Where all handshake slots are few: OPENs of both sides at once, and a third. */
export const slots: Scenario = {
  name: "slots",
  about: "two or three STLinks with one or two handshake slots open streams to each other at once",
  cases: () => 12,
  run: (seed, context) => {
    const handshakes = 1 + (seed % 2);
    const names = seed % 4 < 2 ? ["A", "B"] : ["A", "B", "D"];
    const sizes = { handshakes, pendingOpens: 1 + (Math.floor(seed / 4) % 3) };
    inWorld(context, { seed: `slots ${seed}`, sizes, stlinks: names }, (world) => {
      world.run(1000);
      for (const opener of names) {
        for (const accepter of names.filter((name) => name !== opener)) {
          for (let i = 0; i < 2; i++)
            world.flow({ opener, accepter, upBytes: 900, downBytes: 900 });
        }
      }
      finish(world);
      world.settle();
    });
  },
};

/** One slot, and the hop breaks while OPENs and ACCEPTs wait in it. */
const slotsHops: Scenario = {
  name: "slots-hops",
  about: "one or two handshake slots, and A's, then B's hop breaks n ms after streams were opened",
  cases: () => 60,
  run: (seed, context) => {
    const sizes = { handshakes: 1 + (seed % 2), pendingOpens: 1 };
    inWorld(context, { seed: `slots-hops ${seed}`, sizes }, (world) => {
      world.run(1000);
      world.flow({ upBytes: 900, downBytes: 900 });
      world.flow({ upBytes: 900, downBytes: 900 });
      world.clock.after(seed * 2, () => world.cut("A"));
      world.clock.after(seed * 2 + 1500, () => {
        world.flow({ upBytes: 900, downBytes: 900 });
        world.clock.after(seed, () => world.cut("B"));
      });
      world.run(1600 + 3 * seed);
      finish(world);
      world.settle();
    });
  },
};

export const handshakes: Scenario[] = [
  handshakeLost,
  handshakeTwice,
  handshakeReplayed,
  handshakeFlood,
  glare,
  slots,
  slotsHops,
];
