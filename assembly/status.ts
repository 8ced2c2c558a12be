// SPDX-License-Identifier: Apache-2.0
//
// Every status that an export of the core returns and every reason that travels on the wire.
// Ranges say whose fault it is: caller -1..-31, peer -32..-63, limit -64..-95, internal -96..-127.
// A status never travels; a reason (1..255) never is a return value. PROTOCOL section 13 is the table.

/** The call did what it says. PROTOCOL 13.1. */
export const STATUS_OK: i32 = 0;

/** The call does not fit the instance's or object's state. Ends: the call. */
export const STATUS_BAD_STATE: i32 = -1;

/** A value out of its range. Ends: the call. */
export const STATUS_BAD_ARGUMENT: i32 = -2;

/** More bytes than room, or a length that cannot be. Ends: the call, or (from a peer) the hop. */
export const STATUS_BAD_LENGTH: i32 = -3;

/** No such hop, link or stream. Ends: the call. */
export const STATUS_BAD_HANDLE: i32 = -4;

/** Fresh entropy is needed first. Ends: the call. */
export const STATUS_NO_ENTROPY: i32 = -5;

/** The version byte is not 1. Ends: hop, or the handshake. */
export const STATUS_BAD_VERSION: i32 = -32;

/** Length, padding, payload or order of a handshake message. Ends: hop, or the handshake. */
export const STATUS_BAD_HANDSHAKE: i32 = -33;

/** A DH result was zero. Ends: hop, or the handshake. */
export const STATUS_BAD_POINT: i32 = -34;

/** FIPS 203 §7.2 refused the encapsulation key. Ends: hop, or the handshake. */
export const STATUS_BAD_KEM_KEY: i32 = -35;

/** An AEAD tag was wrong. Ends: layer 3: hop; 2: nothing; 1: stream. */
export const STATUS_BAD_TAG: i32 = -36;

/** A packet or datagram counter seen before, or too old. Ends: nothing. */
export const STATUS_STALE: i32 = -37;

/** No session has this receiver index. Ends: nothing. */
export const STATUS_UNKNOWN_INDEX: i32 = -38;

/** The id, or the key behind it, is not a peer's. Ends: nothing. */
export const STATUS_UNKNOWN_PEER: i32 = -39;

/** More handshakes than S9 allows. Ends: nothing. */
export const STATUS_HANDSHAKE_RATE: i32 = -40;

/** A frame that is unknown, cut, or not allowed here. Ends: layer 3: hop; 2: the rest of the packet. */
export const STATUS_BAD_FRAME: i32 = -41;

/** Above maxPacket. Ends: the packet. */
export const STATUS_TOO_BIG: i32 = -42;

/** F10. Ends: link. */
export const STATUS_PEER_VIOLATION: i32 = -43;

/** A public key that is not canonical. Ends: the call or handshake. */
export const STATUS_BAD_KEY: i32 = -44;

/** A layer 1 record that breaks section 6. Ends: stream. */
export const STATUS_BAD_RECORD: i32 = -45;

/** A frame before the sender's HELLO. Ends: the packet. */
export const STATUS_NO_HELLO: i32 = -46;

/** A configuration that does not add up. Ends: the message. */
export const STATUS_BAD_CONFIG: i32 = -47;

/** A configuration that is not newer. Ends: the message. */
export const STATUS_OLD_CONFIG: i32 = -48;

/** An activation code that does not check. Ends: the call. */
export const STATUS_BAD_CODE: i32 = -49;

/** A pinned Route's peer has another key than was announced. Ends: the call, or nothing. */
export const STATUS_PEER_KEY_CHANGED: i32 = -50;

/** Every handshake slot is taken; later. Ends: the call or packet. */
export const STATUS_NO_HANDSHAKE_SLOT: i32 = -64;

/** Every hop slot is taken. Ends: the call. */
export const STATUS_NO_HOP_SLOT: i32 = -65;

/** Every link slot is taken. Ends: the call. */
export const STATUS_NO_LINK_SLOT: i32 = -66;

/** Every stream slot is taken. Ends: the call or OPEN. */
export const STATUS_NO_STREAM_SLOT: i32 = -67;

/** The pool has no room; later. Ends: the call or packet. */
export const STATUS_NO_BUFFER: i32 = -68;

/** A counter is used up. Ends: session. */
export const STATUS_EXHAUSTED: i32 = -69;

/** A state that cannot be: a bug. Ends: instance. */
export const STATUS_INTERNAL: i32 = -96;

/** RESET frame: no such stream. PROTOCOL 13.2. */
export const REASON_UNKNOWN: u8 = 1;

