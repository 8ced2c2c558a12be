// SPDX-License-Identifier: Apache-2.0
// A device under a Commander, and neighbours of the simulation that call its Mapping: all were activated by
// code, and their pairs are deployed. Before it: commander.test.ts, faults.test.ts. After it: sim/control/bridge.ts
// and test-device.ts. A neighbour is a core in this process, so a call shows each byte and its end.

import { StreamFlag } from "../../host/core/core.ts";
import { DeviceRecord } from "../../host/device/store-image.ts";
import { makeFolder } from "../e2e/sealed-tools.ts";
import { concat } from "../reference/bytes.ts";
import type { Configuration } from "../reference/configuration.ts";
import { decodeState } from "../reference/control.ts";
import { ControlBridge } from "../sim/control/bridge.ts";
import { type Pair, sameBytes, versionText } from "../sim/control/database.ts";
import type { Device } from "../sim/control/device.ts";
import { buildTestDevice, TestDevice, writeFlash } from "./test-device.ts";

const DAY_MS = 86_400_000;
const BYTES = 1;

export type Settings = {
  leaseSeconds?: number;
  program?: string;
  /** Another neighbour of the device, beside the office. */
  more?: string;
};

export class CommandedSite {
  readonly bridge: ControlBridge;
  readonly office: Device;
  readonly #neighbours = new Map<string, Device>();
  readonly flash: string;
  readonly #program: string;
  readonly #devices: TestDevice[] = [];
  #calls: Call[] = [];

  private constructor(bridge: ControlBridge, { program, more }: Settings) {
    this.bridge = bridge;
    this.#program = program ?? buildTestDevice();
    this.office = this.#activate("office");
    if (more !== undefined) this.#activate(more);
    const { text } = bridge.site.commander.issue("camera", DAY_MS);
    this.flash = writeFlash(makeFolder(), new Map([[DeviceRecord.Code, text]]));
  }

  /** The simulation's own time is far quicker than the device's. */
  #activate(name: string): Device {
    const device = this.bridge.site.activated(name);
    device.onNews = (stream, flags) => {
      for (const call of this.#calls) call.hear(device, stream, flags);
    };
    this.#neighbours.set(name, device);
    return device;
  }

  /** A site whose device has not been started; it is ended by `close`. */
  static async make(seed: string, settings: Settings = {}) {
    const { leaseSeconds } = settings;
    // Configurations name the bridge's port.
    const bridge = await new ControlBridge(seed).start();
    const made = new CommandedSite(bridge, settings);
    if (leaseSeconds !== undefined) bridge.site.leaseSeconds = leaseSeconds;
    return made;
  }

  /** The device is activated, and serves what listens at `port`; `office` may call it. */
  static async activated(seed: string, port: number, settings: Settings = {}) {
    const made = await CommandedSite.make(seed, settings);
    const device = made.start();
    await made.confirmed();
    for (const name of made.#neighbours.keys())
      made.commander.pair(name, "camera", { ports: { binding: port, mapping: port } });
    await made.confirmed();
    return { made, device };
  }

  get commander() {
    return this.bridge.site.commander;
  }

  /** The device's process, on the one flash; the one before has ended. */
  start(env: NodeJS.ProcessEnv = {}): TestDevice {
    const device = new TestDevice(this.#program, ["--flash", this.flash], env);
    this.#devices.push(device);
    return device;
  }

  /** The Commander knows that the device has what the database says. */
  async confirmed(): Promise<void> {
    const { bridge } = this;
    await bridge.until(() => {
      const { db } = this.commander;
      const row = db.rows.find(({ name }) => name === "camera");
      return row !== undefined && row.confirmed === versionText(db);
    }, "confirmed by the device");
  }

  /** A connection of a neighbour's, once it has the configuration that names the device. */
  async call(from = "office"): Promise<Call> {
    const { bridge, commander } = this;
    const neighbour = this.#neighbours.get(from) ?? this.office;
    await bridge.until(
      () => (neighbour.stored?.peers.length ?? 0) > 0,
      "the neighbour knows the device",
    );
    const { id } = neighbour.stored as Configuration;
    const pair = commander.db.pairs.find((one) => sameBytes(one.from, id)) as Pair;
    const call = new Call(bridge, neighbour, pair);
    this.#calls.push(call);
    return call;
  }

  /** What the device has reported last, once `isSo`. */
  async reported(isSo: (state: ReturnType<typeof decodeState>) => boolean, what: string) {
    const { reports } = this.commander;
    const states = () => reports.map(({ report }) => decodeState(report.state));
    await this.bridge.until(() => states().some(isSo), `a report: ${what}`);
  }

  /** The Commander's id and this key, from now on. */
  moveCommander(key: Uint8Array): void {
    const { site } = this.bridge;
    site.register.moveCommander(key);
    site.connector.purge("commander");
  }

  async close(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.kill()));
    this.bridge.close();
  }
}

/** A connection of a neighbour to the device's Mapping. */
export class Call {
  got: Uint8Array = new Uint8Array(0);
  /** Reason (13.2) of its end; null: it is there. */
  ended: number | null = null;
  readonly #bridge: ControlBridge;
  readonly #from: Device;
  #stream: number;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(bridge: ControlBridge, from: Device, { to, bindingId, mappingId }: Pair) {
    this.#bridge = bridge;
    this.#from = from;
    const { core } = from;
    core.engine.write(core.engine.call("arg_ptr"), to);
    const link = core.engine.call("link_find");
    core.clock(bridge.site.nowMs);
    this.#stream = core.streamOpen(link, BYTES, bindingId, mappingId);
    from.wake();
  }

  say(bytes: Uint8Array): void {
    this.#rest = concat(this.#rest, bytes);
    this.#write();
  }

  /** Says it, and waits for as many bytes back. Returns them. */
  async ask(bytes: Uint8Array): Promise<Uint8Array> {
    const from = this.got.length;
    this.say(bytes);
    await this.#bridge.until(
      () => this.got.length >= from + bytes.length || this.ended !== null,
      "an answer",
    );
    return this.got.subarray(from);
  }

  /** The reason of its end, once it has ended. */
  async end(): Promise<number> {
    await this.#bridge.until(() => this.ended !== null, "the call's end");
    return this.ended ?? -1;
  }

  hear(from: Device, stream: number, flags: number): void {
    if (from !== this.#from || stream !== this.#stream) return;
    const { core } = this.#from;
    for (let bytes = core.streamTake(stream); bytes.length > 0; bytes = core.streamTake(stream)) {
      this.got = concat(this.got, bytes);
    }
    if (flags & StreamFlag.Closed) {
      this.ended = core.streamInfo(stream).reason;
      this.#stream = -1;
    }
    this.#write();
  }

  #write(): void {
    const { core } = this.#from;
    while (this.#stream >= 0 && this.#rest.length > 0) {
      const taken = core.streamPut(this.#stream, this.#rest);
      if (taken <= 0) break;
      this.#rest = this.#rest.subarray(taken);
    }
    this.#from.wake();
  }
}
