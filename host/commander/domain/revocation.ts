// SPDX-License-Identifier: Apache-2.0
// An STLink that may not speak any more (rules T3, T10): at once, and its keys never again. Before it: an
// administrator. After it: the Connector, then its peers' configurations, which name it no more. Pure.

import type { KeyChange } from "./activation.ts";
import type { Code } from "./code.ts";
import { keysOf, type StlinkFacts } from "./stlink.ts";

/** Null: it is revoked already. */
export function revoked(facts: StlinkFacts, nowMs: number): KeyChange | null {
  if (facts.revokedAtMs !== null) return null;
  const cleared = { key: null, nextKey: null, waiting: null, isConnected: false };
  return {
    facts: { ...facts, ...cleared, revokedAtMs: nowMs },
    spent: keysOf(facts),
    arePsksVoid: true,
  };
}

/** A code that admits nobody any more, nor answers again. */
export function revokedCode(code: Code, nowMs: number): Code {
  return code.revokedAtMs === null ? { ...code, revokedAtMs: nowMs } : code;
}
