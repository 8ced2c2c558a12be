// SPDX-License-Identifier: Apache-2.0
// The real Connector with its real desk and its state on disk, as a process of a Commander's site on a fake network.
// Before it: commander-site.ts. After it: host/connector. It may be stopped, and started again in its folder.

import { type RunningConnector, startConnector } from "../../host/connector/service.ts";
import type { CommanderEntry } from "../../host/connector/settings.ts";
import type { SimProcess } from "../../host/net/sim/process.ts";
import type { KeyPair } from "../../host/service/key-file.ts";
import type { Log } from "../../host/service/log.ts";

export type RealConnectorOptions = {
  /** `host:port`. */
  address: string;
  folder: string;
  keys: KeyPair;
  commander: CommanderEntry;
  log: Log;
  newProcess(): SimProcess;
  /** Milliseconds since 1970. */
  now(): number;
};

const RATE = { bytesPerSecond: 1 << 30, packetsPerSecond: 1 << 20 };

/** Steps of 10 ms until it has stopped, at most. */
const STOPPING_MOST = 1000;

export class RealConnector {
  readonly address: string;
  readonly #options: RealConnectorOptions;
  #commander: CommanderEntry;
  #running: RunningConnector | null = null;

  constructor(options: RealConnectorOptions) {
    this.#options = options;
    this.#commander = options.commander;
    this.address = options.address;
  }

  async start(): Promise<this> {
    const { folder, keys, log, newProcess, now } = this.#options;
    const [host = "", port] = this.address.split(":");
    const process = newProcess();
    const settings = {
      ...{ file: "", ...keys, listen: [{ host, port: Number(port) }], stlinks: [], tenants: [] },
      ...{ groups: [], commander: this.#commander, stateFolder: folder, statusSocket: null },
      limits: { hops: 64, halfOpen: 16, halfOpenPerSource: 16, queueBytes: 1 << 20, rate: RATE },
      log: { level: "debug", file: null } as const,
    };
    const { transport, clock } = process;
    const entropy = (len: number) => process.entropy(len);
    this.#running = await startConnector(settings, log, { transport, clock, entropy }, now);
    return this;
  }

  /** The serial of the admission that it holds of this Commander, by its id. */
  serialOf(id: string): bigint {
    const tenants = this.#running?.status().tenants ?? [];
    const line = tenants.map(({ commander }) => commander).find((one) => one?.id === id);
    return BigInt(line?.version.split(".")[1] ?? 0);
  }

  /** The operator gives the Commander's id another key; it is to be started again. */
  setKey(key: Uint8Array): void {
    this.#commander = { ...this.#commander, key };
  }

  /** It drains, which takes a while; its folder stays. */
  async stop(pass: (ms: number) => Promise<void>): Promise<void> {
    const running = this.#running;
    this.#running = null;
    let isOver = running === null;
    const stopping = running?.stop().finally(() => {
      isOver = true;
    });
    for (let i = 0; i < STOPPING_MOST && !isOver; i++) await pass(10);
    await stopping;
  }
}
