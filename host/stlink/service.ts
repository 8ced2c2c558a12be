// SPDX-License-Identifier: Apache-2.0
// An STLink as a service: an agent with the hops, peers, Mappings and Bindings of a Site, and of each Site
// that follows it. Before it: `sealed stlink run`. After it: agent.ts, routes.ts, kept-connector.ts. It
// alone knows names; beneath it are links and ids. Invariant: a reload breaks nothing that is still allowed.

import { networkInterfaces } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { Reason } from "../core/abi.gen.ts";
import { Core, type Peer, type Sizes, statusName } from "../core/core.ts";
import { openCore } from "../core/core-file.ts";
import type { CoreEngine } from "../core/engine.ts";
import { systemWorld, type World } from "../net/world.ts";
import { hex } from "../service/hex.ts";
import type { Log } from "../service/log.ts";
import { type Change, changeOf, changesOf, type Running } from "../service/running.ts";
import { Agent } from "./agent.ts";
import { checkSite } from "./check.ts";
import { HopLog } from "./hop-log.ts";
import type { KeptConnector } from "./kept-connector.ts";
import { Routes } from "./routes.ts";
import type { Site, SiteConnector, SitePeer } from "./site.ts";
import { hasRoom, sizesOf } from "./site-sizes.ts";
import type { StlinkStatus } from "./status.ts";
import { connectorLine, peerLine } from "./status-lines.ts";

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

type HeldConnector = { connector: SiteConnector; kept: KeptConnector; log: HopLog };

class StlinkService implements RunningStlink {
  #site: Site;
  readonly #log: Log;
  readonly #engine: CoreEngine;
  readonly #agent: Agent;
  readonly #sizes: Sizes;
  readonly #routes: Routes;
  /** By name. */
  readonly #links = new Map<string, number>();
  #connectors: HeldConnector[] = [];
  readonly #dropped: Record<string, number> = {};
  /** One file at a time. */
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(site: Site, log: Log, world: World, engine: CoreEngine) {
    const { privateKey, publicKey, id } = site;
    this.#site = site;
    this.#log = log;
    this.#engine = engine;
    this.#sizes = sizesOf(site);
    this.#agent = new Agent({
      core: new Core(engine),
      world,
      sizes: this.#sizes,
      privateKey,
      publicKey,
      id,
      onDrop: (status) => this.#countDrop(status),
    });
    this.#routes = new Routes(this.#agent, log, (link) => this.#peerName(link));
  }

  async start(): Promise<void> {
    this.#addPeers(this.#site.peers);
    await this.#routes.listen(this.#site, this.#links);
    this.#routes.set(this.#site, this.#links);
    this.#keepConnectors(this.#site.connectors);
    this.#report();
  }

  reload(site: Site): Promise<{ applied: Change[]; needsRestart: Change[] }> {
    const reloading = this.#reloading.then(() => this.#take(site));
    this.#reloading = reloading.catch(() => {});
    return reloading;
  }

  async stop(): Promise<void> {
    this.#routes.close();
    this.#agent.stop();
  }

  status(): StlinkStatus {
    return {
      role: "stlink",
      id: hex(this.#site.id),
      publicKey: hex(this.#site.publicKey),
      engine: this.#engine.name,
      connectors: this.#connectors.map(({ connector, kept, log }) =>
        connectorLine(connector, kept, log.lastError),
      ),
      peers: this.#site.peers.map((peer) => this.#peerLine(peer)),
      ...this.#routes.status(),
      streams: { open: this.#agent.streamCount, most: this.#sizes.streams },
      dropped: { ...this.#dropped },
    };
  }

  /** New peers first, so that Routes may name them; then Routes; then who has to go. */
  async #take(site: Site): Promise<{ applied: Change[]; needsRestart: Change[] }> {
    const before = this.#site;
    const fixed = fixedChanges(before, site);
    const changes = changesOfSite(before, site);
    if (!hasRoom(this.#sizes, before, site)) {
      return { applied: [], needsRestart: [...fixed, ...changes] };
    }
    await this.#routes.listen(site, this.#links);
    this.#site = { ...before, ...changeableOf(site) };
    const gone = this.#changePeers(before.peers, site.peers);
    this.#routes.set(site, this.#links);
    for (const link of gone) this.#agent.removePeer(link, Reason.Revoked);
    this.#changeConnectors(site.connectors);
    this.#report();
    return { applied: changes, needsRestart: fixed };
  }

  /** What the Mappings look like from here. Names may take long to resolve: nothing waits for it. */
  async #report(): Promise<void> {
    const { transport } = this.#agent.world;
    const mappings = { ...this.#site, bindings: [] };
    const findings = await checkSite(mappings, (h) => transport.lookup(h), networkInterfaces());
    for (const { text } of findings) this.#log.warn({}, text);
  }

  #addPeers(peers: readonly SitePeer[]): void {
    for (const peer of peers) this.#links.set(peer.name, this.#agent.addPeer(keysOf(peer)));
  }

  /** Returns the links of those that are not there any more. A peer is who has its id, whatever its name. */
  #changePeers(before: readonly SitePeer[], after: readonly SitePeer[]): number[] {
    const links = new Map(before.map(({ id, name }) => [hex(id), this.#linkOf(name)]));
    for (const old of before) {
      const peer = after.find(({ id }) => hex(id) === hex(old.id));
      const link = this.#linkOf(old.name);
      // Sessions of a key that was replaced are nobody's any more (rule T3).
      if (peer !== undefined && !mayStay(old, peer)) this.#agent.replacePeer(link, Reason.Revoked);
    }
    this.#links.clear();
    this.#addPeers(after);
    for (const { id } of after) links.delete(hex(id));
    return [...links.values()];
  }

  #keepConnectors(connectors: readonly SiteConnector[]): void {
    this.#connectors = connectors.map((connector, place) => this.#keep(connector, place));
  }

  #changeConnectors(connectors: readonly SiteConnector[]): void {
    const before = this.#connectors;
    this.#connectors = connectors.map((connector, place) => {
      const held = before.find((one) => isDeepStrictEqual(one.connector, connector));
      return held ?? this.#keep(connector, place);
    });
    for (const held of before) {
      if (!this.#connectors.includes(held)) this.#agent.leaveConnector(held.kept);
    }
  }

  #keep(connector: SiteConnector, place: number): HeldConnector {
    const { name, address, key, psk } = connector;
    const log = new HopLog(this.#log, name);
    const where = psk === null ? { address, key } : { address, key, psk };
    const kept = this.#agent.keepConnector(where, place, (event) => log.hear(event));
    return { connector, kept, log };
  }

  #peerLine(peer: SitePeer) {
    const link = this.#agent.core.linkInfo(this.#linkOf(peer.name));
    const over = this.#connectors.find(({ kept }) => kept.has(link.hop));
    return peerLine(this.#site, peer, link, over?.connector.name ?? null);
  }

  #linkOf(peer: string): number {
    const link = this.#links.get(peer);
    if (link === undefined) throw new Error(`no peer ${peer}: a Site names only peers that it has`);
    return link;
  }

  #peerName(link: number): string {
    for (const [name, one] of this.#links) if (one === link) return name;
    return "a peer that is gone";
  }

  #countDrop(status: number): void {
    const name = statusName(status);
    this.#dropped[name] = (this.#dropped[name] ?? 0) + 1;
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

function changesOfSite(before: Site, after: Site): Change[] {
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
