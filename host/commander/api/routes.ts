// SPDX-License-Identifier: Apache-2.0
// /routes: Mappings and Bindings, with what uses each and which STLinks have it. Before it: objects.ts, for what all
// kinds have. After it: the store. A Route does nothing until a Template or a Profile brings it to an STLink.

import { addObjects } from "./objects.ts";
import type { Context, Server } from "./server-types.ts";
import { addUses } from "./uses.ts";

export function addRoutes(server: Server, context: Context): void {
  const resource = {
    kind: "route",
    path: "routes",
    name: "Route",
    plural: "Routes",
    writer: "operator",
    facet: { name: "type", values: ["mapping", "binding"], what: "Of this type alone." },
  } as const;
  addObjects(server, context, resource);
  addUses(server, context, resource);
}
