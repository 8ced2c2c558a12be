// SPDX-License-Identifier: Apache-2.0
// A simulated site of the host's own code: a Commander with its database, Connectors with their desks, STLinks with
// their state folders, each a process on the fake network that dies and comes back; people, and applications that talk
// through the Routes that people deploy. Before it: a play of scenarios/commander.ts. After it: commander.ts,
// connector.ts, stlink.ts. All that is random comes from the seed. Invariants of every run: those of these files, of
// ledger.ts and of conversation.ts; and when faults end, everything settles.

import { versionText } from "../../../host/commander/domain/version.ts";
import type { Database } from "../../../host/commander/store/database.ts";
import { readVersion } from "../../../host/commander/store/site.ts";
import { readStlink } from "../../../host/commander/store/stlinks.ts";
import type { Core } from "../../../host/core/core.ts";
import { SimClock } from "../../../host/net/sim/clock.ts";
import { SimDatagrams } from "../../../host/net/sim/datagrams.ts";
import { SimNetwork } from "../../../host/net/sim/network.ts";
import { LINE, type LineOptions, type SimPipe } from "../../../host/net/sim/pipe.ts";
import { Prng } from "../../../host/net/sim/prng.ts";
import { SimProcess } from "../../../host/net/sim/process.ts";
import type { Address } from "../../../host/net/transport.ts";
import { formatAddress } from "../../../host/service/fields.ts";
import { hex } from "../../../host/service/hex.ts";
import { type KeyPair, keyPairOf } from "../../../host/service/key-file.ts";
import type { Log } from "../../../host/service/log.ts";
import { giveBack, takeCore } from "../engines.ts";
import { SimFailure } from "../failure.ts";
import type { Context } from "../scenario.ts";
import { Administrator } from "./administrator.ts";
import { HOST as COMMANDER_HOST, SimCommander } from "./commander.ts";
import { SimConnector } from "./connector.ts";
import { Conversation } from "./conversation.ts";
import { Disk } from "./disk.ts";
import { expectedHash, keysOf, Ledger } from "./ledger.ts";
import { SimStlink } from "./stlink.ts";
import { Targets } from "./targets.ts";

/** A process at work, with a core of the pool. */
export type Running = { process: SimProcess; core: Core };

/** An STLink as its Commander knows it, and the device that has its key now. */
export type Seat = {
  name: string;
  /** 32 hexadecimal digits each. */
  id: string;
  templateId: string;
  device: SimStlink;
  /** Its device has a code, and is to be where the Commander wants it. */
  isActive: boolean;
};

/** A Binding at one STLink that leads to a Mapping at another. */
export type Pair = {
  name: string;
  from: Seat;
  to: Seat;
  bindingId: string;
  mappingId: string;
  /** Where the Binding listens, and the Mapping's target. */
  port: number;
  targetPort: number;
  /** Both Routes are deployed. */
  isAllowed: boolean;
};

/** A connection of a pair: the next piece comes after so long. */
const REST_MS = 200;
const STEPS_TO_LOOK = 64;
const WALL_MS = Date.UTC(2026, 0, 1);
const APPLICATIONS = "10.0.9.9";
const CONNECTOR_HOSTS = ["10.0.0.1", "10.0.0.2"];
const FIRST_PORT = 2000;
const FIRST_TARGET_PORT = 3000;
/** Every redial and repetition that a fault may have brought about, and a code's turn (PROTOCOL 9.1, section 11). */
const DONE_MS = 300_000;
const STOP_MS = 10_000;
const DOWN_MS = 500;

export type SiteOptions = {
  seed: string;
  context: Context;
  connectors: 1 | 2;
  /** Between all processes but applications. */
  line?: LineOptions;
  lease?: string;
};

export class Site {
  readonly seed: string;
  readonly clock = new SimClock();
  readonly prng: Prng;
  readonly network: SimNetwork;
  readonly disk = new Disk();
  readonly ledger = new Ledger();
  readonly commanderId: Uint8Array;
  readonly commanderKeys: KeyPair;
  readonly recovery: KeyPair;
  readonly connectors: SimConnector[];
  readonly commander: SimCommander;
  readonly people: Administrator;
  readonly targets: Targets;
  readonly devices: SimStlink[] = [];
  readonly seats: Seat[] = [];
  readonly pairs: Pair[] = [];
  readonly conversations: Conversation[] = [];
  isClosed = false;
  readonly #context: Context;
  readonly #line: LineOptions;
  readonly #applications: SimProcess;
  readonly #cores = new Set<Core>();
  readonly #clockBaseMs = new Map<string, number>();
  #failure: unknown = null;
  #births = 0;

