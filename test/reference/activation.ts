// SPDX-License-Identifier: Apache-2.0
// The activation code: its bytes, its text, and what is derived from its secret. PROTOCOL.md 10.2.
// A Commander makes it, a device reads it once. After it: peer.ts shows the ticket, and the link
// to the Commander runs with the derived PSK.
// Invariant: decode accepts exactly what encode makes; anything else is `BadCode`.

import { blake2s } from "@noble/hashes/blake2.js";
import { concat, equal, Reader, utf8, Writer } from "./bytes.ts";
import { checkCanonical } from "./noise.ts";
import { ProtocolError } from "./status.ts";

const VERSION = 1;
const CHECKSUM_LEN = 4;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export interface ActivationCode {
  connectorKey: Uint8Array;
  commanderId: Uint8Array;
  commanderKey: Uint8Array;
  /** BLAKE2s of the recovery key, 32 bytes. */
  recoveryHash: Uint8Array;
  /** 16 bytes. */
  secret: Uint8Array;
  /** "host:port", each at most 255 bytes. */
  addresses: string[];
}

/** The code's bytes: 134 and each address with a length byte. */
export function encodeCode(code: ActivationCode): Uint8Array {
  const writer = new Writer()
    .u8(VERSION)
    .bytes(code.connectorKey)
    .bytes(code.commanderId)
    .bytes(code.commanderKey)
    .bytes(code.recoveryHash)
    .bytes(code.secret)
    .u8(code.addresses.length);
  for (const address of code.addresses) writer.text8(address);
  const body = writer.finish();
  return concat(body, checksum(body));
}

/** Throws `BadCode`. */
export function decodeCode(bytes: Uint8Array): ActivationCode {
  const body = bytes.subarray(0, Math.max(0, bytes.length - CHECKSUM_LEN));
  if (!equal(checksum(body), bytes.subarray(body.length))) throw new ProtocolError("BadCode");
  const reader = new Reader(body, "BadCode");
  if (reader.u8() !== VERSION) throw new ProtocolError("BadCode");
  const code: ActivationCode = {
    connectorKey: readKey(reader),
    commanderId: reader.bytes(16),
    commanderKey: readKey(reader),
    recoveryHash: reader.bytes(32),
    secret: reader.bytes(16),
    addresses: Array.from({ length: reader.u8() }, () => reader.text8()),
  };
  reader.end();
  if (code.addresses.length === 0) throw new ProtocolError("BadCode");
  return code;
}

/** Base32 of RFC 4648 without padding. */
export function toBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => ALPHABET[Number.parseInt(group.padEnd(5, "0"), 2)]).join("");
}

/** Takes lower case too; throws `BadCode`, also for bits left over that are not zero. */
export function fromBase32(text: string): Uint8Array {
  const values = [...text.toUpperCase()].map((letter) => ALPHABET.indexOf(letter));
  if (values.includes(-1)) throw new ProtocolError("BadCode");
  const bits = values.map((value) => value.toString(2).padStart(5, "0")).join("");
  const length = Math.floor(bits.length / 8);
  const bytes = Uint8Array.from({ length }, (_, i) =>
    Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2),
  );
  if (toBase32(bytes) !== text.toUpperCase()) throw new ProtocolError("BadCode");
  return bytes;
}

/** What hop and link are shown instead of the secret. */
export function deriveFromSecret(secret: Uint8Array) {
  const derive = (text: string) => blake2s(utf8(text), { key: secret });
  return {
    codeId: derive("sealed/1 code id").slice(0, 8),
    ticket: derive("sealed/1 ticket"),
    psk: derive("sealed/1 psk"),
  };
}

/** The id of a device that has none yet: codeId and 8 zero bytes. */
export function provisionalId(codeId: Uint8Array): Uint8Array {
  return concat(codeId, new Uint8Array(8));
}

export function checksum(body: Uint8Array): Uint8Array {
  return blake2s(body).slice(0, CHECKSUM_LEN);
}

function readKey(reader: Reader): Uint8Array {
  const key = reader.bytes(32);
  try {
    checkCanonical(key);
  } catch {
    throw new ProtocolError("BadCode");
  }
  return key;
}
