// SPDX-License-Identifier: Apache-2.0
// Two activated devices with a Route between them, their Commander and a Connector: where most control
// tests begin. Before it: control-world.ts and control-commander.ts. After it: configuration, trust.
// Invariant: both devices have confirmed version (1, 2), and nothing is under way.

import { ConfigSection, StreamFlag } from "../../host/core/core.ts";
import { toHex } from "../reference/bytes.ts";
import type { Configuration, ConfiguredPeer, ConfiguredRoute } from "../reference/configuration.ts";
import { Commander, type Entry } from "./control-commander.ts";
import { Device, type KeyPair, World, type WorldOptions } from "./control-world.ts";

const NONE = new Uint8Array(16);

/** Two activated devices: `a` has a Binding to a Mapping of `b`. */
export class Pair {
  readonly world: World;
  readonly commander: Commander;
  readonly a: Entry;
  readonly b: Entry;
  readonly bindingId: Uint8Array;
  readonly mappingId: Uint8Array;
  readonly psk: Uint8Array;
  serial = 1n;

  constructor(seed: string, options: WorldOptions = {}) {
    const world = new World(seed, options);
    this.world = world;
    const id = world.random(16);
    this.commander = new Commander(world, world.keyPair(), world.keyPair(), id);
    world.admit(this.commander.keys.publicKey, id);
    world.add(this.commander).dial();
    [this.bindingId, this.mappingId, this.psk] = [
      world.random(16),
      world.random(16),
      world.random(32),
    ];
    [this.a, this.b] = ["a", "b"].map((name) => {
      const device = world.add(new Device(world, name));
      const { entry, code } = this.commander.issue(device);
      device.activate(code);
      this.settle(entry);
      return entry;
    }) as [Entry, Entry];
    this.deploy(this.a, this.next([this.peer(this.b)], [this.binding()]));
    this.deploy(this.b, this.next([this.peer(this.a)], [this.mapping()]));
    for (const entry of [this.a, this.b]) this.settle(entry);
  }

  get devices(): [Device, Device] {
    return [this.a.device, this.b.device];
  }

  settle(entry: Entry, ms = 60_000): void {
    const done = () =>
      entry.confirmed.includes(this.commander.hash(entry)) && entry.device.core.flags() < 4;
    if (!this.world.run(ms, done)) throw new Error("not confirmed");
  }

  peer(
    entry: Entry,
    keys: KeyPair = entry.device.keys,
    nextKey: Uint8Array = new Uint8Array(32),
  ): ConfiguredPeer {
    const pskName = this.psk.slice(0, 8);
    return { id: entry.id, key: keys.publicKey, nextKey, keyEpoch: 1, pskName, psk: this.psk };
  }

  binding(): ConfiguredRoute {
    return {
      id: this.bindingId,
      kind: 2,
      protocol: 1,
      flags: 0,
      holdSeconds: 120,
      port: 8080,
      address: "127.0.0.1",
      peers: [this.b.id],
      mappingId: this.mappingId,
    };
  }

  mapping(more: Partial<ConfiguredRoute> = {}): ConfiguredRoute {
    const peers = [this.a.id];
    const route = { ...this.binding(), id: this.mappingId, kind: 1, peers, mappingId: NONE };
    return { ...route, address: "camera.local", ...more };
  }

  /** A version that both may have; the id is put in by `deploy`. */
  next(
    peers: ConfiguredPeer[],
    routes: ConfiguredRoute[],
    raise = this.serial === 1n,
  ): Configuration {
    if (raise) this.serial++;
    return this.commander.configuration(NONE, this.serial, peers, routes);
  }

  deploy(entry: Entry, config: Configuration): void {
    this.commander.deploy(entry, { ...config, id: entry.id });
  }

  open(from = this.a, to = this.b, mappingId = this.mappingId, kind = 1): number {
    const { core } = from.device;
    return core.streamOpen(this.link(from, to), kind, this.bindingId, mappingId);
  }

  link(from: Entry, to: Entry): number {
    const { engine } = from.device.core;
    engine.write(engine.call("arg_ptr"), to.id);
    return engine.call("link_find");
  }

  connect(ms = 20_000): number {
    const stream = this.open();
    const { core } = this.a.device;
    const isConnected = () => (core.streamFlags(stream) & StreamFlag.Connected) !== 0;
    if (!this.world.run(ms, isConnected)) throw new Error("not connected");
    return stream;
  }

  /** The reason with which a stream ends within `ms`, or undefined. */
  end(entry: Entry, stream: number, ms = 20_000): number | undefined {
    const { core } = entry.device;
    const isClosed = () => (core.streamFlags(stream) & StreamFlag.Closed) !== 0;
    return this.world.run(ms, isClosed) ? core.streamInfo(stream).reason : undefined;
  }

  /** Everything that a configuration in force decides. */
  inForce(entry: Entry): string {
    const { core } = entry.device;
    const sections = Object.values(ConfigSection).map((section) =>
      core.configurationEntries(section).map(toHex).join(),
    );
    return `${sections.join(";")} ${this.link(this.a, this.b)} ${toHex(entry.device.flash)}`;
  }
}
