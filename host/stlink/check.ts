// SPDX-License-Identifier: Apache-2.0
// What a Site looks like from this machine, now: names that do not resolve or turn out to be public,
// targets outside its subnets, Bindings that the neighbours can reach. Before it: site-file.ts has found
// nothing wrong with the file. After it: `sealed stlink check`, and the log at the start.

import { ipKindOf, isInSubnet } from "../net/ip.ts";
import {
  exposureOf,
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

const LOOPBACK_HOSTS = ["127.0.0.1", "::1"];

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

function checkBinding(binding: SiteBinding, interfaces: Interfaces): Finding[] {
  const { name, listenOn } = binding;
  const { warning, refusal } = listeningOf(listenOn, interfaces);
  const text = refusal ?? warning ?? accessWarning(binding);
  if (text === null) return [];
  const who = `the Binding "${name}"`;
  return [{ isRefusal: refusal !== null, text: `${who}${refusal === null ? "" : ":"} ${text}` }];
}

/** Loopback is a source like any other: a list without it leaves a Binding there to nobody. */
function accessWarning({ listenOn, access: { sources } }: SiteBinding): string | null {
  if (sources.length === 0 || exposureOf(listenOn) !== null) return null;
  const isLoopback = (network: string): boolean =>
    ipKindOf(network.split("/")[0] ?? "") === "loopback" ||
    LOOPBACK_HOSTS.some((host) => isInSubnet(host, network));
  if (sources.some(isLoopback)) return null;
  return `listens on ${listenOn}, and its access list has no loopback network: nobody can use it. Add "127.0.0.0/8" to sources, or let it listen where these machines reach it.`;
}
