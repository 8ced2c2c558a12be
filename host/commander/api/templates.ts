// SPDX-License-Identifier: Apache-2.0
// /templates: Templates: named sets of Routes, assigned to STLinks and put into Profiles. Change one, and every STLink that has it changes.
// Before it: objects.ts, for what all kinds have. After it: the store.

import { addObjects } from "./objects.ts";
import type { Context, Server } from "./server-types.ts";
import { addUses } from "./uses.ts";

export function addTemplates(server: Server, context: Context): void {
  const resource = {
    kind: "template",
    path: "templates",
    name: "Template",
    plural: "Templates",
    writer: "operator",
  } as const;
  addObjects(server, context, resource);
  addUses(server, context, resource);
}
