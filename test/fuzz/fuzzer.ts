// SPDX-License-Identifier: Apache-2.0
// What the fuzzers share: what one is, and the promises that every input is held to: no trap, every
// answer a defined status, no byte outside of the instance, no secret after `stop` (PROTOCOL 13.1).
// Before: index.ts. After: host/core.

import { Status } from "../../host/core/abi.gen.ts";
import { CoreError } from "../../host/core/core.ts";
import type { CoreEngine } from "../../host/core/engine.ts";

export type Fuzzer = {
  name: string;
  about: string;
  /** Throws when a promise is broken. Everything follows from `seed`. */
  round(seed: number): void;
};

const STATUSES: ReadonlySet<number> = new Set(Object.values(Status));
const PIECE = 8;

/** Throws unless a result is a count or a status that PROTOCOL.md names. */
export function checkResult(result: number, what: string): void {
  if (result >= 0 || STATUSES.has(result)) return;
  throw new Error(`${what} returned ${result}, which is no status`);
}

/** Does `work`, which may be refused; throws for anything but a defined status. */
export function attempt(what: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof CoreError)) throw error;
    checkResult(error.status, what);
  }
}

/** Throws when 8 bytes in a row of a secret stand in linear memory. */
export function checkNoSecret(engine: CoreEngine, secrets: readonly Uint8Array[]): void {
  const memory = Buffer.from(engine.read(0, engine.memoryBytes()));
  for (const secret of secrets) {
    for (let from = 0; from + PIECE <= secret.length; from++) {
      const piece = secret.subarray(from, from + PIECE);
      const at = memory.indexOf(piece);
      if (at >= 0 && piece.some((byte) => byte !== piece[0]))
        throw new Error(`8 bytes of a secret stand at ${at} after stop`);
    }
  }
}
