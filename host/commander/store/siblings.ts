// SPDX-License-Identifier: Apache-2.0
// What an object has to fit beside: a Binding its Mapping, and on each STLink no two Bindings one place. Before
// it: writing.ts. After it: the write, or its problems.

import { collisionsOf, type Deployed, effectiveRoutes, holdersOf } from "../domain/deployment.ts";
import type { Id } from "../domain/fields.ts";
import { type Kind, subjectOf } from "../domain/kinds.ts";
import { type Problem, problemOf } from "../domain/problem.ts";
import { exposedPlace, neighbourProblems, type RouteFields } from "../domain/route.ts";
import type { Database } from "./database.ts";
import { StoredDeployment } from "./deployment.ts";
import { readObject } from "./objects.ts";

/** Of an object as it is when all of a change is made. */
export function siblingProblems(db: Database, kind: Kind, id: Id): Problem[] {
  const route = kind === "route" ? readObject(db, "route", id) : null;
  return [
    ...(route === null ? [] : neighbourProblemsOf(db, id, route.fields)),
    ...collisionProblems(db, kind, id),
  ];
}

function neighbourProblemsOf(db: Database, id: Id, route: RouteFields): Problem[] {
  const fieldsOf = (of: Id) => readObject(db, "route", of)?.fields ?? null;
  const bindings = new StoredDeployment(db).users(id, "route", "mapping");
  return neighbourProblems(route, {
    mapping: route.type === "binding" ? fieldsOf(route.mapping) : null,
    bindings: bindings.map(fieldsOf).filter((one) => one !== null),
  });
}

/** Of a kind that deploys: the first STLink on which two Bindings would collide. */
function collisionProblems(db: Database, kind: Kind, id: Id): Problem[] {
  const deployment = new StoredDeployment(db);
  const seen = new Set<string>();
  for (const holder of holdersOf(deployment, kind as Deployed, id)) {
    const stlink = deployment.stlink(holder);
    if (stlink === null) continue;
    // Whoever has the same Templates and Profile has the same Routes.
    const same = JSON.stringify([stlink.profile ?? null, stlink.templates]);
    if (seen.has(same)) continue;
    seen.add(same);
    const [first] = collisionsOf(effectiveRoutes(deployment, stlink));
    if (first === undefined) continue;
    const [one, other] = first;
    const [here, there] = [exposedPlace(one), exposedPlace(other)];
    const places = here === there ? `twice at ${here}` : `at ${here} and, within it, at ${there}`;
    const what = `would listen ${places}, for the Routes "${one.name}" and "${other.name}": give one another port, or leave it out.`;
    return [problemOf("Invalid", subjectOf("stlink", stlink.name), what)];
  }
  return [];
}
