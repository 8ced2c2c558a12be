// SPDX-License-Identifier: Apache-2.0
// A Customer of a Connector: the Commander whose STLinks it admits, and how much they may take together.
// Before it: check.ts. After it: the admission that a Connector keeps (rules T2, T4): ids and keys of one
// customer mean nothing to another.

import * as z from "zod";
import { sizeText } from "../../service/fields.ts";
import { checked } from "./check.ts";
import { commonFields, type Id, idReference, keyText, tagsField } from "./fields.ts";
import type { Result } from "./problem.ts";

const commander = z
  .strictObject({
    id: idReference.describe("Its id."),
    key: keyText.describe("Its public key."),
    recovery: keyText.describe("Its recovery key, the public half."),
  })
  .refine(({ key, recovery }) => key !== recovery, {
    path: ["recovery"],
    message: "is the key itself: a recovery key is another one, kept offline.",
  })
  .describe("The Commander that speaks for it.");

export const customerSchema = z.strictObject({
  ...commonFields,
  tags: tagsField(idReference),
  commander,
  stlinks: z.int().min(1).max(1_000_000).optional().describe("How many STLinks it may have."),
  rate: sizeText("64KiB", "1GiB")
    .optional()
    .meta({ examples: ["1MiB"] })
    .describe("Bytes in a second, of all of them together."),
  suspended: z.boolean().default(false).describe("Whether its STLinks are refused for now."),
});

export type CustomerFields = z.output<typeof customerSchema>;
export type Customer = CustomerFields & { id: Id };

export function checkCustomer(value: unknown): Result<CustomerFields> {
  return checked("customer", customerSchema, value);
}
