// SPDX-License-Identifier: Apache-2.0
// What listens for the Bindings of a Site, and how that changes with the file: a place that stays is not
// touched, so nobody who connects at that moment is refused. Before it: routes.ts. After it: bindings.ts.
// Invariant: when a place can't be had, everything listens as it did before.

import { networkInterfaces } from "node:os";
import type { Address } from "../net/transport.ts";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { formatAddress } from "../service/fields.ts";
import type { Log } from "../service/log.ts";
import { listeningOf } from "./addresses.ts";
import type { Agent } from "./agent.ts";
import { type Binding, listenBinding } from "./bindings.ts";
import { listenDatagrams } from "./datagram-binding.ts";
import { DatagramTraffic } from "./datagram-route.ts";
import type { SiteBinding } from "./site.ts";

/** What a Binding's file says, and what its connections come to. */
export type Place = { site: SiteBinding; binding: Binding };

/** What listens together: one host of a TCP Binding, all hosts of a UDP one, which have one channel. */
type Listening = { addresses: readonly Address[]; close(): void };

/** `port` is the file's, which may be 0; the addresses have the real one. */
type Open = Place & Listening & { hosts: readonly string[]; port: number };

export class Listeners {
  readonly #agent: Agent;
  readonly #log: Log;
  #open: Open[] = [];
  /** Why a Binding can't listen, as it was told last. */
  readonly #told = new WeakMap<Binding, string>();
  #isClosed = false;

  constructor(agent: Agent, log: Log) {
    this.#agent = agent;
    this.#log = log;
  }

  /** Where a Binding listens, `host:port`. */
  of(binding: Binding): string[] {
    const own = this.#open.filter((one) => one.binding === binding);
    return own.flatMap(({ addresses }) => addresses.map(formatAddress));
  }

