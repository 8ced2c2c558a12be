// SPDX-License-Identifier: Apache-2.0
// A whole site in one process: a Connector, the Commander's own STLink that dials it, and the API; or, where the
// Commander's key was stolen or lost, the Connector and a recovery. Before it: `sealed up`, with a database that has
// been founded. After it: connector/service.ts, control/, api/. They meet in the registry alone. Invariant: what has
// started is stopped again, in the reverse order, also where a later part can't start.

import { usualLimits } from "../connector/connector-file.ts";
import { type RunningConnector, startConnector } from "../connector/service.ts";
import type { ConnectorSettings } from "../connector/settings.ts";
import { DEFAULT_TENANT } from "../connector/settings-schema.ts";
import type { Address } from "../net/transport.ts";
import { systemWorld } from "../net/world.ts";
import { hex } from "../service/hex.ts";
import type { KeyPair } from "../service/key-file.ts";
import type { Log } from "../service/log.ts";
import { startApi } from "./api/api.ts";
import { type CommanderControl, startControl } from "./control/control.ts";
import { type Recovery, startRecovery } from "./control/recovery.ts";
import type { Site } from "./founding.ts";
import type { Registry } from "./registry.ts";

export type RelaySettings = {
  registry: Registry;
  site: Site;
  /** Where the Connector listens. */
  listen: readonly Address[];
  /** What the Connector keeps on disk. */
  connectorFolder: string;
  log: Log;
};

export type UpSettings = RelaySettings & {
  /** Of the API, on loopback. */
  apiPort: number;
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
    const { publicKey } = settings.site.commander;
    const connector = await startConnector(relay(settings, publicKey), log, systemWorld);
    stops.push(() => connector.stop());
    const control = startControl({ registry, log, world: systemWorld, beside: beside(settings) });
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

/** Public and private, 32 bytes each: the recovery key of now, and the public half of the next one. */
export type RecoveryKeys = { recovery: KeyPair; nextRecoveryKey: Uint8Array };

export type RunningRecovery = Pick<Recovery, "progress" | "finish"> & { stop(): Promise<void> };

/** The Commander speaks with its recovery key alone (rule T8). Throws AppError: AddressUnusable; Refusal (Store...). */
export async function startSiteRecovery(
  settings: RelaySettings,
  { recovery: { privateKey, publicKey }, nextRecoveryKey }: RecoveryKeys,
): Promise<RunningRecovery> {
  const { registry, log } = settings;
  // The Commander's id moves to the recovery key, which shuts out who has the stolen one.
  const connector = await startConnector(relay(settings, publicKey), log, systemWorld);
  try {
    const options = { registry, log, world: systemWorld, beside: beside(settings) };
    const recovery = startRecovery({ ...options, recoveryKey: privateKey, nextRecoveryKey });
    return {
      progress: () => recovery.progress(),
      finish: () => recovery.finish(),
      stop: async () => {
        recovery.stop();
        await connector.stop();
      },
    };
  } catch (error) {
    await connector.stop();
    throw error;
  }
}

/** Where the Commander dials the Connector beside it: STLinks may find it where this machine doesn't. */
function beside({ site, listen }: RelaySettings): { key: string; address: Address } {
  const [{ host, port } = { host: API_HOST, port: 0 }] = listen;
  const key = hex(site.connector.publicKey);
  return { key, address: { host: EVERYWHERE.get(host) ?? host, port } };
}

const EVERYWHERE = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["::", "::1"],
]);

/** The Connector beside the Commander, which has this key: it admits whom this Commander says, and nobody else. */
function relay(
  { site, listen, connectorFolder }: RelaySettings,
  commanderKey: Uint8Array,
): ConnectorSettings {
  const { authority, connector, hopPsk } = site;
  return {
    file: connectorFolder,
    ...connector,
    listen,
    stlinks: [],
    tenants: [],
    groups: [],
    commander: {
      id: new Uint8Array(Buffer.from(authority.commanderId, "hex")),
      key: commanderKey,
      psk: hopPsk,
      tenant: DEFAULT_TENANT,
    },
    stateFolder: connectorFolder,
    limits: usualLimits(),
    log: { level: "info", file: null },
    statusSocket: null,
  };
}
