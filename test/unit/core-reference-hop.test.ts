// SPDX-License-Identifier: Apache-2.0
// What hop and link say to each other beside packets, core against reference in both roles: admission,
// tickets, hints, draining, muting, a second hop, key rotation. PROTOCOL.md 4.2, 4.5, 9, 10.2, 10.4.

import { afterEach, describe, expect, it } from "vitest";
import { HopState, HopStep } from "../../host/core/core.ts";
import { watchSeals } from "../reference/aead.ts";
import { equal, toHex } from "../reference/bytes.ts";
import { publicKey } from "../reference/noise.ts";
import { seededRandom } from "../reference/random.ts";
import { REASON } from "../reference/status.ts";
import { ID_A, ID_B, pattern } from "../reference/world.ts";
import { CoreStlink, TEST_SIZES } from "./core-ends.ts";
import type { CoreConnector, CorePort } from "./core-relay.ts";
import { CoreWorld, exchange, openStream, openTestEngine, outcome, whole } from "./core-world.ts";
import type { ReferenceStlink } from "./reference-ends.ts";

afterEach(() => watchSeals());

const random = seededRandom("hop words");
const up = pattern(3000, 1);
const down = pattern(2000, 2);

describe("a core that is stlink, at the reference's Connector", () => {
  function coreWorld(connector = {}): { world: CoreWorld; core: CoreStlink } {
    const world = new CoreWorld({ seed: "words", a: "core", b: "reference", connector });
    return { world, core: world.a as CoreStlink };
  }

  it("learns that it is not admitted", () => {
    const { world, core } = coreWorld({ admit: () => REASON.NotAdmitted });
    world.dial(core);
    world.wire.run(() => core.closed, 5000);
    expect([core.closed, core.endReason]).toEqual([true, REASON.NotAdmitted]);
  });

  it("is closed for a wrong PSK, without a word", () => {
    const { world, core } = coreWorld({ pskFor: () => random(32) });
    world.dial(core);
    world.wire.run(() => core.closed, 5000);
    expect(core.welcomed).toBe(false);
  });

  it("shows its ticket in its first record", () => {
    const ticket = random(40);
    let shown = "";
    const { world } = coreWorld({
      admit: (_key: Uint8Array, frame?: { codeId: Uint8Array; ticket: Uint8Array }) => {
        shown = frame ? toHex(frame.codeId) + toHex(frame.ticket) : "none";
        return ID_A;
      },
    });
    const core = new CoreStlink(
      {
        engine: openTestEngine(),
        sizes: TEST_SIZES,
        id: ID_A,
        staticSecret: world.secrets.a,
        connectorKey: publicKey(world.secrets.connector),
        hopPsk: world.psk.hop,
        ticket,
        random,
        peers: [],
        clock: () => world.wire.now,
      },
      0,
    );
    world.dial(core);
    world.wire.run(() => core.welcomed, 5000);
    expect([core.welcomed, shown]).toEqual([true, toHex(ticket)]);
  });

  it("takes DRAIN, CLOSE and the reason", () => {
    const { world, core } = coreWorld();
    world.start();
    const port = world.connector.mailbox(ID_A).port;
    if (!port) throw new Error("no port");
    port.hop.send({ type: "DRAIN", afterMs: 5000 });
    world.wire.pass(100);
    expect(core.welcomed).toBe(true);
    port.close(REASON.Draining);
    world.wire.run(() => core.closed, 1000);
    expect([core.closed, core.endReason]).toEqual([true, REASON.Draining]);
  });

  it("changes over to a newer hop without losing a byte", () => {
    const { world, core } = coreWorld();
    world.start();
    const first = core.hop;
    const stream = openStream(world, "a");
    world.wire.run(() => {
      for (const pipe of world.b.offered) if (!pipe.connected) pipe.accept();
      return stream.connected;
    }, 5000);
    stream.write(up.subarray(0, 1000));
    // The second hop of the same key: the Connector tells the first one Superseded (K7).
    const second = new SecondHop(core, world);
    world.wire.run(() => second.state === HopState.Up, 5000);
    stream.write(up.subarray(1000));
    const got: Uint8Array[] = [];
    world.wire.run(() => {
      const [offered] = world.b.offered;
      if (offered) got.push(offered.read());
      return Buffer.concat(got).length === up.length;
    }, 60_000);
    expect(equal(Buffer.concat(got), up)).toBe(true);
    expect(second.state).toBe(HopState.Up);
    expect(core.endReason).toBe(REASON.Superseded);
    expect(core.core.hopState(first).state === HopState.Up).toBe(false);
  });

  it("sends again what the Connector says it dropped, long before the probe time-out", () => {
    const { world } = coreWorld({ queueBytes: 9000 });
    world.start();
    world.connector.options.queueBytes = 100;
    const pending = exchange(world, up, down, "a", 300);
    world.connector.options.queueBytes = 100_000;
    expect(pending.finished).toBe(false);
    const next = exchange(world, up, down, "b", 60_000);
    expect(outcome(next)).toEqual(whole(up, down));
  });
});

