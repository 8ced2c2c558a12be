// SPDX-License-Identifier: Apache-2.0
// An activation code as text: made by a Commander, and pasted by a person: looked at whole before anything is
// dialled, so that a mistake is said in words. Before it: commander/api, `sealed stlink activate`, or the state
// folder. After it: the core, which checks it again. PROTOCOL 10.2. No message holds any of it.

import { createHash } from "node:crypto";
import type { Address } from "../net/transport.ts";
import { AppError } from "../service/app-error.ts";
import { fromBase32, toBase32 } from "../service/base32.ts";
import { parseAddress } from "../service/fields.ts";

export type ActivationCode = {
  /** As the core takes it. */
  bytes: Uint8Array;
  /** 32 bytes. */
  connectorKey: Uint8Array;
  /** Where that Connector is, at least one. */
  addresses: readonly Address[];
  /** 16 bytes. */
  commanderId: Uint8Array;
  /** 32 bytes. */
  commanderKey: Uint8Array;
};

/** What a code is made of. */
export type CodeParts = {
  /** 32 bytes each. */
  connectorKey: Uint8Array;
  commanderKey: Uint8Array;
  /** BLAKE2s of the recovery key. */
  recoveryHash: Uint8Array;
  /** 16 bytes each. */
  commanderId: Uint8Array;
  secret: Uint8Array;
  /** Where the Connector is, `host:port`, 1 to 255 of at most 255 bytes. */
  addresses: readonly string[];
};

export const SECRET_LEN = 16;

/** The text of a code, which readCode reads. */
export function encodeCode(parts: CodeParts): string {
  const body = Buffer.concat([
    Uint8Array.of(VERSION),
    ...[parts.connectorKey, parts.commanderId, parts.commanderKey, parts.recoveryHash],
    ...[parts.secret, Uint8Array.of(parts.addresses.length)],
    ...parts.addresses.flatMap((address) => {
      const text = Buffer.from(address);
      return [Uint8Array.of(text.length), text];
    }),
  ]);
  return toBase32(Buffer.concat([body, checksumOf(body)]));
}

function checksumOf(body: Uint8Array): Uint8Array {
  return createHash("blake2s256").update(body).digest().subarray(0, CHECKSUM_LEN);
}

const VERSION = 1;
const CONNECTOR_KEY_AT = 1;
const COMMANDER_ID_AT = 33;
const COMMANDER_KEY_AT = 49;
const COUNT_AT = 129;
const CHECKSUM_LEN = 4;

/** From the text, or the bytes, of a code. Spaces and line breaks in a text count for nothing. Throws AppError(BadCode). */
export function readCode(code: string | Uint8Array): ActivationCode {
  const bytes = typeof code === "string" ? bytesOf(code.replaceAll(/\s/g, "")) : code;
  if (bytes.length > 0 && bytes[0] !== VERSION) {
    throw bad(`is of version ${bytes[0]}, and this program knows version ${VERSION} alone`);
  }
  const texts = addressesIn(bytes);
  if (texts === null) throw bad(CUT);
  const sum = checksumOf(bytes.subarray(0, -CHECKSUM_LEN));
  if (Buffer.compare(sum, bytes.subarray(-CHECKSUM_LEN)) !== 0) {
    throw bad("has a wrong letter in it (its checksum does not fit)");
  }
  const addresses = texts.map((text) => parseAddress(text, 1)).filter((one) => one !== null);
  if (addresses.length === 0) throw bad("names no Connector that can be dialled");
  return {
    bytes,
    connectorKey: bytes.slice(CONNECTOR_KEY_AT, CONNECTOR_KEY_AT + 32),
    addresses,
    commanderId: bytes.slice(COMMANDER_ID_AT, COMMANDER_KEY_AT),
    commanderKey: bytes.slice(COMMANDER_KEY_AT, COMMANDER_KEY_AT + 32),
  };
}

const CUT = "is cut short, or a letter of it is wrong";

function bytesOf(text: string): Uint8Array {
  if (/[^A-Z2-7]/i.test(text)) throw bad("has a character that no code has");
  const bytes = fromBase32(text);
  if (bytes === null) throw bad(CUT);
  return bytes;
}

/** null: the lengths do not add up to the checksum. */
function addressesIn(bytes: Uint8Array): string[] | null {
  const end = bytes.length - CHECKSUM_LEN;
  const texts: string[] = [];
  let at = COUNT_AT + 1;
  for (let left = bytes[COUNT_AT] ?? 0; left > 0 && at < end; left--) {
    const next = at + 1 + (bytes[at] ?? 0);
    texts.push(Buffer.from(bytes.subarray(at + 1, next)).toString());
    at = next;
  }
  return at === end && texts.length === bytes[COUNT_AT] ? texts : null;
}

function bad(why: string): AppError {
  return new AppError(
    "BadCode",
    `The activation code ${why}: copy it again, all of it, or get a new one.`,
  );
}
