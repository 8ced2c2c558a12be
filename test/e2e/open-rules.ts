// SPDX-License-Identifier: Apache-2.0
// Rules for a Connector among friends, for tests and the bench: ids instead of names, one tenant, nobody
// refused for being fast. Before it: who may connect, and which pairs may talk. After it: connector.ts.

import type { ConnectorRules } from "../../host/connector/settings.ts";
import { hex } from "../../host/service/hex.ts";

export type Friend = { id: Uint8Array; key: Uint8Array; psk?: Uint8Array };
export type Pair = readonly [Uint8Array, Uint8Array];

const QUEUE_BYTES = 4 << 20;

/** `hops` is also how many may be half-open, from anywhere. */
export function openRules(
  friends: readonly Friend[],
  pairs: readonly Pair[],
  hops: number,
): ConnectorRules {
  return {
    stlinks: friends.map(({ id, key, psk = null }) => {
      return { name: hex(id), tenant: "friends", id, key, nextKey: null, psk };
    }),
    tenants: [],
    groups: pairs.map((pair) => pair.map(hex)),
    limits: {
      hops,
      halfOpen: hops,
      halfOpenPerSource: hops,
      queueBytes: QUEUE_BYTES,
      rate: { bytesPerSecond: 1 << 30, packetsPerSecond: 1_000_000 },
    },
  };
}
