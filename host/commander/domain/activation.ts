// SPDX-License-Identifier: Apache-2.0
// What a Commander answers to one who shows a code (rules T3, T7; PROTOCOL 10.2). Before it: ACTIVATE, with the
// secret's hash. After it: the store carries the decision out in one transaction with the code's use.
// Invariants: a use belongs to one key, which gets the same answer until it has confirmed; a key that was
// revoked or replaced is never admitted again. Pure: time, ids and hashes are given.

import type { Code, CodeUse } from "./code.ts";
import type { Id, Key } from "./fields.ts";
import { subjectOf } from "./kinds.ts";
import { type Problem, problemOf } from "./problem.ts";
import { NO_FACTS, type StlinkFacts } from "./stlink.ts";

/** Reasons of REFUSED (13.2). */
export type RefusedReason = "CodeUsed" | "CodeExpired" | "CodeUnknown" | "WaitApproval" | "Revoked";

export type Showing = {
  /** BLAKE2s of the secret that was shown, hexadecimal. */
  secretHash: string;
  key: Key;
  nowMs: number;
};

/** What the store knows of it. */
export type Known = {
  /** The code with the codeId that was shown; null: there is none. */
  code: Code | null;
  /** Revoked, replaced or rotated away. */
  isKeySpent: boolean;
  /** The STLink that has this key now. */
  keyOwner: Id | null;
  /** Facts of the STLink that the code is for, or that this key made with it; null: there is none. */
  facts: StlinkFacts | null;
};

export type Activation =
  /** The first time: the code is used, the STLink is made, replaced, or waits. Null: a new one. */
  | { answer: "admit" | "wait"; stlinkId: Id | null }
  /** What it was answered before. */
  | { answer: "again"; stlinkId: Id }
  /** `isAlarm`: somebody may have the code who should not. */
  | { answer: "refused"; reason: RefusedReason; isAlarm: boolean };

export function decideActivation(showing: Showing, known: Known): Activation {
  const { code, facts } = known;
  if (code === null || code.secretHash !== showing.secretHash) {
    return refused("CodeUnknown", code !== null);
  }
  if (known.isKeySpent) return refused("Revoked", true);
  const use = code.uses.find(({ key }) => key === showing.key);
  const isNamed = code.stlinkId !== null || use !== undefined;
  if (code.revokedAtMs !== null || (isNamed && isGone(facts))) return refused("Revoked", false);
  if (use !== undefined) return answeredAgain(code, use, showing.nowMs);
  if (code.uses.length >= code.rules.uses) return refused("CodeUsed", true);
  if (showing.nowMs > code.expiresAtMs) return refused("CodeExpired", false);
  if (known.keyOwner !== null && known.keyOwner !== code.stlinkId) return refused("CodeUsed", true);
  return { answer: code.rules.approval ? "wait" : "admit", stlinkId: code.stlinkId };
}

function answeredAgain(code: Code, use: CodeUse, nowMs: number): Activation {
  if (use.confirmedAtMs !== null) return refused("CodeUsed", false);
  if (nowMs > code.expiresAtMs) return refused("CodeExpired", false);
  if (!use.isApproved) return refused("WaitApproval", false);
  return { answer: "again", stlinkId: use.stlinkId };
}

/** Revoked, or deleted since. */
function isGone(facts: StlinkFacts | null): boolean {
  return facts === null || facts.revokedAtMs !== null;
}

function refused(reason: RefusedReason, isAlarm: boolean): Activation {
  return { answer: "refused", reason, isAlarm };
}

/** The code with the use that an `admit` or `wait` makes of it. */
export function usedCode(code: Code, stlinkId: Id, { key, nowMs }: Showing): Code {
  const isApproved = !code.rules.approval;
  const use = { key, stlinkId, atMs: nowMs, isApproved, confirmedAtMs: null };
  return { ...code, uses: [...code.uses, use] };
}

/** The code when a key that used it has confirmed its first configuration; the same one otherwise. */
export function confirmedCode(code: Code, key: Key, nowMs: number): Code {
  const isFirst = ({ key: of, confirmedAtMs }: CodeUse) => of === key && confirmedAtMs === null;
  if (!code.uses.some(isFirst)) return code;
  const uses = code.uses.map((use) => (isFirst(use) ? { ...use, confirmedAtMs: nowMs } : use));
  return { ...code, uses };
}

export type KeyChange = {
  facts: StlinkFacts;
  /** Never to be admitted again. */
  spent: readonly Key[];
  /** Whether its pre-shared keys are to be made anew: whoever had the old key may have them. */
  arePsksVoid: boolean;
};

/** An STLink that gets a key by a code, the first or in the place of another (rule T3: no overlap). */
export function admitted(before: StlinkFacts | null, key: Key, { codeId }: Code): KeyChange {
  const old = before ?? NO_FACTS;
  const spent = [old.key, old.nextKey].filter((one) => one !== null && one !== key) as Key[];
  const cleared = { nextKey: null, waiting: null, confirmed: null, isConnected: false };
  const facts = { ...old, ...cleared, key, codeId, keyEpoch: old.keyEpoch + 1 };
  return { facts, spent, arePsksVoid: before !== null && before.key !== null };
}

/** An STLink whose key has to be approved; the key that it has goes on working. */
export function waiting(
  before: StlinkFacts | null,
  { codeId }: Code,
  showing: Showing,
): StlinkFacts {
  const { key, nowMs } = showing;
  return { ...(before ?? NO_FACTS), waiting: { key, codeId, sinceMs: nowMs } };
}

export type Approval =
  | { ok: true; code: Code; change: KeyChange }
  | { ok: false; problems: readonly Problem[] };

/** An administrator has compared the fingerprint of the key that waits. */
export function approved(
  stlink: { name: string; facts: StlinkFacts },
  code: Code,
  key: Key,
  nowMs: number,
): Approval {
  const subject = subjectOf("stlink", stlink.name);
  const refuse = (what: string): Approval => {
    return { ok: false, problems: [problemOf("NotNow", subject, what)] };
  };
  if (stlink.facts.waiting === null) return refuse("waits for no approval.");
  if (stlink.facts.waiting.key !== key) {
    return refuse("waits with another key than the one you approved: compare fingerprints again.");
  }
  if (stlink.facts.revokedAtMs !== null) return refuse("is revoked: make a new one.");
  if (code.revokedAtMs !== null) return refuse("has a code that was revoked: give it a new one.");
  if (nowMs > code.expiresAtMs) return refuse("has a code that has expired: give it a new one.");
  const uses = code.uses.map((use) => (use.key === key ? { ...use, isApproved: true } : use));
  return { ok: true, code: { ...code, uses }, change: admitted(stlink.facts, key, code) };
}
