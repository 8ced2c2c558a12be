// SPDX-License-Identifier: Apache-2.0
// What a host sees of several hops: which Connector a link uses, DRAIN's time, the id of a MUTE, a hop that
// is silent, how a link stands, records that wait for their key. Cores on both ends of bare wires.
// PROTOCOL.md 7.6, 4.2; rules K3, K7. How streams survive is the simulation's (two-*).

import { beforeEach, describe, expect, it } from "vitest";
import { Core, CoreFlag, connectorSizes, HopState, HopStep } from "../../host/core/core.ts";
import { seededRandom } from "../reference/random.ts";
import { TEST_SIZES } from "./core-ends.ts";
import { openTestEngine } from "./core-world.ts";

const random = seededRandom("hop-choice");
const CONNECTOR_SIZES = { ...connectorSizes(8), maxPacketBytes: 2048, hopBufferBytes: 4096 };

type Party = { core: Core; secret: Uint8Array; key: Uint8Array; id: Uint8Array };
type Wire = { stlink: Party; hop: number; connector: Party; seat: number; isDead: boolean };

let nowMs = 0;
let wires: Wire[] = [];
let parties: Party[] = [];
let mutes: { from: Uint8Array | null; seconds: number }[] = [];

function party(role: "stlink" | "connector"): Party {
  const sizes = role === "stlink" ? TEST_SIZES : CONNECTOR_SIZES;
  const core = new Core(openTestEngine("v8", sizes));
  const secret = random(32);
  const key = core.publicKey(secret);
  const id = role === "stlink" ? random(16) : new Uint8Array(16);
  core.start(role, sizes, nowMs);
  core.setIdentity(secret, key, id);
  core.feed(random(32));
  const made = { core, secret, key, id };
  parties.push(made);
  return made;
}

function dial(stlink: Party, connector: Party, place = 0): Wire {
  compute();
  const hop = stlink.core.hopDial(connector.key, undefined, undefined, place);
  const wire = { stlink, hop, connector, seat: connector.core.hopAccept(), isDead: false };
  wires.push(wire);
  return wire;
}

function compute(): void {
  for (const { core } of parties) {
    do if (core.flags() & CoreFlag.WantsEntropy) core.feed(random(32));
    while (core.work());
  }
}

function step(wire: Wire): void {
  const { core } = wire.connector;
  for (let found = core.hopStep(wire.seat); found > 0; found = core.hopStep(wire.seat)) {
    if (found === HopStep.Mute) mutes.push(core.muteInfo());
    if (found !== HopStep.Packet) continue;
    const { ptr, len, to, class: kind } = core.packetInfo();
    const packet = core.engine.read(ptr, len);
    const there = wires.find(
      (one) =>
        one.connector === wire.connector &&
        Buffer.compare(one.stlink.id, to ?? new Uint8Array(0)) === 0,
    );
    if (there !== undefined) core.forward(there.seat, kind, wire.stlink.id, packet);
  }
  const { state, asking, greeted } = core.hopState(wire.seat);
  if (asking) core.hopAnswer(wire.seat);
  if (state === HopState.Greeting && greeted) core.hopAdmit(wire.seat, wire.stlink.id, 65_536);
}

/** Time passes, and everything that is to go over a wire goes. */
function pass(ms: number): void {
  nowMs += ms;
  for (const { core } of parties) core.tick(nowMs);
  for (let round = 0; round < 40; round++) {
    compute();
    for (const wire of wires) {
      if (wire.isDead) continue;
      step(wire);
      while (wire.stlink.core.hopStep(wire.hop) > 0);
      for (
        let out = take(wire.stlink, wire.hop);
        out.length > 0;
        out = take(wire.stlink, wire.hop)
      ) {
        wire.connector.core.hopPut(wire.seat, out);
        step(wire);
      }
      for (let out = take(wire.connector, wire.seat); out.length > 0; ) {
        wire.stlink.core.hopPut(wire.hop, out);
        while (wire.stlink.core.hopStep(wire.hop) > 0);
        out = take(wire.connector, wire.seat);
      }
    }
  }
}

function take({ core }: Party, hop: number): Uint8Array {
  return core.hopTake(hop, 2000);
}

function pair(): [Party, Party, number] {
  const [a, b] = [party("stlink"), party("stlink")];
  const link = a.core.linkAdd({ id: b.id, key: b.key });
  b.core.linkAdd({ id: a.id, key: a.key });
  return [a, b, link];
}

beforeEach(() => {
  nowMs += 1000;
  wires = [];
  parties = [];
  mutes = [];
});

