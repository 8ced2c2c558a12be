// SPDX-License-Identifier: Apache-2.0
// The core's tables and pools for a Commander's STLink: a link and a control stream for each of ten thousand
// STLinks, in 51 MB whatever they do. Before it: control.ts. After it: the agent's core. PROTOCOL 7.7, 12.

import { DESKTOP_SIZES, type Sizes } from "../../core/core.ts";
import { HOPS_MOST } from "../../stlink/kept-connector.ts";

export const STLINKS_MOST = 10_000;
/** Codes that activate, and desks. */
const OTHERS_MOST = 240;
/** Connectors that may be added before a restart is needed. */
const SPARE_CONNECTORS = 2;
const BLOCK_BYTES = 256;
/** A stream's minimum at these records is five blocks each way; two more are lent to who needs them. */
const BLOCKS_EACH_WAY = 6;

/** `connectors`: how many the site has now. */
export function controlSizes(connectors: number): Sizes {
  const links = STLINKS_MOST + OTHERS_MOST;
  return {
    ...DESKTOP_SIZES,
    hops: HOPS_MOST * (connectors + SPARE_CONNECTORS),
    links,
    streams: links,
    handshakes: 128,
    maxPacketBytes: 4096,
    maxRecordBytes: 1024,
    windowBytes: 16_384,
    blockBytes: BLOCK_BYTES,
    recvBlocks: BLOCKS_EACH_WAY * links,
    sendBlocks: BLOCKS_EACH_WAY * links,
    channels: 4096,
    replayBits: 64,
    pendingOpens: 2,
    hopBufferBytes: 65_536,
    configBytes: 0,
  };
}
