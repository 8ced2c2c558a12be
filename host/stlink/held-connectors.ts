// SPDX-License-Identifier: Apache-2.0
// The Connectors of an STLink, and how they change: those that stay keep their hops, and those that go
// leave once another hop is up, so that nothing waits for them. Before it: service.ts, commanded.ts. After
// it: agent.ts, kept-connector.ts.

import { isDeepStrictEqual } from "node:util";
import type { Log } from "../service/log.ts";
import type { Agent } from "./agent.ts";
import type { ConnectorAddress } from "./hop.ts";
import { HopLog } from "./hop-log.ts";
import type { HopEvent, KeptConnector } from "./kept-connector.ts";
import type { SiteConnector } from "./site.ts";
import type { ConnectorLine } from "./status.ts";
import { connectorLine } from "./status-lines.ts";

type Held = { connector: SiteConnector; kept: KeptConnector; log: HopLog };

export class HeldConnectors {
  readonly #agent: Agent;
  readonly #log: Log;
  #held: Held[] = [];

  constructor(agent: Agent, log: Log) {
    this.#agent = agent;
    this.#log = log;
  }

  /** From now on these, and no others. */
  set(connectors: readonly SiteConnector[]): void {
    this.#change(connectors, (connector) =>
      this.#held.find((one) => isDeepStrictEqual(one.connector, connector)),
    );
  }

  /** Likewise, with new hops to all of them: this STLink's id or key is another one. */
  setAnew(connectors: readonly SiteConnector[]): void {
    this.#change(connectors, () => undefined);
  }

  /** A single one, at which a code is shown (PROTOCOL 10.2). */
  activate(
    connector: SiteConnector,
    more: Pick<ConnectorAddress, "otherAddresses" | "ticket">,
    onEvent: (event: HopEvent) => void,
  ): void {
    this.#held = [this.#keep(connector, 0, more, onEvent)];
  }

  lines(): ConnectorLine[] {
    return this.#held.map(({ connector, kept, log }) =>
      connectorLine(connector, kept, log.lastError),
    );
  }

  /** The name of the Connector to which the core has this hop; null: none. */
  nameOf(hop: number): string | null {
    return this.#held.find(({ kept }) => kept.has(hop))?.connector.name ?? null;
  }

  #keep(
    connector: SiteConnector,
    place: number,
    more: Pick<ConnectorAddress, "otherAddresses" | "ticket"> = {},
    onEvent: (event: HopEvent) => void = () => {},
  ): Held {
    const { name, address, key, psk } = connector;
    const log = new HopLog(this.#log, name);
    const where = { ...more, address, key, ...(psk === null ? {} : { psk }) };
    const kept = this.#agent.keepConnector(where, place, (event) => {
      // Of one that leaves nobody needs to hear.
      if (held !== undefined && !this.#held.includes(held)) return;
      log.hear(event);
      onEvent(event);
    });
    const held: Held = { connector, kept, log };
    return held;
  }

  #change(
    connectors: readonly SiteConnector[],
    held: (connector: SiteConnector) => Held | undefined,
  ): void {
    const before = this.#held;
    this.#held = connectors.map((one, place) => held(one) ?? this.#keep(one, place));
    for (const one of before) {
      if (!this.#held.includes(one)) this.#agent.leaveConnector(one.kept);
    }
  }
}
