// SPDX-License-Identifier: Apache-2.0
// `sealed tag`: words that objects are given, to find them by. Before it: a person or a script. After it:
// commander/verbs.ts. `sealed tag set camera --name cameras` renames one everywhere.

import { usesOf } from "./commander/uses.ts";
import { DESCRIPTION } from "./commander/usual-fields.ts";
import { type Noun, nounCommand } from "./commander/verbs.ts";

export const TAG: Noun = {
  name: "tag",
  word: "Tag",
  plural: "tags",
  fields: [DESCRIPTION],
  columns: [{ head: "DESCRIPTION", cell: ({ description }) => String(description) }],
  filters: [],
  example: "camera",
  about: usesOf("tags"),
};

export const tagCommand = nounCommand(TAG, "Tags: words that objects are given, to find them by");
