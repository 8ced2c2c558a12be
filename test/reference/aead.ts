// SPDX-License-Identifier: Apache-2.0
// ChaCha20-Poly1305 as all three layers use it: nonce = four zero bytes and a u64 counter
// (PROTOCOL.md section 1, Noise section 12.3). Every seal passes here, so a test can watch that no
// key ever seals two plaintexts under one counter (rule D6).

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { concat, encodeUint } from "./bytes.ts";
import { ProtocolError } from "./status.ts";

/** Bytes of an AEAD tag. */
export const TAG_LEN = 16;

/** Called for each seal with the key, the counter and the sealed bytes. */
export type SealAudit = (key: Uint8Array, n: bigint, sealed: Uint8Array) => void;

let audit: SealAudit | undefined;

/** Sets (or, without an argument, takes away) the watcher of all seals. */
export function watchSeals(watcher?: SealAudit): void {
  audit = watcher;
}

/** Seals `plaintext` under a key of 32 bytes and the counter `n`; 16 bytes longer. */
export function seal(
  key: Uint8Array,
  n: number | bigint,
  ad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const sealed = chacha20poly1305(key, nonce(n), ad).encrypt(plaintext);
  audit?.(key, BigInt(n), sealed);
  return sealed;
}

/** Opens what `seal` made; anything else is `BadTag`. */
export function open(
  key: Uint8Array,
  n: number | bigint,
  ad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  if (sealed.length < TAG_LEN) throw new ProtocolError("BadTag");
  try {
    return chacha20poly1305(key, nonce(n), ad).decrypt(sealed);
  } catch {
    throw new ProtocolError("BadTag");
  }
}

/** Noise section 4.2, Rekey(k): the first 32 bytes of AEAD(k, 2^64 - 1, empty, zeros). */
export function rekey(key: Uint8Array): Uint8Array {
  const zeros = new Uint8Array(32);
  const last = 2n ** 64n - 1n;
  return chacha20poly1305(key, nonce(last)).encrypt(zeros).slice(0, 32);
}

function nonce(n: number | bigint): Uint8Array {
  return concat(new Uint8Array(4), encodeUint(n, 8));
}
