// SPDX-License-Identifier: Apache-2.0
// A simulated site made of the host's own code: two STLinks (Agent, hops, Bindings, Mappings, pumps) and
// a Connector with its queues, each a process on the fake network, killed and started again at will.
// Before it: scenarios/host.ts. After it: host/net/sim/transport.ts; applications.ts at both ends.
// Invariants checked while it runs: what is unsent and what is queued stays within its bounds.

import { type RunningConnector, startConnector } from "../../../host/connector/service.ts";
import type { ConnectorSettings } from "../../../host/connector/settings.ts";
import { type Core, type Sizes, statusName } from "../../../host/core/core.ts";
import { SimClock } from "../../../host/net/sim/clock.ts";
import { SimDatagrams } from "../../../host/net/sim/datagrams.ts";
import { SimNetwork } from "../../../host/net/sim/network.ts";
import type { LineOptions, SimPipe } from "../../../host/net/sim/pipe.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import { SimProcess } from "../../../host/net/sim/process.ts";
import { type Address, UNSENT_MOST } from "../../../host/net/transport.ts";
import type { Log } from "../../../host/service/log.ts";
import { Seldom } from "../../../host/service/seldom.ts";
import { Access } from "../../../host/stlink/access.ts";
import { Agent } from "../../../host/stlink/agent.ts";
import { listenBinding } from "../../../host/stlink/bindings.ts";
import { Candidates } from "../../../host/stlink/candidates.ts";
import { serveMappings } from "../../../host/stlink/mappings.ts";
import { OPEN_ACCESS } from "../../../host/stlink/site.ts";
import { Traffic } from "../../../host/stlink/traffic.ts";
import { giveBack, takeCore } from "../engines.ts";
import { SimFailure } from "../failure.ts";
import { PoolCheck } from "../pool-check.ts";
import { Applications } from "./applications.ts";
import { NAMES, type Name, type Plan } from "./connection.ts";

export type SiteOptions = {
  seed: string;
  /** Of both STLinks. */
  sizes: Sizes;
  queueBytes: number;
  /** From STLinks to the Connector and to targets, and from clients to STLinks. */
  line: LineOptions;
  clientLine: LineOptions;
  hasPsk: boolean;
  isFresh: boolean;
  trace: ((line: string) => void) | null;
};

const CONNECTOR: Address = { host: "10.0.0.1", port: 443 };
type TargetKind = Plan["target"];

const HOSTS: Record<Name, string> = { A: "10.0.1.1", B: "10.0.2.1" };
const APPLICATIONS = "10.0.9.9";
const KINDS: readonly TargetKind[] = ["serves", "refuses", "hangs"];
/** Less than the 60 s of rule K7, so that an outage of a minute ends well before the hold time. */
const REDIAL_MOST_MS = 5000;
const STEPS_TO_LOOK = 16;
/** A finished stream is remembered for 4 PTO, at most 4 times 30 s (PROTOCOL section 11). */
const LINGER_MS = 200_000;
/** Rule K7: whoever comes too often is held off for a minute at most. */
const RECOVERY_MS = 60_000;
const HOPS_EACH = 1;
/** The driver's, the watch over hops, the sweep; a hop's redial. */
const TIMERS_MOST = 4;
const STOP_MS = 10_000;
/** Longer than every outage here together. */
const HOLD_MS = 600_000;
/** Two lines, a window at each STLink, what two sockets hold unsent, and a writer's piece. */
const BETWEEN_MOST_BYTES = 270_000;
/** A Connector's packets (host/core/sizes.ts). */
const PACKET_MOST_BYTES = 65_000;

type Identity = { privateKey: Uint8Array; publicKey: Uint8Array; id: Uint8Array };

type Stlink = { process: SimProcess; agent: Agent; core: Core; pools: PoolCheck };

export class Site {
  readonly clock = new SimClock();
  readonly #prng: Prng;
  readonly #network: SimNetwork;
  readonly applications: Applications;
  /** How often an STLink has lost its state. */
  readonly deaths: Record<Name, number> = { A: 0, B: 0 };
  readonly #stlinks = new Map<Name, Stlink>();
  #connector: { process: SimProcess; relay: RunningConnector } | null = null;
  readonly #options: SiteOptions;
  readonly #identities = new Map<string, Identity>();
  readonly #clockBaseMs: Record<string, number> = {};
  readonly #cores: Core[] = [];
  #isClosed = false;

