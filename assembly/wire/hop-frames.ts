// SPDX-License-Identifier: Apache-2.0
//
// Frames inside a hop record, layer 3: types, lengths, offsets. Before it: seal/hop.ts opened the record. After it:
// stream/hop-rx.ts acts on what `HopFrame.length` let through; accessors then cannot fail. PROTOCOL 4.2.

/** Offsets: type u8 first, then the fields in the order of PROTOCOL 4.2. */
export const PADDING: u8 = 0x00;
export const HOP_HELLO: u8 = 0x01;
export const WELCOME: u8 = 0x02;
export const REFUSED: u8 = 0x03;
export const TICKET: u8 = 0x04;
export const NAME: u8 = 0x05;
export const CREDIT: u8 = 0x06;
export const PING: u8 = 0x07;
export const HOP_PONG: u8 = 0x08;
export const DROPPED: u8 = 0x09;
export const AWAY: u8 = 0x0a;
export const BACK: u8 = 0x0b;
export const MUTE: u8 = 0x0c;
export const DRAIN: u8 = 0x0d;
export const CLOSE: u8 = 0x0e;
export const REKEY: u8 = 0x0f;
export const NEWKEYS: u8 = 0x10;
export const PACKET: u8 = 0x11;

/** Class of a packet (PROTOCOL 4.3). */
export const CLASS_STREAM: i32 = 0;
export const CLASS_DATAGRAM: i32 = 40;
export const CLASS_DATAGRAM_MOST: i32 = 200;
export const CLASS_WAKE: i32 = 255;

/** Header of a PACKET frame: type, class, channel. */
export const PACKET_HEADER_LEN: i32 = 4;
export const NAME_LEN: i32 = 19;

/** The smallest length of each type, the type byte included; 0: unknown. REKEY and PACKET take the rest. */
const LENGTHS: usize = memory.data<u8>([0, 5, 25, 2, 41, 19, 9, 5, 5, 6, 3, 3, 5, 5, 2, 2, 1, 5]);

export class HopFrame {
  /** One length check: the frame's length at `at` with `left` bytes there, or 0 when it is unknown or cut. */
  @inline static length(at: usize, left: i32): i32 {
    const type = load<u8>(at);
    if (type > PACKET) return 0;
    const least = <i32>load<u8>(LENGTHS + <usize>type);
    if (least == 0 || least > left) return 0;
    return type == PACKET || type == REKEY ? left : least;
  }

  /** The u16 behind the type: a channel, or maxPacket of HOP_HELLO. */
  @inline static channel(at: usize): i32 {
    return <i32>load<u16>(at, 1);
  }

  /** The u32 behind the type: a token, or DRAIN's time. */
  @inline static token(at: usize): u32 {
    return load<u32>(at, 1);
  }

  /** CREDIT's total. */
  @inline static total(at: usize): u64 {
    return load<u64>(at, 1);
  }

  /** Emits type and u16; returns the end. */
  @inline static emit16(at: usize, type: u8, value: i32): usize {
    store<u8>(at, type);
    store<u16>(at, <u16>value, 1);
    return at + 3;
  }

  /** Emits type and u32; returns the end. */
  @inline static emit32(at: usize, type: u8, value: u32): usize {
    store<u8>(at, type);
    store<u32>(at, value, 1);
    return at + 5;
  }

  /** Emits NAME{channel, id}; returns the end. */
  @inline static emitName(at: usize, channel: i32, id: usize): usize {
    HopFrame.emit16(at, NAME, channel);
    memory.copy(at + 3, id, 16);
    return at + NAME_LEN;
  }

  /** Emits the header of PACKET{class, channel}; the packet follows. */
  @inline static emitPacket(at: usize, kind: i32, channel: i32): usize {
    store<u8>(at, PACKET);
    store<u8>(at, <u8>kind, 1);
    store<u16>(at, <u16>channel, 2);
    return at + PACKET_HEADER_LEN;
  }
}
