// SPDX-License-Identifier: Apache-2.0
// The reference's Connector: admission, pairs, queues, credit, and everything that it says.
// PROTOCOL.md sections 4.2, 4.3, 4.5 and 9.

import { describe, expect, it } from "vitest";
import { equal } from "../reference/bytes.ts";
import type { Port } from "../reference/connector.ts";
import { Hop } from "../reference/hop.ts";
import type { HopFrame } from "../reference/hop-frames.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { REASON } from "../reference/status.ts";
import { ID_A, ID_B, World as NewWorld, type World } from "../reference/world.ts";

const HELLO: HopFrame = { type: "HOP_HELLO", maxPacket: 2048, channels: 2 };
const NAME_B: HopFrame = { type: "NAME", channel: 0, id: ID_B };
const NAME_A: HopFrame = { type: "NAME", channel: 1, id: ID_A };
const random = seededRandom("connector test");

/** A bare hop at the world's Connector, spoken frame by frame. */
class Caller {
  readonly port: Port;
  readonly frames: HopFrame[] = [];
  private readonly hop: Hop;

  constructor(world: World, staticSecret: Uint8Array, psk: Uint8Array) {
    const connectorKey = publicKey(world.secrets.connector);
    const base = { role: "stlink", staticSecret, connectorKey } as const;
    this.hop = new Hop({ ...base, pskFor: () => psk, random }, 0);
    this.port = world.connector.accept();
    this.move();
    this.move();
  }

  say(...frames: HopFrame[]): HopFrame[] {
    const before = this.frames.length;
    for (const frame of frames) this.hop.send(frame);
    this.move();
    return this.frames.slice(before);
  }

  /** As `say`, all in one record. */
  sayTogether(...frames: HopFrame[]): void {
    this.hop.send(...frames);
    this.move();
  }

  move(): void {
    this.port.receive(this.hop.take());
    this.frames.push(...[...this.hop.receive(this.port.send())].flat());
  }
}

function callers(options: Partial<World["connector"]["options"]> = {}) {
  const world = new NewWorld({ seed: "callers", connector: options });
  const a = new Caller(world, world.secrets.a, world.psk.hop);
  const b = new Caller(world, world.secrets.b, world.psk.hop);
  a.say(HELLO);
  b.say(HELLO);
  a.say(NAME_B);
  return { world, a, b };
}

function packet(length = 100, packetClass = 0): HopFrame {
  return { type: "PACKET", class: packetClass, channel: 0, packet: random(length) };
}

function dropped(reason: number, channel = 0): HopFrame {
  return { type: "DROPPED", channel, reason, count: 1 };
}

describe("admission", () => {
  it("welcomes a key of its list by its id", () => {
    const { a } = callers();
    const [welcome] = a.frames;
    expect(welcome?.type).toBe("WELCOME");
    expect(welcome?.type === "WELCOME" && equal(welcome.id, ID_A)).toBe(true);
  });

  it("refuses an unknown key in the first record, and closes", () => {
    const world = new NewWorld({ seed: "unknown" });
    const stranger = new Caller(world, random(32), new Uint8Array(32));
    expect(stranger.frames).toEqual([]);
    const refused: HopFrame = { type: "REFUSED", reason: REASON.NotAdmitted };
    expect(stranger.say(HELLO)).toEqual([refused]);
    expect(stranger.port.closed).toBe(true);
  });

  it("closes a hop with a wrong PSK", () => {
    const world = new NewWorld({ seed: "psk" });
    const impostor = new Caller(world, world.secrets.a, random(32));
    expect([impostor.port.closed, impostor.port.failure]).toEqual([true, "BadTag"]);
  });

  it("shows the ticket to whoever admits, from the first record alone", () => {
    const ticket: HopFrame = { type: "TICKET", codeId: random(8), ticket: random(32) };
    const world = new NewWorld({
      seed: "ticket",
      connector: { admit: (_key, shown) => (shown ? ID_A : REASON.NotAdmitted) },
    });
    const device = new Caller(world, random(32), new Uint8Array(32));
    device.sayTogether(HELLO, ticket);
    expect(device.frames.map(({ type }) => type)).toEqual(["WELCOME"]);
    const late = new Caller(world, random(32), new Uint8Array(32));
    late.say(HELLO, ticket);
    expect(late.frames).toEqual([{ type: "REFUSED", reason: REASON.NotAdmitted }]);
  });

  it("lets the newest hop of an id win", () => {
    const { world, a } = callers();
    const again = new Caller(world, world.secrets.a, world.psk.hop);
    again.say(HELLO);
    a.move();
    expect(a.frames.at(-1)).toEqual({ type: "CLOSE", reason: REASON.Superseded });
    expect([a.port.closed, again.port.closed]).toEqual([true, false]);
  });

  it("closes for frames out of order", () => {
    const orders: HopFrame[][] = [
      [{ type: "PING", token: 1 }],
      [HELLO, HELLO],
      [HELLO, { type: "NAME", channel: 16, id: ID_B }],
      [HELLO, { type: "CREDIT", total: 5n }, { type: "CREDIT", total: 4n }],
      [HELLO, { type: "PACKET", class: 201, channel: 0, packet: random(5) }],
    ];
    for (const frames of orders) {
      const world = new NewWorld({ seed: "order" });
      const caller = new Caller(world, world.secrets.a, world.psk.hop);
      caller.say(...frames);
      expect(caller.port.failure).toBe("BadFrame");
    }
  });
});

