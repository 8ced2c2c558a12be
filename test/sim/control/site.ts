// SPDX-License-Identifier: Apache-2.0
// A simulated site with a control plane: devices, a Commander, a Connector that admits whom the Commander
// has published, and the network between them, on one fake clock. Before it: a scenario builds one.
// After it: member.ts, device.ts, commander.ts. All that is random comes from the seed. Invariants of
// every run: only issued configurations reach a flash, a code is answered to one key, an STLink that
// activates speaks to the Commander alone, and who may not talk any more gets no byte.

import { blake2s } from "@noble/hashes/blake2.js";
import type { Core, Sizes } from "../../../host/core/core.ts";
import { ControlPhase, CoreFlag, DEVICE_SIZES } from "../../../host/core/core.ts";
import { SimClock } from "../../../host/net/sim/clock.ts";
import { SimConnector } from "../../../host/net/sim/connector.ts";
import { SimNetwork } from "../../../host/net/sim/network.ts";
import { LINE, type SimConnection } from "../../../host/net/sim/pipe.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import { toHex } from "../../reference/bytes.ts";
import {
  type Configuration,
  decodeConfiguration,
  encodeConfiguration,
} from "../../reference/configuration.ts";
import { giveBack, takeCore } from "../engines.ts";
import { SimFailure } from "../failure.ts";
import type { Context } from "../scenario.ts";
import { Commander } from "./commander.ts";
import { type Database, emptyDatabase, type Pair, rowOf, versionText } from "./database.ts";
import { Device } from "./device.ts";
import type { Member } from "./member.ts";
import { COMMANDER, Register } from "./register.ts";
import { Traffic } from "./traffic.ts";

export type KeyPair = { secret: Uint8Array; key: Uint8Array };

/** The wire of a member breaks when so many bytes have come over its connection `at` (from 0). */
export type Cut = { member: string; at: number; way: "up" | "down"; bytes: number };

const CONNECTOR_SIZES: Sizes = {
  ...DEVICE_SIZES,
  hops: 12,
  links: 0,
  streams: 0,
  handshakes: 4,
  channels: 8,
  maxPacketBytes: 16_000,
  recvBlocks: 0,
  sendBlocks: 0,
  hopBuffers: 24,
  hopCreditBytes: 16_000,
  hopBufferBytes: 16_640,
  configBytes: 0,
};
const QUEUE_BYTES = 65_536;
const CONNECTOR_STEPS_PER_MS = 1000;
const STEPS_TO_LOOK = 16;
/** From Commander to Connector, and the confirmation back. */
const PUBLISH_MS = 5;
const DAY_MS = 86_400_000;
const DONE_MS = 120_000;
const WANTS_ANYTHING = CoreFlag.WantsStore | CoreFlag.WantsKey | CoreFlag.WantsRedial;

export class Site {
  readonly seed: string;
  readonly clock = new SimClock();
  readonly prng: Prng;
  readonly network: SimNetwork;
  readonly register: Register;
  readonly connector: SimConnector;
  readonly connectorKeys: KeyPair;
  readonly recovery: KeyPair;
  readonly commanderId: Uint8Array;
  commander: Commander;
  /** For STLinks that activate from now on. */
  leaseSeconds = (7 * DAY_MS) / 1000;
  cut: Cut | null = null;
  isClosed = false;
  /** Bytes of each connection of a member so far, in the order of dialling. */
  readonly connections: { member: string; end: SimConnection; server: SimConnection }[] = [];
  readonly #trace: Context["trace"];
  readonly #cores: Core[] = [];
  readonly #isFresh: boolean;
  readonly #issued = new Set<string>();
  readonly #answered = new Map<string, string>();
  /** Names of two STLinks, and from when on neither may get a byte of the other. */
  readonly #silent: { who: string; fromMs: number }[] = [];
  readonly #traffic: Traffic[] = [];

