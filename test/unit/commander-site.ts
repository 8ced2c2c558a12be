// SPDX-License-Identifier: Apache-2.0
// A whole site under a real Commander on a fake network and clock: its database and control, Connectors, and the
// desktop STLinks as they are. Before it: a test says what administrators do. After it: commander-control*.test.ts.
// All that is random comes from the seed.

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommanderControl, startControl } from "../../host/commander/control/control.ts";
import { COMMANDER_KEY, hopPskName } from "../../host/commander/control/secrets.ts";
import { Talk } from "../../host/commander/control/talk.ts";
import { madeCode } from "../../host/commander/domain/code.ts";
import type { Authority, Psk } from "../../host/commander/domain/configuration.ts";
import type { Id } from "../../host/commander/domain/fields.ts";
import type { Kind } from "../../host/commander/domain/kinds.ts";
import type { Stlink } from "../../host/commander/domain/stlink.ts";
import { Registry } from "../../host/commander/registry.ts";
import { type AuditRow, auditHead, auditRows } from "../../host/commander/store/audit.ts";
import type { Change } from "../../host/commander/store/change.ts";
import { insertCode } from "../../host/commander/store/codes.ts";
import { Database } from "../../host/commander/store/database.ts";
import { readNamed } from "../../host/commander/store/objects.ts";
import { hopPsk, linkPsk } from "../../host/commander/store/psks.ts";
import {
  readAuthority,
  readVersion,
  writeAuthority,
  writeSecret,
} from "../../host/commander/store/site.ts";
import { readStlink } from "../../host/commander/store/stlinks.ts";
import { createObject, updateObject } from "../../host/commander/store/writing.ts";
import { Core, DESKTOP_SIZES } from "../../host/core/core.ts";
import { openCore } from "../../host/core/core-file.ts";
import { SimClock } from "../../host/net/sim/clock.ts";
import { SimDatagrams } from "../../host/net/sim/datagrams.ts";
import { SimNetwork } from "../../host/net/sim/network.ts";
import { LINE } from "../../host/net/sim/pipe.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { SimProcess } from "../../host/net/sim/process.ts";
import { fromHex, hex } from "../../host/service/hex.ts";
import { type KeyPair, keyPairOf, readKeyFile } from "../../host/service/key-file.ts";
import type { Log } from "../../host/service/log.ts";
import { Agent } from "../../host/stlink/agent.ts";
import { type RunningCommanded, startCommanded } from "../../host/stlink/commanded.ts";
import { StateFolder } from "../../host/stlink/state-folder.ts";
import { deriveFromSecret, encodeCode, toBase32 } from "../reference/activation.ts";
import { RealConnector } from "./commander-connector.ts";
import { FakeDesk } from "./commander-desk.ts";
import { Application, type LogLine } from "./stlink-world.ts";

const DAY = "1d";
const LOOPBACK = "127.0.0.1";
/** Milliseconds since 1970 when the world begins. */
const BEGAN_MS = Date.UTC(2026, 0, 2);
export const ADMIN = "anna";

export type Rules = { uses?: number; approval?: boolean; expiry?: string; sources?: string[] };

/** An STLink, here or away; its state folder stays. */
export class SiteMember {
  readonly site: CommanderSite;
  readonly name: string;
  readonly folder: StateFolder;
  readonly lines: LogLine[] = [];
  #running: RunningCommanded | null = null;
  #process: SimProcess | null = null;

  constructor(site: CommanderSite, name: string, path: string) {
    this.site = site;
    this.name = name;
    this.folder = StateFolder.make(path);
  }

  give(code: string): this {
    this.folder.save("code", code);
    return this;
  }

  start(): this {
    this.#process = this.site.process(this.name);
    const log = logInto(this.lines);
    this.#running = startCommanded({ folder: this.folder, log, world: this.#process });
    this.#running.activated.catch(() => {});
    return this;
  }

