// SPDX-License-Identifier: Apache-2.0
// `sealed profile`: how STLinks are deployed, and the rules of their activation codes. Before it: a person or a
// script. After it: commander/verbs.ts. `sealed code add --profile` makes a code by one.

import type { Field } from "./commander/fields.ts";
import { usesOf } from "./commander/uses.ts";
import { DESCRIPTION, ROUTES, TAGS, TEMPLATES } from "./commander/usual-fields.ts";
import { type Noun, nounCommand } from "./commander/verbs.ts";

const FIELDS: readonly Field[] = [
  DESCRIPTION,
  TEMPLATES,
  ROUTES,
  {
    at: "lease",
    option: "lease",
    is: "text",
    describe: 'How long an STLink works without its Commander: "7d", or "never"',
  },
  {
    at: "codes.uses",
    option: "uses",
    is: "number",
    describe: "How many STLinks one code activates",
  },
  {
    at: "codes.expiry",
    option: "expiry",
    is: "text",
    describe: "How long a code is good for, such as 1d",
  },
  {
    at: "codes.sources",
    option: "source",
    is: "list",
    describe: "A network that a code may be used from",
  },
  {
    at: "codes.approval",
    option: "approval",
    is: "flag",
    describe: "An administrator compares the fingerprint first",
  },
  TAGS,
];

type Codes = { uses: number; expiry: string; approval: boolean };

export const PROFILE: Noun = {
  name: "profile",
  word: "Profile",
  plural: "profiles",
  fields: FIELDS,
  columns: [
    { head: "TEMPLATES", cell: ({ templates }) => (templates as string[]).length },
    { head: "ROUTES", cell: ({ routes }) => (routes as string[]).length },
    { head: "LEASE", cell: ({ lease }) => String(lease) },
    { head: "USES", cell: ({ codes }) => (codes as Codes).uses },
    { head: "EXPIRY", cell: ({ codes }) => (codes as Codes).expiry },
    { head: "APPROVAL", cell: ({ codes }) => (codes as Codes).approval },
  ],
  filters: [],
  example: "cameras --template hall --uses 20 --expiry 7d",
  about: usesOf("profiles"),
};

export const profileCommand = nounCommand(
  PROFILE,
  "Profiles: what STLinks start with, and their codes' rules",
);
