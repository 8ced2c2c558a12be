// SPDX-License-Identifier: Apache-2.0
// Rules that an STLink's and a Connector's file share: nothing is there twice, and a file that holds a
// pre-shared key is its owner's alone to read. Before it: declaration.ts. After it: site-file.ts,
// connector-file.ts.

import { statSync } from "node:fs";
import type { Complaints } from "./declaration.ts";
import type { FieldPath } from "./issue-text.ts";

/**
 * Complains of each entry at which `look` finds what it found at one before it; null is nothing. The
 * complaint names `field` of the entry, or the entry itself.
 */
export function checkUnique<Entry>(
  complaints: Complaints,
  entries: readonly Entry[],
  path: FieldPath,
  field: string | null,
  look: (entry: Entry) => string | null,
): void {
  const seen = new Map<string, number>();
  for (const [i, entry] of entries.entries()) {
    const value = look(entry);
    if (value === null) continue;
    const first = seen.get(value);
    if (first === undefined) seen.set(value, i);
    else {
      const where = `${path.map(String).join(".")}[${first}]`;
      complaints.add(
        [...path, i, ...(field === null ? [] : [field])],
        `is that of ${where} too: give each its own.`,
      );
    }
  }
}

const OTHERS = 0o077;

/** A pre-shared key is a secret: the file that holds it is for its owner alone. */
export function refusePublicPsk(
  file: string,
  entries: readonly { psk?: Uint8Array | undefined }[],
  complaints: Complaints,
): void {
  if (entries.every(({ psk }) => psk === undefined)) return;
  if ((statSync(file).mode & OTHERS) === 0) return;
  complaints.add([], `holds a pre-shared key (psk) and others may read it: chmod 600 ${file}`);
}