describe("a core that is connector, to the reference's STLinks", () => {
  function coreRelay(): { world: CoreWorld; relay: CoreConnector; a: ReferenceStlink } {
    const options = { seed: "relay", a: "reference", b: "reference", relay: "core" } as const;
    const world = new CoreWorld(options);
    return { world, relay: world.relay as CoreConnector, a: world.a as ReferenceStlink };
  }

  it("refuses an unknown key in the first record", () => {
    const { world, relay, a } = coreRelay();
    relay.options.admit = () => REASON.NotAdmitted;
    world.dial(a);
    world.wire.run(() => a.closed, 5000);
    expect(a.events).toEqual([{ type: "refused", value: REASON.NotAdmitted }]);
  });

  it("closes a hop with a wrong PSK", () => {
    const { world, relay, a } = coreRelay();
    relay.options.pskFor = () => random(32);
    world.dial(a);
    world.wire.run(() => a.closed || (relay.ports[0]?.closed ?? false), 5000);
    expect(relay.ports[0]?.status).toBe(-36);
  });

  it("shows the ticket to whoever admits", () => {
    const ticket = { codeId: random(8), ticket: random(32) };
    const options = { seed: "t", a: "reference", b: "reference", relay: "core" } as const;
    const world = new CoreWorld({ ...options, peer: { ticket } });
    const relay = world.relay as CoreConnector;
    let shown = "";
    relay.options.admit = (_key, bytes) => {
      shown = toHex(bytes);
      return ID_A;
    };
    world.dial(world.a);
    world.wire.run(() => world.a.welcomed, 5000);
    expect([world.a.welcomed, shown]).toEqual([true, toHex(ticket.codeId) + toHex(ticket.ticket)]);
  });

  it("says DRAIN, AWAY, BACK, DROPPED and CLOSE", () => {
    const { world, relay, a } = coreRelay();
    world.start();
    expect(outcome(exchange(world, up, down))).toEqual(whole(up, down));
    const port = relay.ports.find((one) => one.id && equal(one.id, ID_A)) as CorePort;
    relay.core.hopDrain(port.hop, 7000);
    relay.core.hopTell(port.hop, 0, "away");
    relay.core.hopTell(port.hop, 0, "back");
    relay.core.hopTell(port.hop, 0, REASON.QueueFull);
    relay.core.hopTell(port.hop, 0, REASON.QueueFull);
    world.wire.pass(100);
    const said = a.events.filter((event) => ["drain", "dropped"].includes(event.type));
    expect(said).toContainEqual({ type: "drain", value: 7000 });
    const counts = said.flatMap((event) => (event.type === "dropped" ? [event.count] : []));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2);
    relay.core.hopClose(port.hop, REASON.Superseded);
    world.wire.run(() => a.closed, 1000);
    expect(a.events.at(-1)).toEqual({ type: "close", value: REASON.Superseded });
  });

  it("hands out MUTE with the channel and the seconds", () => {
    const { world, relay, a } = coreRelay();
    world.start();
    expect(outcome(exchange(world, up, down, "b"))).toEqual(whole(up, down));
    a.peer.mute(ID_B, 30);
    const port = relay.ports.find((one) => one.id && equal(one.id, ID_A)) as CorePort;
    const { core } = relay;
    const hopStep = core.hopStep.bind(core);
    const muted: number[][] = [];
    core.hopStep = (hop) => {
      const step = hopStep(hop);
      const { channel, names } = core.packetInfo();
      if (step === HopStep.Mute && hop === port.hop) muted.push([channel, names]);
      return step;
    };
    world.wire.pass(100);
    expect(muted).toEqual([[0, 30]]);
  });
});

