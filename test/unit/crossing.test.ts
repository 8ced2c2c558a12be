// SPDX-License-Identifier: Apache-2.0
// Two handshakes of one link that cross (PROTOCOL.md 5.2, S7): message 3 of one is lost until the other
// has begun. A is a core and has the lower id: its handshake goes first, to its end, and a peer that has
// lost everything in the middle is not kept waiting. The model is test/model/sessions.pml.

import { afterEach, describe, expect, it } from "vitest";
import { watchSeals } from "../reference/aead.ts";
import { concat, encodeUint } from "../reference/bytes.ts";
import { ID_A } from "../reference/world.ts";
import { App, openStream, Server } from "./core-world.ts";
import { beginner, firstPacket, LinkBench } from "./hostile-tools.ts";

afterEach(() => watchSeals());

const [MESSAGE1, MESSAGE2, MESSAGE3, DATA] = [0x11, 0x12, 0x13, 0x14];

/** What A has sent since then, by type; packets of the types in `lost` do not arrive. */
class Ear {
  readonly types: number[] = [];
  readonly lost = new Set<number>();

  constructor(bench: LinkBench) {
    bench.world.lose = (_n, from, [type = 0]) => {
      if (from[0] !== ID_A[0]) return false;
      this.types.push(type);
      return this.lost.has(type);
    };
  }
}

/** A begins a handshake: its peer says that it does not know the session. */
function begin(bench: LinkBench): void {
  const index = bench.reference.peer.linkTo(ID_A).current?.localIndex ?? 0;
  const packet = new Uint8Array(64);
  packet.set(concat(Uint8Array.of(0x15), encodeUint(index, 4)));
  bench.give(packet);
  bench.world.wire.pass(200);
}

describe("two handshakes that cross", () => {
  it("A answers no message 1 while it repeats its message 3, and says that and HELLO again", () => {
    const bench = new LinkBench();
    const ear = new Ear(bench);
    for (const type of [MESSAGE3, DATA]) ear.lost.add(type);
    begin(bench);
    expect(ear.types).toEqual([MESSAGE1, MESSAGE3, DATA]);
    ear.types.length = 0;
    expect(bench.give(firstPacket(beginner(bench)))).toEqual([]);
    expect(ear.types).toEqual([MESSAGE3, DATA]);
    ear.lost.clear();
    bench.world.wire.pass(1000);
    expect([bench.works, bench.opens]).toEqual([true, true]);
  });

  it("A answers again once it has repeated its message 3 often enough", () => {
    const bench = new LinkBench();
    const ear = new Ear(bench);
    for (const type of [MESSAGE3, DATA]) ear.lost.add(type);
    begin(bench);
    bench.world.wire.pass(15_500);
    ear.types.length = 0;
    bench.give(firstPacket(beginner(bench)));
    expect(ear.types).toContain(MESSAGE2);
  });

  it("A gives up what it answers when its own handshake is finished", () => {
    const bench = new LinkBench();
    const ear = new Ear(bench);
    const theirs = beginner(bench);
    bench.give(firstPacket(theirs));
    expect(ear.types).toEqual([MESSAGE2]);
    const answer = bench.sent.findLast(([type]) => type === MESSAGE2) as Uint8Array;
    bench.world.wire.pass(5000);
    begin(bench);
    expect(ear.types).toContain(MESSAGE3);
    theirs.receive(answer);
    expect(bench.give(firstPacket(theirs))).toEqual(["UnknownIndex"]);
    expect([bench.works, bench.opens]).toEqual([true, true]);
  });

  it("a peer that restarts in the middle has a session within 10 s", () => {
    const bench = new LinkBench();
    const { world } = bench;
    const ear = new Ear(bench);
    for (const type of [MESSAGE3, DATA]) ear.lost.add(type);
    begin(bench);
    world.restart("b");
    world.wire.run(() => world.b.welcomed, 5000);
    ear.lost.clear();
    const server = new Server(world.a, new Uint8Array(0));
    const client = new App(openStream(world, "b"), new Uint8Array(0));
    const connected = world.wire.run(() => {
      server.step();
      client.step();
      return client.pipe.connected;
    }, 10_000);
    expect(connected).toBe(true);
  });
});
