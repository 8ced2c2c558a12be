// SPDX-License-Identifier: Apache-2.0
// The Mappings and Bindings of a Site, and of each that follows it: what stays goes on, what goes ends its
// connections (Withdrawn); under a Commander the core has ended them (PROTOCOL 10.3). Before it: service.ts,
// commanded.ts. After it: bindings.ts, mappings.ts, listeners.ts. A Route is who has its name and id: with
// another of either it is another Route.

import { isDeepStrictEqual } from "node:util";
import { Reason } from "../core/abi.gen.ts";
import type { StreamView } from "../core/core.ts";
import type { Log } from "../service/log.ts";
import { Seldom } from "../service/seldom.ts";
import { Access } from "./access.ts";
import { resolveTarget } from "./addresses.ts";
import type { Agent } from "./agent.ts";
import type { Binding } from "./bindings.ts";
import { Candidates } from "./candidates.ts";
import { ServedMapping, serveDatagrams } from "./datagram-mapping.ts";
import { DatagramTraffic } from "./datagram-route.ts";
import { Listeners, type Place } from "./listeners.ts";
import { type Mapping, serveMappings } from "./mappings.ts";
import type { SiteBinding, SiteEntries, SiteMapping } from "./site.ts";
import type { StlinkStatus } from "./status.ts";
import { bindingLine, mappingLine } from "./status-lines.ts";
import { Traffic } from "./traffic.ts";

/** One of the two serves, by the Route's protocol. */
type HeldMapping = {
  site: SiteMapping;
  links: readonly number[];
  tcp: Mapping | null;
  udp: ServedMapping | null;
};

type RouteEntries = Pick<SiteEntries, "mappings" | "bindings">;
/** The links of peers, by name. */
type Links = ReadonlyMap<string, number>;

export class Routes {
  readonly #agent: Agent;
  readonly #log: Log;
  readonly #peerName: (link: number) => string;
  readonly #listeners: Listeners;
  #mappings: HeldMapping[] = [];
  #bindings: Place[] = [];
  /** What listens already, and is to be in force. */
  #next: Place[] = [];

