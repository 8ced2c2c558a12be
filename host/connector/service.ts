// SPDX-License-Identifier: Apache-2.0
// A Connector as a service: the relay with the listeners, admissions and limits of its settings. Before
// it: `sealed connector run`. After it: connector.ts. It alone knows names; beneath it are keys and ids.

import { Core, connectorSizes } from "../core/core.ts";
import { openCore } from "../core/core-file.ts";
import type { Address, Listener } from "../net/transport.ts";
import { systemWorld, type World } from "../net/world.ts";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { formatAddress } from "../service/fields.ts";
import { hex } from "../service/hex.ts";
import type { Log } from "../service/log.ts";
import { type Change, changeOf, changesOf, type Running } from "../service/running.ts";
import { Commanders } from "./commanders.ts";
import { Connector } from "./connector.ts";
import { SIZE_CLASSES } from "./counters.ts";
import type { ConnectorEvent } from "./options.ts";
import type { Place } from "./place.ts";
import type { CommanderEntry, ConnectorSettings } from "./settings.ts";
import type { AdmittedLine, ConnectorStatus, TenantLine } from "./status.ts";
import type { Tenancy } from "./tenancy.ts";

export type RunningConnector = Running<ConnectorSettings, ConnectorStatus>;

/**
 * Starts what the settings say. `wallMs`: milliseconds since 1970. Throws AppError(AddressUnusable) when it can't
 * listen.
 */
export async function startConnector(
  settings: ConnectorSettings,
  log: Log,
  world = systemWorld,
  wallMs = Date.now,
): Promise<RunningConnector> {
  const service = new ConnectorService(settings, log, world, wallMs);
  try {
    await service.start();
    return service;
  } catch (error) {
    await service.stop();
    throw error;
  }
}

class ConnectorService implements RunningConnector {
  /** As they are in force: what needs a restart stays as it was at the start. */
  #settings: ConnectorSettings;
  readonly #log: Log;
  readonly #world: World;
  readonly #connector: Connector;
  /** null: the file alone decides. */
  #commanders: Commanders | null = null;
  readonly #listeners: Listener[] = [];

