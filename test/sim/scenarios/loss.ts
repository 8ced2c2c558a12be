// SPDX-License-Identifier: Apache-2.0
// Packets are lost, doubled, delayed, replayed and damaged by the Connector; garbage comes between
// them. Everything still arrives, once and in order (tests 1 and 6 of the rules, S8, D1 to D8).

import type { Delivery, SeenPacket } from "../../../host/net/sim/connector.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import { SimFailure } from "../failure.ts";
import { inWorld, ptoMs, type Scenario } from "../scenario.ts";
import type { World } from "../world.ts";
import { randomPlan, randomSizes } from "./plans.ts";

/** Slow applications take half a minute, faults 20 s. */
const DONE_MS = 120_000;
const asItIs = (bytes: Uint8Array): Delivery[] => [{ bytes, delayMs: 0 }];

/** Calls `onProgress` too, whenever bytes arrive at an application. */
function watchProgress(world: World, onProgress: () => void): void {
  for (const flow of world.flows) {
    const before = flow.onProgress;
    flow.onProgress = (end) => {
      before(end);
      onProgress();
    };
  }
}

const ECHO_RECORD = 512;
/** A round trip takes 20 ms; the first sample may hold the computing of a handshake. */
const ECHO_RTT_MS = 100;
/** The probe time-out before a sample: srtt 500 ms, rttvar 250 ms (7.2). */
const FIRST_PTO_MS = 1525;

/** Test 1: credit of one packet, windows of two records, eight duplex echo streams, 2 % loss. */
export const echo: Scenario = {
  name: "echo",
  about:
    "8 echo streams, credit of one packet, windows of 2 records, 2 % loss: no stall over 3 PTO",
  run: (seed, context) => {
    const sizes = {
      maxRecordBytes: ECHO_RECORD,
      windowBytes: 2 * ECHO_RECORD,
      hopCreditBytes: 2048,
      blockBytes: 128,
      recvBlocks: 181,
      sendBlocks: 301,
      handshakes: 10,
      pendingOpens: 8,
    };
    inWorld(context, { seed: `echo ${seed}`, sizes, line: { latencyMs: 5 } }, (world) => {
      const prng = new Prng(`echo ${seed}`);
      const amounts = { upBytes: 4 * ECHO_RECORD, downBytes: 4 * ECHO_RECORD };
      for (let i = 0; i < 8; i++) {
        // Half write all before they read: what four windows of two records hold, and no more.
        world.flow({ isEcho: true, writesFirst: i % 2 === 0, ...amounts });
      }
      let drops = 0;
      world.meddle(({ bytes }) => {
        if (!prng.chance(0.02)) return asItIs(bytes);
        drops++;
        return [];
      });
      world.run(DONE_MS, () => world.flows.every((flow) => flow.opener.connected));
      world.beginStallCount();
      // A link whose first PROBE or PONG was lost has no sample yet, and waits as D4 says.
      const ptoMost = drops > 0 ? FIRST_PTO_MS : ptoMs(ECHO_RTT_MS);
      drops = 0;
      watchProgress(world, () => {
        expectShort(world, ptoMost, drops);
        world.beginStallCount();
        drops = 0;
      });
      world.finish(DONE_MS);
      world.expectEnds();
      world.settle();
    });
  },
};

/**
 * Three PTO; each PROBE or answer that is lost too doubles the next wait: 1 + 2 + 4 + … PTO. What the
 * last PROBE asks for takes a round trip more.
 */
function expectShort(world: World, ptoMost: number, drops: number): void {
  const most = ptoMost * Math.max(3, 2 ** (drops + 1) - 1) + ECHO_RTT_MS;
  if (world.longestStallMs <= most) return;
  const ms = Math.round(world.longestStallMs);
  throw new SimFailure(`nothing arrived for ${ms} ms after ${drops} losses, more than ${most}`);
}

/** What the liar does to a packet, with its probabilities. */
function lie(prng: Prng, badness: number, { bytes }: SeenPacket): Delivery[] {
  const delayMs = prng.chance(badness) ? prng.between(1, 400) : 0;
  const whole = { bytes, delayMs };
  if (prng.chance(badness)) return [];
  if (prng.chance(badness)) return [whole, { bytes, delayMs: prng.between(0, 3000) }];
  if (prng.chance(badness)) return [{ bytes: damaged(prng, bytes), delayMs: 0, class: 0 }, whole];
  if (prng.chance(badness / 2)) return [{ bytes: damaged(prng, bytes), delayMs: 0 }];
  return [whole];
}

/** One bit is wrong, or the end is missing. */
export function damaged(prng: Prng, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const at = prng.below(copy.length);
  copy[at] = (copy[at] as number) ^ (1 << prng.below(8));
  return prng.chance(0.2) ? copy.subarray(0, prng.between(1, copy.length)) : copy;
}

export const lossy: Scenario = {
  name: "lossy",
  about: "packets lost, doubled, delayed, cut and damaged by the Connector, for 20 s",
  run: (seed, context) => {
    const prng = new Prng(`lossy ${seed}`);
    const badness = prng.pick([0.01, 0.05, 0.15]);
    const line = { latencyMs: prng.pick([1, 20, 100]) };
    inWorld(context, { seed: `lossy ${seed}`, sizes: randomSizes(prng), line }, (world) => {
      const until = 20_000;
      world.meddle((packet) =>
        packet.atMs > until ? asItIs(packet.bytes) : lie(prng, badness, packet),
      );
      const count = prng.between(1, 6);
      for (let i = 0; i < count; i++) world.flow(randomPlan(prng, { mayReset: true }));
      world.finish(DONE_MS);
      world.expectEnds();
      world.settle();
    });
  },
};

/** Test 6: the transfer does not notice. */
export const garbage: Scenario = {
  name: "garbage",
  about: "one garbage packet after each packet: nothing is sent twice, nothing waits",
  run: (seed, context) => {
    const prng = new Prng(`garbage ${seed}`);
    const quiet = takes(false);
    const loud = takes(true);
    if (loud.resent > 0) throw new SimFailure(`${loud.resent} records were sent again`);
    const most = quiet.ms + ptoMs(40);
    if (loud.ms > most) throw new SimFailure(`took ${loud.ms} ms instead of ${quiet.ms}`);

    function takes(isLoud: boolean): { ms: number; resent: number } {
      return inWorld(context, { seed: `garbage ${seed}` }, (world) => {
        if (isLoud) {
          world.meddle(({ bytes }) => [
            { bytes, delayMs: 0 },
            // Not as a wake, of which a queue keeps the newest alone.
            { bytes: rubbish(prng, bytes), delayMs: 0, class: 0 },
          ]);
        }
        world.flow({ upBytes: 6000, downBytes: 3000 });
        world.flow({ opener: "B", accepter: "A", isEcho: true, upBytes: 4000, downBytes: 4000 });
        world.finish(60_000);
        world.expectEnds();
        const ms = world.clock.nowMs;
        world.settle();
        return { ms, resent: world.wire.resentRecords };
      });
    }
  },
};

/** Random bytes, or a packet's own header before random bytes. */
function rubbish(prng: Prng, like: Uint8Array): Uint8Array {
  const bytes = prng.bytes(prng.pick([1, 4, 5, 13, 29, 30, 64, 128, 1216, 1280, 2048])).slice();
  const kind = prng.below(10);
  if (kind < 7) bytes.set(like.subarray(0, Math.min(13, bytes.length)));
  else if (kind < 9) bytes[0] = prng.between(0x10, 0x16);
  return bytes;
}
