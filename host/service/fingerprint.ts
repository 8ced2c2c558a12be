// SPDX-License-Identifier: Apache-2.0
// The short fingerprint of a pair of STLinks, the same at both, so that two people can compare what their
// machines believe (rule T12). Before it: ids and keys. After it: `sealed status`. PROTOCOL 10.7.

import { createHash } from "node:crypto";

export type Party = { id: Uint8Array; key: Uint8Array };

const GROUPS = 5;

/** 80 bits as five groups of four hexadecimal digits; the order of the two does not matter. */
export function pairFingerprint(one: Party, other: Party): string {
  const parties = [one, other].sort((a, b) => Buffer.compare(a.id, b.id));
  const hash = createHash("blake2s256").update("sealed/1 pair");
  for (const { id, key } of parties) hash.update(id).update(key);
  const digits = hash.digest("hex").slice(0, 4 * GROUPS);
  return (digits.match(/.{4}/g) ?? []).join(" ");
}
