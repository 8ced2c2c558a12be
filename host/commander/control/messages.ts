// SPDX-License-Identifier: Apache-2.0
// The messages of a control stream as a Commander reads and writes them: PROTOCOL 10.1. Before it: a stream of
// kind 3, in whatever pieces. After it: conversation.ts. Invariants: a reader holds one message of at most
// BODY_MOST bytes; unknown types are read past, and so is a message whose length is not that of its type.

import { hex } from "../../service/hex.ts";
import type { Key } from "../domain/fields.ts";
import type { Version } from "../domain/version.ts";

/** A configuration that somebody has in force. */
export type InForce = { version: Version; hash: string };

export type Report = InForce & {
  phase: number;
  isLeaseExpired: boolean;
  isByRecoveryKey: boolean;
  hasChangedPeer: boolean;
  /** One of section 13.1. */
  status: number;
  /** Null: it never ends. */
  leaseLeftMs: number | null;
};

/** What an STLink says that it is; empty where there is no such thing. */
export type Texts = { platform: string; board: string; firmware: string };

export type About = Texts & {
  sessions: number;
  streams: number;
  /** SHA-256 of its core, hexadecimal. */
  core: string;
};

export type FromStlink =
  | ({ type: "STATE" | "CONFIRM" } & InForce)
  | ({ type: "ACTIVATE"; secret: Uint8Array } & Texts)
  | { type: "ROTATE"; key: Key }
  | ({ type: "REPORT" } & Report)
  | ({ type: "ABOUT" } & About);

const STATE = 0x61;
const ACTIVATE = 0x62;
const CONFIRM = 0x63;
const ROTATE = 0x64;
const REPORT = 0x65;
const ABOUT = 0x66;
const CURRENT = 0x71;
const CONFIG = 0x72;
const REFUSED = 0x73;
const ROTATED = 0x74;
const INSTALL = 0x75;
const RENEW = 0x76;

const LENGTH_LEN = 3;
const HEADER_LEN = 1 + LENGTH_LEN;
const IN_FORCE_LEN = 44;
const REPORT_LEN = 52;
const SECRET_LEN = 16;
const KEY_LEN = 32;
const ABOUT_TEXT_AT = 36;
const TEXT_MOST = 64;
/** The longest message that an STLink sends. */
const BODY_MOST = ABOUT_TEXT_AT + TEXT_MOST;
const LEASE_UNIT_MS = 1024;
const LEASE_NEVER = 0x7fff_ffff;

/** Takes the bytes of a stream in whatever pieces, gives the messages that are whole. */
export class ControlReader {
  #held = Buffer.alloc(0);
  /** Bytes of a message that is read past. */
  #skipped = 0;
  /** Messages that nobody knows, or that are not as long as their type. */
  unknown = 0;

  take(bytes: Uint8Array): FromStlink[] {
    const messages: FromStlink[] = [];
    const past = Math.min(this.#skipped, bytes.length);
    this.#skipped -= past;
    let rest = Buffer.concat([this.#held, bytes.subarray(past)]);
    while (rest.length >= HEADER_LEN) {
      const length = rest.readUIntLE(1, LENGTH_LEN);
      if (length > BODY_MOST) {
        this.unknown += 1;
        const here = Math.min(length, rest.length - HEADER_LEN);
        this.#skipped = length - here;
        rest = rest.subarray(HEADER_LEN + here);
        continue;
      }
      if (rest.length < HEADER_LEN + length) break;
      const message = decode(rest[0] ?? 0, rest.subarray(HEADER_LEN, HEADER_LEN + length));
      if (message === null) this.unknown += 1;
      else messages.push(message);
      rest = rest.subarray(HEADER_LEN + length);
    }
    this.#held = Buffer.from(rest);
    return messages;
  }
}

/** null: a type that nobody knows, or another length than the type's. */
function decode(type: number, body: Buffer): FromStlink | null {
  if (type === STATE && body.length === IN_FORCE_LEN) return { type: "STATE", ...inForce(body) };
  if (type === CONFIRM && body.length === IN_FORCE_LEN)
    return { type: "CONFIRM", ...inForce(body) };
  if (type === ROTATE && body.length === KEY_LEN) return { type: "ROTATE", key: hex(body) };
  if (type === REPORT && body.length === REPORT_LEN) return { type: "REPORT", ...report(body) };
  if (type === ACTIVATE) return activate(body);
  return type === ABOUT ? about(body) : null;
}

function inForce(body: Buffer): InForce {
  const version = { epoch: body.readUInt32LE(0), serial: body.readBigUInt64LE(4) };
  return { version, hash: hex(body.subarray(12, IN_FORCE_LEN)) };
}

function report(body: Buffer): Report {
  const flags = body.readUInt8(IN_FORCE_LEN + 2);
  const left = body.readUInt32LE(IN_FORCE_LEN + 4);
  return {
    ...inForce(body),
    phase: body.readUInt8(IN_FORCE_LEN),
    isLeaseExpired: (flags & 1) !== 0,
    isByRecoveryKey: (flags & 2) !== 0,
    hasChangedPeer: (flags & 4) !== 0,
    status: body.readInt8(IN_FORCE_LEN + 3),
    leaseLeftMs: left === LEASE_NEVER ? null : left * LEASE_UNIT_MS,
  };
}

function activate(body: Buffer): FromStlink | null {
  const text = body.subarray(SECRET_LEN);
  if (body.length < SECRET_LEN || text.length > TEXT_MOST) return null;
  const secret = new Uint8Array(body.subarray(0, SECRET_LEN));
  return { type: "ACTIVATE", secret, ...textsOf(text) };
}

function about(body: Buffer): FromStlink | null {
  const text = body.subarray(ABOUT_TEXT_AT);
  if (body.length < ABOUT_TEXT_AT || text.length > TEXT_MOST) return null;
  const core = hex(body.subarray(4, ABOUT_TEXT_AT));
  const counts = { sessions: body.readUInt16LE(0), streams: body.readUInt16LE(2) };
  return { type: "ABOUT", ...counts, core, ...textsOf(text) };
}

function textsOf(text: Buffer): Texts {
  const [platform = "", board = "", firmware = ""] = text.toString().split("\0");
  return { platform: shown(platform), board: shown(board), firmware: shown(firmware) };
}

/** Nobody's terminal obeys what an STLink says of itself. */
function shown(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ").trim();
}

export function encodeCurrent({ epoch, serial }: Version): Uint8Array {
  const body = Buffer.alloc(12);
  body.writeUInt32LE(epoch);
  body.writeBigUInt64LE(serial, 4);
  return encode(CURRENT, body);
}

export function encodeConfig(configuration: Uint8Array): Uint8Array {
  return encode(CONFIG, configuration);
}

export function encodeRefused(reason: number): Uint8Array {
  return encode(REFUSED, Uint8Array.of(reason));
}

/** `key`: 32 bytes. */
export function encodeRotated(key: Uint8Array): Uint8Array {
  return encode(ROTATED, key);
}

/** Both keys: 32 bytes. */
export function encodeInstall(
  current: Uint8Array,
  recovery: Uint8Array,
  epoch: number,
): Uint8Array {
  const last = Buffer.alloc(4);
  last.writeUInt32LE(epoch);
  return encode(INSTALL, Buffer.concat([current, recovery, last]));
}

export function encodeRenew(): Uint8Array {
  return encode(RENEW, new Uint8Array(0));
}

function encode(type: number, body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER_LEN, type);
  header.writeUIntLE(body.length, 1, LENGTH_LEN);
  return new Uint8Array(Buffer.concat([header, body]));
}
