// SPDX-License-Identifier: Apache-2.0
// /customers: Customers of the Connector, the other Commanders whose STLinks it admits. Before it: objects.ts, for
// what all kinds have. After it: the store, and the desk. Administrators alone write them.

import { addObjects } from "./objects.ts";
import type { Context, Server } from "./server-types.ts";

export function addCustomers(server: Server, context: Context): void {
  addObjects(server, context, {
    kind: "customer",
    path: "customers",
    name: "Customer",
    plural: "Customers",
    writer: "admin",
  });
}