  constructor(settings: ConnectorSettings, log: Log, world: World, wallMs: () => number) {
    const { privateKey, publicKey, limits } = settings;
    this.#settings = settings;
    this.#log = log;
    this.#world = world;
    this.#connector = new Connector({
      core: new Core(openCore()),
      world,
      sizes: connectorSizes(limits.hops, limits.halfOpen),
      privateKey,
      publicKey,
      rules: settings,
      wallMs,
      onEvent: (event) => {
        this.#commanders?.hear(event);
        this.#tell(event);
      },
    });
  }

  async start(): Promise<void> {
    const { commander } = this.#settings;
    if (commander !== null) {
      const [connector, settings] = [this.#connector, this.#settings];
      const about = { connector, settings, commander, log: this.#log, world: this.#world };
      this.#commanders = new Commanders(about);
    }
    for (const address of this.#settings.listen) {
      const listening = this.#connector.start(address);
      this.#listeners.push(
        await listening.catch((error) => Promise.reject(cannotListen(address, error))),
      );
    }
    this.#log.info({ listening: this.#places() }, "connector listens");
  }

  async reload(after: ConnectorSettings): Promise<{ applied: Change[]; needsRestart: Change[] }> {
    const before = this.#settings;
    const { hops, halfOpen } = before.limits;
    const { stlinks, tenants, groups } = after;
    const limits = { ...after.limits, hops, halfOpen };
    const commander = otherKeyOnly(before.commander, after.commander);
    this.#settings = { ...before, stlinks, tenants, groups, limits, commander };
    this.#connector.setRules(this.#settings);
    this.#commanders?.set(this.#settings);
    return {
      applied: appliedChanges(before, this.#settings),
      needsRestart: changesOfFixed(before, after),
    };
  }

  async stop(): Promise<void> {
    if (this.#listeners.length > 0) await this.#connector.drain();
    this.#commanders?.stop();
    this.#connector.stop();
  }

  status(): ConnectorStatus {
    const { counters, halfOpen, isDraining } = this.#connector;
    const { packetsIn, packetsOut, bytesIn, bytesOut, pauses, mutes, replaced } = counters;
    return {
      role: "connector",
      publicKey: hex(this.#settings.publicKey),
      listening: this.#places(),
      isDraining,
      stlinks: [...this.#connector.places].filter(isStlink).map((place) => this.#stlinkLine(place)),
      tenants: [...this.#connector.tenancies].map((tenancy) => this.#tenantLine(tenancy)),
      packetsIn,
      packetsOut,
      bytesIn,
      bytesOut,
      sizes: counters.sizes.map((packets, i) => ({ mostBytes: SIZE_CLASSES[i] ?? 0, packets })),
      refused: { ...counters.refused },
      hopsRefused: { ...counters.hopsRefused },
      hopsAdmitted: counters.hopsAdmitted,
      halfOpen: { now: halfOpen, most: this.#settings.limits.halfOpen },
      pauses,
      mutes,
      replaced,
      alarms: { ...counters.alarms },
    };
  }

  #places(): string[] {
    return this.#listeners.map(({ address }) => formatAddress(address));
  }

  #stlinkLine(place: Place): AdmittedLine {
    const { name, id, seat, psk, queue, packetsIn, packetsOut, bytesIn, bytesOut } = place;
    const sinceMs = queue.oldestSinceMs();
    return {
      name,
      tenant: place.tenancy.name,
      id,
      hop: seat === null ? "away" : "up",
      from: seat?.remoteHost ?? null,
      pqAuthentication: psk === null ? "no" : "yes",
      key: place.hasChangedKey ? "next_key" : "key",
      packetsIn,
      packetsOut,
      bytesIn,
      bytesOut,
      refused: { ...place.refused },
      queue: {
        packets: queue.heldPackets,
        bytes: queue.heldBytes,
        most: this.#settings.limits.queueBytes,
        oldestMs: sinceMs === null ? null : this.#world.clock.now() - sinceMs,
      },
    };
  }

  #tenantLine(tenancy: Tenancy): TenantLine {
    const { name, version, places, commander } = tenancy;
    const stlinks = [...places.values()].filter(isStlink);
    const up = stlinks.filter(({ seat }) => seat !== null).length;
    const line = { name, version, stlinks: stlinks.length, up };
    if (commander === null || this.#commanders === null) return { ...line, commander: null };
    return { ...line, commander: this.#commanders.line(tenancy, commander) };
  }

  #tell(event: ConnectorEvent): void {
    if (event.kind === "refused") {
      return this.#log.debug({ from: event.host, reason: event.why }, "hop refused");
    }
    if (event.kind === "turned") {
      const { host, codeId, reason } = event;
      return this.#log.info({ from: host, codeId: hex(codeId), reason }, "ticket refused");
    }
    const { name } = event.place;
    const stlink = { stlink: name, tenant: event.place.tenancy.name };
    if (event.kind === "up") return this.#log.info({ ...stlink, from: event.host }, "hop up");
    if (event.kind === "down") return this.#log.info({ ...stlink, reason: event.why }, "hop down");
    this.#log.error(
      { ...stlink, from: event.host, alarm: event.kind },
      `two machines use the key of ${name}: both are held off; find the copy, give ${name} a new key`,
    );
  }
}

/** Commanders and guests have lines of their own, or none. */
function isStlink(place: Place): boolean {
  return place.guestOf === null && place.tenancy.commander !== place;
}

function cannotListen(address: Address, error: unknown): unknown {
  if (systemCode(error) === "") return error;
  const place = formatAddress(address);
  const message = `the Connector can't listen at ${place}: ${systemReason(error)}; choose another port or address.`;
  return new AppError("AddressUnusable", message, { cause: error });
}

function appliedChanges(before: ConnectorSettings, after: ConnectorSettings): Change[] {
  return [
    ...changesOf("stlink", before.stlinks, after.stlinks),
    ...changesOf("tenant", before.tenants, after.tenants),
    ...changeOf("groups", before.groups, after.groups),
    ...changeOf("limits", before.limits, after.limits),
    ...changeOf("commander", before.commander, after.commander),
  ];
}

/** What a running Connector keeps as it is. */
function changesOfFixed(before: ConnectorSettings, after: ConnectorSettings): Change[] {
  return [
    ...changeOf("key", before.publicKey, after.publicKey),
    ...changeOf("commander", before.commander, otherKeyOnly(after.commander, before.commander)),
    ...changeOf("state_folder", before.stateFolder, after.stateFolder),
    ...changeOf("listen", before.listen, after.listen),
    ...changeOf("limits.hops", before.limits.hops, after.limits.hops),
    ...changeOf("limits.half_open", before.limits.halfOpen, after.limits.halfOpen),
    ...changeOf("log", before.log, after.log),
    ...changeOf("status_socket", before.statusSocket, after.statusSocket),
  ];
}

/** A running Connector takes another key or PSK of the Commander that it has; another Commander is another start. */
function otherKeyOnly(
  held: CommanderEntry | null,
  after: CommanderEntry | null,
): CommanderEntry | null {
  if (held === null || after === null || hex(held.id) !== hex(after.id)) return held;
  return { ...held, key: after.key, psk: after.psk };
}
