// SPDX-License-Identifier: Apache-2.0
// A token: who may use the API, how far, and until when. Before it: an administrator, or `sealed up`, which makes
// the first. After it: the API asks on each request. The token's text is shown once; what is kept is its hash.
// An administrator with a password would have a role of the same kind. Pure.

import * as z from "zod";
import { durationMs, durationText, nameField } from "../../service/fields.ts";

/** Each may do what the ones before it may. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

export function mayDo(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

export const newTokenSchema = z.strictObject({
  name: nameField.describe("Whose it is, or what for; the audit log calls its holder so."),
  role: z
    .enum(ROLES)
    .describe("viewer: reads; operator: objects, codes, STLinks; admin: everything."),
  expiry: durationText("1m", "365d")
    .default("30d")
    .meta({ examples: ["30d", "12h"] })
    .describe("How long it is good for."),
});

export type NewToken = z.output<typeof newTokenSchema>;

export type Token = {
  /** 16 hexadecimal digits; public, a part of its text. */
  id: string;
  name: string;
  role: Role;
  madeAtMs: number;
  madeBy: string;
  expiresAtMs: number;
  revokedAtMs: number | null;
};

export type TokenState = "valid" | "expired" | "revoked";

export function madeToken(id: string, fields: NewToken, by: { who: string; atMs: number }): Token {
  const { name, role, expiry } = fields;
  return {
    ...{ id, name, role, madeAtMs: by.atMs, madeBy: by.who },
    ...{ expiresAtMs: by.atMs + durationMs(expiry), revokedAtMs: null },
  };
}

export function tokenStateOf({ revokedAtMs, expiresAtMs }: Token, nowMs: number): TokenState {
  if (revokedAtMs !== null) return "revoked";
  return nowMs > expiresAtMs ? "expired" : "valid";
}
