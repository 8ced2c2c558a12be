// SPDX-License-Identifier: Apache-2.0
// A merge patch (RFC 7396): its schema made of an object's, for the document, and the merge itself. Before it: PATCH.
// After it: the whole object, which the domain checks as any other. A field that is absent stays; null takes it away.

import * as z from "zod";

/** Each field may be absent or null; tables in it likewise. */
export function patchOf(schema: z.ZodObject): z.ZodObject {
  const fields = Object.entries(schema.shape).map(([name, field]) => {
    const { description } = z.globalRegistry.get(field as z.ZodType) ?? {};
    const bare = withoutDefault(field as z.ZodType);
    const partial = bare instanceof z.ZodObject ? patchOf(bare) : bare;
    const patched = partial.nullable().optional();
    return [name, description === undefined ? patched : patched.describe(description)];
  });
  return z.strictObject(Object.fromEntries(fields));
}

function withoutDefault(field: z.ZodType): z.ZodType {
  if (
    field instanceof z.ZodDefault ||
    field instanceof z.ZodPrefault ||
    field instanceof z.ZodOptional
  ) {
    return withoutDefault(field.unwrap() as z.ZodType);
  }
  return field;
}

const MERGE_DEPTH_MOST = 8;

/** `target` with what `patch` says. */
export function merged(target: unknown, patch: unknown, depth = 0): unknown {
  if (!isTable(patch) || depth > MERGE_DEPTH_MOST) return patch;
  const fields = new Map(isTable(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) fields.delete(name);
    else fields.set(name, merged(fields.get(name), value, depth + 1));
  }
  return Object.fromEntries(fields);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