describe("key rotation (10.4)", () => {
  for (const first of ["a", "b"] as const) {
    for (const rotated of ["core", "reference"] as const) {
      it(`of the ${rotated} is taken, whoever begins (${first})`, () => {
        const world = new CoreWorld({ seed: "rotate", a: "core", b: "reference" });
        const nextSecret = random(32);
        const core = world.a as CoreStlink;
        const link = (world.b as ReferenceStlink).peer.linkTo(ID_A);
        const options = (link as unknown as { options: LinkInternals }).options;
        const { psk } = world;
        if (rotated === "core") {
          options.peer.nextKey = publicKey(nextSecret);
          core.core.setIdentity(nextSecret, publicKey(nextSecret), ID_A);
          world.connector.options.admit = (key) =>
            equal(key, publicKey(nextSecret)) || equal(key, publicKey(world.secrets.a))
              ? ID_A
              : ID_B;
          world.connector.options.pskFor = () => psk.hop;
        } else {
          options.staticSecret = nextSecret;
          core.core.linkAdd({
            id: ID_B,
            key: publicKey(world.secrets.b),
            nextKey: publicKey(nextSecret),
            psk: psk.link,
            pskName: psk.name,
          });
        }
        world.start();
        expect(outcome(exchange(world, up, down, first))).toEqual(whole(up, down));
        if (rotated === "core") expect(toHex(options.peer.key)).toBe(toHex(publicKey(nextSecret)));
      });
    }
  }

  it("that has not happened yet does not keep the old key out", () => {
    for (const first of ["a", "b"] as const) {
      const world = new CoreWorld({ seed: "later", a: "core", b: "reference" });
      (world.a as CoreStlink).core.linkAdd({
        id: ID_B,
        key: publicKey(world.secrets.b),
        nextKey: publicKey(random(32)),
        psk: world.psk.link,
        pskName: world.psk.name,
      });
      world.start();
      expect(outcome(exchange(world, up, down, first))).toEqual(whole(up, down));
    }
  });
});

interface LinkInternals {
  staticSecret: Uint8Array;
  peer: { key: Uint8Array; nextKey?: Uint8Array };
}

/** Another hop of the same core, on the same wire. */
class SecondHop {
  closed = false;
  private readonly core: CoreStlink;
  private readonly hop: number;
  private pending: Uint8Array = new Uint8Array(0);

  constructor(core: CoreStlink, world: CoreWorld) {
    this.core = core;
    core.work();
    this.hop = core.core.hopDial(publicKey(world.secrets.connector), world.psk.hop);
    world.wire.join(this, world.relay.accept());
  }

  get state(): number {
    return this.core.core.hopState(this.hop).state;
  }

  receive(bytes: Uint8Array): void {
    this.pending = Buffer.concat([this.pending, bytes]);
    this.settle();
  }

  send(): Uint8Array {
    this.settle();
    return this.core.core.hopTake(this.hop);
  }

  tick(now: number): number {
    return this.core.tick(now);
  }

  private settle(): void {
    for (let moved = true; moved; ) {
      moved = this.core.work();
      const taken = this.core.core.hopPut(this.hop, this.pending);
      this.pending = this.pending.subarray(taken);
      const step = this.core.core.hopStep(this.hop);
      moved = moved || taken > 0 || step > 0;
    }
  }
}