/** RESET record: the target refused the connection. PROTOCOL 13.2. */
export const REASON_TARGET_REFUSED: u8 = 2;

/** RESET record. PROTOCOL 13.2. */
export const REASON_TARGET_UNREACHABLE: u8 = 3;

/** RESET record. PROTOCOL 13.2. */
export const REASON_TARGET_TIMED_OUT: u8 = 4;

/** RESET frame where a configuration names the Mappings, else RESET record. PROTOCOL 13.2. */
export const REASON_NO_SUCH_MAPPING: u8 = 5;

/** RESET frame. PROTOCOL 13.2. */
export const REASON_CONFIG_BEHIND: u8 = 6;

/** RESET frame. PROTOCOL 13.2. */
export const REASON_TOO_MANY_STREAMS: u8 = 7;

/** Locally. PROTOCOL 13.2. */
export const REASON_PEER_LOST: u8 = 8;

/** Locally. PROTOCOL 13.2. */
export const REASON_HOLD_EXPIRED: u8 = 9;

/** RESET frame, REFUSED, CLOSE, GOODBYE. PROTOCOL 13.2. */
export const REASON_REVOKED: u8 = 10;

/** GOODBYE. PROTOCOL 13.2. */
export const REASON_PEER_VIOLATION: u8 = 11;

/** RESET record: the application reset its connection. PROTOCOL 13.2. */
export const REASON_APPLICATION: u8 = 12;

/** RESET frame. PROTOCOL 13.2. */
export const REASON_BAD_RECORD: u8 = 13;

/** Locally: the control stream, when the Commander's keys change. PROTOCOL 13.2. */
export const REASON_SESSION_GONE: u8 = 14;

/** GOODBYE, locally. PROTOCOL 13.2. */
export const REASON_LEASE_EXPIRED: u8 = 15;

/** GOODBYE. PROTOCOL 13.2. */
export const REASON_STOPPING: u8 = 16;

/** A host's name for TooBig of a datagram (U4). PROTOCOL 13.2. */
export const REASON_DATAGRAM_TOO_BIG: u8 = 17;

/** RESET record, RESET frame: the configuration has the Route no more. PROTOCOL 13.2. */
export const REASON_WITHDRAWN: u8 = 18;

/** RESET frame, RESET record: a pinned Route's peer has another key than was announced. PROTOCOL 13.2. */
export const REASON_PEER_KEY_CHANGED: u8 = 19;

/** DROPPED. PROTOCOL 13.2. */
export const REASON_NOT_PAIRED: u8 = 32;

/** DROPPED. PROTOCOL 13.2. */
export const REASON_QUEUE_FULL: u8 = 33;

/** DROPPED. PROTOCOL 13.2. */
export const REASON_AGED: u8 = 34;

/** DROPPED. PROTOCOL 13.2. */
export const REASON_TOO_BIG: u8 = 35;

/** DROPPED. PROTOCOL 13.2. */
export const REASON_RATE_LIMITED: u8 = 36;

/** DROPPED. PROTOCOL 13.2. */
export const REASON_MUTED: u8 = 37;

/** DROPPED. PROTOCOL 13.2. */
export const REASON_UNKNOWN_CHANNEL: u8 = 38;

/** DROPPED. PROTOCOL 13.2. */
export const REASON_PURGED: u8 = 39;

/** CLOSE. PROTOCOL 13.2. */
export const REASON_SUPERSEDED: u8 = 48;

/** CLOSE, REFUSED. PROTOCOL 13.2. */
export const REASON_KEY_USED_TWICE: u8 = 49;

/** REFUSED. PROTOCOL 13.2. */
export const REASON_NOT_ADMITTED: u8 = 50;

/** CLOSE. PROTOCOL 13.2. */
export const REASON_DRAINING: u8 = 51;

/** CLOSE. PROTOCOL 13.2. */
export const REASON_HOP_BUFFERS: u8 = 52;

/** CLOSE. PROTOCOL 13.2. */
export const REASON_BAD_HOP: u8 = 53;

/** REFUSED (hop and control). PROTOCOL 13.2. */
export const REASON_CODE_USED: u8 = 64;

/** REFUSED. PROTOCOL 13.2. */
export const REASON_CODE_EXPIRED: u8 = 65;

/** REFUSED. PROTOCOL 13.2. */
export const REASON_CODE_UNKNOWN: u8 = 66;

/** REFUSED (control). PROTOCOL 13.2. */
export const REASON_WAIT_APPROVAL: u8 = 67;
export const REASON_WRONG_NETWORK: u8 = 68;
