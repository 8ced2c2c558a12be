// SPDX-License-Identifier: Apache-2.0
// The core's tables and pools for a Site, with room for what a reload may add. Before it: the Site. After
// it: the agent's core. PROTOCOL 12.

import { DESKTOP_SIZES, type Sizes } from "../core/core.ts";
import { HOPS_MOST } from "./kept-connector.ts";
import type { Site } from "./site.ts";

/** Connectors and peers that may be added before a restart is needed; those that go count for a while. */
const SPARE_CONNECTORS = 4;
const SPARE_PEERS = 32;
const CHANNELS_MOST = 4096;

/** A link for each peer, two hops for each Connector. */
export function sizesOf({ connectors, peers, limits }: Site): Sizes {
  const blocks = Math.floor(limits.memoryBytes / 2 / DESKTOP_SIZES.blockBytes);
  const links = peers.length + SPARE_PEERS;
  return {
    ...DESKTOP_SIZES,
    hops: HOPS_MOST * (connectors.length + SPARE_CONNECTORS),
    links,
    channels: Math.min(links + 1, CHANNELS_MOST),
    streams: limits.streams,
    recvBlocks: blocks,
    sendBlocks: blocks,
    configBytes: 0,
  };
}

/** Whether what is there and what is to come find room side by side, which a change takes for a while. */
export function hasRoom(sizes: Sizes, before: Site, after: Site): boolean {
  const peers = before.peers.length + after.peers.length;
  const connectors = before.connectors.length + after.connectors.length;
  const links = peers - countSame(before.peers, after.peers);
  const hops = HOPS_MOST * (connectors - countSame(before.connectors, after.connectors));
  return links <= sizes.links && hops <= sizes.hops;
}

function countSame(
  before: readonly { name: string }[],
  after: readonly { name: string }[],
): number {
  const names = new Set(before.map(({ name }) => name));
  return after.filter(({ name }) => names.has(name)).length;
}
