// SPDX-License-Identifier: Apache-2.0
// An STLink that runs from a file: the hops, peers, Mappings and Bindings of a Site, and of each Site that
// follows it. Before it: `sealed stlink run`. After it: stlink.ts. With a Commander it is commanded.ts.
// Invariant: a reload breaks nothing that is still allowed.

import { Reason } from "../core/abi.gen.ts";
import type { Peer } from "../core/core.ts";
import { openCore } from "../core/core-file.ts";
import type { CoreEngine } from "../core/engine.ts";
import { systemWorld, type World } from "../net/world.ts";
import { hex } from "../service/hex.ts";
import type { Log } from "../service/log.ts";
import { type Change, changeOf, changesOf, type Running } from "../service/running.ts";
import type { Site, SiteEntries, SitePeer } from "./site.ts";
import { hasRoom, sizesOf } from "./site-sizes.ts";
import type { StlinkStatus } from "./status.ts";
import { Stlink } from "./stlink.ts";

export type RunningStlink = Running<Site, StlinkStatus>;

/** Starts what a Site says. Throws AppError(AddressUnusable) when a Binding can't listen. */
export async function startStlink(
  site: Site,
  log: Log,
  world = systemWorld,
  engine: CoreEngine = openCore(),
): Promise<RunningStlink> {
  const service = new StlinkService(site, log, world, engine);
  try {
    await service.start();
    return service;
  } catch (error) {
    await service.stop();
    throw error;
  }
}

class StlinkService implements RunningStlink {
  #site: Site;
  readonly #stlink: Stlink;
  /** One file at a time. */
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(site: Site, log: Log, world: World, engine: CoreEngine) {
    this.#site = site;
    this.#stlink = new Stlink({ identity: site, sizes: sizesOf(site), log, world, engine });
  }

  async start(): Promise<void> {
    const { links, routes, connectors } = this.#stlink;
    this.#addPeers(this.#site.peers);
    await routes.listen(this.#site, links);
    routes.set(this.#site, links);
    connectors.set(this.#site.connectors);
    this.#stlink.report(this.#site);
  }

  reload(site: Site): Promise<{ applied: Change[]; needsRestart: Change[] }> {
    const reloading = this.#reloading.then(() => this.#take(site));
    this.#reloading = reloading.catch(() => {});
    return reloading;
  }

  async stop(): Promise<void> {
    this.#stlink.stop();
  }

  status(): StlinkStatus {
    return { ...this.#stlink.status(this.#site, this.#site.peers), commander: null };
  }

  /** New peers first, so that Routes may name them; then Routes; then who has to go. */
  async #take(site: Site): Promise<{ applied: Change[]; needsRestart: Change[] }> {
    const { agent, links, routes, connectors } = this.#stlink;
    const before = this.#site;
    const fixed = fixedChanges(before, site);
    const changes = changesOfEntries(before, site);
    if (!hasRoom(this.#stlink.sizes, before, site)) {
      return { applied: [], needsRestart: [...fixed, ...changes] };
    }
    await routes.listen(site, links);
    this.#site = { ...before, ...changeableOf(site) };
    const gone = this.#changePeers(before.peers, site.peers);
    routes.set(site, links);
    for (const link of gone) agent.removePeer(link, Reason.Revoked);
    connectors.set(site.connectors);
    this.#stlink.report(site);
    return { applied: changes, needsRestart: fixed };
  }

  #addPeers(peers: readonly SitePeer[]): void {
    const { agent, links } = this.#stlink;
    for (const peer of peers) links.set(peer.name, agent.addPeer(keysOf(peer)));
  }

  /** Returns the links of those that are not there any more. A peer is who has its id, whatever its name. */
  #changePeers(before: readonly SitePeer[], after: readonly SitePeer[]): number[] {
    const links = new Map(before.map(({ id, name }) => [hex(id), this.#linkOf(name)]));
    for (const old of before) {
      const peer = after.find(({ id }) => hex(id) === hex(old.id));
      const link = this.#linkOf(old.name);
      // Sessions of a key that was replaced are nobody's any more (rule T3).
      if (peer !== undefined && !mayStay(old, peer)) {
        this.#stlink.agent.replacePeer(link, Reason.Revoked);
      }
    }
    this.#stlink.links.clear();
    this.#addPeers(after);
    for (const { id } of after) links.delete(hex(id));
    return [...links.values()];
  }

  #linkOf(peer: string): number {
    const link = this.#stlink.links.get(peer);
    if (link === undefined) throw new Error(`no peer ${peer}: a Site names only peers that it has`);
    return link;
  }
}

function keysOf({ id, key, nextKey, psk }: SitePeer): Peer {
  return { id, key, ...(nextKey === null ? {} : { nextKey }), ...(psk === null ? {} : { psk }) };
}

/** Whether what runs with the one is still allowed by the other: its key, or the one that was announced. */
function mayStay(before: SitePeer, after: SitePeer): boolean {
  const known = [hex(before.key), ...(before.nextKey === null ? [] : [hex(before.nextKey)])];
  return known.includes(hex(after.key));
}

function changeableOf({ file, connectors, peers, mappings, bindings }: Site) {
  return { file, connectors, peers, mappings, bindings };
}

/** How the entries of two files, or of two configurations, differ. */
export function changesOfEntries(before: SiteEntries, after: SiteEntries): Change[] {
  return [
    ...changesOf("connector", before.connectors, after.connectors),
    ...changesOf("peer", before.peers, after.peers),
    ...changesOf("mapping", before.mappings, after.mappings),
    ...changesOf("binding", before.bindings, after.bindings),
  ];
}

/** What a process has for life. */
function fixedChanges(before: Site, after: Site): Change[] {
  return [
    ...changeOf("id", before.id, after.id),
    ...changeOf("key", before.publicKey, after.publicKey),
    ...changeOf("limits", before.limits, after.limits),
    ...changeOf("log", before.log, after.log),
    ...changeOf("status_socket", before.statusSocket, after.statusSocket),
  ];
}
