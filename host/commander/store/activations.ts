// SPDX-License-Identifier: Apache-2.0
// Codes and keys in the store: what domain/activation.ts, rotation.ts and revocation.ts decide, carried out in the
// transaction that decided it. Before it: ACTIVATE, CONFIRM, ROTATE, the Connector's news, administrators. After
// it: the configurations of who it concerns. Invariant (T7): a code is used and its STLink is there, or neither.

import {
  type Activation,
  admitted,
  approved,
  confirmedCode,
  decideActivation,
  type KeyChange,
  type Known,
  usedCode,
  waiting,
} from "../domain/activation.ts";
import type { Code } from "../domain/code.ts";
import type { Id, Key } from "../domain/fields.ts";
import { subjectOf } from "../domain/kinds.ts";
import { problemOf, Refusal } from "../domain/problem.ts";
import { revoked, revokedCode } from "../domain/revocation.ts";
import { decideRotation, heardUnder, type Rotation } from "../domain/rotation.ts";
import { type Confirmed, keysOf, type Stlink, type StlinkFacts } from "../domain/stlink.ts";
import type { Change } from "./change.ts";
import { codeAt, readCode, updateCode } from "./codes.ts";
import { readObject } from "./objects.ts";
import { changeKeys, keyPlace, noteFacts, readStlink, stlinkAt } from "./stlinks.ts";
import { createObject } from "./writing.ts";

export type Shown = { codeId: string; secretHash: string; key: Key };

/** `newId`: 16 random bytes for the STLink, if it becomes a new one. */
export function activate(change: Change, shown: Shown, newId: Id): Activation {
  const { db, by } = change;
  const code = readCode(db, shown.codeId);
  const showing = { secretHash: shown.secretHash, key: shown.key, nowMs: by.atMs };
  const decision = decideActivation(showing, known(change, code, shown.key));
  if (decision.answer === "refused") {
    if (decision.isAlarm) alarm(change, shown, decision.reason);
    return decision;
  }
  if (decision.answer === "again" || code === null) return decision;
  const stlink =
    decision.stlinkId === null ? invited(change, code, newId) : stlinkAt(db, decision.stlinkId);
  updateCode(change, "use", code, usedCode(code, stlink.id, showing));
  if (decision.answer === "wait") {
    changeKeys(change, stlink, "wait", unspent(waiting(stlink.facts, code, showing)));
  } else {
    changeKeys(change, stlink, "activate", admitted(stlink.facts, shown.key, code));
  }
  return { ...decision, stlinkId: stlink.id };
}

function unspent(facts: StlinkFacts): KeyChange {
  return { facts, spent: [], arePsksVoid: false };
}

function known({ db }: Change, code: Code | null, key: Key): Known {
  const place = keyPlace(db, key);
  const use = code?.uses.find((one) => one.key === key);
  const id = use?.stlinkId ?? code?.stlinkId ?? null;
  return {
    code,
    isKeySpent: place?.isSpent ?? false,
    keyOwner: place === null || place.isSpent ? null : place.stlinkId,
    facts: id === null ? null : (readStlink(db, id)?.facts ?? null),
  };
}

function alarm(change: Change, { codeId: id, key }: Shown, reason: string): void {
  change.audit({ what: "alarm", kind: "code", id, name: id, before: null, after: { reason, key } });
}

const NAME_MOST = 64;
const ID_SHOWN = 8;

/** A new STLink, named after its Profile, with the Profile's Tags. */
function invited(change: Change, { profileId }: Code, id: Id): Stlink {
  const profile = profileId === null ? null : readObject(change.db, "profile", profileId);
  const prefix = profile?.fields.name.slice(0, NAME_MOST - ID_SHOWN - 1) ?? "stlink";
  createObject(change, "stlink", id, {
    name: `${prefix}-${id.slice(0, ID_SHOWN)}`,
    tags: profile?.fields.tags ?? [],
    ...(profile === null ? {} : { profile: profile.id }),
  });
  return stlinkAt(change.db, id);
}

/** The key that waits is the one whose fingerprint was compared. Throws Refusal: NotFound, NotNow. */
export function approve(change: Change, id: Id, key: Key): void {
  const stlink = stlinkAt(change.db, id);
  const { codeId } = stlink.facts.waiting ?? {};
  const code = codeId === undefined ? null : readCode(change.db, codeId);
  if (code === null) {
    throw new Refusal([
      problemOf("NotNow", subjectOf("stlink", stlink.name), "waits for no approval."),
    ]);
  }
  const approval = approved(stlink, code, key, change.by.atMs);
  if (!approval.ok) throw new Refusal(approval.problems);
  updateCode(change, "approve", code, approval.code);
  changeKeys(change, stlink, "activate", approval.change);
}

/** A configuration is in force at an STLink; the first one ends what its code may be answered. */
export function confirm(change: Change, id: Id, confirmed: Confirmed): void {
  const { db, by } = change;
  const { facts } = stlinkAt(db, id);
  noteFacts(db, id, { confirmed, lastSeenMs: by.atMs });
  const { key } = facts;
  if (facts.confirmed !== null || key === null) return;
  const code = facts.codeId === null ? null : readCode(db, facts.codeId);
  if (code !== null) updateCode(change, "confirm", code, confirmedCode(code, key, by.atMs));
}

/** ROTATE: publish before it is answered. */
export function rotate(change: Change, id: Id, key: Key): Rotation {
  const stlink = stlinkAt(change.db, id);
  const place = keyPlace(change.db, key);
  const isOthers = place !== null && place.stlinkId !== id;
  const isSpent = place?.isSpent ?? false;
  const rotation = decideRotation(stlink.facts, { key, isSpent, isOthers });
  if (rotation.answer === "publish") {
    changeKeys(change, stlink, "announce key", { ...rotation, arePsksVoid: false });
  }
  return rotation;
}

/** A handshake under this key has finished; true: it was the next one, and is the key now. */
export function heard(change: Change, id: Id, key: Key): boolean {
  const stlink = stlinkAt(change.db, id);
  const keyChange = heardUnder(stlink.facts, key);
  if (keyChange !== null) changeKeys(change, stlink, "rotate", keyChange);
  return keyChange !== null;
}

/** Returns the keys that a Connector has to refuse and cut now; none: it was revoked already. */
export function revoke(change: Change, id: Id): Key[] {
  const stlink = stlinkAt(change.db, id);
  const keyChange = revoked(stlink.facts, change.by.atMs);
  if (keyChange === null) return [];
  changeKeys(change, stlink, "revoke", keyChange);
  return keysOf(stlink.facts);
}

/** Throws Refusal: NotFound. */
export function revokeCode(change: Change, codeId: string): void {
  const code = codeAt(change.db, codeId);
  updateCode(change, "revoke", code, revokedCode(code, change.by.atMs));
}