describe("a link with hops to two Connectors", () => {
  it("begins on the first by its place, whichever came up first", () => {
    const [a, b] = pair();
    dial(a, party("connector"), 1);
    const first = dial(a, party("connector"), 0);
    pass(1);
    const link = a.core.linkAdd({ id: random(16), key: b.key });
    expect(a.core.linkInfo(link)).toMatchObject({ session: "none", hop: first.hop });
  });

  it("leaves a Connector that drains, and the host hears the time that it said", () => {
    const [a, b, link] = pair();
    const [c, e] = [party("connector"), party("connector")];
    const second = dial(a, e, 1);
    const first = dial(a, c, 0);
    dial(b, c, 0);
    dial(b, e, 1);
    pass(1);
    a.core.linkConnect(link);
    pass(1);
    expect(a.core.linkInfo(link)).toMatchObject({ session: "up", lastDrop: 0, handshakes: 1 });
    expect(a.core.linkFind(b.id)).toBe(link);
    const began = a.core.linkInfo(link).hop;
    const [here, there] = began === first.hop ? [first, second] : [second, first];
    expect(a.core.hopDrainMs(here.hop)).toBe(0);
    here.connector.core.hopDrain(here.seat, 7000);
    pass(1);
    expect(a.core.hopDrainMs(here.hop)).toBe(7000);
    expect(a.core.linkInfo(link).hop).toBe(there.hop);
    a.core.hopFree(there.hop);
    there.isDead = true;
    expect(a.core.linkInfo(link).hop).toBe(here.hop);
    a.core.hopFree(here.hop);
    expect(a.core.linkInfo(link).hop).toBe(-1);
  });

  it("goes to the newer of two hops to the same Connector", () => {
    const [a, , link] = pair();
    const c = party("connector");
    const older = dial(a, c);
    pass(1);
    expect(a.core.linkInfo(link).hop).toBe(older.hop);
    const newer = dial(a, c);
    pass(1);
    expect(a.core.linkInfo(link).hop).toBe(newer.hop);
  });

  it("leaves a Connector that says AWAY, and stays when both say so", () => {
    const [a, b, link] = pair();
    const [c, e] = [party("connector"), party("connector")];
    const hops = [dial(a, c, 0), dial(a, e, 1)];
    dial(b, c, 0);
    dial(b, e, 1);
    pass(1);
    a.core.linkConnect(link);
    pass(1);
    const begin = hops.find(({ hop }) => hop === a.core.linkInfo(link).hop) as Wire;
    const other = hops.find((wire) => wire !== begin) as Wire;
    begin.connector.core.hopTell(begin.seat, 0, "away");
    pass(1);
    expect(a.core.linkInfo(link).hop).toBe(other.hop);
    a.core.linkConnect(link);
    pass(5000);
    other.connector.core.hopTell(other.seat, 0, "away");
    pass(5000);
    expect(a.core.linkInfo(link).hop).toBe(other.hop);
    begin.connector.core.hopTell(begin.seat, 0, "back");
    pass(1);
    expect(a.core.linkInfo(link).hop).toBe(begin.hop);
  });
});

describe("a hop", () => {
  it("is silent only when something is outstanding and PING has no answer (K7)", () => {
    const [a, , link] = pair();
    const wire = dial(a, party("connector"));
    pass(1);
    pass(10_000);
    expect(a.core.hopSilentMs(wire.hop)).toBe(0);
    // Nobody answers message 1, but the Connector answers PING.
    a.core.linkConnect(link);
    for (let i = 0; i < 20; i++) {
      pass(500);
      expect(a.core.hopSilentMs(wire.hop)).toBe(0);
    }
    wire.isDead = true;
    const silent = Array.from({ length: 40 }, () => {
      pass(500);
      take(a, wire.hop);
      return a.core.hopSilentMs(wire.hop) > 0;
    });
    expect(silent.slice(0, 3)).toEqual([false, false, false]);
    expect(silent.at(-1)).toBe(true);
  });

  it("carries MUTE to the Connector's host with the id and the seconds (K3)", () => {
    const [a, b, link] = pair();
    const c = party("connector");
    dial(a, c);
    dial(b, c);
    pass(1);
    expect(a.core.linkMute(link, 60)).toBe(0);
    a.core.linkConnect(link);
    pass(1);
    expect(a.core.linkMute(link, 60)).toBe(1);
    pass(1);
    expect(mutes).toEqual([{ from: b.id, seconds: 60 }]);
  });

  it("asks for a step when a record that waited behind a handshake message can be taken", () => {
    const a = party("stlink");
    const wire = dial(a, party("connector"));
    const { core } = wire.connector;
    compute();
    core.hopPut(wire.seat, take(a, wire.hop));
    core.hopStep(wire.seat);
    // The beginning of what follows message 1: the core has to compute first.
    core.hopPut(wire.seat, Uint8Array.of(65, 0));
    core.hopStep(wire.seat);
    expect(core.flags() & CoreFlag.WantsStep).toBe(0);
    compute();
    expect(core.flags() & CoreFlag.WantsStep).toBe(CoreFlag.WantsStep);
    core.hopStep(wire.seat);
    expect(core.flags() & CoreFlag.WantsStep).toBe(0);
  });
});