  /** Listens at these places and no others. Throws AppError(AddressUnusable). */
  async set(places: readonly Place[]): Promise<void> {
    const wanted = places.map((place) => ({ place, groups: this.#groupsOf(place) }));
    const isWanted = (open: Open): boolean =>
      wanted.some(({ place, groups }) => isAt(open, place) && groups.some(isGroup(open.hosts)));
    const before = this.#open;
    const closed = before.filter((open) => !isWanted(open));
    // One after the other: a place may be at a port of another that goes.
    for (const open of closed) open.close();
    this.#open = before.filter((open) => !closed.includes(open));
    try {
      for (const { place, groups } of wanted) await this.#listen(place, groups);
    } catch (error) {
      await this.#restore(before, closed);
      throw error;
    }
  }

  /** Likewise, but a place that can't be had leaves the others alone; false: there is one. It is told once. */
  async setEach(places: readonly Place[]): Promise<boolean> {
    const isWanted = (open: Open): boolean => {
      const place = places.find((one) => isAt(open, one));
      return place !== undefined && this.#tryGroups(place).some(isGroup(open.hosts));
    };
    for (const open of this.#open.filter((one) => !isWanted(one))) open.close();
    this.#open = this.#open.filter(isWanted);
    let isAll = true;
    for (const place of places) if (!(await this.#tryListen(place))) isAll = false;
    return isAll;
  }

  close(): void {
    this.#isClosed = true;
    for (const open of this.#open.splice(0)) open.close();
  }

  #tryGroups(place: Place): (readonly string[])[] {
    try {
      return this.#groupsOf(place);
    } catch {
      return [];
    }
  }

  async #tryListen(place: Place): Promise<boolean> {
    const { site, binding } = place;
    try {
      await this.#listen(place, this.#groupsOf(place));
      this.#told.delete(binding);
      return true;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      binding.traffic.lastError = error.message;
      if (this.#told.get(binding) !== error.message) {
        this.#log.warn({ binding: site.name }, `${error.message} It is tried again.`);
      }
      this.#told.set(binding, error.message);
      return false;
    }
  }

  #groupsOf({ site }: Place): (readonly string[])[] {
    const { hosts, refusal } = listeningOf(site.listenOn, networkInterfaces());
    if (refusal !== null) throw unusable(site, refusal);
    return site.protocol === "udp" ? [hosts] : hosts.map((host) => [host]);
  }

  async #listen(place: Place, groups: readonly (readonly string[])[]): Promise<void> {
    const own = (): Open[] => this.#open.filter((open) => isAt(open, place));
    const missing = groups.filter((hosts) => !own().some((open) => isGroup(open.hosts)(hosts)));
    for (const hosts of missing) {
      // Where any port will do, it is one for all hosts.
      const port = own()[0]?.addresses[0]?.port ?? place.site.port;
      const open = await this.#listenAt(place, hosts, port);
      if (this.#isClosed) return open.close();
      this.#open.push(open);
    }
    if (missing.length === 0) return;
    const { warning } = listeningOf(place.site.listenOn, networkInterfaces());
    if (warning !== null) this.#log.warn({ binding: place.site.name }, `the Binding ${warning}`);
    const listening = this.of(place.binding);
    this.#log.info({ binding: place.site.name, listening }, "binding listens");
  }

  async #listenAt(place: Place, hosts: readonly string[], port: number): Promise<Open> {
    const { site, binding } = place;
    try {
      const { traffic } = binding;
      const listening =
        traffic instanceof DatagramTraffic
          ? await this.#listenDatagrams(place, traffic, hosts, port)
          : await this.#listenTcp(binding, hosts[0] ?? "", port);
      return { ...place, ...listening, hosts, port: site.port };
    } catch (error) {
      throw cannotListen(site, error);
    }
  }

  async #listenTcp(binding: Binding, host: string, port: number): Promise<Listening> {
    const listener = await listenBinding(this.#agent, binding, { host, port });
    return { addresses: [listener.address], close: () => listener.close() };
  }

  async #listenDatagrams(
    { site, binding }: Place,
    traffic: DatagramTraffic,
    hosts: readonly string[],
    port: number,
  ): Promise<Listening> {
    const { id, mappingId, times } = site;
    const listener = await listenDatagrams(this.#agent, {
      ...times,
      id,
      mappingId,
      hosts,
      port,
      links: () => binding.candidates.order(),
      traffic,
      access: binding.access,
      warn: (text) => this.#log.warn({ binding: site.name }, text),
    });
    return { addresses: listener.addresses, close: () => listener.close() };
  }

  /** What can't be had back is somebody else's by now: there is nobody to tell but the log. */
  async #restore(before: readonly Open[], closed: readonly Open[]): Promise<void> {
    for (const open of this.#open) if (!before.includes(open)) open.close();
    this.#open = before.filter((open) => !closed.includes(open));
    for (const { site, binding, hosts, addresses } of closed) {
      const again = this.#listenAt({ site, binding }, hosts, addresses[0]?.port ?? site.port);
      const open = await again.catch((error: unknown) => this.#tell(site, error));
      if (open !== null) this.#open.push(open);
    }
  }

  #tell({ name }: SiteBinding, error: unknown): null {
    this.#log.error({ binding: name, reason: systemReason(error) }, "binding listens no more");
    return null;
  }
}

function isAt({ binding, port }: Open, place: Place): boolean {
  return binding === place.binding && port === place.site.port;
}

function isGroup(one: readonly string[]): (other: readonly string[]) => boolean {
  return (other) => one.join(" ") === other.join(" ");
}

function unusable({ name }: SiteBinding, why: string, cause?: unknown): AppError {
  return new AppError("AddressUnusable", `the Binding "${name}" can't listen: ${why}`, { cause });
}

function cannotListen(site: SiteBinding, error: unknown): unknown {
  const code = systemCode(error);
  if (code === "") return error;
  const place = `${site.listenOn} port ${site.port}`;
  const hint =
    code === "EACCES" && site.port < 1024
      ? "ports below 1024 need more rights: choose another port, or give this program the right."
      : "choose another port or address.";
  return unusable(site, `${place}: ${systemReason(error)}; ${hint}`, error);
}
