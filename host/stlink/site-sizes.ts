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

/** Entries of Connectors that a Commander may give; of more, the first ones are used (PROTOCOL 7.6). */
export const COMMANDED_CONNECTORS_MOST = 16;
/** 4,000 peers, the Commander, and some that go and leave their place later: as many as a hop can name. */
const COMMANDED_LINKS = CHANNELS_MOST - 1;
const COMMANDED_MEMORY_BYTES = 48 << 20;
/** Each half: 4,000 peers, and Routes that name all of them 20 times. */
const COMMANDED_CONFIG_BYTES = 4 << 20;

/** For whatever a Commander may say. */
export function commandedSizes(): Sizes {
  const blocks = Math.floor(COMMANDED_MEMORY_BYTES / 2 / DESKTOP_SIZES.blockBytes);
  return {
    ...DESKTOP_SIZES,
    hops: 2 * HOPS_MOST * COMMANDED_CONNECTORS_MOST,
    links: COMMANDED_LINKS,
    channels: CHANNELS_MOST,
    recvBlocks: blocks,
    sendBlocks: blocks,
    configBytes: COMMANDED_CONFIG_BYTES,
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
