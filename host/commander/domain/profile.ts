// SPDX-License-Identifier: Apache-2.0
// A Profile: how STLinks are deployed: the Templates, Routes and Tags that they start with, the rules for
// their activation codes, and their lease (rules T5, T7, T11). Before it: template.ts. After it: code.ts,
// deployment.ts.

import * as z from "zod";
import { durationMs, durationText, eachOnce, sourcesField } from "../../service/fields.ts";
import { checked } from "./check.ts";
import { commonFields, type Id, idReference, type Reference, tagsField } from "./fields.ts";
import type { Result } from "./problem.ts";
import { routesField } from "./template.ts";

/** Rule T11. */
export const DEFAULT_LEASE = "7d";
const NEVER = "never";

export const codeRulesSchema = z
  .strictObject({
    uses: z.int().min(1).max(10_000).default(1).describe("How many STLinks one code activates."),
    expiry: durationText("1m", "365d")
      .default("1d")
      .meta({ examples: ["1d", "2h"] })
      .describe("How long a code is good for."),
    sources: sourcesField.describe("Networks that a code may be used from. Empty: all."),
    approval: z
      .boolean()
      .default(false)
      .describe("Whether an administrator compares the fingerprint first."),
  })
  .prefault({})
  .describe("The rules for its activation codes.");

export type CodeRules = z.output<typeof codeRulesSchema>;

const leaseDuration = durationText("1h", "365d");
const LEASE = 'is not a lease: a duration from 1h to 365d, such as "7d", or "never".';
const leaseField = z
  .string(LEASE)
  .refine((text) => text === NEVER || leaseDuration.safeParse(text).success, LEASE)
  .default(DEFAULT_LEASE)
  .meta({ examples: [DEFAULT_LEASE, NEVER] })
  .describe("How long an STLink works without hearing its Commander.");

export function profileSchema(reference: Reference) {
  return z.strictObject({
    ...commonFields,
    tags: tagsField(reference),
    templates: eachOnce(reference, 1000).describe("Its Templates."),
    routes: routesField(reference),
    lease: leaseField,
    codes: codeRulesSchema,
  });
}

export type ProfileFields = z.output<ReturnType<typeof profileSchema>>;
export type Profile = ProfileFields & { id: Id };

export const profileById = profileSchema(idReference);

export function checkProfile(value: unknown): Result<ProfileFields> {
  return checked("profile", profileById, value);
}

/** As a configuration says it (10.3); 0: never ends. */
export function leaseSecondsOf(lease: string): number {
  return lease === NEVER ? 0 : durationMs(lease) / 1000;
}