describe("queue", () => {
  it("delivers within the receiver's credit, in order, and names the sender", () => {
    const { a, b } = callers();
    const sent = [packet(300), packet(300), packet(300)];
    a.say(...sent);
    expect(b.say({ type: "CREDIT", total: 599n })).toEqual([
      { type: "NAME", channel: 0, id: ID_A },
      sent[0],
    ]);
    expect(b.say({ type: "CREDIT", total: 900n })).toEqual(sent.slice(1));
  });

  it("refuses with a reason what it cannot take", () => {
    const { a } = callers({ queueBytes: 5000 });
    expect(a.say({ type: "PACKET", class: 0, channel: 9, packet: random(9) })).toEqual([
      dropped(REASON.UnknownChannel, 9),
    ]);
    expect(a.say(packet(2049))).toEqual([dropped(REASON.TooBig)]);
    expect(a.say(packet(2048), packet(2048))).toEqual([]);
    expect(a.say(packet(2048))).toEqual([dropped(REASON.QueueFull)]);
  });

  it("refuses ids that are not paired", () => {
    const { a } = callers({ paired: () => false });
    expect(a.say(packet())).toEqual([dropped(REASON.NotPaired)]);
  });

  it("refuses at the sender while the receiver has muted it", () => {
    const { world, a, b } = callers();
    a.say(packet());
    b.say({ type: "CREDIT", total: 10_000n });
    b.say({ type: "MUTE", channel: 0, seconds: 10 });
    expect(a.say(packet())).toEqual([dropped(REASON.Muted)]);
    world.connector.now = 10_000;
    expect(a.say(packet())).toEqual([]);
  });

  it("drops what is past its class, and keeps the newest wake packet alone", () => {
    const { world, a, b } = callers();
    const [wake1, wake2] = [packet(10, 255), packet(20, 255)];
    a.say(packet(30, 40), packet(40, 0), wake1, wake2);
    world.connector.now = 2001;
    world.connector.age();
    expect(a.say()).toEqual([dropped(REASON.Aged)]);
    world.connector.now = 120_001;
    world.connector.age();
    expect(a.say()).toEqual([dropped(REASON.Aged)]);
    const got = b.say({ type: "CREDIT", total: 10_000n });
    expect(got.filter((frame) => frame.type === "PACKET")).toEqual([wake2]);
  });

  it("says AWAY once and BACK when the id has a hop again", () => {
    const { world, a, b } = callers();
    b.port.leave();
    expect(a.say(packet(), packet())).toEqual([{ type: "AWAY", channel: 0 }]);
    const again = new Caller(world, world.secrets.b, world.psk.hop);
    again.say(HELLO);
    expect(a.say()).toEqual([{ type: "BACK", channel: 0 }]);
  });

  it("gives channels round and round when there are more senders", () => {
    const { world, a, b } = callers();
    const ids = [1, 2, 3].map((n) => new Uint8Array(16).fill(n));
    for (const id of ids) world.connector.enqueue(id, ID_B, 0, random(10));
    const got = b.say({ type: "CREDIT", total: 10_000n });
    const names = got.flatMap((frame) => (frame.type === "NAME" ? [frame.channel] : []));
    expect(names).toEqual([0, 1, 0]);
    expect(a.say(NAME_A)).toEqual([]);
  });
});
