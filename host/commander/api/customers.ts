// SPDX-License-Identifier: Apache-2.0
// /customers: Customers of the Connector, the other Commanders whose STLinks it admits, and the pre-shared keys of
// their hops. Before it: objects.ts, for what all kinds have. After it: the store, and the desk. Administrators alone
// write them.

import { randomBytes } from "node:crypto";
import * as z from "zod";
import { KEY_LEN } from "../../service/fields.ts";
import { setCustomerPsk } from "../store/customers.ts";
import { whoOf } from "./authentication.ts";
import { addObjects, objectAt } from "./objects.ts";
import { idField, idParams, keyField } from "./schemas.ts";
import type { Context, Server } from "./server-types.ts";

const pskSchema = z
  .object({ id: idField, psk: keyField.describe("It is shown now and never again.") })
  .meta({ id: "CustomerPsk" });

export function addCustomers(server: Server, context: Context): void {
  addObjects(server, context, {
    kind: "customer",
    path: "customers",
    name: "Customer",
    plural: "Customers",
    writer: "admin",
  });
  addPsk(server, context);
}

function addPsk(server: Server, { registry }: Context): void {
  server.post("/customers/:id/psk", {
    config: { role: "admin", problems: ["NotFound", "StoreFull"] },
    schema: {
      operationId: "makeCustomerPsk",
      summary: "Make the pre-shared key of a Customer's Commander",
      description:
        "Of its hop to this site's Connectors. A hop under the one before it ends; without one a hop has no post-quantum authentication. It is shown once.",
      tags: ["customers"],
      params: idParams,
      response: { 201: pskSchema },
    },
    handler: (request, reply) => {
      const { id } = request.params;
      const psk = randomBytes(KEY_LEN);
      registry.change(whoOf(request), (change) => {
        objectAt(change.db, "customer", id);
        setCustomerPsk(change, id, psk);
      });
      reply.code(201);
      return { id, psk: psk.toString("hex") };
    },
  });
}
