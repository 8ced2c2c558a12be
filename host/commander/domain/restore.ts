// SPDX-License-Identifier: Apache-2.0
// What a database from a backup has to become before anything is answered from it (rule T9): its epoch above
// all that STLinks may hold, and its open codes void, for who has used them since is not in it. Before it: the
// backup. After it: a first version that every STLink takes. Pure.

import type { Code } from "./code.ts";
import { restoredVersion, type Version } from "./version.ts";

export type Restored = { version: Version; codes: Code[] };

/** `newestEpoch`: of the database that is replaced, or the greatest that an STLink has told. */
export function restored(
  version: Version,
  newestEpoch: number,
  codes: readonly Code[],
  nowMs: number,
): Restored {
  return {
    version: restoredVersion(version, newestEpoch),
    codes: codes.map((code) => voided(code, nowMs)),
  };
}

/** Who has used it keeps the answer; nobody else gets one. */
function voided(code: Code, nowMs: number): Code {
  if (code.uses.length >= code.rules.uses || code.revokedAtMs !== null) return code;
  if (code.uses.length === 0) return { ...code, revokedAtMs: nowMs };
  return { ...code, rules: { ...code.rules, uses: code.uses.length } };
}
