// SPDX-License-Identifier: Apache-2.0
// An activation code as its Commander keeps it: hashes, rules, and who used it when (rules T5, T7). The secret
// itself is shown once and kept nowhere. Before it: profile.ts, whose rules a code takes along. After it:
// activation.ts. Invariant: a use belongs to one key for ever.

import { durationMs } from "../../service/fields.ts";
import type { Id, Key } from "./fields.ts";
import type { CodeRules } from "./profile.ts";

export type CodeUse = {
  key: Key;
  stlinkId: Id;
  atMs: number;
  /** An administrator has agreed, or no one has to. */
  isApproved: boolean;
  /** When the STLink said that its first configuration is in force; null: not yet. */
  confirmedAtMs: number | null;
};

export type Code = {
  /** 16 hexadecimal digits; public. */
  codeId: string;
  /** BLAKE2s, hexadecimal. */
  secretHash: string;
  ticketHash: string;
  profileId: Id | null;
  /** The STLink that it is for, which is invited or to be replaced (rule T3); null: each use makes one. */
  stlinkId: Id | null;
  rules: CodeRules;
  madeAtMs: number;
  expiresAtMs: number;
  revokedAtMs: number | null;
  uses: readonly CodeUse[];
};

export type CodeHashes = Pick<Code, "codeId" | "secretHash" | "ticketHash">;

export type CodeState = "open" | "used" | "expired" | "revoked";

/** A code for an STLink that has an id serves one, whatever its Profile says. */
export function madeCode(
  hashes: CodeHashes,
  target: { profileId: Id | null; stlinkId: Id | null },
  rules: CodeRules,
  nowMs: number,
): Code {
  const uses = target.stlinkId === null ? rules.uses : 1;
  return {
    ...{ ...hashes, ...target, rules: { ...rules, uses }, madeAtMs: nowMs },
    ...{ expiresAtMs: nowMs + durationMs(rules.expiry), revokedAtMs: null, uses: [] },
  };
}

export function codeStateOf(code: Code, nowMs: number): CodeState {
  if (code.revokedAtMs !== null) return "revoked";
  if (code.uses.length >= code.rules.uses) return "used";
  return nowMs > code.expiresAtMs ? "expired" : "open";
}
