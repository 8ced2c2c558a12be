// SPDX-License-Identifier: Apache-2.0
// A datagram channel beside byte streams: each datagram arrives at most once, whole, in its flow; over
// healthy lines all arrive; losses, copies and new sessions never show a stranger's or an old one.
// Rules U1 to U4, PROTOCOL section 8. The checker on the wire sees that no counter seals two.

import { CoreError, StreamFlag } from "../../../host/core/core.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import type { SimStlink } from "../../../host/net/sim/stlink.ts";
import { SimFailure } from "../failure.ts";
import { patternAt, patternStart } from "../pattern.ts";
import { inWorld, type Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

const DATAGRAM = 2;
const STOPPING = 16;
const CHANNEL_ID = new Uint8Array(16).fill(0xda);
const COUNT = 60;
const ACCEPT_MS = 500;
/** Class of a packet that carries a datagram: it is of no use after 2 s (rules K1, U4). */
const DATAGRAM_CLASS = 40;

/** One side of the channel: what it has sent, and what has come. */
class Side {
  readonly stlink: SimStlink;
  handle = -1;
  isUp = false;
  isOver = false;
  sent = 0;
  readonly got = new Set<number>();
  readonly #start: number;
  readonly #peer: () => Side;

  constructor(stlink: SimStlink, peer: () => Side) {
    this.stlink = stlink;
    this.#peer = peer;
    this.#start = patternStart(`datagrams of ${stlink.name}`);
  }

  /** Datagram `number`: its number, then bytes that depend on it; 4 to 1,203 bytes. */
  #datagram(number: number): Uint8Array {
    const bytes = new Uint8Array(4 + ((number * 397) % 1200));
    new DataView(bytes.buffer).setUint32(0, number, true);
    bytes.set(patternAt(this.#start, number * 7, bytes.length - 4), 4);
    return bytes;
  }

  send(): void {
    const number = this.sent++;
    const { core, nowMs } = this.stlink;
    const status = core.datagramPut(this.handle, number % 5, this.#datagram(number), nowMs);
    if (status < 0) throw new CoreError("datagramPut", status);
    this.stlink.wake();
  }

  news(): void {
    const { core } = this.stlink;
    const flags = core.streamFlags(this.handle);
    if (flags & StreamFlag.Offered) core.streamConnected(this.handle);
    if (flags & (StreamFlag.Offered | StreamFlag.Connected | StreamFlag.Writable)) this.isUp = true;
    for (let next = core.datagramTake(this.handle); next !== null; ) {
      this.#check(next.flow, next.bytes);
      next = core.datagramTake(this.handle);
    }
    if (!(core.streamFlags(this.handle) & StreamFlag.Closed) || this.isOver) return;
    this.isOver = true;
    core.streamRelease(this.handle);
  }

  #check(flow: number, bytes: Uint8Array): void {
    const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const from = this.#peer();
    const { name } = this.stlink;
    if (number >= from.sent || flow !== number % 5) {
      throw new SimFailure(`${name} got a datagram that was never sent: ${number}, flow ${flow}`);
    }
    if (Buffer.compare(bytes, from.#datagram(number)) !== 0) {
      throw new SimFailure(`${name} got datagram ${number} with other bytes`);
    }
    if (this.got.has(number)) throw new SimFailure(`${name} got datagram ${number} twice`);
    this.got.add(number);
  }
}

export const datagrams: Scenario = {
  name: "datagrams",
  about: "a datagram channel beside streams: each at most once, all of them over healthy lines",
  run: (seed, context) => {
    const prng = new Prng(`datagrams ${seed}`);
    const badness = prng.pick([0, 0.1]);
    inWorld(context, { seed: `datagrams ${seed}` }, (world) => {
      const sides = channel(world);
      let shortLived = 0;
      world.meddle(({ bytes, class: kind }) => {
        if (kind === DATAGRAM_CLASS) shortLived++;
        if (badness === 0) return [{ bytes, delayMs: 0 }];
        const copies = prng.pick([[0], [0], [], [0, 0], [0, 90], [40]]);
        const isSpared = !prng.chance(badness * 5);
        return (isSpared ? [0] : copies).map((delayMs) => ({ bytes, delayMs }));
      });
      world.flow({ upBytes: 4000, downBytes: 4000 });
      world.run(60_000, () => sides.every((side) => side.isUp));
      // What the accepter sends before it knows that its ACCEPT has come is dropped.
      world.run(ACCEPT_MS);
      for (let i = 0; i < COUNT; i++) {
        world.clock.after(i * 40, () => {
          for (const side of sides) side.send();
          if (badness > 0 && i % 20 === 7) world.stlink("A").rekey("B");
        });
      }
      world.run(COUNT * 40 + 5000);
      const sent = sides.reduce((sum, side) => sum + side.sent, 0);
      if (badness === 0 && shortLived !== sent) {
        throw new SimFailure(`${sent} datagrams in ${shortLived} packets of their class`);
      }
      for (const { stlink, got } of sides) {
        const least = badness === 0 ? COUNT : COUNT / 10;
        if (got.size < least) throw new SimFailure(`${stlink.name} got ${got.size} of ${COUNT}`);
      }
      stop(world, sides);
    });
  },
};

function channel(world: World): Side[] {
  const sides: Side[] = ["A", "B"].map(
    (name, i) => new Side(world.stlink(name), () => sides[1 - i] as Side),
  );
  world.onOther = (stlink, handle) => {
    const side = sides.find((one) => one.stlink === stlink) as Side;
    const { kind } = stlink.core.streamInfo(handle);
    if (kind !== DATAGRAM) return false;
    side.handle = handle;
    side.news();
    return true;
  };
  const [opener] = sides as [Side];
  const { stlink } = opener;
  opener.handle = stlink.core.streamOpen(stlink.link("B"), DATAGRAM, CHANNEL_ID, CHANNEL_ID);
  stlink.wake();
  return sides;
}

/** The opener ends the channel; the accepter learns of it by the RESET frame, or when it sends. */
function stop(world: World, sides: Side[]): void {
  world.meddle(null);
  world.finish(300_000);
  world.expectEnds();
  const [opener, accepter] = sides as [Side, Side];
  opener.stlink.core.streamReset(opener.handle, STOPPING);
  opener.news();
  opener.stlink.wake();
  const ask = (): void => {
    if (accepter.isOver) return;
    accepter.send();
    world.clock.after(1000, ask);
  };
  world.clock.after(5000, ask);
  if (!world.run(60_000, () => accepter.isOver)) throw new SimFailure("the channel did not end");
  world.settle();
}
