// SPDX-License-Identifier: Apache-2.0
// /tags: Tags: words by which lists are filtered. What has a Tag is among what uses it, and keeps it from being deleted.
// Before it: objects.ts, for what all kinds have. After it: the store.

import { addObjects } from "./objects.ts";
import type { Context, Server } from "./server-types.ts";
import { addUses } from "./uses.ts";

export function addTags(server: Server, context: Context): void {
  const resource = {
    kind: "tag",
    path: "tags",
    name: "Tag",
    plural: "Tags",
    writer: "operator",
  } as const;
  addObjects(server, context, resource);
  addUses(server, context, resource);
}
