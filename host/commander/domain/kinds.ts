// SPDX-License-Identifier: Apache-2.0
// The kinds of object, and which of each one's fields refer to which others. Before it: nothing. After it:
// deployment.ts and uses.ts, which follow references, and the store, which keeps them. Every reference in
// an object is here: what is not listed is not followed, and can be deleted under it.

export type Kind = "tag" | "route" | "template" | "profile" | "stlink" | "customer";

/** Fields that refer to others: the kind they refer to, and whether it is a list or one (or none). */
export type ReferenceFields = Readonly<Record<string, { to: Kind; isList: boolean }>>;

const tags = { to: "tag", isList: true } as const;
const routes = { to: "route", isList: true } as const;
const templates = { to: "template", isList: true } as const;

export const REFERENCES: Readonly<Record<Kind, ReferenceFields>> = {
  tag: {},
  route: { tags, mapping: { to: "route", isList: false } },
  template: { tags, routes },
  profile: { tags, routes, templates },
  stlink: { tags, templates, profile: { to: "profile", isList: false } },
  customer: { tags },
};

/** Codes and tokens are no objects, but they too are spoken of; a code uses a Profile. */
export type Spoken = Kind | "code" | "token";

const WORDS: Readonly<Record<Spoken, string>> = {
  tag: "Tag",
  route: "Route",
  template: "Template",
  profile: "Profile",
  stlink: "STLink",
  customer: "Customer",
  code: "Code",
  token: "Token",
};

/** `Route "web"`: how sentences begin. */
export function subjectOf(kind: Spoken, name: unknown): string {
  return typeof name === "string" ? `${WORDS[kind]} "${name}"` : `The ${WORDS[kind]}`;
}
