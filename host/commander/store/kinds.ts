// SPDX-License-Identifier: Apache-2.0
// What the store has to know of each kind of object beside its references: how it is checked, what lists
// filter it by, which words find it, and which fields a configuration depends on. Before it: domain/. After
// it: objects.ts, which treats all kinds alike.

import { type CustomerFields, checkCustomer } from "../domain/customer.ts";
import type { Kind } from "../domain/kinds.ts";
import type { Result } from "../domain/problem.ts";
import { checkProfile, type ProfileFields } from "../domain/profile.ts";
import { checkRoute, type RouteFields } from "../domain/route.ts";
import { checkStlink, type StlinkFields } from "../domain/stlink.ts";
import { checkTag, type TagFields } from "../domain/tag.ts";
import { checkTemplate, type TemplateFields } from "../domain/template.ts";

export type FieldsOf = {
  tag: TagFields;
  route: RouteFields;
  template: TemplateFields;
  profile: ProfileFields;
  stlink: StlinkFields;
  customer: CustomerFields;
};

export type AnyFields = FieldsOf[Kind];

const CHECKS: { readonly [K in Kind]: (value: unknown) => Result<FieldsOf[K]> } = {
  tag: checkTag,
  route: checkRoute,
  template: checkTemplate,
  profile: checkProfile,
  stlink: checkStlink,
  customer: checkCustomer,
};

export function checkFields<K extends Kind>(kind: K, value: unknown): Result<FieldsOf[K]> {
  return CHECKS[kind](value);
}

/** What a new object's lists are filtered by; an STLink's is its state, which stlinks.ts keeps. */
export function facetOf(kind: Kind, fields: AnyFields): string {
  if (kind === "stlink") return "invited";
  return "type" in fields ? fields.type : "";
}

/** Words that find it. */
export function wordsOf(fields: AnyFields): string {
  const { name, description } = fields;
  const address = "address" in fields ? `${fields.address} ${fields.port}` : "";
  const help = "help" in fields ? fields.help : "";
  return [name, description, address, help].filter((text) => text !== "").join("\n");
}

/** Fields that no configuration depends on; all others deploy. */
const QUIET: ReadonlySet<string> = new Set([
  "name",
  "description",
  "tags",
  "help",
  "codes",
  "exposes",
]);
const DEPLOYED: ReadonlySet<Kind> = new Set(["route", "template", "profile", "stlink"]);

/** Whether configurations may come out different after a change of an object from one to the other. */
export function isDeploying(
  kind: Kind,
  before: AnyFields | null,
  after: AnyFields | null,
): boolean {
  if (!DEPLOYED.has(kind)) return false;
  const loud = (fields: AnyFields | null) =>
    JSON.stringify(Object.entries(fields ?? {}).filter(([field]) => !QUIET.has(field)));
  return loud(before) !== loud(after);
}
