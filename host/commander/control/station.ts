// SPDX-License-Identifier: Apache-2.0
// The Commander as an STLink: a core, hops to the site's Connectors, a link for each member, control streams, desks. What
// a Commander that deploys (control.ts) and one that recovers (recovery.ts) have in common. Before it: the registry's
// database. After it: who hears messages of STLinks and of desks. Invariant: no inbound port; all of it is dialled.

import type { DeskMessage } from "../../connector/desk/messages.ts";
import { Core, statusName } from "../../core/core.ts";
import { openCore } from "../../core/core-file.ts";
import type { CoreEngine } from "../../core/engine.ts";
import type { Address } from "../../net/transport.ts";
import { systemWorld, type World } from "../../net/world.ts";
import { parseAddress } from "../../service/fields.ts";
import { fromHex } from "../../service/hex.ts";
import { keyPairOf } from "../../service/key-file.ts";
import type { Log } from "../../service/log.ts";
import { Agent } from "../../stlink/agent.ts";
import { HeldConnectors } from "../../stlink/held-connectors.ts";
import type { SiteConnector } from "../../stlink/site.ts";
import type { Authority } from "../domain/configuration.ts";
import type { Key } from "../domain/fields.ts";
import type { Registry } from "../registry.ts";
import { readAuthority, readSecret } from "../store/site.ts";
import { Admission } from "./admission.ts";
import type { ConversationEvents } from "./conversation.ts";
import { type ConnectorLine, Desks } from "./desks.ts";
import { Greeter } from "./greeter.ts";
import { Membership } from "./membership.ts";
import { Office } from "./office.ts";
import { Parties } from "./parties.ts";
import { Presence } from "./presence.ts";
import { hopPskName } from "./secrets.ts";
import { controlSizes } from "./sizes.ts";
import { Switchboard } from "./switchboard.ts";

export type StationOptions = {
  registry: Registry;
  log: Log;
  world?: World;
  engine?: CoreEngine;
  /** A Connector in this process is dialled where it listens, wherever STLinks find it. */
  beside?: { key: Key; address: Address };
};

export type StationEvents = ConversationEvents & {
  /** What a desk tells beside what presence.ts hears. */
  desk(connector: Key, message: DeskMessage): void;
  /** A Connector holds another version, has come, or is gone. */
  held(): void;
};

export class Station {
  readonly office: Office;
  readonly parties: Parties;
  readonly membership: Membership;
  readonly presence: Presence;
  readonly desks: Desks;
  readonly greeter: Greeter;
  readonly #connectors: HeldConnectors;
  readonly #beside: StationOptions["beside"];
  readonly #events: StationEvents;
  readonly #asked = new Set<Key>();

  /** `privateKey`: of the Commander's key or of its recovery key, 32 bytes. Throws Refusal (Store...). */
  constructor(options: StationOptions, privateKey: Uint8Array, events: StationEvents) {
    const { registry, log, world = systemWorld, engine = openCore() } = options;
    const authority = authorityOf(registry);
    const agent = new Agent({
      core: new Core(engine),
      world,
      sizes: controlSizes(authority.connectors.length),
      ...keyPairOf(privateKey),
      id: fromHex(authority.commanderId),
      onDrop: (status) => log.debug({ status: statusName(status) }, "a packet is dropped"),
    });
    this.#events = events;
    this.#beside = options.beside;
    this.office = new Office({ registry, world, log, agent });
    this.parties = new Parties(this.office);
    this.membership = new Membership(registry.db);
    this.presence = new Presence(this.office, this.membership, this.parties);
    this.greeter = new Greeter(this.office, this.parties);
    this.#connectors = new HeldConnectors(agent, log);
    new Switchboard(this.office, this.parties, events);
    const admission = new Admission(this.office, this.membership);
    this.desks = new Desks(this.office, admission, {
      message: (connector, message) => this.#hear(connector, message),
      changed: (connector) => this.#held(connector),
    });
  }

  /** Knows all members, and dials. Throws Refusal (Store...). */
  start(): void {
    const { db } = this.office;
    db.transaction(() => {
      for (const [id, member] of this.membership.members) this.parties.know(id, member);
    });
    this.presence.begin();
    this.setConnectors();
  }

  /** Those of the site's authority, from now on. */
  setConnectors(): void {
    const { connectors } = this.office.authority;
    this.#connectors.set(connectors.flatMap((one) => this.#siteConnector(one)));
    this.desks.set(connectors);
    this.office.agent.wake();
  }

  /** A desk's stream outlives a hop for a while: connected is who has both. */
  connectors(): ConnectorLine[] {
    const { connectors } = this.office.authority;
    const lines = this.#connectors.lines().filter(({ hop }) => hop === "up");
    const up = new Set(lines.map(({ name }) => name));
    return connectors.map(({ key, address }) => {
      const line = this.desks.line(key);
      return { key, address, ...line, isConnected: line.isConnected && up.has(address) };
    });
  }

  stop(): void {
    this.greeter.stop();
    this.parties.stop();
    this.desks.stop();
    this.presence.stop();
    this.office.agent.stop();
  }

  #siteConnector({ key, address }: Authority["connectors"][number]): SiteConnector[] {
    const place = this.#beside?.key === key ? this.#beside.address : parseAddress(address, 1);
    const psk = readSecret(this.office.db, hopPskName(key));
    if (place !== null) return [{ name: address, address: place, key: fromHex(key), psk }];
    this.office.log.error(
      { connector: key, address },
      'a Connector has an address that is no "host:port"',
    );
    return [];
  }

  #hear(connector: Key, message: DeskMessage): void {
    this.presence.hear(connector, message);
    this.#events.desk(connector, message);
  }

  #held(connector: Key): void {
    const { isConnected } = this.desks.line(connector);
    if (!isConnected && this.#asked.delete(connector)) this.presence.lose(connector);
    if (isConnected && !this.#asked.has(connector)) {
      this.#asked.add(connector);
      this.presence.ask(connector);
    }
    this.#events.held();
  }
}

/** Throws where nobody has founded the site. */
export function authorityOf({ db }: Registry): Authority {
  const authority = readAuthority(db);
  if (authority === null) throw new Error("nobody has founded the site");
  return authority;
}