  constructor(options: SiteOptions) {
    this.#options = options;
    this.#prng = new Prng(`site ${options.seed}`);
    this.#network = new SimNetwork(this.clock, this.#prng.fork("network"));
    const world = this.#process(APPLICATIONS, options.clientLine);
    this.applications = new Applications(world);
    for (const name of [...NAMES, "C"]) this.#identities.set(name, this.#newIdentity(name));
  }

  /** Everything runs. */
  async start(): Promise<void> {
    for (const name of NAMES) {
      await this.applications.serve(name, targetOf(name, "serves"));
      this.#network.kill(HOSTS[name], textOf(targetOf(name, "hangs")));
    }
    await this.#startConnector();
    for (const name of NAMES) await this.#startStlink(name);
  }

  log(line: string): void {
    this.#options.trace?.(`${this.clock.nowMs.toFixed(1).padStart(11)}  ${line}`);
  }

  async #startConnector(): Promise<void> {
    const process = this.#process(CONNECTOR.host, this.#options.line);
    const relay = await startConnector(this.#settings(), this.#logOf("C"), process);
    this.#connector = { process, relay };
  }

  async #startStlink(name: Name): Promise<void> {
    const { sizes, isFresh, hasPsk, line } = this.#options;
    const process = this.#process(HOSTS[name], line);
    const core = takeCore(isFresh);
    this.#cores.push(core);
    const agent = new Agent({
      core,
      world: process,
      sizes,
      ...this.#identity(name),
      redialMostMs: REDIAL_MOST_MS,
      onDrop: (status) => this.log(`${name} drops: ${statusName(status)}`),
    });
    const { id, publicKey: key } = this.#identity(otherThan(name));
    const psk = this.#prng.fork("pair psk").bytes(32);
    const link = agent.addPeer({ id, key, ...(hasPsk ? { psk } : {}) });
    const stlink = {
      process,
      agent,
      core,
      pools: new PoolCheck({ core, name, isUp: true }, sizes),
    };
    const mappings = KINDS.map((kind) => this.#mapping(name, kind, stlink, link));
    serveMappings(agent, () => mappings);
    for (const kind of KINDS) await this.#listen(name, kind, stlink, link);
    const hopPsk = hasPsk ? { psk: this.#hopPsk(name) } : {};
    const connector = { address: CONNECTOR, key: this.#identity("C").publicKey, ...hopPsk };
    agent.keepConnector(connector, 0, (event) => this.log(`${name} ${JSON.stringify(event)}`));
    this.#stlinks.set(name, stlink);
  }

  /** The process of an STLink is killed, and started again after `awayMs`. */
  killStlink(name: Name, awayMs: number): void {
    const stlink = this.#stlinks.get(name);
    if (stlink === undefined) return;
    this.log(`--- ${name} is killed for ${awayMs} ms`);
    this.deaths[name] += 1;
    this.#stlinks.delete(name);
    stlink.process.kill();
    this.clock.after(awayMs, () => void (this.#isClosed || this.#startStlink(name)));
  }

  killConnector(awayMs: number): void {
    if (this.#connector === null) return;
    this.log(`--- the Connector is killed for ${awayMs} ms`);
    this.#connector.process.kill();
    this.#connector = null;
    this.clock.after(awayMs, () => void (this.#isClosed || this.#startConnector()));
  }

  /** The connections of an STLink's hops. */
  hopsOf(name: Name): SimPipe[] {
    const all = this.#network.connectionsOf(textOf(CONNECTOR));
    return all.filter(({ client }) => client.name.startsWith(`${HOSTS[name]}>`));
  }

  /** Nothing gets through between an STLink and the Connector for so long. */
  partition(name: Name, ms: number): void {
    this.log(`--- ${name} is cut off for ${ms} ms`);
    this.#network.kill(HOSTS[name], textOf(CONNECTOR));
    this.clock.after(ms, () => this.#network.revive(HOSTS[name], textOf(CONNECTOR)));
  }

  /** An application's client dials a Binding now. */
  open(plan: Plan): void {
    this.log(`connection ${plan.number}: ${plan.from} to ${plan.to}, target ${plan.target}`);
    this.applications.dial(plan, bindingOf(plan.from, plan.target));
  }

  /** Runs until `isDone`, for at most `ms`. False: it is not done by then. */
  async run(ms: number, isDone: () => boolean = () => false): Promise<boolean> {
    const end = this.clock.nowMs + ms;
    for (let steps = 0; ; steps++) {
      if (steps % STEPS_TO_LOOK === 0) {
        this.#checkBounds();
        if (isDone()) return true;
      }
      if (!this.clock.step(end)) return isDone();
      // Promises of the host (names looked up, listeners) go on between two events.
      await null;
    }
  }

  /** Every hop is up again. */
  async recover(): Promise<void> {
    const hops = () => this.#connector?.relay.status().stlinks.map(({ hop }) => hop) ?? [];
    const isUp = (): boolean => hops().filter((hop) => hop === "up").length === NAMES.length;
    if (await this.run(RECOVERY_MS, isUp)) return;
    throw new SimFailure(`after ${RECOVERY_MS} ms without a fault the hops are ${hops()}`);
  }

  /** Nothing is left of what has ended: streams, connections, blocks of the core, packets in queues. */
  async settle(): Promise<void> {
    const isFree = (): boolean => this.#leftovers().length === 0;
    if (await this.run(LINGER_MS, isFree)) return;
    throw new SimFailure(`all connections are over, but ${this.#leftovers().join(", ")}`);
  }

  #leftovers(): string[] {
    const found: string[] = [];
    const count = (what: string, is: number, most: number): void => {
      if (is > most) found.push(`${what} ${is}, not ${most}`);
    };
    for (const [name, { process, agent, pools }] of this.#stlinks) {
      const { sockets, listeners, timers } = process.inUse;
      count(`${name}'s streams`, agent.streamCount, 0);
      count(`${name}'s connections`, sockets, HOPS_EACH);
      count(`${name}'s listeners`, listeners, KINDS.length);
      count(`${name}'s timers`, timers, TIMERS_MOST);
      if (!pools.isFree()) found.push(`blocks of ${name} are in use`);
    }
    const status = this.#connector?.relay.status();
    for (const { name, hop, queue } of status?.stlinks ?? []) {
      count(`packets for ${name}`, queue.packets, 0);
      if (hop !== "up") found.push(`${name} has no hop`);
    }
    const { sockets = 0, timers = 0 } = this.#connector?.process.inUse ?? {};
    count("the Connector's connections", sockets, NAMES.length * HOPS_EACH);
    count("the Connector's timers", timers, TIMERS_MOST);
    return found;
  }

  /** Ends every process as it ends itself, and looks whether anything is left of it. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    const processes = [...this.#stlinks.values()].map(({ process }) => process);
    for (const { agent } of this.#stlinks.values()) agent.stop();
    const stopping = this.#connector?.relay.stop();
    if (this.#connector !== null) processes.push(this.#connector.process);
    await this.run(STOP_MS);
    await stopping;
    for (const { inUse } of processes) {
      if (inUse.sockets + inUse.timers === 0) continue;
      throw new SimFailure(`after its stop a process has ${JSON.stringify(inUse)}`);
    }
  }

  /** Gives the cores back, whatever has happened. */
  close(): void {
    this.#isClosed = true;
    for (const { process } of this.#stlinks.values()) process.kill();
    this.#connector?.process.kill();
    for (const core of this.#cores.splice(0)) giveBack(core);
  }

  #checkBounds(): void {
    for (const [name, { process }] of this.#stlinks) {
      // A writer that has room hands over one piece more, which is at most UNSENT_MOST (rule K8).
      const { mostUnsentBytes } = process.transport;
      if (mostUnsentBytes < 2 * UNSENT_MOST) continue;
      throw new SimFailure(`${name} had ${mostUnsentBytes} bytes unsent`);
    }
    for (const { client, server } of this.applications.pairs) {
      const between = Math.max(client.sent - server.got, server.sent - client.got);
      const isOpen = !client.isOver && server.other !== null && !server.isOver;
      if (isOpen && between > BETWEEN_MOST_BYTES) {
        throw new SimFailure(`${between} bytes are held between ${client.text} and ${server.text}`);
      }
    }
    const most = this.#options.queueBytes + 2 * NAMES.length * PACKET_MOST_BYTES;
    for (const { name, queue } of this.#connector?.relay.status().stlinks ?? []) {
      if (queue.bytes > most) throw new SimFailure(`${queue.bytes} bytes wait for ${name}`);
    }
  }

  #identity(name: string): Identity {
    return this.#identities.get(name) as Identity;
  }

  #newIdentity(name: string): Identity {
    const prng = this.#prng.fork(`identity ${name}`);
    const privateKey = prng.bytes(32);
    const core = takeCore();
    const publicKey = core.publicKey(privateKey);
    giveBack(core);
    return { privateKey, publicKey, id: prng.bytes(16) };
  }

  #settings(): ConnectorSettings {
    const { privateKey, publicKey } = this.#identity("C");
    const rate = { bytesPerSecond: 1 << 30, packetsPerSecond: 1 << 20 };
    const stlinks = NAMES.map((name) => {
      const { id, publicKey: key } = this.#identity(name);
      const psk = this.#options.hasPsk ? this.#hopPsk(name) : null;
      return { name, tenant: "t", id, key, nextKey: null, psk };
    });
    return {
      file: "",
      privateKey,
      publicKey,
      listen: [CONNECTOR],
      stlinks,
      tenants: [{ name: "t", rate }],
      groups: [NAMES],
      commander: null,
      stateFolder: "",
      limits: {
        hops: 8,
        halfOpen: 8,
        halfOpenPerSource: 8,
        queueBytes: this.#options.queueBytes,
        rate,
      },
      log: { level: "debug", file: null },
      statusSocket: null,
    };
  }

  #logOf(name: string): Log {
    const write = (fields: object, text: string): void =>
      this.log(`${name}: ${text} ${JSON.stringify(fields)}`);
    return { debug: write, info: write, warn: write, error: write };
  }

  #hopPsk(name: string): Uint8Array {
    return this.#prng.fork(`hop psk ${name}`).bytes(32);
  }

  #mapping(name: Name, kind: TargetKind, stlink: Stlink, link: number) {
    const id = idOf(`mapping ${name} ${kind}`);
    return { ...this.#route(name, stlink), id, target: targetOf(name, kind), links: [link] };
  }

  async #listen(name: Name, kind: TargetKind, stlink: Stlink, link: number): Promise<void> {
    const candidates = new Candidates(stlink.agent);
    candidates.set([link]);
    const id = idOf(`binding ${name} ${kind}`);
    const mappingId = idOf(`mapping ${otherThan(name)} ${kind}`);
    const peerName = (): string => otherThan(name);
    const binding = { ...this.#route(name, stlink), id, mappingId, candidates, peerName };
    await listenBinding(stlink.agent, binding, bindingOf(name, kind));
  }

  #route(name: Name, { process }: Stlink) {
    const seldom = new Seldom(process.clock, (text) => this.log(`${name}: ${text}`));
    const access = new Access(process.clock, OPEN_ACCESS);
    return { name, holdMs: HOLD_MS, traffic: new Traffic(), access, seldom };
  }

  #process(name: string, line: LineOptions): SimProcess {
    const { clock } = this;
    const network = this.#network;
    // Half of all clocks pass 2^31 ms within the first minute.
    this.#clockBaseMs[name] ??= this.#prng.pick([0, 0x7fffffff - this.#prng.below(60_000)]);
    const prng = this.#prng.fork(`${name} ${this.clock.nowMs}`);
    const clockBaseMs = this.#clockBaseMs[name] ?? 0;
    const datagrams = new SimDatagrams(clock, prng, { latencyMs: 1, jitterMs: 0, loss: 0 });
    return new SimProcess({ name, clock, network, datagrams, line, prng, clockBaseMs });
  }
}

/** The peer of an STLink. */
export function otherThan(name: Name): Name {
  return name === "A" ? "B" : "A";
}

function idOf(name: string): Uint8Array {
  return new Prng(name).bytes(16);
}

function targetOf(name: Name, kind: TargetKind): Address {
  return { host: APPLICATIONS, port: 1000 + 10 * NAMES.indexOf(name) + KINDS.indexOf(kind) };
}

function bindingOf(name: Name, kind: TargetKind): Address {
  return { host: HOSTS[name], port: 2000 + KINDS.indexOf(kind) };
}

/** What an address is called on the simulated network. */
function textOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
