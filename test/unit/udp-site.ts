// SPDX-License-Identifier: Apache-2.0
// For the tests of UDP Routes: two STLinks, the near one with a Binding and the far one with the Mapping,
// made of the host's own Agent, listener and service. Before it: a World, simulated or this machine's.
// After it: udp-routes.test.ts, test/e2e/udp.test.ts. The Connector is the caller's.

import { readFileSync } from "node:fs";
import { Core, DESKTOP_SIZES } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import type { World } from "../../host/net/world.ts";
import { Access } from "../../host/stlink/access.ts";
import { Agent } from "../../host/stlink/agent.ts";
import {
  type DatagramBinding,
  type DatagramListener,
  listenDatagrams,
} from "../../host/stlink/datagram-binding.ts";
import {
  type DatagramMapping,
  ServedMapping,
  serveDatagrams,
} from "../../host/stlink/datagram-mapping.ts";
import { DATAGRAM_TIMES, DatagramTraffic } from "../../host/stlink/datagram-route.ts";
import type { ConnectorAddress } from "../../host/stlink/hop.ts";
import type { HopEvent } from "../../host/stlink/kept-connector.ts";
import { OPEN_ACCESS } from "../../host/stlink/site.ts";
import { CORE_WASM } from "../../scripts/run.ts";

const wasm = readFileSync(CORE_WASM);

export const newCore = (): Core => new Core(openV8(wasm));

export type Identity = { privateKey: Uint8Array; publicKey: Uint8Array; id: Uint8Array };

export function newIdentity(world: World): Identity {
  const privateKey = world.entropy(32);
  return { privateKey, publicKey: newCore().publicKey(privateKey), id: world.entropy(16) };
}

const BINDING_ID = new Uint8Array(16).fill(0xb1);
const MAPPING_ID = new Uint8Array(16).fill(0x3a);
const REDIAL_MOST_MS = 250;

/** What a test may say of the Routes; the rest is as users have it. */
export type RouteOptions = {
  binding?: Partial<DatagramBinding>;
  mapping?: Partial<DatagramMapping>;
};

/** One STLink. */
export class Station {
  readonly identity: Identity;
  readonly traffic = new DatagramTraffic();
  readonly access: Access;
  readonly warnings: string[] = [];
  readonly hopEvents: HopEvent[] = [];
  agent: Agent;
  link = -1;
  listener: DatagramListener | null = null;
  service: ServedMapping | null = null;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.identity = newIdentity(world);
    this.access = new Access(world.clock, OPEN_ACCESS);
    this.agent = this.#start();
  }

  /** Its process died and was started again: it knows nothing of before. */
  again(): void {
    this.listener?.close();
    this.service?.close();
    this.agent.stop();
    this.agent = this.#start();
  }

  meet({ identity }: Station, connector: ConnectorAddress): void {
    this.link = this.agent.addPeer({ id: identity.id, key: identity.publicKey });
    this.agent.keepConnector(connector, 0, (event) => this.hopEvents.push(event));
  }

  async listen(host: string, port: number, options: Partial<DatagramBinding> = {}): Promise<void> {
    this.listener = await listenDatagrams(this.agent, {
      ...DATAGRAM_TIMES,
      id: BINDING_ID,
      mappingId: MAPPING_ID,
      hosts: [host],
      port,
      links: () => [this.link],
      traffic: this.traffic,
      access: this.access,
      warn: (text) => this.warnings.push(text),
      ...options,
    });
  }

  serve(host: string, port: number, options: Partial<DatagramMapping> = {}): void {
    const service = new ServedMapping(this.agent, {
      ...DATAGRAM_TIMES,
      id: MAPPING_ID,
      resolve: async () => ({ hosts: [host] }),
      port,
      links: [this.link],
      traffic: this.traffic,
      warn: (text) => this.warnings.push(text),
      ...options,
    });
    this.service = service;
    serveDatagrams(this.agent, () => [service]);
  }

  stop(): void {
    this.listener?.close();
    this.service?.close();
    this.agent.stop();
  }

  #start(): Agent {
    return new Agent({
      core: newCore(),
      world: this.#world,
      sizes: DESKTOP_SIZES,
      ...this.identity,
      redialMostMs: REDIAL_MOST_MS,
    });
  }
}
