// SPDX-License-Identifier: Apache-2.0
// Little-endian bytes for the reference peer: a writer, a reader and comparisons. Everything in
// test/reference stands on this file; nothing here knows the protocol. PROTOCOL.md section 1.
// Invariant: a Reader never returns fewer bytes than it was asked for; it throws its status.

import { ProtocolError, type StatusName } from "./status.ts";

const MASK_8 = 0xffn;

/** Builds a byte string from little-endian fields. */
export class Writer {
  private readonly parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.uint(value, 1);
  }

  u16(value: number): this {
    return this.uint(value, 2);
  }

  u32(value: number): this {
    return this.uint(value, 4);
  }

  u64(value: number | bigint): this {
    return this.uint(value, 8);
  }

  /** Writes `value` as an unsigned integer of `length` bytes. */
  uint(value: number | bigint, length: number): this {
    return this.bytes(encodeUint(value, length));
  }

  bytes(value: Uint8Array): this {
    this.parts.push(value);
    return this;
  }

  /** Writes a length of one byte and the text in UTF-8 (at most 255 bytes). */
  text8(value: string): this {
    const encoded = new TextEncoder().encode(value);
    if (encoded.length > 255) throw new ProtocolError("BadArgument");
    return this.u8(encoded.length).bytes(encoded);
  }

  finish(): Uint8Array {
    return concat(...this.parts);
  }
}

/** Reads little-endian fields; what is cut short throws `status`. */
export class Reader {
  private readonly data: Uint8Array;
  private readonly status: StatusName;
  private offset = 0;

  constructor(data: Uint8Array, status: StatusName) {
    this.data = data;
    this.status = status;
  }

  get left(): number {
    return this.data.length - this.offset;
  }

  u8(): number {
    return Number(this.uint(1));
  }

  u16(): number {
    return Number(this.uint(2));
  }

  u32(): number {
    return Number(this.uint(4));
  }

  u64(): bigint {
    return this.uint(8);
  }

  /** Reads an unsigned integer of `length` bytes. */
  uint(length: number): bigint {
    const field = this.bytes(length);
    return field.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }

  /** Returns a copy of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    if (length > this.left) throw new ProtocolError(this.status);
    this.offset += length;
    return this.data.slice(this.offset - length, this.offset);
  }

  /** Everything that is left, which must be `least` bytes or more. */
  rest(least = 0): Uint8Array {
    if (this.left < least) throw new ProtocolError(this.status);
    return this.bytes(this.left);
  }

  /** Reads a length of one byte and that much UTF-8. */
  text8(): string {
    return new TextDecoder().decode(this.bytes(this.u8()));
  }

  /** Throws unless everything has been read. */
  end(): void {
    if (this.left !== 0) throw new ProtocolError(this.status);
  }
}

/** `value` as an unsigned little-endian integer of `length` bytes. */
export function encodeUint(value: number | bigint, length: number): Uint8Array {
  let left = BigInt(value);
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    out[i] = Number(left & MASK_8);
    left >>= 8n;
  }
  if (left !== 0n) throw new ProtocolError("BadArgument");
  return out;
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Below zero, zero or above zero, as `a` stands before, at or after `b`, byte by byte. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** `bytes` followed by zeros up to a multiple of `multiple`. */
export function padTo(bytes: Uint8Array, multiple: number): Uint8Array {
  const length = Math.ceil(bytes.length / multiple) * multiple;
  return concat(bytes, new Uint8Array(length - bytes.length));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
