// SPDX-License-Identifier: Apache-2.0
// JSON with one spelling for one value: fields in the order of their names, no spaces (as RFC 8785, for the
// values that the store has: no fractions). Before it: audit.ts. After it: hashes, which must not depend on
// the order in which a program put fields together.

export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => `${JSON.stringify(name)}:${canonicalJson(one)}`);
  return `{${fields.join(",")}}`;
}
