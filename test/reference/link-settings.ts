// SPDX-License-Identifier: Apache-2.0
// What a link is made with: the sizes that HELLO states and their ranges, PROTOCOL.md 5.4 and 12,
// the hold and probe times, and what the stream table tells those above it. link-streams.ts and
// peer.ts take them.
// Invariant: maxRecord fits one packet; maxInFlight holds two packets at least.

import { isZero } from "./bytes.ts";
import type { FrameNamed } from "./link-frames.ts";
import type { Random } from "./random.ts";
import { KEY_UPDATE_RULE, type UpdateRule } from "./sending.ts";
import { ProtocolError, type StatusName } from "./status.ts";
import type { Stream } from "./stream.ts";

const LEAST_PACKET = 2048;
const MOST_PACKET = 65_000;
const LEAST_RECORD = 512;
// What stands beside a record in its packet at most, HELLO with it (5.4).
const BESIDE_RECORD = 128;

/** What is assumed of a peer until its HELLO has come: everyone takes that much. */
export const UNKNOWN_PEER = {
  maxPacket: LEAST_PACKET,
  maxRecord: LEAST_RECORD,
  maxInFlight: 2 * LEAST_PACKET,
  pendingOpens: 1,
};

export interface StreamSettings {
  maxPacket: number;
  maxRecord: number;
  maxInFlight: number;
  maxPendingOpens: number;
  windowBytes: number;
  maxStreams: number;
  replayWindow: number;
  holdMs: number;
  /** A link with open streams on which nothing has come for so long sends a PROBE. */
  keepAliveMs: number;
  updateRule: UpdateRule;
  epoch: number;
  serial: bigint;
}

export const STREAM_SETTINGS: StreamSettings = {
  maxPacket: 2048,
  maxRecord: 1460,
  maxInFlight: 16_384,
  maxPendingOpens: 4,
  windowBytes: 8192,
  maxStreams: 64,
  replayWindow: 1024,
  holdMs: 120_000,
  keepAliveMs: 30_000,
  updateRule: KEY_UPDATE_RULE,
  epoch: 1,
  serial: 1n,
};

/** What an OPEN asks for. */
export interface OpenRequest {
  kind: number;
  bindingId: Uint8Array;
  mappingId: Uint8Array;
}

export type StreamEvent =
  | { type: "open" | "connected" | "ended"; stream: Stream }
  | { type: "datagram"; stream: Stream; flow: number; bytes: Uint8Array };

export interface LinkStreamsOptions {
  ownId: Uint8Array;
  peerId: Uint8Array;
  random: Random;
  settings: StreamSettings;
  /** Returns a reason to refuse an OPEN (5.5), or undefined. */
  admit: (request: OpenRequest) => number | undefined;
  emit: (event: StreamEvent) => void;
  count: (status: StatusName) => void;
}

/** Throws `PeerViolation` for a HELLO out of range. */
export function checkHello(hello: FrameNamed<"HELLO">): void {
  const { maxPacket, maxRecord, maxInFlight, maxPendingOpens, myLinkId } = hello;
  const good =
    maxPacket >= LEAST_PACKET &&
    maxPacket <= MOST_PACKET &&
    maxRecord >= LEAST_RECORD &&
    maxRecord <= maxPacket - BESIDE_RECORD &&
    maxInFlight >= 2 * maxPacket &&
    maxPendingOpens >= 1 &&
    !isZero(myLinkId);
  if (!good) throw new ProtocolError("PeerViolation");
}
