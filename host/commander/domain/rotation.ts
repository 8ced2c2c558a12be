// SPDX-License-Identifier: Apache-2.0
// A key that its owner changes (rule T3, PROTOCOL 10.4): announced over a session of the old key, published, and
// in force when a handshake under it has finished. Before it: ROTATE, and the Connector's news of a key.
// After it: the configurations of its peers, ROTATED. No connection ends. Pure.

import type { KeyChange } from "./activation.ts";
import type { Key } from "./fields.ts";
import type { StlinkFacts } from "./stlink.ts";

export type Rotation =
  /** To be published before it is answered. */
  | { answer: "publish"; facts: StlinkFacts; spent: readonly Key[] }
  /** It is published already, or in force: the answer was lost. */
  | { answer: "again" }
  /** No answer: a key of another's, or one that was used up, is nobody's next. */
  | { answer: "none" };

/** What is known of the new key. */
export type NextKey = { key: Key; isSpent: boolean; isOthers: boolean };

export function decideRotation(facts: StlinkFacts, next: NextKey): Rotation {
  if (facts.key === null || facts.revokedAtMs !== null) return { answer: "none" };
  if (facts.key === next.key || facts.nextKey === next.key) return { answer: "again" };
  if (next.isSpent || next.isOthers) return { answer: "none" };
  const spent = facts.nextKey === null ? [] : [facts.nextKey];
  return { answer: "publish", facts: { ...facts, nextKey: next.key }, spent };
}

/** A handshake under `key` has finished: the next key becomes the key. Null: that changes nothing. */
export function heardUnder(facts: StlinkFacts, key: Key): KeyChange | null {
  if (facts.nextKey !== key || facts.key === null || facts.revokedAtMs !== null) return null;
  const rotated = { ...facts, key, nextKey: null, keyEpoch: facts.keyEpoch + 1 };
  return { facts: rotated, spent: [facts.key], arePsksVoid: false };
}
