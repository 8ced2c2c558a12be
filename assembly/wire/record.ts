// SPDX-License-Identifier: Apache-2.0
//
// A record of layer 1: a type byte and bytes, sealed once under its number. Before it: seal/connection.ts opened
// it. After it: stream/record.ts. PROTOCOL section 6.

export const RECORD_DATA: u8 = 0x41;
export const RECORD_FIN: u8 = 0x42;
export const RECORD_RESET: u8 = 0x43;
export const RECORD_KEY_UPDATE: u8 = 0x44;
export const RECORD_CONNECTED: u8 = 0x45;

/** Type byte and tag around a record's bytes. */
export const RECORD_TYPE_LEN: i32 = 1;
export const RECORD_OVERHEAD: i32 = 17;

/** Kinds of a stream (PROTOCOL 5.3). */
export const KIND_STREAM: i32 = 1;
export const KIND_DATAGRAM: i32 = 2;
export const KIND_CONTROL: i32 = 3;
