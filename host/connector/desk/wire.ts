// SPDX-License-Identifier: Apache-2.0
// Fields of the messages between a desk and a Commander: how each kind is written and read. Before it: the
// layouts of messages.ts. After it: bytes. PROTOCOL 1, 9.1: integers are little-endian, text is UTF-8.
// Invariant: what is read stays inside the body, or DeskError is thrown.

/** A message that is not what PROTOCOL 9.1 says: its stream ends with BadRecord. */
export class DeskError extends Error {
  override readonly name = "DeskError";
}

/** A body that is being read. */
export class Body {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The next `len` bytes, where they stand. Throws DeskError: there are fewer. */
  take(len: number): Buffer {
    if (len > this.left) throw new DeskError("a message is shorter than its type");
    this.#at += len;
    return this.#bytes.subarray(this.#at - len, this.#at);
  }
}

export type Field<Value> = {
  write(value: Value): Uint8Array;
  /** Throws DeskError. */
  read(body: Body): Value;
};

/** What a field holds. */
export type ValueOf<F> = F extends Field<infer Value> ? Value : never;

/** An integer of 1, 2 or 4 bytes. */
export function uint(len: 1 | 2 | 4): Field<number> {
  return {
    write(value) {
      const bytes = Buffer.alloc(len);
      bytes.writeUIntLE(value, 0, len);
      return bytes;
    },
    read: (body) => body.take(len).readUIntLE(0, len),
  };
}

export const u64: Field<bigint> = {
  write(value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  },
  read: (body) => body.take(8).readBigUInt64LE(0),
};

/** A u64 that counts bytes or milliseconds; what no number can hold is the most that one can. */
export const count: Field<number> = {
  write: (value) => u64.write(BigInt(value)),
  read: (body) => Math.min(Number(u64.read(body)), Number.MAX_SAFE_INTEGER),
};

/** A byte that is 1 or 0. */
export const flag: Field<boolean> = {
  write: (value) => Uint8Array.of(value ? 1 : 0),
  read: (body) => body.take(1)[0] !== 0,
};

/** So many bytes, of which the reader gets a copy. */
export function bytes(len: number): Field<Uint8Array> {
  return {
    write(value) {
      if (value.length === len) return value;
      throw new RangeError(`${value.length} bytes where ${len} belong`);
    },
    read: (body) => new Uint8Array(body.take(len)),
  };
}

/** So many bytes; null is written as zeros. */
export function bytesOrNone(len: number): Field<Uint8Array | null> {
  const whole = bytes(len);
  const none = new Uint8Array(len);
  return {
    write: (value) => whole.write(value ?? none),
    read(body) {
      const value = whole.read(body);
      return value.some((byte) => byte !== 0) ? value : null;
    },
  };
}

/** Text behind its length, at most 255 bytes. */
export const text: Field<string> = {
  write(value) {
    const encoded = Buffer.from(value);
    return Buffer.concat([uint(1).write(encoded.length), encoded]);
  },
  read: (body) => decodeText(body.take(uint(1).read(body))),
};

/** Texts behind their number, at most 255. */
export const texts: Field<readonly string[]> = {
  write: (values) => Buffer.concat([uint(1).write(values.length), ...values.map(text.write)]),
  read: (body) => Array.from({ length: uint(1).read(body) }, () => text.read(body)),
};

/** Text up to the end of the body. */
export const rest: Field<string> = {
  write: (value) => Buffer.from(value),
  read: (body) => decodeText(body.take(body.left)),
};

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(encoded: Uint8Array): string {
  try {
    return UTF8.decode(encoded);
  } catch {
    throw new DeskError("a text is not UTF-8");
  }
}
