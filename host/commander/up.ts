// SPDX-License-Identifier: Apache-2.0
// A whole site in one process: a Connector, the Commander's own STLink that dials it, and the API. Before it:
// `sealed up`, with a database that has been founded. After it: connector/service.ts, control/, api/. They meet in
// the registry alone. Invariant: what has started is stopped again, in the reverse order, also where a later part
// can't start.

import { usualLimits } from "../connector/connector-file.ts";
import { type RunningConnector, startConnector } from "../connector/service.ts";
import type { ConnectorSettings } from "../connector/settings.ts";
import type { Address } from "../net/transport.ts";
import { systemWorld } from "../net/world.ts";
import type { Log } from "../service/log.ts";
import { startApi } from "./api/api.ts";
import { type CommanderControl, startControl } from "./control/control.ts";
import type { Site } from "./founding.ts";
import type { Registry } from "./registry.ts";

export type UpSettings = {
  registry: Registry;
  site: Site;
  /** Where the Connector listens. */
  listen: readonly Address[];
  /** Of the API, on loopback. */
  apiPort: number;
  /** What the Connector keeps on disk. */
  connectorFolder: string;
  log: Log;
};

export type RunningSite = {
  /** Of the API. */
  url: string;
  connector: RunningConnector;
  control: CommanderControl;
  stop(): Promise<void>;
};

const API_HOST = "127.0.0.1";

/** Throws AppError: AddressUnusable. */
export async function startSite(settings: UpSettings): Promise<RunningSite> {
  const { registry, log } = settings;
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const connector = await startConnector(connectorSettings(settings), log, systemWorld);
    stops.push(() => connector.stop());
    const control = startControl({ registry, log, world: systemWorld });
    stops.push(async () => control.stop());
    const listen = { host: API_HOST, port: settings.apiPort };
    const api = await startApi({ registry, control, listen, log });
    stops.push(() => api.stop());
    return { url: api.url, connector, control, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The Connector beside the Commander: it admits whom this Commander says, and nobody else. */
function connectorSettings({ site, listen, connectorFolder }: UpSettings): ConnectorSettings {
  const { authority, commander, connector, hopPsk } = site;
  return {
    file: connectorFolder,
    ...connector,
    listen,
    stlinks: [],
    tenants: [],
    groups: [],
    commander: {
      id: new Uint8Array(Buffer.from(authority.commanderId, "hex")),
      key: commander.publicKey,
      psk: hopPsk,
      tenant: TENANT,
    },
    stateFolder: connectorFolder,
    limits: usualLimits(),
    log: { level: "info", file: null },
    statusSocket: null,
  };
}

/** The tenant of this Commander's own STLinks. */
const TENANT = "default";
