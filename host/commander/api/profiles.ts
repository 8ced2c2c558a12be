// SPDX-License-Identifier: Apache-2.0
// /profiles: Profiles: how STLinks are deployed, and the rules of their activation codes (codes.ts makes them).
// Before it: objects.ts, for what all kinds have. After it: the store.

import { addObjects } from "./objects.ts";
import type { Context, Server } from "./server-types.ts";
import { addUses } from "./uses.ts";

export function addProfiles(server: Server, context: Context): void {
  const resource = {
    kind: "profile",
    path: "profiles",
    name: "Profile",
    plural: "Profiles",
    writer: "operator",
  } as const;
  addObjects(server, context, resource);
  addUses(server, context, resource);
}
