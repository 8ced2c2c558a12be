// SPDX-License-Identifier: Apache-2.0
// Which Routes an STLink has, where each comes from, and which STLinks that pairs it with. Before it: what
// administrators have put into Templates and Profiles; a Route reaches an STLink in no other way. After it:
// configuration.ts, and the portal, which shows origins. One rule, over look-ups that the store or a
// simulation answers.

import { isSamePlace } from "../../stlink/addresses.ts";
import type { Id } from "./fields.ts";
import type { Kind } from "./kinds.ts";
import type { Profile } from "./profile.ts";
import type { Binding, Route } from "./route.ts";
import type { Stlink } from "./stlink.ts";
import type { Template } from "./template.ts";

export type Deployment = {
  route(id: Id): Route | null;
  template(id: Id): Pick<Template, "routes"> | null;
  profile(id: Id): Pick<Profile, "routes" | "templates" | "lease"> | null;
  stlink(id: Id): Stlink | null;
  /** Ids of the objects of this kind that refer to `id` in this field. */
  users(id: Id, kind: Kind, field: string): readonly Id[];
};

/** `profile` alone: the Profile names the Route; both: its Template does; `template` alone: assigned. */
export type Origin = { profile: Id | null; template: Id | null };

export type EffectiveRoute = { route: Route; origins: readonly Origin[] };

/** The Routes of an STLink, in the order of their ids, each with all that it comes from. */
export function effectiveRoutes(
  deployment: Deployment,
  { profile, templates }: Pick<Stlink, "profile" | "templates">,
): EffectiveRoute[] {
  const found = new Map<Id, Origin[]>();
  const add = (routes: readonly Id[], origin: Origin) => {
    for (const id of routes) found.set(id, [...(found.get(id) ?? []), origin]);
  };
  const addTemplates = (ids: readonly Id[], of: Id | null) => {
    for (const id of ids) add(deployment.template(id)?.routes ?? [], { profile: of, template: id });
  };
  addTemplates(templates, null);
  const own = profile === undefined ? null : deployment.profile(profile);
  if (own !== null && profile !== undefined) {
    add(own.routes, { profile, template: null });
    addTemplates(own.templates, profile);
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, origins]) => {
      const route = deployment.route(id);
      return route === null ? [] : [{ route, origins }];
    });
}

/** Kinds by which an STLink comes to its Routes. */
export type Deployed = "route" | "template" | "profile" | "stlink";

/** The STLinks that have this Route, Template or Profile: the same rule, from the other end. */
export function holdersOf(deployment: Deployment, kind: Deployed, id: Id): Id[] {
  return [...new Set(holders(deployment, kind, id))].sort();
}

function holders(deployment: Deployment, kind: Deployed, id: Id): readonly Id[] {
  const within = (by: Deployed, field: string) =>
    deployment.users(id, by, field).flatMap((user) => holders(deployment, by, user));
  switch (kind) {
    case "stlink":
      return [id];
    case "profile":
      return deployment.users(id, "stlink", "profile");
    case "template":
      return [...within("stlink", "templates"), ...within("profile", "templates")];
    case "route":
      return [...within("template", "routes"), ...within("profile", "routes")];
  }
}

export type PairedRoute = EffectiveRoute & {
  /** The STLinks at its other end, in the order of their ids: those with a key, never itself. */
  peers: readonly Stlink[];
};

/** An STLink's Routes with who is at the other end of each; a Route may have nobody. */
export function pairedRoutes(deployment: Deployment, stlink: Stlink): PairedRoute[] {
  return effectiveRoutes(deployment, stlink).map((effective) => ({
    ...effective,
    peers: othersOf(deployment, effective.route)
      .filter((id) => id !== stlink.id)
      .map((id) => deployment.stlink(id))
      .filter((peer) => peer !== null)
      .filter(({ facts }) => facts.key !== null),
  }));
}

function othersOf(deployment: Deployment, route: Route): Id[] {
  if (route.type === "binding") return holdersOf(deployment, "route", route.mapping);
  const bindings = deployment.users(route.id, "route", "mapping");
  return [...new Set(bindings.flatMap((id) => holders(deployment, "route", id)))].sort();
}

/** Two STLinks that may talk, the lower id first. */
export type Pair = { low: Id; high: Id };

export function pairOf(one: Id, other: Id): Pair {
  return one < other ? { low: one, high: other } : { low: other, high: one };
}

/** The pairs that an STLink is in, each once. */
export function pairsOf(deployment: Deployment, stlink: Stlink): Pair[] {
  const peers = pairedRoutes(deployment, stlink).flatMap((route) => route.peers);
  return [...new Set(peers.map(({ id }) => id))].sort().map((id) => pairOf(stlink.id, id));
}

/** Bindings of one STLink that would listen at one place, or one at all places: only one of them could. */
export function collisionsOf(routes: readonly EffectiveRoute[]): [Binding, Binding][] {
  const seen = new Map<string, Binding[]>();
  const collisions: [Binding, Binding][] = [];
  for (const { route } of routes) {
    if (route.type !== "binding") continue;
    const port = `${route.protocol} ${route.port}`;
    const others = seen.get(port) ?? [];
    const first = others.find(({ address }) => isSamePlace(address, route.address));
    if (first !== undefined) collisions.push([first, route]);
    else seen.set(port, [...others, route]);
  }
  return collisions;
}
