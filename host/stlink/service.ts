// SPDX-License-Identifier: Apache-2.0
// An STLink as a service: an agent with the hops, peers, Mappings and Bindings of a Site. Before it:
// `sealed stlink run`. After it: agent.ts, bindings.ts, mappings.ts, and their twins for UDP. It alone knows
// names; beneath it are links and ids.

import { networkInterfaces } from "node:os";
import { Core, DESKTOP_SIZES, type Sizes, statusName } from "../core/core.ts";
import { openCore } from "../core/core-file.ts";
import type { Listener } from "../net/transport.ts";
import { systemWorld, type World } from "../net/world.ts";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { formatAddress } from "../service/fields.ts";
import { pairFingerprint } from "../service/fingerprint.ts";
import type { Log } from "../service/log.ts";
import { type Change, changeOf, changesOf, type Running } from "../service/running.ts";
import { listeningOf, resolveTarget } from "./addresses.ts";
import { Agent } from "./agent.ts";
import { listenBinding } from "./bindings.ts";
import { checkSite } from "./check.ts";
import { listenDatagrams } from "./datagram-binding.ts";
import { type DatagramMapping, type DatagramService, serveDatagrams } from "./datagram-mapping.ts";
import { DATAGRAM_TIMES, DatagramTraffic } from "./datagram-route.ts";
import type { HopEvent, StlinkHop } from "./hop.ts";
import { type Mapping, serveMappings } from "./mappings.ts";
import { reasonName } from "./reasons.ts";
import type { Site, SiteBinding, SiteConnector, SiteMapping, SitePeer } from "./site.ts";
import type { BindingLine, ConnectorLine, MappingLine, PeerLine, StlinkStatus } from "./status.ts";
import { Traffic } from "./traffic.ts";

export type RunningStlink = Running<Site, StlinkStatus>;

/** Starts what a Site says. Throws AppError(AddressUnusable) when a Binding can't listen. */
export async function startStlink(
  site: Site,
  log: Log,
  world = systemWorld,
): Promise<RunningStlink> {
  const service = new StlinkService(site, log, world);
  try {
    await service.start();
    return service;
  } catch (error) {
    await service.stop();
    throw error;
  }
}

/** The core's tables and pools for a Site: a link for each peer, two hops for each Connector. */
function sizesOf({ connectors, peers, limits }: Site): Sizes {
  const blocks = Math.floor(limits.memoryBytes / 2 / DESKTOP_SIZES.blockBytes);
  const links = Math.max(peers.length, 1);
  return {
    ...DESKTOP_SIZES,
    hops: 2 * connectors.length,
    links,
    channels: Math.min(links + 1, 4096),
    streams: limits.streams,
    recvBlocks: blocks,
    sendBlocks: blocks,
    configBytes: 0,
  };
}

type HeldHop = { connector: SiteConnector; hop: StlinkHop | null; lastError: string | null };
/** The traffic is that of the Route's protocol. */
type HeldMapping = { mapping: SiteMapping; traffic: Traffic | DatagramTraffic };
type HeldBinding = {
  binding: SiteBinding;
  traffic: Traffic | DatagramTraffic;
  listeners: Listener[];
};

class StlinkService implements RunningStlink {
  readonly #site: Site;
  readonly #log: Log;
  readonly #agent: Agent;
  readonly #sizes: Sizes;
  readonly #links = new Map<string, number>();
  readonly #hops: HeldHop[];
  readonly #mappings: HeldMapping[];
  readonly #bindings: HeldBinding[];
  #datagrams: DatagramService | null = null;
  readonly #dropped: Record<string, number> = {};

