// SPDX-License-Identifier: Apache-2.0
// The frames inside a hop record: PROTOCOL.md section 4.2, as one table. hop.ts seals and opens the
// records; peer.ts and connector.ts give the frames their meaning.
// Invariant: REKEY and PACKET are last in their record (padding may follow REKEY, see hop.ts).

import { decodeFrames, encodeFrame, type FrameOf } from "./frames.ts";

const HOP_FRAMES = {
  HOP_HELLO: { code: 0x01, fields: { maxPacket: "u16", channels: "u16" } },
  WELCOME: {
    code: 0x02,
    fields: { id: "b16", maxPacket: "u16", channels: "u16", queueBytes: "u32" },
  },
  REFUSED: { code: 0x03, fields: { reason: "u8" } },
  TICKET: { code: 0x04, fields: { codeId: "b8", ticket: "b32" } },
  NAME: { code: 0x05, fields: { channel: "u16", id: "b16" } },
  CREDIT: { code: 0x06, fields: { total: "u64" } },
  PING: { code: 0x07, fields: { token: "u32" } },
  PONG: { code: 0x08, fields: { token: "u32" } },
  DROPPED: { code: 0x09, fields: { channel: "u16", reason: "u8", count: "u16" } },
  AWAY: { code: 0x0a, fields: { channel: "u16" } },
  BACK: { code: 0x0b, fields: { channel: "u16" } },
  MUTE: { code: 0x0c, fields: { channel: "u16", seconds: "u16" } },
  DRAIN: { code: 0x0d, fields: { afterMs: "u32" } },
  CLOSE: { code: 0x0e, fields: { reason: "u8" } },
  REKEY: { code: 0x0f, fields: { version: "u8", message: "rest" } },
  NEWKEYS: { code: 0x10, fields: {} },
  PACKET: { code: 0x11, fields: { class: "u8", channel: "u16", packet: "rest1" } },
} as const;

export type HopFrame = FrameOf<typeof HOP_FRAMES>;

type Role = "stlink" | "connector";

// The column "way" of 4.2; what is in neither list goes both ways.
const ONLY_FROM_STLINK = ["HOP_HELLO", "TICKET", "CREDIT", "MUTE"];
const ONLY_FROM_CONNECTOR = ["WELCOME", "REFUSED", "DROPPED", "AWAY", "BACK", "DRAIN"];

export function encodeHopFrame(frame: HopFrame): Uint8Array {
  return encodeFrame(HOP_FRAMES, frame);
}

/** Decodes the plaintext of a record, frame by frame; throws `BadFrame`. */
export function decodeHopFrames(plaintext: Uint8Array): Generator<HopFrame> {
  return decodeFrames(HOP_FRAMES, plaintext, "BadFrame");
}

/** Whether `sender` may send a frame of this type at all. */
export function maySend(sender: Role, type: HopFrame["type"]): boolean {
  const foreign = sender === "stlink" ? ONLY_FROM_CONNECTOR : ONLY_FROM_STLINK;
  return !foreign.includes(type);
}
