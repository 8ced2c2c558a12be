// SPDX-License-Identifier: Apache-2.0
// What uses an object, and which STLinks have it through that: to be read before it is changed or deleted. Before
// it: routes.ts, templates.ts, profiles.ts, tags.ts. After it: store/users.ts, domain/deployment.ts.

import * as z from "zod";
import { type Deployed, holdersOf } from "../domain/deployment.ts";
import type { Kind } from "../domain/kinds.ts";
import type { Database } from "../store/database.ts";
import { StoredDeployment } from "../store/deployment.ts";
import { readObject } from "../store/objects.ts";
import { usersOf } from "../store/users.ts";
import { objectAt, type Resource } from "./objects.ts";
import { idField, idParams, usersField } from "./schemas.ts";
import type { Context, Server } from "./server-types.ts";

const LISTED_MOST = 500;

const usesSchema = z
  .object({
    uses: usersField.describe("What refers to it: the first 100."),
    usesCount: z.int(),
    stlinks: z
      .array(z.object({ id: idField, name: z.string(), state: z.string() }))
      .describe(`STLinks that have it, through Templates and Profiles: the first ${LISTED_MOST}.`),
    stlinksCount: z.int(),
  })
  .meta({ id: "Uses" });

export function addUses(server: Server, { registry }: Context, resource: Resource): void {
  const { kind, path, name } = resource;
  server.get(`/${path}/:id/uses`, {
    config: { role: "viewer", problems: ["NotFound"] },
    schema: {
      operationId: `list${name}Uses`,
      summary: `Read what uses a ${name}, and which STLinks have it`,
      tags: [path],
      params: idParams,
      response: { 200: usesSchema },
    },
    handler: ({ params: { id } }) => {
      const { db } = registry;
      objectAt(db, kind, id);
      const { users, count } = usersOf(db, kind, id);
      const holders = DEPLOYED.has(kind)
        ? holdersOf(new StoredDeployment(db), kind as Deployed, id)
        : [];
      const stlinks = holders.slice(0, LISTED_MOST).flatMap((one) => stlinkLine(db, one));
      return { uses: users, usesCount: count, stlinks, stlinksCount: holders.length };
    },
  });
}

const DEPLOYED: ReadonlySet<Kind> = new Set(["route", "template", "profile"]);

function stlinkLine(db: Database, id: string): { id: string; name: string; state: string }[] {
  const stored = readObject(db, "stlink", id);
  return stored === null ? [] : [{ id, name: stored.fields.name, state: stored.facet }];
}
