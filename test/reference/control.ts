// SPDX-License-Identifier: Apache-2.0
// The messages of the control stream: PROTOCOL.md 10.1. A stream of kind 3 between an STLink and
// its Commander carries them; activation.ts and configuration.ts have the larger bodies.
// Invariant: unknown types are skipped, and so are messages whose length is not that of their type.

import { concat, encodeUint } from "./bytes.ts";
import { decodeFrame, encodeFrame, type FrameOf, knowsCode } from "./frames.ts";
import { ProtocolError, statusOf } from "./status.ts";

const MESSAGES = {
  STATE: { code: 0x61, fields: { epoch: "u32", serial: "u64", hash: "b32" } },
  ACTIVATE: { code: 0x62, fields: { secret: "b16", platform: "rest" } },
  CONFIRM: { code: 0x63, fields: { epoch: "u32", serial: "u64", hash: "b32" } },
  ROTATE: { code: 0x64, fields: { key: "b32" } },
  // `state` holds the status in its highest byte.
  REPORT: {
    code: 0x65,
    fields: { epoch: "u32", serial: "u64", hash: "b32", state: "u32", leaseLeft: "u32" },
  },
  ABOUT: {
    code: 0x66,
    fields: { sessions: "u16", streams: "u16", coreHash: "b32", text: "rest" },
  },
  CURRENT: { code: 0x71, fields: { epoch: "u32", serial: "u64" } },
  CONFIG: { code: 0x72, fields: { configuration: "rest" } },
  REFUSED: { code: 0x73, fields: { reason: "u8" } },
  ROTATED: { code: 0x74, fields: { key: "b32" } },
  INSTALL: { code: 0x75, fields: { current: "b32", recovery: "b32", epoch: "u32" } },
  RENEW: { code: 0x76, fields: {} },
} as const;

const HEADER_LEN = 4;
const LENGTH_LEN = 3;
const MOST_BODY = 0xffffff;
/** Of ACTIVATE and of ABOUT. */
const MOST_TEXT = 64;

export type ControlMessage = FrameOf<typeof MESSAGES>;

/** Type, length, body. */
export function encodeControl(message: ControlMessage): Uint8Array {
  checkText(message);
  const frame = encodeFrame(MESSAGES, message);
  const body = frame.subarray(1);
  if (body.length > MOST_BODY) throw new ProtocolError("BadArgument");
  return concat(frame.subarray(0, 1), encodeUint(body.length, LENGTH_LEN), body);
}

/** What REPORT says in its `state` (10.1). */
export function decodeState(state: number) {
  return {
    phase: state & 0xff,
    refused: (state >> 8) & 0xff,
    leaseExpired: (state & 0x10000) !== 0,
    byRecoveryKey: (state & 0x20000) !== 0,
    peerKeyChanged: (state & 0x40000) !== 0,
    /** One of section 13.1. */
    status: state >> 24,
  };
}

/** What ABOUT says in its text, and ACTIVATE in its platform (10.1). */
export function decodeAbout(text: Uint8Array) {
  const [platform = "", board = "", version = ""] = new TextDecoder().decode(text).split("\0");
  return { platform, board, version };
}

/** Reads messages out of a byte stream that comes in whatever pieces. */
export class ControlReader {
  private pending: Uint8Array = new Uint8Array(0);

  /** Returns the messages that `bytes` finish. */
  take(bytes: Uint8Array): ControlMessage[] {
    this.pending = concat(this.pending, bytes);
    const messages: ControlMessage[] = [];
    for (let next = this.next(); next; next = this.next()) {
      const [type = 0] = next;
      if (!knowsCode(MESSAGES, type)) continue;
      const status = statusOf(() => messages.push(decodeControl(next)));
      // A message whose length is not that of its type is read past.
      if (status !== undefined && status !== "BadFrame") throw new ProtocolError(status);
    }
    return messages;
  }

  // The next message without its length.
  private next(): Uint8Array | undefined {
    const { pending } = this;
    if (pending.length < HEADER_LEN) return undefined;
    const length = (pending[1] ?? 0) + 256 * (pending[2] ?? 0) + 65_536 * (pending[3] ?? 0);
    if (pending.length < HEADER_LEN + length) return undefined;
    this.pending = pending.slice(HEADER_LEN + length);
    return concat(pending.subarray(0, 1), pending.subarray(HEADER_LEN, HEADER_LEN + length));
  }
}

function decodeControl(message: Uint8Array): ControlMessage {
  const decoded = decodeFrame(MESSAGES, message, "BadFrame");
  checkText(decoded);
  return decoded;
}

function checkText(message: ControlMessage): void {
  const text =
    message.type === "ACTIVATE" ? message.platform : message.type === "ABOUT" ? message.text : null;
  if (text !== null && text.length > MOST_TEXT) throw new ProtocolError("BadFrame");
}
