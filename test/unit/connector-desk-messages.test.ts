// SPDX-License-Identifier: Apache-2.0
// The messages of a Connector's desk, there and back, in whatever pieces; and what is no message. PROTOCOL
// 9.1. The vectors beside the round trips are written out by hand, byte for byte.

import { blake2s } from "@noble/hashes/blake2.js";
import { describe, expect, it } from "vitest";
import {
  DeskError,
  type DeskMessage,
  DeskReader,
  deskId,
  deskPskName,
  encodeDesk,
} from "../../host/connector/desk/messages.ts";

const id = new Uint8Array(16).fill(1);
const other = new Uint8Array(16).fill(2);
const key = new Uint8Array(32).fill(3);
const psk = new Uint8Array(32).fill(4);
const codeId = new Uint8Array(8).fill(5);

/** Each type, with each field at its least and its most; the length of the whole message. */
const MESSAGES: [DeskMessage, number][] = [
  [{ type: "LIST" }, 3],
  [{ type: "CHANGE", epoch: 0xffff_ffff, serial: 2n ** 64n - 1n }, 15],
  [{ type: "MEMBER", id, key, nextKey: null, psk, codeId: null }, 123],
  [{ type: "MEMBER", id, key, nextKey: psk, psk: new Uint8Array(32), codeId }, 123],
  [{ type: "PAIR", one: id, other }, 35],
  [{ type: "TICKET", codeId, ticketHash: key, expiresAtMs: 0, usesLeft: 0, sources: [] }, 54],
  [
    {
      ...{ type: "TICKET", codeId, ticketHash: key, expiresAtMs: 1_764_000_000_000 },
      ...{ usesLeft: 65_535, sources: ["10.0.0.0/8", "2001:db8::/32"] },
    },
    79,
  ],
  [{ type: "WAITING", codeId, key }, 43],
  [{ type: "REMOVE", id }, 19],
  [{ type: "UNPAIR", one: id, other }, 35],
  [{ type: "VOID", codeId }, 11],
  [
    {
      ...{ type: "CUSTOMER", id, key, psk, stlinks: 7, bytesPerSecond: 0xffff_ffff },
      ...{ isSuspended: true, name: "Bäckerei" },
    },
    102,
  ],
  [
    {
      ...{ type: "CUSTOMER", id, key, psk, stlinks: 0, bytesPerSecond: 0 },
      ...{ isSuspended: false, name: "" },
    },
    93,
  ],
  [{ type: "DISMISS", id }, 19],
  [{ type: "COMMIT", epoch: 1, serial: 2n }, 15],
  [{ type: "HOLDS", epoch: 0, serial: 0n }, 15],
  [{ type: "HERE", id, key, source: "192.0.2.1" }, 60],
  [{ type: "GONE", id, reason: 10 }, 20],
  [{ type: "NAMED" }, 3],
  [{ type: "SHOWN", codeId, key, source: "" }, 43],
  [{ type: "TURNED", codeId, key, reason: 68, source: "2001:db8::1" }, 55],
  [{ type: "MOVED", id, bytesIn: 0, bytesOut: Number.MAX_SAFE_INTEGER }, 35],
];

const ALL = Buffer.concat(MESSAGES.map(([message]) => encodeDesk(message)));

function read(...pieces: Uint8Array[]): DeskMessage[] {
  const reader = new DeskReader();
  return pieces.flatMap((piece) => reader.take(piece));
}

describe("messages of a desk", () => {
  it.each(MESSAGES)("go there and back: %o", (message, len) => {
    const bytes = encodeDesk(message);
    expect(bytes).toHaveLength(len);
    expect(read(bytes)).toEqual([message]);
  });

  it("are little-endian, type, length, body", () => {
    const bytes = encodeDesk({ type: "COMMIT", epoch: 0x01020304, serial: 0x0506n });
    expect([...bytes]).toEqual([0x8f, 12, 0, 4, 3, 2, 1, 6, 5, 0, 0, 0, 0, 0, 0]);
    const ticket = { codeId, ticketHash: key, expiresAtMs: 1, usesLeft: 258, sources: ["::/0"] };
    const tail = encodeDesk({ type: "TICKET", ...ticket }).subarray(43);
    expect([...tail]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1, 4, ...Buffer.from("::/0")]);
  });

  it("come out the same, cut at every byte", () => {
    const messages = MESSAGES.map(([message]) => message);
    for (let cut = 0; cut <= ALL.length; cut++) {
      expect(read(ALL.subarray(0, cut), ALL.subarray(cut))).toEqual(messages);
    }
    expect(read(...[...ALL].map((byte) => Uint8Array.of(byte)))).toEqual(messages);
  });

  it("are the reader's to keep: the bytes that they came in may change", () => {
    const bytes = encodeDesk({ type: "WAITING", codeId, key });
    const [message] = read(bytes);
    bytes.fill(0xa5);
    expect(message).toEqual({ type: "WAITING", codeId, key });
  });

  it("of a type that nobody knows are read past", () => {
    const unknown = Uint8Array.of(0x9f, 2, 0, 7, 7);
    expect(read(unknown, ALL, unknown)).toHaveLength(MESSAGES.length);
  });

  it.each(MESSAGES)("that are a byte too short or too long are refused: %o", (message) => {
    const bytes = encodeDesk(message);
    for (const by of [-1, 1]) {
      const body = Buffer.alloc(Math.max(bytes.length - 3 + by, 0), 0xff);
      body.set(bytes.subarray(3, 3 + body.length));
      const wrong = Buffer.concat([bytes.subarray(0, 3), body]);
      wrong.writeUInt16LE(body.length, 1);
      // Text that goes up to the end may have any length; what was added is no UTF-8.
      if (bytes.length === 3 && by === -1) continue;
      if ("source" in message && by === -1 && message.source !== "") continue;
      expect(() => read(wrong)).toThrow(DeskError);
    }
  });

  it("with lengths inside that lead beyond their end are refused", () => {
    const name = encodeDesk(MESSAGES[12]?.[0] as DeskMessage);
    name[name.length - 1] = 1;
    expect(() => read(name)).toThrow(DeskError);
    const sources = encodeDesk(MESSAGES[5]?.[0] as DeskMessage);
    sources[sources.length - 1] = 255;
    expect(() => read(sources)).toThrow(DeskError);
  });

  it("are not written with values that do not fit", () => {
    expect(() => encodeDesk({ type: "REMOVE", id: key })).toThrow(RangeError);
    const long = { type: "CUSTOMER", id, key, psk, stlinks: 0, bytesPerSecond: 0 } as const;
    const name = "x".repeat(256);
    expect(() => encodeDesk({ ...long, isSuspended: false, name })).toThrow(RangeError);
  });

  it("say whether a stream ended in the midst of one", () => {
    const reader = new DeskReader();
    reader.take(encodeDesk({ type: "LIST" }));
    expect(reader.isInside).toBe(false);
    reader.take(Uint8Array.of(0x81));
    expect(reader.isInside).toBe(true);
  });
});

describe("a desk", () => {
  it("has the first 16 bytes of the label's and the Connector's key's hash as its id", () => {
    const label = new Uint8Array(16);
    label.set(Buffer.from("sealed/1 desk"));
    const hash = blake2s(Buffer.concat([label, key]));
    expect(Buffer.from(deskId(key)).toString("hex")).toBe(
      Buffer.from(hash.subarray(0, 16)).toString("hex"),
    );
    expect(deskPskName(deskId(key))).toEqual(deskId(key).subarray(0, 8));
  });
});
