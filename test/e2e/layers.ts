// SPDX-License-Identifier: Apache-2.0
// Takes the layers off a captured hop, one after the other, with the parts of the reference peer: hop
// records, then packets, then records of a stream. A key is whatever 32 bytes of an STLink's core open the
// first sealed thing, so nothing here knows where a core keeps its keys. PROTOCOL.md sections 4 to 6.

import { open } from "../reference/aead.ts";
import { Reader } from "../reference/bytes.ts";
import { decodeHopFrames } from "../reference/hop-frames.ts";
import { decodeLinkFrames } from "../reference/link-frames.ts";

/** Something sealed, its nonce's counter and its additional data. */
export type Sealed = { n: number | bigint; ad: Uint8Array; body: Uint8Array };

/** A key in memory: on a word's boundary; most memory is empty, and one key of 2^29 has a zero word. */
const WORD_LEN = 4;
const KEY_WORDS = 8;
const DATA_PACKET = 0x14;
const HEADER_LEN = 13;
const EMPTY = new Uint8Array(0);

/** Layer 3: the sealed hop records of one direction, behind its `messages` of the handshake (4.1). */
export function hopRecords(bytes: Uint8Array, messages: number): Sealed[] {
  const bodies: Sealed[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const ad = bytes.subarray(at, at + 2);
    const length = new Reader(ad, "BadLength").u16();
    const body = bytes.subarray(at + 2, at + 2 + length);
    // The last one may be cut: the capture ends in the middle of what goes on.
    if (body.length === length) bodies.push({ n: bodies.length - messages, ad, body });
    at += 2 + length;
  }
  return bodies.slice(messages);
}

/** The packets inside opened hop records (4.2). */
export function packetsOf(opened: readonly Uint8Array[]): Uint8Array[] {
  const frames = opened.flatMap((plaintext) => [...decodeHopFrames(plaintext)]);
  return frames.flatMap((frame) => (frame.type === "PACKET" ? [frame.packet] : []));
}

/** Layer 2: what is sealed of the data packets (5.1). */
export function dataPackets(packets: readonly Uint8Array[]): Sealed[] {
  const data = packets.filter((packet) => packet[0] === DATA_PACKET);
  return data.map((packet) => {
    const ad = packet.subarray(0, HEADER_LEN);
    return {
      n: new Reader(ad.subarray(5), "BadFrame").u64(),
      ad,
      body: packet.subarray(HEADER_LEN),
    };
  });
}

/** Layer 1: the records inside opened packets, each number once (5.3). For one stream. */
export function streamRecords(opened: readonly Uint8Array[]): Sealed[] {
  const frames = opened.flatMap((plaintext) => [...decodeLinkFrames(plaintext)]);
  const records = new Map<bigint, Sealed>();
  for (const frame of frames) {
    if (frame.type !== "STREAM") continue;
    records.set(frame.number, { n: frame.number, ad: EMPTY, body: frame.record });
  }
  return [...records.values()].sort((a, b) => Number(BigInt(a.n) - BigInt(b.n)));
}

/** Opens all of them. Throws `BadTag` where one is not under this key. */
export function openAll(key: Uint8Array, all: readonly Sealed[]): Uint8Array[] {
  return all.map(({ n, ad, body }) => open(key, n, ad, body));
}

/** The key of the first of them, from the memory of a core that has it; null where it has none. */
export function findKey(memory: Uint8Array, [first]: readonly Sealed[]): Uint8Array | null {
  if (first === undefined) throw new Error("nothing sealed to try keys on");
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.length / WORD_LEN);
  for (let at = 0; at + KEY_WORDS <= words.length; ) {
    const zero = words.subarray(at, at + KEY_WORDS).lastIndexOf(0);
    if (zero >= 0) {
      at += zero + 1;
      continue;
    }
    const key = memory.slice(at * WORD_LEN, (at + KEY_WORDS) * WORD_LEN);
    if (opens(key, first)) return key;
    at++;
  }
  return null;
}

function opens(key: Uint8Array, { n, ad, body }: Sealed): boolean {
  try {
    open(key, n, ad, body);
    return true;
  } catch {
    return false;
  }
}