  get running(): RunningCommanded {
    if (this.#running === null) throw new Error(`${this.name} does not run`);
    return this.#running;
  }

  get world(): SimProcess {
    if (this.#process === null) throw new Error(`${this.name} does not run`);
    return this.#process;
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = null;
  }

  /** The process is gone, without a goodbye to anybody. */
  kill(): void {
    this.#process?.kill();
    this.#running = null;
  }

  command(name: string, argument = ""): string {
    return this.running.commands?.[name]?.(argument) ?? "";
  }

  /** `epoch.serial` of what it has in force. */
  get version(): string | null {
    return this.running.status().commander?.version ?? null;
  }

  told(text: string): LogLine[] {
    return this.lines.filter(({ msg }) => msg.includes(text));
  }
}

/** Who has a member's key, and says what it likes over its control stream. */
export class Impostor {
  readonly #site: CommanderSite;
  readonly #agent: Agent;
  readonly #link: number;
  #talk: Talk | null = null;
  /** It takes nothing that it is answered. */
  isDeaf = false;
  /** Bytes of answers come in so many pieces. */
  answers = 0;

  constructor(
    site: CommanderSite,
    member: SiteMember,
    stlink: Stlink,
    hopPsk: Uint8Array,
    psk: Psk,
  ) {
    this.#site = site;
    const keys = readKeyFile(member.folder.pathOf("stlink.key"));
    this.#agent = new Agent({
      ...{ core: new Core(openCore()), world: site.process("impostor"), sizes: DESKTOP_SIZES },
      ...{ ...keys, id: fromHex(stlink.id) },
    });
    const [connector] = site.authority.connectors;
    const [host = "", port] = connector?.address.split(":") ?? [];
    const where = { address: { host, port: Number(port) }, key: fromHex(connector?.key ?? "") };
    this.#agent.keepConnector({ ...where, psk: hopPsk }, 0, () => {});
    const { commanderId, commanderKey } = site.authority;
    const commander = { id: fromHex(commanderId), key: fromHex(commanderKey) };
    this.#link = this.#agent.addPeer({ ...commander, psk: psk.key, pskName: psk.name });
    this.open();
  }

  /** Another stream, beside those that there are. */
  open(): void {
    const none = new Uint8Array(16);
    const stream = this.#agent.core.streamOpen(this.#link, 3, none, none);
    const talk = new Talk(this.#agent, stream, {
      bytes: () => {
        this.answers += 1;
        if (this.isDeaf) talk.pause(1e9, () => {});
      },
      drained: () => {},
      over: () => {},
    });
    this.#talk = talk;
    this.#agent.attach(stream, talk);
  }

  say(type: number, body: Uint8Array): void {
    const header = Buffer.alloc(LENGTH_LEN + 1, type);
    header.writeUIntLE(body.length, 1, LENGTH_LEN);
    this.sayBytes(Buffer.concat([header, body]));
  }

  sayBytes(bytes: Uint8Array): void {
    this.#talk?.send(new Uint8Array(bytes));
  }

  stop(): void {
    this.#agent.stop();
  }

  get hasAnswer(): Promise<void> {
    const before = this.answers;
    return this.#site.until(() => this.answers > before, "the impostor is answered");
  }
}

/** Of a control message's header. */
const LENGTH_LEN = 3;

export class CommanderSite {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  /** The site whose Connector it uses as a Customer; null: it has Connectors of its own. */
  readonly #operator: CommanderSite | null;
  readonly prng: Prng;
  readonly path = mkdtempSync(join(tmpdir(), "sealed-site-"));
  readonly desks: FakeDesk[] = [];
  /** The real one, where there is one. */
  connector: RealConnector | null = null;
  readonly lines: LogLine[] = [];
  readonly recovery: KeyPair;
  readonly keys: KeyPair;
  readonly commanderId: Uint8Array;
  readonly #impostors: Impostor[] = [];
  readonly #members = new Map<string, SiteMember>();
  #db: Database | null = null;
  #registry: Registry | null = null;
  #control: CommanderControl | null = null;
  #commanderProcess: SimProcess | null = null;
  #objects = 0;
  #processes = 0;
  #datagrams: SimDatagrams;

  constructor(seed: string, connectors = 1, operator: CommanderSite | null = null) {
    this.prng = new Prng(seed);
    this.#operator = operator;
    this.clock = operator?.clock ?? new SimClock();
    this.network = operator?.network ?? new SimNetwork(this.clock, this.prng.fork("network"));
    const datagrams = { latencyMs: 1, jitterMs: 0, loss: 0 };
    this.#datagrams =
      operator === null
        ? new SimDatagrams(this.clock, this.prng.fork("datagrams"), datagrams)
        : operator.#datagrams;
    this.keys = this.#keyPair("commander");
    this.recovery = this.#keyPair("recovery");
    this.commanderId = this.prng.fork("commander id").bytes(16).slice();
    for (let i = 0; i < connectors; i++) this.#addDesk(i);
    this.openDatabase();
    if (connectors > 0) this.registry.change(ADMIN, (change) => this.#found(change));
  }

  #found(change: Change): void {
    writeSecret(change, COMMANDER_KEY, this.keys.privateKey);
    for (const { key } of this.authority.connectors) {
      writeSecret(change, hopPskName(key), this.hopPsk);
    }
    writeAuthority(change, this.authority);
    createObject(change, "profile", this.newId(), { name: "default", description: "" });
  }

