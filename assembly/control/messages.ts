// SPDX-License-Identifier: Apache-2.0
//
// The messages of the control stream: types, lengths, offsets. Before it: control.ts has a whole message in a row.
// After it: control.ts acts on what has the right length. A message is `type u8, length u24, body`. PROTOCOL 10.1.

export const STATE: u8 = 0x61;
export const ACTIVATE: u8 = 0x62;
export const CONFIRM: u8 = 0x63;
export const ROTATE: u8 = 0x64;
export const REPORT: u8 = 0x65;
export const ABOUT: u8 = 0x66;
export const CURRENT: u8 = 0x71;
export const CONFIG: u8 = 0x72;
export const REFUSED: u8 = 0x73;
export const ROTATED: u8 = 0x74;
export const INSTALL: u8 = 0x75;
export const RENEW: u8 = 0x76;

/** In front of a body: one word. */
export const MESSAGE_HEADER_LEN: i32 = 4;
/** epoch u32, serial u64: CURRENT, and the beginning of STATE, CONFIRM and REPORT, which a hash [32] follows. */
export const VERSION_LEN: i32 = 12;
export const KEY_LEN: i32 = 32;
/** current' [32], recovery' [32], epoch u32. */
export const INSTALL_LEN: i32 = 68;
export const INSTALL_RECOVERY: i32 = 32;
export const INSTALL_EPOCH: i32 = 64;
export const SECRET_LEN: i32 = 16;
/** sessions u16, streams u16: in front of what the host says of itself, a hash [32] and a text. */
export const COUNTS_LEN: i32 = 4;
export const ABOUT_TEXT: i32 = 32;
export const ABOUT_MOST: i32 = 96;
/** The longest message of a device, header included: ABOUT. */
export const MESSAGE_MOST: i32 = 104;

export class Message {
  /** Length of the body behind the header at `at`. */
  @inline static length(at: usize): i32 {
    return <i32>(load<u32>(at) >> 8);
  }

  /** Emits the header of a message whose body of `len` bytes stands behind it; returns the whole length. */
  @inline static emit(at: usize, type: u8, len: i32): i32 {
    store<i32>(at, (len << 8) | <i32>type);
    return MESSAGE_HEADER_LEN + len;
  }
}
