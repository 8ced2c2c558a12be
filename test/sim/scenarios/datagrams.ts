// SPDX-License-Identifier: Apache-2.0
// A datagram channel beside byte streams: each datagram arrives at most once, whole, in its flow; over
// healthy lines all arrive, also those of the hour in which the opener makes a successor; losses, copies
// and new sessions never show a stranger's or an old one. A lost RESET is told again, so that a side that
// only listens learns of the end. Rules U1 to U4, PROTOCOL section 8. The checker on the wire sees that no counter seals two.

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
const HOUR_MS = 3_600_000;
/** Where every PROBE was lost there is no round trip yet: the first PTO, three times, the last two doubled (7.2). */
const THREE_PTO_MS = 1525 + 3050 + 6100;
const PATH_MS = 1000;
/** Class of a packet that carries a datagram: it is of no use after 2 s (rules K1, U4). */
const DATAGRAM_CLASS = 40;

/** One side of the channel: what it has sent, and what has come. */
class Side {
  readonly stlink: SimStlink;
  /** Where it sends: the channel that is up, or on which something of its successor has come. */
  handle = -1;
  /** Opener: the successor, until it is up. */
  next = -1;
  /** Channels that it knows to be open. */
  open = 0;
  ended = 0;
  isUp = false;
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

  news(handle: number): void {
    const { core } = this.stlink;
    const flags = core.streamFlags(handle);
    if (flags & StreamFlag.Offered) {
      core.streamConnected(handle);
      this.open++;
    }
    if (flags & (StreamFlag.Offered | StreamFlag.Writable)) this.isUp = true;
    if (flags & StreamFlag.Writable && handle === this.next) this.handle = handle;
    for (let next = core.datagramTake(handle); next !== null; ) {
      if (this.#isLater(handle)) this.handle = handle;
      this.#check(next.flow, next.bytes);
      next = core.datagramTake(handle);
    }
    if (flags & StreamFlag.Successor && this.next < 0) this.next = this.openChannel();
    if (!(flags & StreamFlag.Closed)) return;
    this.ended++;
    this.open--;
    core.streamRelease(handle);
  }

  /** Whether a channel was opened after the one on which this side sends; what is over says nothing. */
  #isLater(handle: number): boolean {
    const { core } = this.stlink;
    if (core.streamFlags(this.handle) < 0) return true;
    return core.streamInfo(handle).number > core.streamInfo(this.handle).number;
  }

  openChannel(): number {
    const { core } = this.stlink;
    this.open++;
    const handle = core.streamOpen(this.stlink.link("B"), DATAGRAM, CHANNEL_ID, CHANNEL_ID);
    this.stlink.wake();
    return handle;
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
      if (seed % 4 === 3) hour(world, sides);
      const sent = sides.reduce((sum, side) => sum + side.sent, 0);
      if (badness === 0 && shortLived !== sent) {
        throw new SimFailure(`${sent} datagrams in ${shortLived} packets of their class`);
      }
      for (const { stlink, got } of sides) {
        const least = badness === 0 ? sent / 2 : sent / 20;
        if (got.size < least) throw new SimFailure(`${stlink.name} got ${got.size} of ${sent / 2}`);
      }
      stop(world, sides, prng.pick([0, 1, 2, 3]));
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
    if (side.handle < 0) side.handle = handle;
    side.news(handle);
    return true;
  };
  const [opener] = sides as [Side];
  opener.handle = opener.openChannel();
  return sides;
}

/** An hour with a datagram of each side every ten seconds: the channel is followed by another one. */
function hour(world: World, sides: Side[]): void {
  for (let ms = 0; ms < HOUR_MS; ms += 10_000) {
    for (const side of sides) side.send();
    world.run(10_000);
  }
  for (const { stlink, open, ended } of sides) {
    if (ended === 0) throw new SimFailure(`${stlink.name} keeps its first channel`);
    if (open !== 1)
      throw new SimFailure(`${stlink.name} has ${open} channels after an hour, not 1`);
  }
}

/** The opener ends the channel; the accepter, which only listens, learns of it though `lost` packets vanish. */
function stop(world: World, sides: Side[], lost: number): void {
  world.meddle(null);
  world.finish(300_000);
  world.expectEnds();
  world.run(1000);
  let left = lost;
  world.meddle(({ bytes, from }) => (from === "A" && left-- > 0 ? [] : [{ bytes, delayMs: 0 }]));
  const [opener, accepter] = sides as [Side, Side];
  // Its PTO counts from this call, not from the last time at which it had anything to do.
  opener.stlink.core.clock(opener.stlink.nowMs);
  opener.stlink.core.streamReset(opener.handle, STOPPING);
  opener.news(opener.handle);
  opener.stlink.wake();
  if (!world.run(THREE_PTO_MS + PATH_MS, () => accepter.open === 0)) {
    throw new SimFailure("the channel did not end");
  }
  world.settle();
}
