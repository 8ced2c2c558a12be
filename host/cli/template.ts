// SPDX-License-Identifier: Apache-2.0
// `sealed template`: named sets of Routes. Before it: a person or a script. After it: commander/verbs.ts.
// `sealed stlink set --add-template` assigns one.

import { usesOf } from "./commander/uses.ts";
import { DESCRIPTION, ROUTES, TAGS } from "./commander/usual-fields.ts";
import { type Noun, nounCommand } from "./commander/verbs.ts";

export const TEMPLATE: Noun = {
  name: "template",
  word: "Template",
  plural: "templates",
  fields: [DESCRIPTION, ROUTES, TAGS],
  columns: [{ head: "ROUTES", cell: ({ routes }) => (routes as string[]).length }],
  filters: [],
  example: "hall --route web --route page",
  about: usesOf("templates"),
};

export const templateCommand = nounCommand(
  TEMPLATE,
  "Templates: sets of Routes, assigned to STLinks",
);
