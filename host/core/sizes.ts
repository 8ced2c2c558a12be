// SPDX-License-Identifier: Apache-2.0
// The sizes that an instance is started with, and the presets: a device, a desktop, a Connector. Before:
// whoever starts a core. After: core.ts writes them in SIZE_ORDER. PROTOCOL section 12.

/** Sizes of an instance, PROTOCOL section 12. Counts, and bytes where the name says so. */
export type Sizes = {
  hops: number;
  links: number;
  streams: number;
  handshakes: number;
  maxPacketBytes: number;
  maxRecordBytes: number;
  windowBytes: number;
  blockBytes: number;
  /** One pool of recvBlocks + sendBlocks (PROTOCOL 7.7); windows take at most recvBlocks of it. */
  recvBlocks: number;
  sendBlocks: number;
  channels: number;
  replayBits: number;
  pendingOpens: number;
  hopBuffers: number;
  hopBufferBytes: number;
  hopCreditBytes: number;
  /** Two halves: the configuration in force, and the next one. None or 0: no control plane. */
  configBytes?: number;
};

/** A camera: 56 KiB of linear memory (rule M1). */
export const DEVICE_SIZES: Sizes = {
  hops: 2,
  links: 4,
  streams: 5,
  handshakes: 1,
  maxPacketBytes: 2048,
  maxRecordBytes: 1460,
  windowBytes: 8192,
  blockBytes: 256,
  recvBlocks: 44,
  sendBlocks: 43,
  channels: 5,
  replayBits: 64,
  pendingOpens: 1,
  hopBuffers: 3,
  hopBufferBytes: 2304,
  hopCreditBytes: 8192,
  configBytes: 2048,
};

/** A desktop or a gateway. */
export const DESKTOP_SIZES: Sizes = {
  hops: 4,
  links: 64,
  streams: 1024,
  handshakes: 64,
  maxPacketBytes: 65_000,
  maxRecordBytes: 16_384,
  windowBytes: 1 << 20,
  blockBytes: 8192,
  recvBlocks: 6144,
  sendBlocks: 6144,
  channels: 65,
  replayBits: 1024,
  pendingOpens: 32,
  hopBuffers: 12,
  hopBufferBytes: 131_072,
  hopCreditBytes: 1 << 20,
  configBytes: 65_536,
};

/** Large buffers for records of hops that are up (rule K9), and handshake slots for their rekeys. */
const HOP_BUFFERS = 64;
const REKEYS = 16;

/**
 * A Connector with room for `hops`. Those that have not finished their handshake, `halfOpen` at most, have
 * slots and buffers of their own, so that they can't keep any from the others (rule K4).
 */
export function connectorSizes(hops: number, halfOpen = 64): Sizes {
  return {
    ...DESKTOP_SIZES,
    hops,
    links: 0,
    streams: 0,
    recvBlocks: 0,
    sendBlocks: 0,
    handshakes: halfOpen + REKEYS,
    channels: 16,
    hopBuffers: HOP_BUFFERS + halfOpen,
    configBytes: 0,
  };
}

/** The order in which the core reads them (SIZE_* of the generated ABI). */
export const SIZE_ORDER: (keyof Sizes)[] = [
  "hops",
  "links",
  "streams",
  "handshakes",
  "maxPacketBytes",
  "maxRecordBytes",
  "windowBytes",
  "blockBytes",
  "recvBlocks",
  "sendBlocks",
  "channels",
  "replayBits",
  "pendingOpens",
  "hopBuffers",
  "hopBufferBytes",
  "hopCreditBytes",
  "configBytes",
];