  constructor(agent: Agent, log: Log, peerName: (link: number) => string) {
    this.#agent = agent;
    this.#log = log;
    this.#peerName = peerName;
    this.#listeners = new Listeners(agent, log);
    serveMappings(agent, () => this.#mappings.flatMap(({ tcp }) => tcp ?? []));
    serveDatagrams(agent, () => this.#mappings.flatMap(({ udp }) => udp ?? []));
  }

  /** Listens where the Site says; `set` comes next. Throws AppError(AddressUnusable): then it listens as before. */
  async listen({ bindings }: RouteEntries, links: Links): Promise<void> {
    const places = bindings.map((site) => this.#placeOf(site, links));
    await this.#listeners.set(places);
    this.#next = places;
  }

  /** The Routes of the Site that was given to `listen`, with the links of its peers by name. */
  set(entries: RouteEntries, links: Links): void {
    const before = this.#mappings;
    this.#put(entries, links);
    const moved = this.#mappings.filter(({ site, tcp }) => tcp !== null && hasMoved(before, site));
    this.#agent.endStreams(
      Reason.Withdrawn,
      (stream) => !this.#allows(stream) || moved.some(({ site }) => isOf(stream, site.id)),
    );
  }

  /** Those of a configuration, which is in force already: `listenEach` comes next. */
  take(entries: RouteEntries, links: Links): void {
    this.#next = entries.bindings.map((site) => this.#placeOf(site, links));
    this.#put(entries, links);
  }

  /** Has the Bindings listen, each for itself; false: some can't, and are to be tried again. */
  listenEach(): Promise<boolean> {
    return this.#listeners.setEach(this.#bindings);
  }

  #put({ mappings }: RouteEntries, links: Links): void {
    for (const { binding } of this.#bindings) {
      if (this.#next.every((place) => place.binding !== binding)) binding.candidates.set([]);
    }
    this.#bindings = this.#next;
    for (const { site, binding } of this.#bindings) {
      binding.mappingId = site.mappingId;
      binding.holdMs = site.times.holdMs;
      binding.access.set(site.access);
      binding.candidates.set(linksOf(site, links));
    }
    const before = this.#mappings;
    this.#mappings = mappings.map((site) => this.#heldMapping(site, linksOf(site, links)));
    for (const { udp } of before) {
      if (this.#mappings.every((held) => held.udp !== udp)) udp?.close();
    }
  }

  close(): void {
    this.#listeners.close();
    for (const { binding } of this.#bindings) {
      binding.candidates.set([]);
      binding.access.stop();
    }
    for (const { udp } of this.#mappings) udp?.close();
  }

  status(): Pick<StlinkStatus, "mappings" | "bindings"> {
    return {
      mappings: this.#mappings.map((held) => mappingLine(held.site, trafficOf(held))),
      bindings: this.#bindings.map(({ site, binding }) =>
        bindingLine(site, this.#listeners.of(binding), binding),
      ),
    };
  }

  #placeOf(site: SiteBinding, links: Links): Place {
    const held = this.#bindings.find((one) => isNamedSo(one.site, site));
    if (held !== undefined && isSame(held.site, site)) return { site, binding: held.binding };
    const binding = this.#newBinding(site, held?.binding.traffic ?? newTraffic(site));
    binding.candidates.set(linksOf(site, links));
    return { site, binding };
  }

  #newBinding(site: SiteBinding, traffic: Traffic): Binding {
    const { name, id, mappingId, times, access } = site;
    return {
      name,
      id,
      mappingId,
      candidates: new Candidates(this.#agent),
      holdMs: times.holdMs,
      traffic,
      access: new Access(this.#agent.world.clock, access),
      seldom: this.#seldom({ binding: name }),
      peerName: this.#peerName,
    };
  }

  /** A target that has moved is another one: nothing goes on to where the file does not point any more. */
  #heldMapping(site: SiteMapping, links: readonly number[]): HeldMapping {
    const held = this.#mappings.find((one) => isNamedSo(one.site, site) && isSame(one.site, site));
    if (site.protocol === "udp") {
      const same = hasMoved(this.#mappings, site) ? null : held?.udp;
      const udp = same ?? this.#newServed(site, held?.udp?.mapping.traffic);
      udp.mapping.links = links;
      return { site, links, tcp: null, udp };
    }
    return { site, links, tcp: this.#newMapping(site, links, held?.tcp), udp: null };
  }

  #newMapping(
    { name, id, host, port, times }: SiteMapping,
    links: readonly number[],
    before: Mapping | null = null,
  ): Mapping {
    return {
      name,
      id,
      target: { host, port },
      links,
      holdMs: times.holdMs,
      traffic: before?.traffic ?? new Traffic(),
      seldom: before?.seldom ?? this.#seldom({ mapping: name }),
    };
  }

  #newServed(
    { name, id, host, port, times }: SiteMapping,
    traffic = new DatagramTraffic(),
  ): ServedMapping {
    const { transport } = this.#agent.world;
    return new ServedMapping(this.#agent, {
      ...times,
      id,
      resolve: () => resolveTarget(host, (h) => transport.lookup(h)),
      port,
      links: [],
      traffic,
      warn: (text) => this.#log.warn({ mapping: name }, text),
    });
  }

  #seldom(fields: object): Seldom {
    return new Seldom(this.#agent.world.clock, (text) => this.#log.warn(fields, text));
  }

  #allows(stream: StreamView): boolean {
    if (!stream.isOpener) {
      const held = this.#mappings.find(({ site }) => isOf(stream, site.id));
      return held?.links.includes(stream.link) ?? false;
    }
    const place = this.#bindings.find(({ binding }) => isEqual(binding.id, stream.bindingId));
    if (place === undefined || !isEqual(place.binding.mappingId, stream.mappingId)) return false;
    return place.binding.candidates.has(stream.link);
  }
}

function linksOf({ peers }: { peers: readonly string[] }, links: Links) {
  return peers.map((name) => links.get(name)).filter((link) => link !== undefined);
}

function newTraffic({ protocol }: SiteBinding): Traffic {
  return protocol === "udp" ? new DatagramTraffic() : new Traffic();
}

function trafficOf({ tcp, udp }: HeldMapping): Traffic {
  return tcp?.traffic ?? udp?.mapping.traffic ?? new Traffic();
}

/** Whether a Mapping that was there has another target now. */
function hasMoved(before: readonly HeldMapping[], { protocol, id, host, port }: SiteMapping) {
  const same = before.find(({ site }) => site.protocol === protocol && isEqual(site.id, id));
  return same !== undefined && (same.site.host !== host || same.site.port !== port);
}

type SiteRoute = SiteBinding | SiteMapping;

function isNamedSo(one: SiteRoute, other: SiteRoute): boolean {
  return one.name === other.name && one.protocol === other.protocol && isEqual(one.id, other.id);
}

/** A UDP Route whose Mapping or times differ is made anew: its flows lose nothing but a number. */
function isSame(one: SiteRoute, other: SiteRoute): boolean {
  if (one.protocol === "tcp") return true;
  const [id, otherId] = [one, other].map((site) =>
    "mappingId" in site ? site.mappingId : site.id,
  );
  return isDeepStrictEqual([id, one.times], [otherId, other.times]);
}

/** Whether a peer opened the stream for this Mapping. */
function isOf({ isOpener, mappingId }: StreamView, id: Uint8Array): boolean {
  return !isOpener && isEqual(mappingId, id);
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
