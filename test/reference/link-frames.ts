// SPDX-License-Identifier: Apache-2.0
// The frames inside a data packet: PROTOCOL.md section 5.3, as one table. link-session.ts seals and
// opens the packets; link-streams.ts gives the frames their meaning.
// Invariant: STREAM and DATAGRAM are last in their packet.

import { decodeFrames, encodeFrame, type FrameOf } from "./frames.ts";

const LINK_FRAMES = {
  HELLO: {
    code: 0x21,
    fields: {
      myLinkId: "b8",
      yourLinkId: "b8",
      maxPacket: "u16",
      maxRecord: "u16",
      maxInFlight: "u32",
      maxPendingOpens: "u16",
      load: "u8",
      epoch: "u32",
      serial: "u64",
    },
  },
  ACK: { code: 0x22, fields: { stream: "u32", flags: "u8", next: "u64", limit: "u64" } },
  OPEN: {
    code: 0x23,
    fields: {
      stream: "u32",
      kind: "u8",
      bindingId: "b16",
      mappingId: "b16",
      epoch: "u32",
      serial: "u64",
      limit: "u64",
      version: "u8",
      message: "b1216",
    },
  },
  ACCEPT: {
    code: 0x24,
    fields: { stream: "u32", load: "u8", limit: "u64", version: "u8", message: "b1152" },
  },
  RESET: { code: 0x25, fields: { stream: "u32", reason: "u8" } },
  PROBE: { code: 0x26, fields: { token: "u32" } },
  PONG: { code: 0x27, fields: { token: "u32", load: "u8" } },
  RESUME: { code: 0x28, fields: {} },
  STREAM: { code: 0x29, fields: { stream: "u32", number: "u64", record: "rest17" } },
  DATAGRAM: {
    code: 0x2a,
    fields: { stream: "u32", flow: "u16", counter: "u48", sealed: "rest16" },
  },
  GOODBYE: { code: 0x2b, fields: { reason: "u8" } },
} as const;

export type LinkFrame = FrameOf<typeof LINK_FRAMES>;

/** The frame of one type, as in `FrameNamed<"OPEN">`. */
export type FrameNamed<N extends LinkFrame["type"]> = Extract<LinkFrame, { type: N }>;

export function encodeLinkFrame(frame: LinkFrame): Uint8Array {
  return encodeFrame(LINK_FRAMES, frame);
}

/** Decodes the plaintext of a packet, frame by frame; throws `BadFrame`. */
export function decodeLinkFrames(plaintext: Uint8Array): Generator<LinkFrame> {
  return decodeFrames(LINK_FRAMES, plaintext, "BadFrame");
}
