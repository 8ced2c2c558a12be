// SPDX-License-Identifier: Apache-2.0
// Two records that a person gives a new device: the Wi-Fi's name and password, and an activation code.
// Before it: the answers of `sealed device new`. After it: port.h's records Wifi and Code. Nothing of
// either is logged.

import { AppError } from "../service/app-error.ts";

const SSID_MOST = 32;
const PASSWORD_LEAST = 8;
const PASSWORD_MOST = 64;
/** Version, Connector key, Commander id and key, recovery hash, secret, count, checksum: PROTOCOL 10.2. */
const CODE_LEAST = 134;
const CODE_MOST = 512;
const CODE_VERSION = 1;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Each with its length in front. An empty password is an open network. Throws AppError(Usage). */
export function wifiRecord(ssid: string, password: string): Uint8Array {
  const [name, secret] = [Buffer.from(ssid), Buffer.from(password)];
  if (name.length === 0 || name.length > SSID_MOST) {
    throw new AppError("Usage", `A Wi-Fi's name has 1 to ${SSID_MOST} bytes.`);
  }
  const isLong = secret.length >= PASSWORD_LEAST && secret.length <= PASSWORD_MOST;
  if (secret.length > 0 && !isLong) {
    const message = `A Wi-Fi's password has ${PASSWORD_LEAST} to ${PASSWORD_MOST} bytes, or none where the network is open.`;
    throw new AppError("Usage", message);
  }
  return Buffer.concat([Buffer.of(name.length), name, Buffer.of(secret.length), secret]);
}

/** The bytes of a code, base32 of RFC 4648 without padding. The core checks it whole. Throws AppError(Usage). */
export function codeRecord(code: string): Uint8Array {
  const text = code.replaceAll(/[\s-]/g, "").toUpperCase();
  const bytes = /^[A-Z2-7]+$/.test(text) ? fromBase32(text) : Buffer.alloc(0);
  const isCode =
    bytes.length >= CODE_LEAST && bytes.length <= CODE_MOST && bytes[0] === CODE_VERSION;
  if (isCode) return bytes;
  throw new AppError("Usage", "That is no activation code: copy it again, all of it.");
}

function fromBase32(text: string): Buffer {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let room = 0;
  let at = 0;
  for (const letter of text) {
    bits = ((bits << 5) | ALPHABET.indexOf(letter)) & 0xfff;
    room += 5;
    if (room < 8) continue;
    room -= 8;
    bytes[at++] = bits >> room;
  }
  return bytes;
}
