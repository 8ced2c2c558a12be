// SPDX-License-Identifier: Apache-2.0
// A Connector as a service: the relay with the listeners, admissions and limits of its settings. Before
// it: `sealed connector run`. After it: connector.ts. It alone knows names; beneath it are keys and ids.

import { Core, connectorSizes } from "../core/core.ts";
import { openCore } from "../core/core-file.ts";
import type { Address, Listener } from "../net/transport.ts";
import { systemWorld, type World } from "../net/world.ts";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { formatAddress } from "../service/fields.ts";
import type { Log } from "../service/log.ts";
import { type Change, changeOf, changesOf, type Running } from "../service/running.ts";
import { Connector } from "./connector.ts";
import { SIZE_CLASSES } from "./counters.ts";
import type { ConnectorSettings } from "./settings.ts";
import type { AdmittedLine, ConnectorStatus } from "./status.ts";

export type RunningConnector = Running<ConnectorSettings, ConnectorStatus>;

/** Starts what the settings say. Throws AppError(AddressUnusable) when it can't listen. */
export async function startConnector(
  settings: ConnectorSettings,
  log: Log,
  world = systemWorld,
): Promise<RunningConnector> {
  const service = new ConnectorService(settings, log, world);
  try {
    await service.start();
    return service;
  } catch (error) {
    await service.stop();
    throw error;
  }
}

class ConnectorService implements RunningConnector {
  readonly #settings: ConnectorSettings;
  readonly #log: Log;
  readonly #connector: Connector;
  readonly #listeners: Listener[] = [];

  constructor(settings: ConnectorSettings, log: Log, world: World) {
    const { privateKey, publicKey, stlinks, limits } = settings;
    this.#settings = settings;
    this.#log = log;
    this.#connector = new Connector({
      core: new Core(openCore()),
      world,
      sizes: connectorSizes(limits.hops),
      privateKey,
      publicKey,
      admitted: stlinks.map(({ id, key, psk }) => (psk === null ? { id, key } : { id, key, psk })),
      pairs: pairsOf(settings),
      queueBytes: limits.queueBytes,
    });
  }

  async start(): Promise<void> {
    for (const address of this.#settings.listen) {
      const listening = this.#connector.start(address);
      this.#listeners.push(
        await listening.catch((error) => Promise.reject(cannotListen(address, error))),
      );
    }
    this.#log.info({ listening: this.#places() }, "connector listens");
  }

  async reload(
    settings: ConnectorSettings,
  ): Promise<{ applied: Change[]; needsRestart: Change[] }> {
    return { applied: [], needsRestart: changesOfSettings(this.#settings, settings) };
  }

  async stop(): Promise<void> {
    this.#connector.stop();
  }

  status(): ConnectorStatus {
    const { counters } = this.#connector;
    const { packetsIn, packetsOut, bytesIn, bytesOut, mutes } = counters;
    return {
      role: "connector",
      publicKey: hex(this.#settings.publicKey),
      listening: this.#places(),
      stlinks: this.#stlinkLines(),
      packetsIn,
      packetsOut,
      bytesIn,
      bytesOut,
      sizes: counters.sizes.map((packets, i) => ({ mostBytes: SIZE_CLASSES[i] ?? 0, packets })),
      refused: { ...counters.refused },
      hopsRefused: { ...counters.hopsRefused },
      mutes,
    };
  }

  #places(): string[] {
    return this.#listeners.map(({ address }) => formatAddress(address));
  }

  #stlinkLines(): AdmittedLine[] {
    const places = new Map([...this.#connector.places()].map((place) => [place.id, place]));
    const { stlinks, limits } = this.#settings;
    return stlinks.map(({ name, tenant, id, psk }) => {
      const { seat = null, queue } = places.get(hex(id)) ?? {};
      return {
        name,
        tenant,
        id: hex(id),
        hop: seat === null ? "away" : "up",
        from: seat?.remoteHost ?? null,
        pqAuthentication: psk === null ? "no" : "yes",
        packetsIn: seat?.packetsIn ?? 0,
        packetsOut: seat?.packetsOut ?? 0,
        bytesIn: seat?.wire.bytesIn ?? 0,
        bytesOut: seat?.wire.bytesOut ?? 0,
        queue: {
          packets: queue?.heldPackets ?? 0,
          bytes: queue?.heldBytes ?? 0,
          most: limits.queueBytes,
        },
      };
    });
  }
}

/** Each two members of a group. */
function pairsOf({ stlinks, groups }: ConnectorSettings): [Uint8Array, Uint8Array][] {
  const ids = new Map(stlinks.map(({ name, id }) => [name, id]));
  return groups.flatMap((group) => {
    const members = group.flatMap((name) => ids.get(name) ?? []);
    return members.flatMap((one, i) =>
      members.slice(i + 1).map((other): [Uint8Array, Uint8Array] => [one, other]),
    );
  });
}

function cannotListen(address: Address, error: unknown): unknown {
  if (systemCode(error) === "") return error;
  const place = formatAddress(address);
  const message = `the Connector can't listen at ${place}: ${systemReason(error)}; choose another port or address.`;
  return new AppError("AddressUnusable", message, { cause: error });
}

function changesOfSettings(before: ConnectorSettings, after: ConnectorSettings): Change[] {
  return [
    ...changeOf("key", before.publicKey, after.publicKey),
    ...changeOf("listen", before.listen, after.listen),
    ...changesOf("stlink", before.stlinks, after.stlinks),
    ...changesOf("tenant", before.tenants, after.tenants),
    ...changeOf("groups", before.groups, after.groups),
    ...changeOf("limits", before.limits, after.limits),
    ...changeOf("log", before.log, after.log),
    ...changeOf("status_socket", before.statusSocket, after.statusSocket),
  ];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
