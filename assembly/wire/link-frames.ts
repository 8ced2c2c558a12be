// SPDX-License-Identifier: Apache-2.0
//
// Packets of layer 2 and the frames inside them: types, lengths, offsets. Before it: seal/link.ts opened the packet.
// After it: stream/link-rx.ts acts on what `LinkFrame.length` let through; loads then cannot fail. PROTOCOL 5.1, 5.3.

/** First byte of a packet: version << 4 | type. */
export const PACKET_MESSAGE1: u8 = 0x11;
export const PACKET_MESSAGE2: u8 = 0x12;
export const PACKET_MESSAGE3: u8 = 0x13;
export const PACKET_DATA: u8 = 0x14;
export const PACKET_NO_SESSION: u8 = 0x15;

/** Where the Noise message begins, and the padded length, of each handshake packet. */
export const MESSAGE1_AT: i32 = 13;
export const MESSAGE1_PACKET_LEN: i32 = 1280;
export const MESSAGE2_AT: i32 = 9;
export const MESSAGE2_PACKET_LEN: i32 = 1216;
export const MESSAGE3_AT: i32 = 5;
export const MESSAGE3_PACKET_LEN: i32 = 128;
export const NO_SESSION_LEN: i32 = 64;

/** Data packet: header (type, receiver index, counter) and tag. */
export const DATA_HEADER_LEN: i32 = 13;
export const DATA_LEAST_LEN: i32 = 30;
export const PACKET_ALIGN: i32 = 64;

export const HELLO: u8 = 0x21;
export const ACK: u8 = 0x22;
export const OPEN: u8 = 0x23;
export const ACCEPT: u8 = 0x24;
export const RESET: u8 = 0x25;
export const PROBE: u8 = 0x26;
/** Bit of PROBE's token: this is the third or a later one in a row without an answer. */
export const PROBE_UNHEARD: u32 = 1;
export const PONG: u8 = 0x27;
export const RESUME: u8 = 0x28;
export const STREAM: u8 = 0x29;
export const DATAGRAM: u8 = 0x2a;
export const GOODBYE: u8 = 0x2b;

/** Whole lengths, the type byte included; STREAM and DATAGRAM: least. */
export const HELLO_LEN: i32 = 40;
export const ACK_LEN: i32 = 22;
export const OPEN_LEN: i32 = 1275;
export const ACCEPT_LEN: i32 = 1167;
export const RESET_LEN: i32 = 6;
export const PROBE_LEN: i32 = 5;
export const PONG_LEN: i32 = 6;
export const STREAM_HEADER_LEN: i32 = 13;
export const DATAGRAM_HEADER_LEN: i32 = 13;
export const GOODBYE_LEN: i32 = 2;

/** Offsets in HELLO. */
export const HELLO_MINE: i32 = 1;
export const HELLO_YOURS: i32 = 9;
export const HELLO_MAX_PACKET: i32 = 17;
export const HELLO_MAX_RECORD: i32 = 19;
export const HELLO_IN_FLIGHT: i32 = 21;
export const HELLO_PENDING_OPENS: i32 = 25;
export const HELLO_LOAD: i32 = 27;
export const HELLO_EPOCH: i32 = 28;
export const HELLO_SERIAL: i32 = 32;

/** Offsets in ACK; flag bit 0: a gap was seen. */
export const ACK_FLAGS: i32 = 5;
export const ACK_NEXT: i32 = 6;
export const ACK_LIMIT: i32 = 14;
export const ACK_GAP: u8 = 1;

/** Offsets in OPEN and ACCEPT. */
export const OPEN_KIND: i32 = 5;
export const OPEN_BINDING: i32 = 6;
export const OPEN_MAPPING: i32 = 22;
/** The configuration's version: epoch u32, serial u64. */
export const OPEN_EPOCH: i32 = 38;
export const OPEN_LIMIT: i32 = 50;
export const OPEN_VERSION: i32 = 58;
export const OPEN_MESSAGE: i32 = 59;
export const ACCEPT_LOAD: i32 = 5;
export const ACCEPT_LIMIT: i32 = 6;
export const ACCEPT_VERSION: i32 = 14;
export const ACCEPT_MESSAGE: i32 = 15;

/** Offsets in STREAM and DATAGRAM. */
export const STREAM_NUMBER: i32 = 5;
export const DATAGRAM_FLOW: i32 = 5;
export const DATAGRAM_COUNTER: i32 = 7;

/** The one version of the wire (rule H9). */
export const VERSION: u8 = 1;

const LENGTHS: usize = memory.data<u16>([40, 22, 1275, 1167, 6, 5, 6, 1, 30, 29, 2]);

export class LinkFrame {
  /** One length check: the frame's length at `at` with `left` bytes there, or 0 when it is unknown or cut. */
  @inline static length(at: usize, left: i32): i32 {
    const type = load<u8>(at);
    if (type < HELLO || type > GOODBYE) return 0;
    const least = <i32>load<u16>(LENGTHS + ((<usize>(type - HELLO)) << 1));
    if (least > left) return 0;
    return type == STREAM || type == DATAGRAM ? left : least;
  }

  /** Stream number, or a token: the u32 behind the type. */
  @inline static stream(at: usize): u32 {
    return load<u32>(at, 1);
  }

  /** Emits type, u32 and u8 (RESET, PONG); returns the end. */
  @inline static emitByte(at: usize, type: u8, value: u32, byte: u8): usize {
    store<u8>(at, type);
    store<u32>(at, value, 1);
    store<u8>(at, byte, 5);
    return at + 6;
  }
}
