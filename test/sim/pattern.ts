// SPDX-License-Identifier: Apache-2.0
// The bytes of a simulated stream: the byte at an offset depends on the stream, the direction and
// the offset, so that a byte that is lost, doubled, moved or another stream's shows at once.

import { Prng } from "../../host/net/sim/prng.ts";

/** Prime, so that no block, record or window size divides it. */
const PERIOD = 65_521;
const MOST = 65_536;
const ROW = new Prng("pattern").bytes(PERIOD);
const DOUBLE = Buffer.concat([ROW, ROW, ROW]);

/** The bytes at `offset`, at most 64 KiB of them. `start` is the stream's own. */
export function patternAt(start: number, offset: number, len: number): Uint8Array {
  const from = (start + offset) % PERIOD;
  return DOUBLE.subarray(from, from + Math.min(len, MOST));
}

/** Where the bytes of a stream's direction begin in the row. */
export function patternStart(seed: string): number {
  return new Prng(seed).below(PERIOD);
}