  constructor({ seed, context, connectors, line = LINE, lease = "7d" }: SiteOptions) {
    this.seed = seed;
    this.#context = context;
    this.#line = line;
    this.prng = new Prng(`commander ${seed}`);
    this.network = new SimNetwork(this.clock, this.prng.fork("network"));
    this.commanderId = this.prng.bytes(16).slice();
    this.commanderKeys = this.#keyPair("commander");
    this.recovery = this.#keyPair("recovery");
    this.connectors = CONNECTOR_HOSTS.slice(0, connectors).map((host) => {
      const psk = this.prng.fork(`psk ${host}`).bytes(32).slice();
      return new SimConnector(this, host, this.#keyPair(host), psk);
    });
    this.people = new Administrator(this);
    this.#applications = this.process(APPLICATIONS, { ...LINE, latencyMs: 0 });
    const find = (number: number) => this.conversations[number];
    this.targets = new Targets(this.#applications, APPLICATIONS, find);
    const file = `${this.disk.folder("commander")}/database`;
    const db = this.disk.open(file, { committing: () => {}, committed: () => {} });
    this.people.found(db, lease);
    db.close();
    this.commander = new SimCommander(this, file);
  }

  /** Connectors and Commander run. */
  start(): void {
    for (const connector of this.connectors) connector.start();
    this.commander.start();
  }

  /** Milliseconds since 1970. */
  get wallMs(): number {
    return Math.floor(WALL_MS + this.clock.nowMs);
  }

  log(line: string): void {
    this.#context.trace?.(`${this.clock.nowMs.toFixed(1).padStart(11)}  ${line}`);
  }

  logOf(name: string): Log {
    const write = (fields: object, text: string): void =>
      this.log(`${name}: ${text} ${JSON.stringify(fields)}`);
    return { debug: write, info: write, warn: write, error: write };
  }

  later(ms: number, act: () => void): void {
    this.clock.after(ms, () => {
      if (!this.isClosed) act();
    });
  }

  /** Something went wrong where nobody could be told. */
  fail(error: unknown): void {
    this.#failure ??= error;
  }

  // Processes.

  begin(host: string): Running {
    const core = takeCore(this.#context.isFresh);
    this.#cores.add(core);
    return { process: this.process(host), core };
  }

  /** It is dead; the turn in which it died may still run. */
  end({ process, core }: Running): void {
    process.kill();
    this.clock.after(0, () => this.#giveBack(core));
  }

  process(host: string, line = this.#line): SimProcess {
    const { clock, network } = this;
    // Half of all clocks pass 2^31 ms within the first minute.
    const base = this.prng.pick([0, 0x7fffffff - this.prng.below(60_000)]);
    const clockBaseMs = this.#clockBaseMs.get(host) ?? base;
    this.#clockBaseMs.set(host, clockBaseMs);
    const prng = this.prng.fork(`process ${this.#births++}`);
    const datagrams = new SimDatagrams(clock, prng, { latencyMs: 1, jitterMs: 0, loss: 0 });
    return new SimProcess({ name: host, clock, network, datagrams, line, prng, clockBaseMs });
  }

  #giveBack(core: Core): void {
    if (this.#cores.delete(core)) giveBack(core);
  }

  #keyPair(name: string): KeyPair {
    return keyPairOf(this.prng.fork(`keys of ${name}`).bytes(32).slice());
  }

  newId(): string {
    return hex(this.prng.bytes(16));
  }

  // STLinks and their Routes.

  /** A device in its box. */
  device(name: string, network = "10.0.1"): SimStlink {
    const device = new SimStlink(this, name, `${network}.${this.devices.length + 1}`);
    this.devices.push(device);
    return device;
  }

  /** An STLink that is invited, with a device that has no code yet. */
  async seat(name: string): Promise<Seat> {
    const [id, templateId] = [this.newId(), this.newId()];
    const seat: Seat = { name, id, templateId, device: this.device(name), isActive: false };
    await this.people.invite(seat);
    this.seats.push(seat);
    return seat;
  }

  /** Seats whose devices are activated and have confirmed. */
  async active(...names: string[]): Promise<Seat[]> {
    const seats: Seat[] = [];
    for (const name of names) {
      const seat = await this.seat(name);
      seat.device.unbox(await this.people.code(seat.id));
      seat.isActive = true;
      seats.push(seat);
    }
    await this.settle();
    return seats;
  }

  /** Routes between two, deployed unless `isDeployed` is false. */
  async pair(from: Seat, to: Seat, isDeployed = true): Promise<Pair> {
    const number = this.pairs.length;
    const [port, targetPort] = [FIRST_PORT + number, FIRST_TARGET_PORT + number];
    const [bindingId, mappingId] = [this.newId(), this.newId()];
    const name = `${from.name}-to-${to.name}-${number}`;
    const pair: Pair = { name, from, to, bindingId, mappingId, port, targetPort, isAllowed: false };
    this.pairs.push(pair);
    await this.targets.listen(targetPort);
    await this.people.route(pair);
    if (isDeployed) await this.allow(pair);
    return pair;
  }

  async allow(pair: Pair): Promise<void> {
    await this.people.deploy(routesOf(pair, true));
    pair.isAllowed = pair.from.isActive && pair.to.isActive;
  }

  /** Takes the Mapping, the Binding or both out of the Templates. */
  async withdraw(pair: Pair, what: "mapping" | "binding" | "both"): Promise<void> {
    pair.isAllowed = false;
    this.excuse(`${what} withdrawn`, (one) => one.pair === pair);
    const [mapping, binding] = routesOf(pair, false);
    const meant = { mapping: [mapping], binding: [binding], both: [mapping, binding] }[what];
    await this.people.deploy(meant);
  }

  /** An administrator does not want it any more. The change is committed when this is over. */
  async revoke(seat: Seat): Promise<void> {
    seat.isActive = false;
    for (const pair of this.pairs) if (isOf(pair, seat)) pair.isAllowed = false;
    this.excuse(`${seat.name} is revoked`, ({ pair }) => isOf(pair, seat));
    await this.people.revoke(seat.id);
  }

  /** The database is another one: what its Templates say counts. */
  async reread(): Promise<void> {
    await this.until("the Commander is up", () => this.commander.isUp);
    for (const pair of this.pairs) {
      pair.isAllowed = this.people.isDeployed(pair);
      if (!pair.isAllowed) this.excuse("not in the backup", (one) => one.pair === pair);
    }
  }

  /** From now on nothing comes through that has to do with these; nobody is surprised when it is cut. */
  excuse(why: string, isMeant: (one: Conversation) => boolean): void {
    for (const one of this.conversations) if (isMeant(one)) one.excuse ??= why;
  }

  /** A client dials the Binding. */
  open(pair: Pair, restMs = REST_MS): Conversation {
    const conversation = new Conversation(this, pair, this.conversations.length, restMs);
    this.conversations.push(conversation);
    const { transport } = this.#applications;
    const binding: Address = { host: "127.0.0.1", port: pair.port };
    conversation.begin(transport.connect(binding, conversation.events));
    return conversation;
  }

  /** The same, until bytes come back: a Route may not have arrived yet. */
  async talk(pair: Pair, restMs = REST_MS): Promise<Conversation> {
    const endMs = this.clock.nowMs + DONE_MS;
    for (;;) {
      const conversation = this.open(pair, restMs);
      const isDone = () => conversation.back > 0 || conversation.isOver;
      await this.until(`${pair.name} talk`, isDone, endMs - this.clock.nowMs);
      if (conversation.back > 0) return conversation;
      await this.run(DOWN_MS);
    }
  }

  // What STLinks tell of themselves.

  /** A device has its first configuration. */
  activated({ code, key }: SimStlink): void {
    if (code !== null) this.ledger.activated(code.codeId, key, code.uses);
  }

  /** A device has another key pair: the Commander has published it before. */
  keyTaken(device: SimStlink): void {
    const { name, id, key } = device;
    if (id === null) return;
    // A peer that was away when it was announced meets a key that it does not know (T12): that cuts.
    this.excuse(
      `its peer has not heard of ${name}'s new key`,
      ({ from, to }) =>
        (from === device && !to.knows(id, key)) || (to === device && !from.knows(id, key)),
    );
    const { life } = this.commander;
    const facts = life === null ? null : (readStlink(life.db, id)?.facts ?? null);
    if (facts === null || facts.key === null || [facts.key, facts.nextKey].includes(key)) return;
    throw new SimFailure(`${name} has taken a key that the Commander has not published`);
  }

  deviceDied(device: SimStlink): void {
    this.excuse(`${device.name} has died`, ({ from, to }) => from === device || to === device);
  }

  // Faults.

  /** The hops of a process, at whatever Connector. */
  hopsOf(host: string): SimPipe[] {
    return this.connectors.flatMap(({ address }) => {
      const all = this.network.connectionsOf(nameOf(address));
      return all.filter(({ client }) => client.name.startsWith(`${host}>`));
    });
  }

  /** Nothing gets through between a process and the Connectors for so long. */
  partition(host: string, ms: number): void {
    this.log(`--- ${host} is cut off for ${ms} ms`);
    for (const { address } of this.connectors) {
      this.network.kill(host, nameOf(address));
      this.later(ms, () => this.network.revive(host, nameOf(address)));
    }
  }

  get commanderHost(): string {
    return COMMANDER_HOST;
  }

  // Time.

  /** Runs until `isDone`, for at most `ms`. False: it is not done by then. */
  async run(ms: number, isDone: () => boolean = () => false): Promise<boolean> {
    const end = this.clock.nowMs + ms;
    for (let steps = 0; ; steps++) {
      const isLook = steps % STEPS_TO_LOOK === 0;
      this.#inspect(isLook);
      if (isLook && isDone()) return true;
      if (!this.clock.step(end)) return isDone();
      // Promises of the host (names looked up, listeners) go on between two events.
      await null;
    }
  }

  async until(what: string, isDone: () => boolean, ms = DONE_MS, more = () => ""): Promise<void> {
    if (await this.run(ms, isDone)) return;
    throw new SimFailure(`${ms} ms passed, and not: ${what} ${more()}`);
  }

  #inspect(isThorough: boolean): void {
    if (this.#failure !== null) throw this.#failure;
    for (const device of this.devices) device.inspect(isThorough);
    if (!isThorough) return;
    for (const connector of this.connectors) connector.inspect();
  }

  /** Everybody has the newest version, and stays with it. */
  async settle(): Promise<void> {
    const isSettled = () => this.#unsettled().next().done === true;
    await this.until("settled", isSettled, DONE_MS, () => [...this.#unsettled()].join("; "));
  }

  /** The same; and through each pair that is allowed bytes go, in connections of before and in a new one. */
  async finish(): Promise<void> {
    await this.settle();
    const kept = this.conversations.filter((one) => !one.isOver && one.excuse === null);
    const backs = kept.map(({ back }) => back);
    const isMoving = () => kept.every(({ back }, i) => back > (backs[i] ?? 0));
    const stuck = () => kept.filter(({ back }, i) => back === backs[i]).map(({ text }) => text);
    await this.until("all connections move", isMoving, DONE_MS, () => stuck().join("\n  "));
    for (const pair of this.pairs) if (pair.isAllowed) (await this.talk(pair)).close();
    await this.settle();
  }

  /** Who is not where it should be. */
  *#unsettled(): Generator<string> {
    const { life } = this.commander;
    if (life === null) return yield "the Commander is away";
    const { db, control } = life;
    const isHere = new Map(control?.connectors().map((one) => [one.address, one.isConnected]));
    for (const connector of this.connectors) {
      const address = formatAddress(connector.address);
      const { admission } = connector;
      if (isHere.get(address) !== true) yield `the Commander does not see ${address}`;
      else if (admission === null || !isEqual(admission.keys, keysOf(db))) {
        yield `${address} holds ${admission?.version}, which is behind`;
      }
    }
    for (const seat of this.seats) if (seat.isActive) yield* unsettledOf(db, seat);
  }

  // The end.

  /** Ends every process as it ends itself. */
  async stop(): Promise<void> {
    for (const conversation of this.conversations) conversation.close();
    for (const device of this.devices) await device.stop();
    await this.commander.stop();
    const stopping = Promise.all(this.connectors.map((connector) => connector.stop()));
    await this.run(STOP_MS);
    await stopping;
  }

  /** Nothing of it is left, whatever has happened. */
  close(): void {
    this.isClosed = true;
    this.commander.kill();
    for (const device of this.devices) device.kill();
    for (const connector of this.connectors) connector.kill();
    for (const core of [...this.#cores]) this.#giveBack(core);
    this.disk.close();
  }
}

function isEqual(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((key) => other.has(key));
}

/** Why an STLink is not where it should be. */
function* unsettledOf(db: Database, { name, id, device }: Seat): Generator<string> {
  const facts = readStlink(db, id)?.facts ?? null;
  if (facts === null) return yield `${name} is not in the database`;
  if (device.stored === null) return yield `${name} is not activated (${device.refusal})`;
  const version = versionText(readVersion(db));
  const stored = versionText(device.stored);
  if (stored !== version) yield `${name} has ${stored}, not ${version}`;
  const { confirmed } = facts;
  const told = confirmed === null ? "nothing" : `${confirmed.epoch}.${confirmed.serial}`;
  if (told !== version) yield `${name} has confirmed ${told}, not ${version}`;
  else if (confirmed?.hash !== expectedHash(db, id)) yield `${name} has another ${version}`;
  if (!facts.isConnected) yield `the Commander does not see ${name}`;
  if (facts.key !== device.key) yield `${name} has another key than the database`;
  if (!device.hasHop) yield `${name} has no hop`;
}

function isOf({ from, to }: Pair, seat: Seat): boolean {
  return from === seat || to === seat;
}

function routesOf({ from, to, bindingId, mappingId }: Pair, isIn: boolean) {
  const mapping = { seat: to, routeId: mappingId, isIn };
  const binding = { seat: from, routeId: bindingId, isIn };
  return [mapping, binding] as const;
}

/** What an address is called on the simulated network. */
function nameOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
