// SPDX-License-Identifier: Apache-2.0
// A simulated device: one handshake slot, a flash that holds key pair, configuration and what is left of
// the lease, and perhaps a code that somebody gave it. Before it: member.ts. After it: the checks that
// hold in every run: what is in force is whole and is what flash holds, is a configuration that a
// Commander has issued to this id, and is never of an older version (rule T9).

import {
  ConfigSection,
  ControlPhase,
  CoreFlag,
  DEVICE_SIZES,
  StreamFlag,
} from "../../../host/core/core.ts";
import { concat, encodeUint, toHex } from "../../reference/bytes.ts";
import {
  type Configuration,
  decodeStored,
  encodeConfiguration,
  isNewer,
} from "../../reference/configuration.ts";
import { type Dialling, Member } from "./member.ts";
import type { KeyPair, Site } from "./site.ts";

/** Magic, version, id, lease, the Commander's two keys and id. */
const HEAD_LEN = 116;
const HOUR_MS = 3_600_000;
const ABOUT = { platform: "simulated camera" };
const CORE_HASH = new Uint8Array(32).fill(7);

/** What happens when the core asks for a store: the whole of it, a crash before, a crash after. */
export type StorePlan = "whole" | "crash before" | "crash after";

export class Device extends Member {
  /** Key pair of the first boot, or of the last rotation. */
  keys: KeyPair;
  nextKeys: KeyPair | null = null;
  flash: Uint8Array = new Uint8Array(0);
  leaseLeftMs = Number.POSITIVE_INFINITY;
  code: Uint8Array | null = null;
  storePlan: StorePlan = "whole";
  stores = 0;
  /** What its host has logged: PeerKeyChanged (T12). */
  readonly logged: string[] = [];
  /** Streams of other STLinks, and own ones, with news. */
  onNews: (stream: number, flags: number) => void = () => {};
  #newest: { epoch: number; serial: bigint } | null = null;
  #savedAtMs = 0;

  constructor(site: Site, name: string) {
    super(site, name, DEVICE_SIZES);
    this.keys = site.keyPair(`key of ${name}`);
  }

  get phase(): number {
    return this.isUp ? this.core.controlState().phase : ControlPhase.None;
  }

  /** The configuration on flash. */
  get stored(): Configuration | null {
    const { flash } = this;
    return flash.length === 0 ? null : decodeStored(flash).config;
  }

  get pinnedEpoch(): number {
    return decodeStored(this.flash).pinnedEpoch;
  }

  /** A confirmed factory reset: nothing is left, not even the key. */
  reset(): void {
    this.crash();
    this.flash = new Uint8Array(0);
    this.leaseLeftMs = Number.POSITIVE_INFINITY;
    this.#newest = null;
    this.keys = this.site.keyPair(`key of ${this.name} after ${this.life} lives`);
    this.start();
  }

  /** A new key pair is stored beside the present one, and told. */
  rotate(): KeyPair {
    this.nextKeys = this.site.keyPair(`next key of ${this.name} in life ${this.life}`);
    this.core.rotate(this.nextKeys.secret, this.nextKeys.key);
    this.wake();
    return this.nextKeys;
  }

  protected override begin(): void {
    const { core, flash, keys } = this;
    core.setIdentity(keys.secret, keys.key, new Uint8Array(16));
    core.setAbout(CORE_HASH, ABOUT);
    if (flash.length === 0) return;
    core.loadConfiguration(flash);
    if (this.leaseLeftMs < Number.POSITIVE_INFINITY) core.setLeaseLeftMs(this.leaseLeftMs);
    this.#saveLease();
    if (this.nextKeys !== null) core.rotate(this.nextKeys.secret, this.nextKeys.key);
  }

  protected override dialling(): Dialling | null {
    if (this.flash.length > 0) {
      const [entry] = this.core.configurationEntries(ConfigSection.Connectors);
      if (entry === undefined) return null;
      return { key: entry.slice(0, 32), psk: entry.slice(32, 64) };
    }
    if (this.code === null) return null;
    const { connectorKey, ticket } = this.core.loadCode(this.code);
    return { key: connectorKey, ticket };
  }

  protected override onStream(stream: number): void {
    const flags = this.core.streamFlags(stream);
    if (flags >= 0) this.onNews(stream, flags);
    const isOver = flags >= 0 && (flags & StreamFlag.Closed) !== 0;
    if (isOver) this.core.streamRelease(stream);
  }

  protected override serve(): boolean {
    const flags = this.core.flags();
    if (flags & CoreFlag.WantsStore) return this.#store();
    if (flags & CoreFlag.WantsKey && this.nextKeys !== null) {
      this.keys = this.nextKeys;
      this.nextKeys = null;
      this.core.configurationStored();
      return true;
    }
    if (flags & CoreFlag.WantsRenew) this.rotate();
    if (flags & CoreFlag.WantsRedial && this.hasHop) this.redial();
    return false;
  }

  #store(): boolean {
    const plan = this.storePlan;
    this.storePlan = "whole";
    this.stores++;
    if (plan !== "crash before") this.#write(this.core.pendingConfiguration());
    if (plan !== "whole") {
      this.restart();
      return true;
    }
    this.core.configurationStored();
    this.#saveLease();
    return true;
  }

  #write(bytes: Uint8Array): void {
    const before = this.stored;
    this.flash = bytes;
    const after = this.stored as Configuration;
    this.site.checkIssued(this.name, after);
    for (const peer of after.peers) {
      const known = before?.peers.find(({ id }) => toHex(id) === toHex(peer.id));
      const announced = known && [toHex(known.key), toHex(known.nextKey)];
      if (announced && !announced.includes(toHex(peer.key))) this.logged.push("PeerKeyChanged");
    }
  }

  protected override inspect(): void {
    if (this.phase !== ControlPhase.Activated) return;
    if (this.site.clock.nowMs - this.#savedAtMs >= HOUR_MS) this.#saveLease();
    this.#checkInForce();
  }

  /** What will be left when it is saved next, so that a reboot shortens a lease and never prolongs it. */
  #saveLease(): void {
    this.#savedAtMs = this.site.clock.nowMs;
    this.leaseLeftMs = Math.max(0, this.core.leaseLeftMs() - HOUR_MS);
  }

  #checkInForce(): void {
    const { config } = decodeStored(this.flash);
    const [connectors, peers, routes] = [0, 1, 2].map((section) =>
      this.core.configurationEntries(section as 0 | 1 | 2),
    ) as [Uint8Array[], Uint8Array[], Uint8Array[]];
    const inForce = concat(
      encodeUint(connectors.length, 1),
      ...connectors,
      encodeUint(peers.length, 2),
      ...peers,
      encodeUint(routes.length, 2),
      ...routes,
    );
    if (Buffer.compare(inForce, encodeConfiguration(config).subarray(HEAD_LEN)) !== 0) {
      this.fail("what is in force is not what flash holds");
    }
    const version = { epoch: config.epoch, serial: config.serial };
    if (this.#newest !== null && isNewer(this.#newest, version)) this.fail("took an older version");
    this.#newest = version;
  }
}
