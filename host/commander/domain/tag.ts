// SPDX-License-Identifier: Apache-2.0
// A Tag: a word that objects are given, to find and to group them. Before it: check.ts. After it: every
// other object's `tags`, and the filter on every list. It decides nothing by itself.

import * as z from "zod";
import { checked } from "./check.ts";
import { commonFields, type Id } from "./fields.ts";
import type { Result } from "./problem.ts";

export const tagSchema = z.strictObject(commonFields);

export type TagFields = z.output<typeof tagSchema>;
export type Tag = TagFields & { id: Id };

export function checkTag(value: unknown): Result<TagFields> {
  return checked("tag", tagSchema, value);
}