  constructor(site: Site, log: Log, world: World) {
    const { privateKey, publicKey, id } = site;
    this.#site = site;
    this.#log = log;
    this.#sizes = sizesOf(site);
    this.#agent = new Agent({
      core: new Core(openCore()),
      world,
      sizes: this.#sizes,
      privateKey,
      publicKey,
      id,
      onDrop: (status) => this.#countDrop(status),
    });
    for (const peer of site.peers) this.#links.set(peer.name, this.#agent.addPeer(keysOf(peer)));
    this.#hops = site.connectors.map((connector) => ({ connector, hop: null, lastError: null }));
    this.#mappings = site.mappings.map((mapping) => ({ mapping, traffic: newTraffic(mapping) }));
    this.#bindings = site.bindings.map((binding) => ({
      binding,
      traffic: newTraffic(binding),
      listeners: [],
    }));
  }

  async start(): Promise<void> {
    for (const held of this.#bindings) await this.#listen(held);
    this.#serve();
    for (const held of this.#hops) this.#keepHop(held);
    this.#report();
  }

  async reload(site: Site): Promise<{ applied: Change[]; needsRestart: Change[] }> {
    return { applied: [], needsRestart: changesOfSite(this.#site, site) };
  }

  async stop(): Promise<void> {
    for (const { listeners } of this.#bindings) for (const listener of listeners) listener.close();
    this.#datagrams?.close();
    this.#agent.stop();
  }

  status(): StlinkStatus {
    return {
      role: "stlink",
      id: hex(this.#site.id),
      publicKey: hex(this.#site.publicKey),
      connectors: this.#hops.map(connectorLine),
      peers: this.#site.peers.map((peer) => this.#peerLine(peer)),
      mappings: this.#mappings.map(mappingLine),
      bindings: this.#bindings.map(bindingLine),
      streams: { open: this.#agent.streamCount, most: this.#sizes.streams },
      dropped: { ...this.#dropped },
    };
  }

  /** What the Mappings look like from here. Names may take long to resolve: nothing waits for it. */
  async #report(): Promise<void> {
    const { transport } = this.#agent.world;
    const mappings = { ...this.#site, bindings: [] };
    const findings = await checkSite(mappings, (h) => transport.lookup(h), networkInterfaces());
    for (const { text } of findings) this.#log.warn({}, text);
  }

  #keepHop(held: HeldHop): void {
    const { address, key, psk } = held.connector;
    const connector = psk === null ? { address, key } : { address, key, psk };
    held.hop = this.#agent.keepHop(connector, (event) => this.#hearHop(held, event));
  }

  #hearHop(held: HeldHop, event: HopEvent): void {
    const connector = held.connector.name;
    if (event.kind === "up") return this.#log.info({ connector }, "hop up");
    const { redialMs } = event;
    const reason = event.reason === 0 ? event.why : reasonName(event.reason);
    held.lastError = reason;
    this.#log.warn({ connector, reason, redialMs }, "hop down");
  }

  #serve(): void {
    const mappings: Mapping[] = [];
    const datagrams: DatagramMapping[] = [];
    for (const { mapping, traffic } of this.#mappings) {
      const { name, id, host, port, peers, times } = mapping;
      const links = peers.map((peer) => this.#linkOf(peer));
      if (traffic instanceof DatagramTraffic) {
        const { transport } = this.#agent.world;
        const resolve = () => resolveTarget(host, (h) => transport.lookup(h));
        const warn = (text: string) => this.#log.warn({ mapping: name }, text);
        const route = { id, port, links, traffic, resolve, warn };
        datagrams.push({ ...DATAGRAM_TIMES, ...times, ...route });
      } else mappings.push({ id, target: { host, port }, links, traffic });
    }
    serveMappings(this.#agent, mappings);
    this.#datagrams = serveDatagrams(this.#agent, datagrams);
  }

  async #listen({ binding, traffic, listeners }: HeldBinding): Promise<void> {
    const { name, listenOn } = binding;
    const { hosts, warning, refusal } = listeningOf(listenOn, networkInterfaces());
    if (refusal !== null) throw unusable(binding, refusal);
    if (warning !== null) this.#log.warn({ binding: name }, `the Binding ${warning}`);
    try {
      if (traffic instanceof DatagramTraffic) {
        listeners.push(...(await this.#listenDatagrams(binding, hosts, traffic)));
      } else for (const host of hosts) await this.#listenOn(host, binding, traffic, listeners);
    } catch (error) {
      throw cannotListen(binding, error);
    }
    const at = listeners.map(({ address }) => formatAddress(address));
    this.#log.info({ binding: name, listening: at }, "binding listens");
  }

  async #listenOn(
    host: string,
    { id, mappingId, port, peers }: SiteBinding,
    traffic: Traffic,
    listeners: Listener[],
  ): Promise<void> {
    const address = { host, port: listeners[0]?.address.port ?? port };
    const link = this.#linkOf(peers[0] ?? "");
    listeners.push(await listenBinding(this.#agent, { id, mappingId, address, link, traffic }));
  }

  /** One channel for all addresses of the Binding. */
  async #listenDatagrams(
    { name, id, mappingId, port, peers, times }: SiteBinding,
    hosts: readonly string[],
    traffic: DatagramTraffic,
  ): Promise<Listener[]> {
    const link = this.#linkOf(peers[0] ?? "");
    const warn = (text: string) => this.#log.warn({ binding: name }, text);
    const route = { id, mappingId, hosts, port, link, traffic, warn };
    const listener = await listenDatagrams(this.#agent, { ...DATAGRAM_TIMES, ...times, ...route });
    return listener.addresses.map((address) => ({ address, close: () => listener.close() }));
  }

  #linkOf(peer: string): number {
    const link = this.#links.get(peer);
    if (link === undefined) throw new Error(`no peer ${peer}: a Site names only peers that it has`);
    return link;
  }

  #peerLine(peer: SitePeer): PeerLine {
    const own = { id: this.#site.id, key: this.#site.publicKey };
    return {
      name: peer.name,
      id: hex(peer.id),
      fingerprint: pairFingerprint(own, peer),
      pqAuthentication: peer.psk === null ? "no" : "yes",
      session: null,
      roundTripMs: null,
    };
  }

  #countDrop(status: number): void {
    const name = statusName(status);
    this.#dropped[name] = (this.#dropped[name] ?? 0) + 1;
  }
}

function newTraffic({ protocol }: SiteMapping | SiteBinding): Traffic | DatagramTraffic {
  return protocol === "udp" ? new DatagramTraffic() : new Traffic();
}

function keysOf({ id, key, nextKey, psk }: SitePeer) {
  return { id, key, ...(nextKey === null ? {} : { nextKey }), ...(psk === null ? {} : { psk }) };
}

function unusable({ name }: SiteBinding, why: string, cause?: unknown): AppError {
  return new AppError("AddressUnusable", `the Binding "${name}" can't listen: ${why}`, { cause });
}

function cannotListen(binding: SiteBinding, error: unknown): unknown {
  const code = systemCode(error);
  if (code === "") return error;
  const place = `${binding.listenOn} port ${binding.port}`;
  const hint =
    code === "EACCES" && binding.port < 1024
      ? "ports below 1024 need more rights: choose another port, or give this program the right."
      : "choose another port or address.";
  return unusable(binding, `${place}: ${systemReason(error)}; ${hint}`, error);
}

function connectorLine({ connector, hop, lastError }: HeldHop): ConnectorLine {
  return {
    name: connector.name,
    address: formatAddress(connector.address),
    hop: hop?.isUp ? "up" : "down",
    bytesIn: hop?.bytesIn ?? 0,
    bytesOut: hop?.bytesOut ?? 0,
    roundTripMs: null,
    pqAuthentication: connector.psk === null ? "no" : "yes",
    lastError,
  };
}

function mappingLine({ mapping, traffic }: HeldMapping): MappingLine {
  const { name, id, protocol, host, port, peers } = mapping;
  const target = formatAddress({ host, port });
  return { name, id: hex(id), protocol, peers, target, ...traffic };
}

function bindingLine({ binding, traffic, listeners }: HeldBinding): BindingLine {
  const { name, id, protocol, peers, mappingId } = binding;
  const listening = listeners.map(({ address }) => formatAddress(address));
  return {
    name,
    id: hex(id),
    protocol,
    peers,
    mappingId: hex(mappingId),
    listening,
    ...traffic,
  };
}

function changesOfSite(before: Site, after: Site): Change[] {
  return [
    ...changeOf("id", before.id, after.id),
    ...changeOf("key", before.publicKey, after.publicKey),
    ...changesOf("connector", before.connectors, after.connectors),
    ...changesOf("peer", before.peers, after.peers),
    ...changesOf("mapping", before.mappings, after.mappings),
    ...changesOf("binding", before.bindings, after.bindings),
    ...changeOf("limits", before.limits, after.limits),
    ...changeOf("log", before.log, after.log),
    ...changeOf("status_socket", before.statusSocket, after.statusSocket),
  ];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
