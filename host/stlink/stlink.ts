// SPDX-License-Identifier: Apache-2.0
// An STLink at work, whoever says what it does: an agent, its Connectors, its Routes, its peers by name.
// Before it: service.ts (a site's file) or commanded.ts (a Commander). After it: agent.ts, routes.ts,
// held-connectors.ts. Up here things have names; beneath are links and ids.

import { networkInterfaces } from "node:os";
import { Core, type Sizes, statusName } from "../core/core.ts";
import type { CoreEngine } from "../core/engine.ts";
import type { World } from "../net/world.ts";
import { hex } from "../service/hex.ts";
import type { Log } from "../service/log.ts";
import { Agent } from "./agent.ts";
import { checkSite } from "./check.ts";
import { HeldConnectors } from "./held-connectors.ts";
import { Routes } from "./routes.ts";
import type { Identity, SiteEntries, SitePeer } from "./site.ts";
import type { PeerLine, StlinkStatus } from "./status.ts";
import { peerLine } from "./status-lines.ts";

export type StlinkOptions = {
  identity: Identity;
  sizes: Sizes;
  log: Log;
  world: World;
  engine: CoreEngine;
  /** The core dropped a packet, or what a Commander sent: a status. */
  onDrop?(status: number): void;
  onTurn?(): void;
};

export class Stlink {
  readonly agent: Agent;
  readonly routes: Routes;
  readonly connectors: HeldConnectors;
  readonly sizes: Sizes;
  /** Peers, by name. */
  readonly links = new Map<string, number>();
  readonly #log: Log;
  readonly #engine: CoreEngine;
  readonly #dropped: Record<string, number> = {};

  constructor({ identity, sizes, log, world, engine, onDrop, onTurn }: StlinkOptions) {
    this.sizes = sizes;
    this.#log = log;
    this.#engine = engine;
    this.agent = new Agent({
      ...identity,
      core: new Core(engine),
      world,
      sizes,
      onDrop: (status) => {
        this.#countDrop(status);
        onDrop?.(status);
      },
      ...(onTurn === undefined ? {} : { onTurn }),
    });
    this.routes = new Routes(this.agent, log, (link) => this.#peerName(link));
    this.connectors = new HeldConnectors(this.agent, log);
  }

  stop(): void {
    this.routes.close();
    this.agent.stop();
  }

  status(own: Identity, peers: readonly SitePeer[]): Omit<StlinkStatus, "commander"> {
    return {
      role: "stlink",
      id: hex(own.id),
      publicKey: hex(own.publicKey),
      engine: this.#engine.name,
      connectors: this.connectors.lines(),
      peers: peers.map((peer) => this.#peerLine(own, peer)),
      ...this.routes.status(),
      streams: { open: this.agent.streamCount, most: this.sizes.streams },
      dropped: { ...this.#dropped },
    };
  }

  /** What the Mappings look like from here. Names may take long to resolve: nothing waits for it. */
  async report({ mappings }: Pick<SiteEntries, "mappings">): Promise<void> {
    const { transport } = this.agent.world;
    const look = (host: string) => transport.lookup(host);
    const findings = await checkSite({ mappings, bindings: [] }, look, networkInterfaces());
    for (const { text } of findings) this.#log.warn({}, text);
  }

  #peerLine(own: Identity, peer: SitePeer): PeerLine {
    const link = this.links.get(peer.name);
    const view = link === undefined ? null : this.agent.core.linkInfo(link);
    const connector = view === null ? null : this.connectors.nameOf(view.hop);
    return peerLine(own, peer, view, connector);
  }

  #peerName(link: number): string {
    for (const [name, one] of this.links) if (one === link) return name;
    return "a peer that is gone";
  }

  #countDrop(status: number): void {
    const name = statusName(status);
    this.#dropped[name] = (this.#dropped[name] ?? 0) + 1;
  }
}