  constructor(seed: string, context: Context) {
    this.seed = seed;
    this.#trace = context.trace;
    this.#isFresh = context.isFresh;
    this.prng = new Prng(`site ${seed}`);
    this.network = new SimNetwork(this.clock, this.prng.fork("network"));
    this.connectorKeys = this.keyPair("connector");
    this.recovery = this.keyPair("recovery");
    this.commanderId = this.prng.bytes(16).slice();
    const keys = this.keyPair("commander");
    const db = emptyDatabase();
    const admission = { name: COMMANDER, id: this.commanderId, key: keys.key };
    this.register = new Register(this.clock, admission, db);
    this.connector = this.#connector();
    this.commander = new Commander(this, COMMANDER, keys, this.recovery.key, db);
    this.#wire();
    this.connector.start();
    this.commander.start();
  }

  get nowMs(): number {
    return Math.floor(this.clock.nowMs) | 0;
  }

  log(line: string): void {
    this.#trace?.(`${this.clock.nowMs.toFixed(1).padStart(11)}  ${line}`);
  }

  newCore(): Core {
    const core = takeCore(this.#isFresh);
    this.#cores.push(core);
    return core;
  }

  keyPair(name: string): KeyPair {
    const secret = this.prng.fork(name).bytes(32).slice();
    const core = takeCore();
    const key = core.publicKey(secret);
    giveBack(core);
    return { secret, key };
  }

  #connector(): SimConnector {
    const { clock, network, prng, register } = this;
    const connector = new SimConnector({
      name: "connector",
      clock,
      network,
      prng: prng.fork("connector"),
      core: this.newCore(),
      sizes: CONNECTOR_SIZES,
      identity: this.connectorKeys,
      directory: register,
      limits: { bytes: 1 << 20, packets: 4096, maxPacketBytes: CONNECTOR_SIZES.maxPacketBytes },
      queueBytes: QUEUE_BYTES,
      stepsPerMs: CONNECTOR_STEPS_PER_MS,
      clockBaseMs: 0,
    });
    connector.onPacket = ({ from, to }) => {
      if (from.startsWith("code ") && to !== COMMANDER) {
        throw new SimFailure(`an STLink without a configuration reaches ${to}`);
      }
    };
    return connector;
  }

