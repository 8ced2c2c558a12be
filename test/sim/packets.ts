// SPDX-License-Identifier: Apache-2.0
// Packets of layer 2 and their frames as PROTOCOL 5.1 and 5.3 state them, read by the simulation's
// checker for its invariants and for the event log. A reader only: it shares nothing with the core.

export const PACKET = {
  Message1: 0x11,
  Message2: 0x12,
  Message3: 0x13,
  Data: 0x14,
  NoSession: 0x15,
};
export const DATA_HEADER_LEN = 13;
export const TAG_LEN = 16;

export const FRAME = {
  Hello: 0x21,
  Ack: 0x22,
  Open: 0x23,
  Accept: 0x24,
  Reset: 0x25,
  Probe: 0x26,
  Pong: 0x27,
  Resume: 0x28,
  Stream: 0x29,
  Datagram: 0x2a,
  Goodbye: 0x2b,
} as const;

const LENGTHS = [40, 22, 1275, 1167, 6, 5, 6, 1, 0, 0, 2];
const NAMES = Object.keys(FRAME);

export type Frame = { type: number; name: string; at: number; len: number };

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function u16At(bytes: Uint8Array, at: number): number {
  return view(bytes).getUint16(at, true);
}

export function u32At(bytes: Uint8Array, at: number): number {
  return view(bytes).getUint32(at, true);
}

/** u64 as a number; the simulation never counts beyond 2^53. */
export function u64At(bytes: Uint8Array, at: number): number {
  return Number(view(bytes).getBigUint64(at, true));
}

/** The frames of an opened packet. A frame that is unknown or cut ends the list with its name "?". */
export function framesOf(plain: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < plain.length; ) {
    const type = plain[at] as number;
    if (type === 0) return frames;
    const fixed = LENGTHS[type - FRAME.Hello];
    const len = fixed === 0 ? plain.length - at : (fixed ?? Number.POSITIVE_INFINITY);
    if (len > plain.length - at) return [...frames, { type, name: "?", at, len: 0 }];
    frames.push({ type, name: (NAMES[type - FRAME.Hello] ?? "?").toUpperCase(), at, len });
    at += len;
  }
  return frames;
}

/** One line for the event log: names, stream numbers, what each says. */
export function describePacket(bytes: Uint8Array, plain: Uint8Array | null): string {
  const type = bytes[0];
  if (type === PACKET.Message1) return `message 1, index ${hex(u32At(bytes, 1))}`;
  if (type === PACKET.Message2) return `message 2 to ${hex(u32At(bytes, 1))}`;
  if (type === PACKET.Message3) return `message 3 to ${hex(u32At(bytes, 1))}`;
  if (type === PACKET.NoSession) return `NO_SESSION ${hex(u32At(bytes, 1))}`;
  const head = `data ${hex(u32At(bytes, 1))}/${u64At(bytes, 5)}`;
  if (plain === null) return `${head} (sealed, ${bytes.length} B)`;
  return `${head} ${framesOf(plain)
    .map((frame) => describeFrame(plain, frame))
    .join(" ")}`;
}

function describeFrame(plain: Uint8Array, { type, name, at, len }: Frame): string {
  if (type === FRAME.Ack) {
    const gap = (plain[at + 5] as number) & 1 ? " gap" : "";
    return `ACK(${u32At(plain, at + 1)}: ${u64At(plain, at + 6)}, limit ${u64At(plain, at + 14)}${gap})`;
  }
  if (type === FRAME.Stream) {
    return `STREAM(${u32At(plain, at + 1)}: ${u64At(plain, at + 5)}, ${len - 13} B)`;
  }
  if (type === FRAME.Hello)
    return `HELLO(${hex(u32At(plain, at + 1))}, ${hex(u32At(plain, at + 9))})`;
  if (type === FRAME.Reset) return `RESET(${u32At(plain, at + 1)}: ${plain[at + 5]})`;
  if (type === FRAME.Open || type === FRAME.Accept) return `${name}(${u32At(plain, at + 1)})`;
  if (type === FRAME.Probe || type === FRAME.Pong) return `${name}(${hex(u32At(plain, at + 1))})`;
  return type === FRAME.Goodbye ? `GOODBYE(${plain[at + 1]})` : name;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
