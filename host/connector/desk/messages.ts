// SPDX-License-Identifier: Apache-2.0
// The messages between a Connector's desk and a Commander, and the desk's id: PROTOCOL 9.1. Before it: a
// stream of kind 3, in whatever pieces. After it: desk.ts on the Connector's side, the control of a
// Commander on the other. Invariants: a reader holds one message at most; unknown types are read past.

import { createHash } from "node:crypto";
import {
  Body,
  bytes,
  bytesOrNone,
  count,
  DeskError,
  type Field,
  flag,
  rest,
  text,
  texts,
  u64,
  uint,
  type ValueOf,
} from "./wire.ts";

export { DeskError } from "./wire.ts";

const u32 = uint(4);
const id = bytes(16);
const key = bytes(32);
const codeId = bytes(8);
const version = { epoch: u32, serial: u64 };

/** Each type's code, and its fields in the order of the wire. */
const MESSAGES = {
  LIST: { code: 0x81, fields: {} },
  CHANGE: { code: 0x82, fields: version },
  /** `psk`: the hop's, zeros where there is none. `codeId`: it has not confirmed yet, and came by this code. */
  MEMBER: {
    code: 0x83,
    fields: { id, key, nextKey: bytesOrNone(32), psk: key, codeId: bytesOrNone(8) },
  },
  PAIR: { code: 0x84, fields: { one: id, other: id } },
  /** `expiresAtMs`: since 1970. `sources`: networks, none: everywhere. */
  TICKET: {
    code: 0x85,
    fields: { codeId, ticketHash: key, expiresAtMs: count, usesLeft: uint(2), sources: texts },
  },
  WAITING: { code: 0x86, fields: { codeId, key } },
  REMOVE: { code: 0x87, fields: { id } },
  UNPAIR: { code: 0x88, fields: { one: id, other: id } },
  VOID: { code: 0x89, fields: { codeId } },
  /** `stlinks`, `bytesPerSecond`: 0 where there is no limit but the Connector's own. */
  CUSTOMER: {
    code: 0x8a,
    fields: { id, key, psk: key, stlinks: u32, bytesPerSecond: u32, isSuspended: flag, name: text },
  },
  DISMISS: { code: 0x8b, fields: { id } },
  COMMIT: { code: 0x8f, fields: version },
  HOLDS: { code: 0xa1, fields: version },
  HERE: { code: 0xa2, fields: { id, key, source: rest } },
  GONE: { code: 0xa3, fields: { id, reason: uint(1) } },
  NAMED: { code: 0xa4, fields: {} },
  SHOWN: { code: 0xa5, fields: { codeId, key, source: rest } },
  TURNED: { code: 0xa6, fields: { codeId, key, reason: uint(1), source: rest } },
  MOVED: { code: 0xa7, fields: { id, bytesIn: count, bytesOut: count } },
} as const;

type Layouts = typeof MESSAGES;
export type DeskType = keyof Layouts;
type Values<Fields> = { readonly [Name in keyof Fields]: ValueOf<Fields[Name]> };
/** One message of this type. */
export type DeskMessageOf<Type extends DeskType> = Type extends DeskType
  ? { readonly type: Type } & Values<Layouts[Type]["fields"]>
  : never;
export type DeskMessage = DeskMessageOf<DeskType>;

const HEADER_LEN = 3;

/** Type, length, body. Throws RangeError where a value does not fit its field. */
export function encodeDesk(message: DeskMessage): Uint8Array {
  const { code } = MESSAGES[message.type];
  const values: Readonly<Record<string, unknown>> = message;
  const parts = fieldsOf(message.type).map(([name, field]) => field.write(values[name]));
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER_LEN, code);
  header.writeUInt16LE(body.length, 1);
  return new Uint8Array(Buffer.concat([header, body]));
}

/** Takes the bytes of a stream in whatever pieces, gives the messages that are whole. */
export class DeskReader {
  #held: Uint8Array = new Uint8Array(0);

  /** Throws DeskError: a message that is not as long as its type, or not its text. The stream is over then. */
  take(bytes: Uint8Array): DeskMessage[] {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const messages: DeskMessage[] = [];
    let at = 0;
    for (;;) {
      const end = endOf(all, at);
      if (end > all.length) break;
      const message = decode(all[at] as number, all.subarray(at + HEADER_LEN, end));
      if (message !== null) messages.push(message);
      at = end;
    }
    // A Buffer's slice would be no copy.
    this.#held = new Uint8Array(all.subarray(at));
    return messages;
  }

  /** The other side has ended its bytes: true in the midst of a message. */
  get isInside(): boolean {
    return this.#held.length > 0;
  }
}

const LABEL_LEN = 16;
const ID_LEN = 16;
const PSK_NAME_LEN = 8;

/** The id of a Connector's desk, 16 bytes, from the Connector's public key. */
export function deskId(connectorKey: Uint8Array): Uint8Array {
  const label = Buffer.alloc(LABEL_LEN);
  label.write("sealed/1 desk");
  const hash = createHash("blake2s256").update(label).update(connectorKey).digest();
  return new Uint8Array(hash.subarray(0, ID_LEN));
}

/** The name, 8 bytes, of the PSK between the desk of this id and a Commander whose hop has one. */
export function deskPskName(id: Uint8Array): Uint8Array {
  return id.slice(0, PSK_NAME_LEN);
}

/** Where the message at `at` ends; beyond the last byte while it is not whole. */
function endOf(all: Uint8Array, at: number): number {
  if (all.length < at + HEADER_LEN) return Number.POSITIVE_INFINITY;
  return at + HEADER_LEN + (all[at + 1] as number) + 256 * (all[at + 2] as number);
}

const TYPES = new Map(
  (Object.keys(MESSAGES) as DeskType[]).map((type) => [MESSAGES[type].code as number, type]),
);

/** null: a type that nobody knows. */
function decode(code: number, bytes: Uint8Array): DeskMessage | null {
  const type = TYPES.get(code);
  if (type === undefined) return null;
  const body = new Body(bytes);
  const values = fieldsOf(type).map(([name, field]) => [name, field.read(body)]);
  if (body.left > 0) throw new DeskError(`${type} is longer than its type`);
  return { type, ...Object.fromEntries(values) } as DeskMessage;
}

function fieldsOf(type: DeskType): [string, Field<unknown>][] {
  return Object.entries<Field<unknown>>(MESSAGES[type].fields);
}