  #wire(): void {
    this.register.onTicket = (codeId, key) => {
      this.clock.after(PUBLISH_MS, () => this.commander.shown(codeId, key));
    };
    this.register.onKey = (key) => {
      this.clock.after(PUBLISH_MS, () => this.commander.heard(key));
    };
  }

  /** Another Commander takes the id, with these keys; the one before is gone. */
  replaceCommander(keys: KeyPair, recoveryKey: Uint8Array, db: Database): Commander {
    this.commander.crash();
    this.commander = new Commander(this, COMMANDER, keys, recoveryKey, db);
    this.commander.start();
    return this.commander;
  }

  device(name: string): Device {
    const device = new Device(this, name);
    device.onNews = (stream, flags) => {
      this.#traffic.some((traffic) => traffic.news(device, stream, flags));
    };
    return device;
  }

  /** A device that is activated and has confirmed. */
  activated(name: string): Device {
    const device = this.device(name);
    device.code = this.commander.issue(name, DAY_MS).text;
    device.start();
    this.settle(device);
    return device;
  }

  /** Two devices, a Binding of `a` to a Mapping of `b`, both confirmed. */
  pair(): { a: Device; b: Device; pair: Pair } {
    const [a, b] = [this.activated("a"), this.activated("b")];
    this.commander.pair("a", "b");
    this.settle(a, b);
    return { a, b, pair: this.commander.db.pairs[0] as Pair };
  }

  /** A connection of the pair that carries bytes both ways. */
  traffic(pair: Pair, opener: Device, accepter: Device): Traffic {
    const traffic = this.connect(pair, opener, accepter);
    this.finish(
      "no byte came through",
      () => traffic.opener.got > 0,
      DONE_MS,
      () => traffic.text,
    );
    return traffic;
  }

  /** The same, not waiting for the first byte. */
  connect(pair: Pair, opener: Device, accepter: Device): Traffic {
    const traffic = new Traffic(this, pair, opener, accepter);
    this.#traffic.push(traffic);
    return traffic;
  }

  /** It has the configuration of the database in force, and the Commander knows. */
  isSettled(device: Device): boolean {
    const { db } = this.commander;
    if (device.phase !== ControlPhase.Activated || device.core.flags() & WANTS_ANYTHING) {
      return false;
    }
    const row = rowOf(db, device.stored?.id ?? new Uint8Array(16));
    return row !== undefined && row.confirmed === versionText(db) && device.hasHop;
  }

  settle(...devices: Device[]): void {
    this.finish("not settled", () => devices.every((device) => this.isSettled(device)));
  }

  /** Runs until `isDone`, for at most `ms`. */
  run(ms: number, isDone: () => boolean = () => false): boolean {
    const end = this.clock.nowMs + ms;
    for (let steps = 0; ; steps++) {
      if (steps % STEPS_TO_LOOK === 0 && isDone()) return true;
      if (!this.clock.step(end)) return isDone();
    }
  }

  /** Runs until `isDone`; SimFailure when it is not within `ms`. */
  finish(what: string, isDone: () => boolean, ms = DONE_MS, more = (): string => ""): void {
    if (!this.run(ms, isDone)) throw new SimFailure(`${what} after ${ms} ms ${more()}`);
  }

  dial(member: Member): SimConnection {
    const end = this.network.dial(member.name, "connector", LINE);
    const [pipe] = this.network.connectionsOf(member.name).slice(-1);
    const server = pipe?.server as SimConnection;
    const at = this.connections.filter(({ member: of }) => of === member.name).length;
    this.connections.push({ member: member.name, end, server });
    const { cut } = this;
    if (cut !== null && cut.member === member.name && cut.at === at) {
      (cut.way === "down" ? end : server).cutAfter(cut.bytes);
    }
    return end;
  }

  /** What the Commander tells the Connector; `then` when it has confirmed. */
  publish(db: Database, then: () => void): void {
    this.clock.after(PUBLISH_MS, () => {
      if (this.isClosed) return;
      for (const name of this.register.publish(db)) this.connector.purge(name);
      this.clock.after(PUBLISH_MS, () => !this.isClosed && then());
    });
  }

  /** From now on, or from then on, no byte may come from or to an STLink. */
  silence(who: string, fromMs = this.clock.nowMs): void {
    this.#silent.push({ who, fromMs });
  }

  checkMayTalk(to: string, from: string): void {
    for (const { who, fromMs } of this.#silent) {
      if ((who !== to && who !== from) || this.clock.nowMs < fromMs) continue;
      throw new SimFailure(`${to} got a byte of ${from} at ${this.clock.nowMs} ms`);
    }
  }

  /** A Commander has sent this configuration. */
  issued(configuration: Uint8Array): void {
    this.#issued.add(fingerprint(decodeConfiguration(configuration)));
  }

  /** What comes to a flash is whole, and was made by a Commander; it names the id, which is pinned. */
  checkIssued(name: string, configuration: Configuration): void {
    if (this.#issued.has(fingerprint(configuration))) return;
    throw new SimFailure(`${name} stores a configuration that nobody has issued`);
  }

  /** A code has been answered with a configuration. */
  codeAnswered(codeId: Uint8Array, key: Uint8Array): void {
    const before = this.#answered.get(toHex(codeId)) ?? toHex(key);
    this.#answered.set(toHex(codeId), before);
    if (before !== toHex(key)) throw new SimFailure("a code was answered to two keys");
  }

  close(): void {
    this.isClosed = true;
    for (const core of this.#cores) giveBack(core);
    this.#cores.length = 0;
  }
}

/** Without the keys that INSTALL changes inside a stored configuration (10.5). */
function fingerprint(configuration: Configuration): string {
  const none = new Uint8Array(32);
  const bytes = encodeConfiguration({ ...configuration, commanderKey: none, recoveryKey: none });
  return toHex(blake2s(bytes));
}

/** Runs `body` at a site of its own. Returns what it returns. */
export function atSite<T>(context: Context, seed: string, body: (site: Site) => T): T {
  const site = new Site(seed, context);
  try {
    return body(site);
  } finally {
    site.close();
  }
}
