// SPDX-License-Identifier: Apache-2.0
//
// The activation code: its bytes are checked, and what is shown instead of the secret is derived. Before it: the host
// has read a QR code or base32. After it: the hop shows the ticket, the Commander's link runs with the PSK, and
// ACTIVATE shows the secret inside it. Nothing changes unless the whole code checks. PROTOCOL 10.2, rules T5, T6.

import { blake2sFinal, blake2sInit, blake2sUpdate } from "../crypto/blake2s";
import { x25519Canonical } from "../crypto/x25519";
import { VERSION } from "../wire/link-frames";
import { SECRET_LEN } from "./messages";

/** Offsets in a code. */
export const CODE_CONNECTOR_KEY: i32 = 1;
export const CODE_COMMANDER_ID: i32 = 33;
export const CODE_COMMANDER_KEY: i32 = 49;
export const CODE_RECOVERY_HASH: i32 = 81;
export const CODE_SECRET: i32 = 113;
const CODE_COUNT: i32 = 129;
const CODE_ADDRESSES: i32 = 130;
const CHECKSUM_LEN: i32 = 4;

/** "sealed/1 code id", "sealed/1 ticket", "sealed/1 psk", each with its length before it. */
const LABELS: usize = memory.data<u8>([
  16, 0x73, 0x65, 0x61, 0x6c, 0x65, 0x64, 0x2f, 0x31, 0x20, 0x63, 0x6f, 0x64, 0x65, 0x20, 0x69,
  0x64, 15, 0x73, 0x65, 0x61, 0x6c, 0x65, 0x64, 0x2f, 0x31, 0x20, 0x74, 0x69, 0x63, 0x6b, 0x65,
  0x74, 12, 0x73, 0x65, 0x61, 0x6c, 0x65, 0x64, 0x2f, 0x31, 0x20, 0x70, 0x73, 0x6b,
]);

/** What was derived last: codeId [8 of 32], ticket [32], PSK [32] and its name, the codeId again [8]. */
const DERIVED: usize = memory.data(104, 8);
export const CODE_ID: usize = DERIVED;
export const TICKET: usize = DERIVED + 32;
export const CODE_PSK: usize = DERIVED + 64;

/** Room for a hash [32] that is looked at once. */
export const HASH: usize = memory.data(32, 8);

/** Keyed BLAKE2s (32 bytes to `out`) of `len` bytes; `keyLen` 0: without a key. */
export function hashOf(key: usize, keyLen: i32, at: usize, len: i32, out: usize): void {
  blake2sInit(32, key, keyLen);
  blake2sUpdate(at, len);
  blake2sFinal(out);
}

/** True when the `len` bytes at `code` are a code; then CODE_ID, TICKET and CODE_PSK are derived from its secret. */
export function codeTake(code: usize, len: i32): bool {
  const body = len - CHECKSUM_LEN;
  if (body <= CODE_ADDRESSES || load<u8>(code) != VERSION) return false;
  let at = CODE_ADDRESSES;
  let left = <i32>load<u8>(code, CODE_COUNT);
  for (; left > 0 && at < body; left--) at += 1 + <i32>load<u8>(code + <usize>at);
  if (left != 0 || at != body) return false;
  hashOf(0, 0, code, body, CODE_ID);
  if (load<u32>(CODE_ID) != load<u32>(code + <usize>body)) return false;
  if (
    !x25519Canonical(code + <usize>CODE_CONNECTOR_KEY) ||
    !x25519Canonical(code + <usize>CODE_COMMANDER_KEY)
  )
    return false;
  let label = LABELS;
  for (let to = DERIVED; to < DERIVED + 96; to += 32) {
    const labelLen = <i32>load<u8>(label++);
    hashOf(code + <usize>CODE_SECRET, SECRET_LEN, label, labelLen, to);
    label += <usize>labelLen;
  }
  memory.copy(CODE_PSK + 32, CODE_ID, 8);
  return true;
}
