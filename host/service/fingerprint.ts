// SPDX-License-Identifier: Apache-2.0
// The short fingerprint of a pair of STLinks, the same at both, so that two people can compare what their
// machines believe (rule T12). Before it: ids and keys. After it: `sealed status`. PROTOCOL 10.4.

import { createHash } from "node:crypto";
import { toBase32 } from "./base32.ts";

export type Party = { id: Uint8Array; key: Uint8Array };

const LABEL_LEN = 16;
const PRINT_LEN = 20;

/** 160 bits in base32, eight groups of four letters; the order of the two does not matter. */
export function pairFingerprint(one: Party, other: Party): string {
  const parties = [one, other].sort((a, b) => Buffer.compare(a.id, b.id));
  const label = Buffer.alloc(LABEL_LEN);
  label.write("sealed/1 pair");
  const hash = createHash("blake2s256").update(label);
  for (const { id, key } of parties) hash.update(id).update(key);
  const letters = toBase32(hash.digest().subarray(0, PRINT_LEN));
  return (letters.match(/.{4}/g) ?? []).join(" ");
}
