// SPDX-License-Identifier: Apache-2.0
// A Deployment over objects in memory. Before it: a simulation or a test that has them at hand. After it:
// deployment.ts. The store answers the same look-ups from its tables.

import type { Deployment } from "./deployment.ts";
import type { Id } from "./fields.ts";
import type { Kind } from "./kinds.ts";
import type { Profile } from "./profile.ts";
import type { Route } from "./route.ts";
import type { Stlink } from "./stlink.ts";
import type { Template } from "./template.ts";
import { referencesOf } from "./uses.ts";

export type Objects = {
  routes: readonly Route[];
  templates: readonly Template[];
  profiles: readonly Profile[];
  stlinks: readonly Stlink[];
};

export function memoryDeployment({ routes, templates, profiles, stlinks }: Objects): Deployment {
  const finder = <One extends { id: Id }>(list: readonly One[]) => {
    const byId = new Map(list.map((one) => [one.id, one]));
    return (id: Id) => byId.get(id) ?? null;
  };
  const users = new Map<string, Id[]>();
  const note = (kind: Kind, list: readonly { id: Id }[]) => {
    for (const object of list) {
      for (const { field, id } of referencesOf(kind, object)) {
        const key = `${kind} ${field} ${id}`;
        const ids = users.get(key);
        if (ids === undefined) users.set(key, [object.id]);
        else ids.push(object.id);
      }
    }
  };
  note("route", routes);
  note("template", templates);
  note("profile", profiles);
  note("stlink", stlinks);
  return {
    route: finder(routes),
    template: finder(templates),
    profile: finder(profiles),
    stlink: finder(stlinks),
    users: (id, kind, field) => users.get(`${kind} ${field} ${id}`) ?? [],
  };
}
