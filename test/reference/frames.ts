// SPDX-License-Identifier: Apache-2.0
// One codec for all frames and messages: a type byte, then the fields of a table in their order.
// Hop frames (PROTOCOL.md 4.2), link frames (5.3) and control messages (10.1) are such tables.
// Invariant: `rest` is a table's last field and takes everything that is left, `rest16` at least 16.

import { Reader, Writer } from "./bytes.ts";
import { ProtocolError, type StatusName } from "./status.ts";

type FieldKind = "u8" | "u16" | "u32" | "u48" | "u64" | "b8" | "b16" | "b32" | "b1152" | "b1216";

type Kind = FieldKind | "rest" | "rest1" | "rest16" | "rest17";

type ValueOf<K> = K extends "u48" | "u64"
  ? bigint
  : K extends "u8" | "u16" | "u32"
    ? number
    : Uint8Array;

type Table = Record<string, { code: number; fields: Record<string, Kind> }>;

/** The frame types of a table: `{ type, …fields }` for each row. */
export type FrameOf<T extends Table> = {
  [N in keyof T & string]: { type: N } & {
    -readonly [F in keyof T[N]["fields"]]: ValueOf<T[N]["fields"][F]>;
  };
}[keyof T & string];

/** Encodes `frame` by its row of `table`. */
export function encodeFrame<T extends Table>(table: T, frame: FrameOf<T>): Uint8Array {
  const row = table[frame.type];
  if (!row) throw new ProtocolError("BadArgument");
  const writer = new Writer().u8(row.code);
  for (const [name, kind] of Object.entries(row.fields)) {
    writeField(
      writer,
      kind,
      (frame as unknown as Record<string, number | bigint | Uint8Array>)[name],
    );
  }
  return writer.finish();
}

/**
 * Decodes frames one after the other; the caller takes each before the next is looked at, since
 * what stands before a bad frame counts. Type 0 ends the sequence: it and all after it are padding.
 */
export function* decodeFrames<T extends Table>(
  table: T,
  data: Uint8Array,
  status: StatusName,
): Generator<FrameOf<T>> {
  const reader = new Reader(data, status);
  while (reader.left > 0) {
    const code = reader.u8();
    if (code === 0) {
      checkPadding(reader.rest(), status);
      return;
    }
    yield readFrame(table, code, reader, status);
  }
}

/** Decodes one frame that takes all of `data`. */
export function decodeFrame<T extends Table>(
  table: T,
  data: Uint8Array,
  status: StatusName,
): FrameOf<T> {
  const reader = new Reader(data, status);
  const frame = readFrame(table, reader.u8(), reader, status);
  reader.end();
  return frame;
}

/** Whether `table` has a row of this code. */
export function knowsCode(table: Table, code: number): boolean {
  return Object.values(table).some((row) => row.code === code);
}

function readFrame<T extends Table>(
  table: T,
  code: number,
  reader: Reader,
  status: StatusName,
): FrameOf<T> {
  const row = Object.entries(table).find(([, candidate]) => candidate.code === code);
  if (!row) throw new ProtocolError(status);
  const frame: Record<string, unknown> = { type: row[0] };
  for (const [name, kind] of Object.entries(row[1].fields)) frame[name] = readField(reader, kind);
  return frame as FrameOf<T>;
}

function checkPadding(rest: Uint8Array, status: StatusName): void {
  if (rest.some((byte) => byte !== 0)) throw new ProtocolError(status);
}

function writeField(
  writer: Writer,
  kind: Kind,
  value: number | bigint | Uint8Array | undefined,
): void {
  if (kind.startsWith("u")) {
    if (typeof value !== "number" && typeof value !== "bigint") {
      throw new ProtocolError("BadArgument");
    }
    writer.uint(value, Number(kind.slice(1)) / 8);
    return;
  }
  const length = kind.startsWith("rest") ? undefined : Number(kind.slice(1));
  if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length)) {
    throw new ProtocolError("BadArgument");
  }
  writer.bytes(value);
}

function readField(reader: Reader, kind: Kind): number | bigint | Uint8Array {
  if (kind.startsWith("rest")) return reader.rest(Number(kind.slice(4)));
  const size = Number(kind.slice(1));
  if (kind.startsWith("b")) return reader.bytes(size);
  const value = reader.uint(size / 8);
  return size > 32 ? value : Number(value);
}
