// SPDX-License-Identifier: Apache-2.0
// What a Site looks like from this machine, now: names that do not resolve or turn out to be public,
// targets outside its subnets, Bindings that the neighbours can reach. Before it: site-file.ts has found
// nothing wrong with the file. After it: `sealed stlink check`, and the log at the start.

import {
  type Interfaces,
  type Lookup,
  listeningOf,
  resolveTarget,
  subnetWarning,
} from "./addresses.ts";
import type { SiteBinding, SiteEntries, SiteMapping } from "./site.ts";

export type Finding = {
  /** A refusal: what the Route says can't be. Otherwise a warning. */
  isRefusal: boolean;
  text: string;
};

/** Everything worth telling, Mappings first. */
export async function checkSite(
  { mappings, bindings }: Pick<SiteEntries, "mappings" | "bindings">,
  lookup: Lookup,
  interfaces: Interfaces,
): Promise<Finding[]> {
  const ofMappings = await Promise.all(
    mappings.map((mapping) => checkMapping(mapping, lookup, interfaces)),
  );
  const ofBindings = bindings.map((binding) => checkBinding(binding, interfaces));
  return [...ofMappings, ...ofBindings].flat();
}

async function checkMapping(
  { name, host }: SiteMapping,
  lookup: Lookup,
  interfaces: Interfaces,
): Promise<Finding[]> {
  const who = `the Mapping "${name}": `;
  const target = await resolveTarget(host, lookup);
  if ("refusal" in target) return [{ isRefusal: target.isPublic, text: who + target.refusal }];
  const warnings = target.hosts.map((ip) => subnetWarning(ip, interfaces));
  return warnings
    .filter((warning) => warning !== null)
    .map((text) => ({ isRefusal: false, text: who + text }));
}

function checkBinding({ name, listenOn }: SiteBinding, interfaces: Interfaces): Finding[] {
  const { warning, refusal } = listeningOf(listenOn, interfaces);
  const text = refusal ?? warning;
  if (text === null) return [];
  const who = `the Binding "${name}"`;
  return [{ isRefusal: refusal !== null, text: `${who}${refusal === null ? "" : ":"} ${text}` }];
}
