// SPDX-License-Identifier: Apache-2.0
// Activation codes as answers show them, and how one is made: the secret, what is derived of it (PROTOCOL 10.2), and
// its text, which is shown this once. Before it: profiles and STLinks. After it: codes.ts, stlinks.ts. Invariant:
// hashes and the pre-shared key go to the store; the secret goes nowhere but into the text.

import { createHash, randomBytes } from "node:crypto";
import * as z from "zod";
import { encodeCode, SECRET_LEN } from "../../stlink/activation-code.ts";
import { secretsOf } from "../../stlink/activation-secret.ts";
import { type Code, codeStateOf, madeCode } from "../domain/code.ts";
import type { Authority } from "../domain/configuration.ts";
import type { Id } from "../domain/fields.ts";
import { subjectOf } from "../domain/kinds.ts";
import { problemOf, Refusal } from "../domain/problem.ts";
import { codeRulesSchema } from "../domain/profile.ts";
import type { Change } from "../store/change.ts";
import { insertCode } from "../store/codes.ts";
import type { Database } from "../store/database.ts";
import { readAuthority } from "../store/site.ts";
import { readStlink } from "../store/stlinks.ts";
import { objectAt } from "./objects.ts";
import { idField, keyField, timeField, timeOf } from "./schemas.ts";
import type { Context } from "./server-types.ts";

export const codeIdField = z
  .string()
  .regex(/^[0-9a-f]{16}$/, "is not a code's id: 16 hexadecimal digits.")
  .meta({ examples: ["7d793037a0760186"] });

const codeFields = {
  id: codeIdField.describe("Its codeId; public."),
  profile: idField.nullable(),
  stlink: idField.nullable().describe("The STLink that it is for; null: each use makes one."),
  rules: z.object(codeRulesSchema.unwrap().shape),
  state: z.enum(["open", "used", "expired", "revoked"]),
  madeAt: timeField,
  expiresAt: timeField,
  revokedAt: timeField.nullable(),
  uses: z.array(
    z.object({
      key: keyField,
      stlink: idField,
      stlinkName: z.string().nullable().describe("Null: it was deleted."),
      at: timeField,
      isApproved: z.boolean(),
      confirmedAt: timeField.nullable(),
    }),
  ),
};

export const codeSchema = z.object(codeFields).meta({ id: "Code" });

export const newCodeSchema = z
  .object({
    ...codeFields,
    text: z.string().describe("The code. It is shown now and never again."),
    qr: z
      .string()
      .describe("What its QR holds: the same, in letters and digits that make a small one."),
  })
  .meta({ id: "NewCode" });

export function codeView(db: Database, nowMs: number, code: Code): z.output<typeof codeSchema> {
  const nameOf = (id: Id) => readStlink(db, id)?.name ?? null;
  return {
    ...{ id: code.codeId, profile: code.profileId, stlink: code.stlinkId, rules: code.rules },
    state: codeStateOf(code, nowMs),
    ...{ madeAt: timeOf(code.madeAtMs), expiresAt: timeOf(code.expiresAtMs) },
    revokedAt: timeOf(code.revokedAtMs),
    uses: code.uses.map(({ key, stlinkId, atMs, isApproved, confirmedAtMs }) => ({
      ...{ key, stlink: stlinkId, stlinkName: nameOf(stlinkId), at: timeOf(atMs), isApproved },
      confirmedAt: timeOf(confirmedAtMs),
    })),
  };
}

/** For each use a new STLink of a Profile, or one STLink that is there. */
export type CodeTarget = { profileId: Id } | { stlinkId: Id };

/** Makes a code, and shows it. Throws Refusal: NotFound, NotNow. */
export function newCodeView(
  { registry }: Context,
  who: string,
  target: CodeTarget,
): z.output<typeof newCodeSchema> {
  const { code, text } = registry.change(who, (change) => makeCode(change, target));
  return { ...codeView(registry.db, registry.nowMs, code), text, qr: text };
}

function makeCode(change: Change, target: CodeTarget): { code: Code; text: string } {
  const { db, by } = change;
  const authority = readAuthority(db);
  if (authority === null || authority.connectors.length === 0) {
    const what = "has no Connector yet, which a code has to name: add one (PUT /site).";
    throw new Refusal([problemOf("NotNow", "The site", what)]);
  }
  const { profileId, stlinkId } = targetOf(db, target);
  const rules =
    profileId === null
      ? codeRulesSchema.parse(undefined)
      : objectAt(db, "profile", profileId).fields.codes;
  const secret = randomBytes(SECRET_LEN);
  const { codeId, ticket, psk } = secretsOf(secret);
  const hashes = {
    codeId: Buffer.from(codeId).toString("hex"),
    secretHash: hashOf(secret),
    ticketHash: hashOf(ticket),
  };
  const code = madeCode(hashes, { profileId, stlinkId }, rules, by.atMs);
  insertCode(change, code, psk);
  return { code, text: textOf(authority, secret) };
}

function targetOf(db: Database, target: CodeTarget): { profileId: Id | null; stlinkId: Id | null } {
  if ("profileId" in target) {
    objectAt(db, "profile", target.profileId);
    return { profileId: target.profileId, stlinkId: null };
  }
  const { fields, facet } = objectAt(db, "stlink", target.stlinkId);
  if (facet === "revoked") {
    const what = "is revoked, for ever: make a new STLink.";
    throw new Refusal([problemOf("NotNow", subjectOf("stlink", fields.name), what)]);
  }
  return { profileId: fields.profile ?? null, stlinkId: target.stlinkId };
}

function textOf(authority: Authority, secret: Uint8Array): string {
  const [first] = authority.connectors;
  const connectorKey = first?.key ?? "";
  return encodeCode({
    connectorKey: Buffer.from(connectorKey, "hex"),
    commanderId: Buffer.from(authority.commanderId, "hex"),
    commanderKey: Buffer.from(authority.commanderKey, "hex"),
    recoveryHash: blake2s(Buffer.from(authority.recoveryKey, "hex")),
    secret,
    // One key, perhaps at several addresses: a code names one Connector.
    addresses: authority.connectors
      .filter(({ key }) => key === connectorKey)
      .map(({ address }) => address),
  });
}

function hashOf(bytes: Uint8Array): string {
  return blake2s(bytes).toString("hex");
}

function blake2s(bytes: Uint8Array): Buffer {
  return createHash("blake2s256").update(bytes).digest();
}