  get authority(): Authority {
    return {
      commanderId: hex(this.commanderId),
      commanderKey: hex(this.keys.publicKey),
      recoveryKey: hex(this.recovery.publicKey),
      connectors: this.#addresses.map((address) => {
        return { key: hex(this.#connectorKeys(address).publicKey), address };
      }),
    };
  }

  get #addresses(): string[] {
    return [...this.desks, ...(this.connector === null ? [] : [this.connector])].map(
      ({ address }) => address,
    );
  }

  get hopPsk(): Uint8Array {
    return this.prng.fork("hop psk").bytes(32).slice();
  }

  #connectorKeys(address: string): KeyPair {
    return (this.#operator ?? this).#keyPair(address);
  }

  get desk(): FakeDesk {
    return this.desks[0] as FakeDesk;
  }

  #addDesk(index: number): void {
    const address = `192.0.2.${index + 1}:443`;
    const { clock, network } = this;
    const commander = { id: this.commanderId, key: this.keys.publicKey, psk: this.hopPsk };
    const desk = new FakeDesk({
      ...{
        address,
        clock,
        network,
        prng: this.prng.fork(address),
        world: this.process(`desk ${index}`),
      },
      ...{ keys: this.#keyPair(address), commander, now: () => this.nowMs },
    });
    this.desks.push(desk.start());
  }

  /** A site whose only Connector is the real one. */
  static async withConnector(seed: string): Promise<CommanderSite> {
    const site = new CommanderSite(seed, 0);
    await site.#addConnector("192.0.2.1:443");
    site.registry.change(ADMIN, (change) => site.#found(change));
    return site.start();
  }

  /** Another site, on this one's network, whose only Connector is this one's. It is to be made a Customer. */
  customer(seed: string): CommanderSite {
    const site = new CommanderSite(seed, 0, this);
    site.connector = this.connector;
    site.registry.change(ADMIN, (change) => site.#found(change));
    return site;
  }

  async #addConnector(address: string): Promise<void> {
    const commander = {
      ...{ id: this.commanderId, key: this.keys.publicKey, psk: this.hopPsk, tenant: "default" },
    };
    const folder = join(this.path, "connector");
    mkdirSync(folder, { mode: 0o700 });
    this.connector = new RealConnector({
      ...{ address, folder, keys: this.#keyPair(address), commander, log: logInto(this.lines) },
      newProcess: () => this.process("connector"),
      now: () => this.nowMs,
    });
    await this.connector.start();
  }

  // The Commander's process.

  get db(): Database {
    if (this.#db === null) throw new Error("the database is not open");
    return this.#db;
  }

  get registry(): Registry {
    if (this.#registry === null) throw new Error("the database is not open");
    return this.#registry;
  }

  get control(): CommanderControl {
    if (this.#control === null) throw new Error("the Commander does not run");
    return this.#control;
  }

  get nowMs(): number {
    return BEGAN_MS + Math.floor(this.clock.nowMs);
  }

  get log(): Log {
    return logInto(this.lines);
  }

  openDatabase(): void {
    this.#db = new Database(join(this.path, "commander.db"), { busyMs: 0 });
    // Nobody cuts the power here.
    this.#db.exec("PRAGMA synchronous = OFF");
    this.#registry = new Registry(this.#db, () => this.nowMs);
  }

  start(): this {
    if (this.#db === null) this.openDatabase();
    this.#commanderProcess = this.process("commander");
    this.#control = startControl({
      registry: this.registry,
      log: this.log,
      world: this.#commanderProcess,
    });
    return this;
  }

  /** `kill -9`: no goodbye, and what is not on disk is lost. */
  kill(): void {
    this.#commanderProcess?.kill();
    this.#control = null;
    this.#db?.close();
    this.#db = null;
  }

  stop(): void {
    this.#control?.stop();
    this.#control = null;
  }

  /** Everything ends. */
  async end(): Promise<void> {
    for (const member of this.#members.values()) await member.stop();
    for (const impostor of this.#impostors) impostor.stop();
    this.stop();
    for (const desk of this.desks) desk.stop();
    if (this.#operator === null) await this.connector?.stop((ms) => this.pass(ms));
    this.#db?.close();
    this.#db = null;
    rmSync(this.path, { recursive: true });
  }

  // What administrators do.

  newId(): Id {
    this.#objects += 1;
    return hex(this.prng.fork(`object ${this.#objects}`).bytes(16));
  }

  make(kind: Kind, fields: object): Id {
    const id = this.newId();
    this.registry.change(ADMIN, (change) => createObject(change, kind, id, fields));
    return id;
  }

  /** Changes some fields of the object of this name. */
  edit(kind: Kind, name: string, fields: object): void {
    const stored = readNamed(this.db, kind, name);
    if (stored === null) throw new Error(`there is no ${kind} ${name}`);
    this.registry.change(ADMIN, (change) =>
      updateObject(change, kind, stored.id, stored.version, { ...stored.fields, ...fields }),
    );
  }

  /** A code as text: for a new STLink of the Profile "default", or for one that is there. */
  invite(rules: Rules = {}, stlinkId: Id | null = null): string {
    return this.registry.change(ADMIN, (change) => this.makeCode(change, rules, stlinkId));
  }

  makeCode(change: Change, rules: Rules = {}, stlinkId: Id | null = null): string {
    const secret = this.prng.fork(`secret ${this.newId()}`).bytes(16).slice();
    const { codeId, ticket, psk } = deriveFromSecret(secret);
    const hash = (bytes: Uint8Array) => createHash("blake2s256").update(bytes).digest("hex");
    const hashes = { codeId: hex(codeId), secretHash: hash(secret), ticketHash: hash(ticket) };
    const profile = readNamed(this.db, "profile", "default")?.id ?? null;
    const target = { profileId: stlinkId === null ? profile : null, stlinkId };
    const all = { uses: 1, approval: false, expiry: DAY, sources: [], ...rules };
    insertCode(change, madeCode(hashes, target, all, this.nowMs), psk);
    const [first = ""] = this.#addresses;
    return toBase32(
      encodeCode({
        connectorKey: this.#connectorKeys(first).publicKey,
        commanderId: this.commanderId,
        commanderKey: this.keys.publicKey,
        recoveryHash: createHash("blake2s256").update(this.recovery.publicKey).digest(),
        secret,
        addresses: [first],
      }),
    );
  }

  /** The Connectors hold all there is. */
  async settled(): Promise<void> {
    const serial = () => BigInt(auditHead(this.db).n);
    const isHeld = () =>
      this.desks.every(({ held }) => held.version.serial === serial()) &&
      (this.connector === null || this.connector.serialOf(hex(this.commanderId)) === serial());
    await this.until(isHeld, "the Connectors hold all there is");
  }

  // STLinks.

  /** An STLink begins with a code that the Connectors know. */
  async begin(name: string, code: string): Promise<SiteMember> {
    await this.settled();
    return this.member(name).give(code).start();
  }

  member(name: string): SiteMember {
    const known = this.#members.get(name);
    if (known !== undefined) return known;
    const member = new SiteMember(this, name, join(this.path, name));
    this.#members.set(name, member);
    return member;
  }

  /** An STLink of this name that has activated and confirmed. */
  async activated(name: string, fields: object = {}): Promise<SiteMember> {
    const id = this.make("stlink", { name, description: "", ...fields });
    const member = await this.begin(name, this.invite({}, id));
    await this.until(() => this.isCurrent(name), `${name} has confirmed`);
    return member;
  }

  /** A Binding of one STLink to a Mapping of another, in Templates of their own. */
  pair(from: string, to: string, ports = { binding: 8080, mapping: 9000 }): void {
    const common = { description: "", protocol: "tcp", address: LOOPBACK };
    const [mapping, binding] = [`${to}-service`, `${from}-to-${to}`];
    const mappingId = this.make("route", {
      ...common,
      name: mapping,
      type: "mapping",
      port: ports.mapping,
    });
    const bindingId = this.make("route", {
      ...{ ...common, name: binding, type: "binding", port: ports.binding, mapping: mappingId },
    });
    this.assign(to, this.make("template", { name: mapping, description: "", routes: [mappingId] }));
    this.assign(
      from,
      this.make("template", { name: binding, description: "", routes: [bindingId] }),
    );
  }

  assign(name: string, template: Id): void {
    const { templates } = this.stlink(name);
    this.edit("stlink", name, { templates: [...templates, template] });
  }

  stlink(name: string): Stlink {
    const id = readNamed(this.db, "stlink", name)?.id ?? "";
    const stlink = readStlink(this.db, id);
    if (stlink === null) throw new Error(`there is no STLink ${name}`);
    return stlink;
  }

  /** It has confirmed the version that the database is at. */
  isCurrent(name: string): boolean {
    const { confirmed } = this.stlink(name).facts;
    const { epoch, serial } = readVersion(this.db);
    return confirmed?.epoch === epoch && confirmed.serial === String(serial);
  }

  /** Two that are paired and current, and what has come to the service of the second. */
  async pairedSite(): Promise<{ office: SiteMember; camera: SiteMember; came: Application[] }> {
    const office = await this.activated("office");
    const camera = await this.activated("camera");
    const came = await this.service("camera");
    this.pair("office", "camera");
    await this.current("office", "camera");
    return { office, camera, came };
  }

  /** The same, with a client whose bytes come through. */
  async talkingSite() {
    const paired = await this.pairedSite();
    await this.pass(100);
    const client = this.client("office");
    client.send("hello");
    await this.until(() => paired.came[0]?.text === "hello", "bytes come through");
    return { ...paired, client };
  }

  /** These have confirmed the version that the database is at. */
  current(...names: string[]): Promise<void> {
    return this.until(() => names.every((name) => this.isCurrent(name)), `${names} are current`);
  }

  /** Rows of the audit log of this kind, the newest first. */
  audited(what: string): AuditRow[] {
    return auditRows(this.db, { limit: 1000 }).filter((row) => row.what === what);
  }

  /** In the place of this STLink: somebody who has its key. */
  async impostor(name: string): Promise<Impostor> {
    const member = this.member(name);
    await member.stop();
    const stlink = this.stlink(name);
    const { commanderId, connectors } = this.authority;
    const random = (length: number) => this.prng.bytes(length).slice();
    const hop = hopPsk(this.db, stlink.id, connectors[0]?.key ?? "", random);
    const psk = linkPsk(this.db, stlink.id, commanderId, random);
    const impostor = new Impostor(this, member, stlink, hop, psk);
    this.#impostors.push(impostor);
    impostor.say(0x61, Buffer.alloc(44));
    await impostor.hasAnswer;
    return impostor;
  }

  /** The operator of the Connectors moves the Commander's id to another key (T8). */
  moveCommander(key: Uint8Array): void {
    for (const desk of this.desks) {
      desk.crash();
      desk.commanderKey = new Uint8Array(key);
      desk.start();
    }
  }

  get authorityNow(): Authority {
    return readAuthority(this.db) ?? this.authority;
  }

  /** A client on an STLink's own machine. */
  client(name: string, port = 8080): Application {
    const client = new Application();
    const { transport } = this.member(name).world;
    client.connection = transport.connect({ host: LOOPBACK, port }, client.events);
    return client;
  }

  /** A service on an STLink's own machine, and what has come to it. */
  async service(name: string, port = 9000): Promise<Application[]> {
    const came: Application[] = [];
    await this.member(name).world.transport.listen({ host: LOOPBACK, port }, (connection) => {
      const application = new Application();
      application.connection = connection;
      came.push(application);
      return application.events;
    });
    return came;
  }

  // Time.

  /** Lets time pass, promises too. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.nowMs + ms;
    while (this.clock.step(until)) await null;
  }

  /** Until it is so, for at most two minutes. */
  async until(isSo: () => boolean, what: string, mostMs = 120_000): Promise<void> {
    const end = this.clock.nowMs + mostMs;
    while (!isSo()) {
      if (this.clock.nowMs >= end) throw new Error(`never: ${what}\n${this.#lastLines()}`);
      await this.pass(5);
    }
  }

  told(text: string): LogLine[] {
    return this.lines.filter(({ msg }) => msg.includes(text));
  }

  #lastLines(): string {
    const last = (name: string, lines: readonly LogLine[]) =>
      lines.slice(-8).map((line) => `${name}: ${JSON.stringify(line)}`);
    const all = [...this.#members].flatMap(([name, { lines }]) => last(name, lines));
    return [...last("commander", this.lines), ...all].join("\n");
  }

  process(name: string): SimProcess {
    this.#processes += 1;
    const { clock, network } = this;
    const prng = this.prng.fork(`process ${this.#processes}`);
    const host = this.#operator === null ? name : `${hex(this.commanderId)} ${name}`;
    return new SimProcess({
      name: host,
      clock,
      network,
      datagrams: this.#datagrams,
      line: LINE,
      prng,
    });
  }

  #keyPair(name: string): KeyPair {
    return keyPairOf(this.prng.fork(`key of ${name}`).bytes(32).slice());
  }
}

function logInto(lines: LogLine[]): Log {
  const at = (level: string) => (fields: object, msg: string) => {
    lines.push({ ...fields, level, msg });
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
