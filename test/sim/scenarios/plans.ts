// SPDX-License-Identifier: Apache-2.0
// Random plans of what two applications do, and random small sizes, for the scenarios that go
// through seeds.

import type { Sizes } from "../../../host/core/core.ts";
import type { Prng } from "../../../host/net/sim/prng.ts";
import { type FlowPlan, PLAN } from "../flow.ts";
import { SMALL_SIZES } from "../world.ts";

const AMOUNTS = [0, 1, 699, 700, 701, 3000, 9000, 20_000];
const PIECES = [7, 100, 700, 4096];

export type PlanOptions = { names?: [string, string]; isQuick?: boolean; mayReset?: boolean };

/** Any shape of connection between two STLinks; `isQuick`: no application waits on purpose. */
export function randomPlan(prng: Prng, options: PlanOptions = {}): FlowPlan {
  const names = options.names ?? ["A", "B"];
  const [opener, accepter] = prng.chance(0.5) ? names : [names[1], names[0]];
  const amount = prng.pick(AMOUNTS);
  const isEcho = prng.chance(0.3);
  const down = isEcho ? amount : prng.pick(AMOUNTS);
  const rests = options.isQuick !== true && prng.chance(0.4);
  const plan: FlowPlan = {
    ...PLAN,
    opener,
    accepter,
    isEcho,
    upBytes: amount,
    downBytes: down,
    // Small pieces make small records: only few of them.
    pieceBytes: Math.max(amount, down) > 701 ? prng.pick([300, 700, 4096]) : prng.pick(PIECES),
    writePauseMs: rests ? prng.pick([0, 0, 3, 200]) : 0,
    readPauseMs: rests ? prng.pick([0, 5, 100]) : 0,
    connectMs: rests ? prng.pick([0, 30, 700]) : 0,
  };
  if (options.mayReset === true && prng.chance(0.25)) {
    if (prng.chance(0.3)) plan.refusal = prng.pick([2, 3, 4]);
    else plan.reset = { by: prng.pick(["opener", "accepter"]), afterBytes: prng.below(amount + 1) };
  }
  return plan;
}

/** Sizes of one STLink: anything that the core takes, and little of it. */
export function randomSizes(prng: Prng): Partial<Sizes> {
  const maxRecordBytes = prng.pick([512, 700, 1460]);
  return {
    maxRecordBytes,
    windowBytes: maxRecordBytes * prng.pick([2, 3, 8]),
    blockBytes: prng.pick([64, 256, 1024]),
    recvBlocks: SMALL_SIZES.recvBlocks * 3,
    sendBlocks: SMALL_SIZES.sendBlocks * 3,
    replayBits: prng.pick([64, 1024]),
    // Scarce handshake slots are a scenario of their own ("slots").
    pendingOpens: prng.pick([1, 2]),
    handshakes: 8,
    hopCreditBytes: prng.pick([2048, 4096, 65_536]),
  };
}

/** A gateway among devices: large packets and records, which the others never send or take. */
export const LARGE_SIZES: Partial<Sizes> = {
  maxPacketBytes: 16_000,
  maxRecordBytes: 8000,
  windowBytes: 65_536,
  blockBytes: 4096,
  recvBlocks: 97,
  sendBlocks: 89,
  replayBits: 1024,
  hopBufferBytes: 16_640,
  hopCreditBytes: 65_536,
  handshakes: 8,
};
