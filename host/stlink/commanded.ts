// SPDX-License-Identifier: Apache-2.0
// An STLink that a Commander tells what to do: it activates with a code, runs the configuration that it has
// stored, and each that follows. Before it: `sealed stlink activate` and `run --state`. After it: stlink.ts,
// holdings.ts; the core alone speaks with the Commander. PROTOCOL section 10. Invariants: what is in force is
// on disk; a new configuration touches no connection that it still allows.

import { ControlPhase, type Core, CoreError, CoreFlag } from "../core/core.ts";
import { coreHash, openCore } from "../core/core-file.ts";
import type { CoreEngine } from "../core/engine.ts";
import { systemWorld, type World } from "../net/world.ts";
import { AppError } from "../service/app-error.ts";
import { pairFingerprint } from "../service/fingerprint.ts";
import { hex } from "../service/hex.ts";
import type { Log } from "../service/log.ts";
import { programVersion } from "../service/program-version.ts";
import type { Command, ReloadReport, Running } from "../service/running.ts";
import type { ActivationCode } from "./activation-code.ts";
import { CommanderLog, type OwnPrint } from "./commander-log.ts";
import { type ConfiguredPeer, type ConfiguredSite, configuredSite } from "./configured-site.ts";
import { Holdings, holdIdentity, LEASE_SAVE_MS } from "./holdings.ts";
import type { HopEvent } from "./kept-connector.ts";
import { CODE_ADVICE, reasonName } from "./reasons.ts";
import { changesOfEntries } from "./service.ts";
import type { Identity } from "./site.ts";
import { commandedSizes } from "./site-sizes.ts";
import type { StateFolder } from "./state-folder.ts";
import type { StlinkStatus } from "./status.ts";
import { commanderLine } from "./status-lines.ts";
import { Stlink } from "./stlink.ts";

export type RunningCommanded = Running<unknown, StlinkStatus> & {
  /** This STLink's id once a configuration is in force; rejects with AppError(CodeRefused). */
  readonly activated: Promise<string>;
};

export type CommandedOptions = {
  folder: StateFolder;
  log: Log;
  world?: World;
  engine?: CoreEngine;
  /** Activates, and serves nobody. */
  onlyActivates?: boolean;
};

const NO_ID = new Uint8Array(16);
const NO_KEY = new Uint8Array(32);
const CODE_ID_LEN = 8;
const NOTHING: ConfiguredSite = {
  connectors: [],
  peers: [],
  mappings: [],
  bindings: [],
  findings: [],
};
const MINUTE_MS = 60_000;
/** What could not be had, a port or a peer's place, is tried again. */
const AGAIN_MS = 2000;

/** Starts what the folder holds. Throws AppError: BadFile, BadKeyFile, BadCode, NotWritten. */
export function startCommanded(options: CommandedOptions): RunningCommanded {
  const service = new CommandedStlink(options);
  try {
    service.start();
    return service;
  } catch (error) {
    service.stop();
    throw error;
  }
}

class CommandedStlink implements RunningCommanded {
  readonly activated: Promise<string>;
  readonly over: Promise<never>;
  readonly commands: Readonly<Record<string, Command>> = {
    rotate: () => this.#rotate(),
    confirm: (peer) => this.#confirm(peer),
  };
  readonly #options: CommandedOptions;
  readonly #log: Log;
  readonly #world: World;
  readonly #stlink: Stlink;
  readonly #holdings: Holdings;
  readonly #commanderLog: CommanderLog;
  #site = NOTHING;
  #settle: { resolve(id: string): void; reject(error: AppError): void };
  /** One after the other; what listens changes with each. */
  #listening: Promise<void> = Promise.resolve();
  #cancelAgain = (): void => {};
  #cancelMinute = (): void => {};
  #leaseSavedMs: number;
  /** Not before this is another key made because the Commander asks for one. */
  #renewsAtMs: number;
  #isStopped = false;
  /** Zeros behind it. */
  readonly #codeId = new Uint8Array(NO_ID);

  constructor(options: CommandedOptions) {
    const { folder, log, world = systemWorld, engine = openCore() } = options;
    const keys = holdIdentity(folder, (len) => world.entropy(len));
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#options = options;
    this.#log = log;
    this.#world = world;
    this.#commanderLog = new CommanderLog(log);
    this.activated = promise;
    this.over = new Promise((_, refuse) => promise.catch(refuse));
    this.over.catch(() => {});
    this.#settle = { resolve, reject };
    this.#stlink = new Stlink({
      identity: { ...keys, id: NO_ID },
      sizes: commandedSizes(),
      log,
      world,
      engine,
      onDrop: (status) => this.#commanderLog.hearDrop(status),
      onTurn: () => this.#turn(),
    });
    this.#holdings = new Holdings(folder, this.#core, keys, log);
    this.#leaseSavedMs = world.clock.now();
    this.#renewsAtMs = world.clock.now();
  }

  start(): void {
    const platform = `sealed ${programVersion()}, ${process.platform} ${process.arch}`;
    this.#core.setAbout(coreHash(), { platform });
    this.#holdings.begin();
    const { head, code } = this.#holdings;
    if (head !== null) this.#enforce();
    else if (code !== null) this.#activate(code);
    else {
      const { path } = this.#options.folder;
      const message = `${path} holds neither a configuration nor a code: sealed stlink activate - --state ${path}`;
      throw new AppError("BadFile", message);
    }
    this.#watchLater();
  }

  /** There is no file: what could not be had is tried again. */
  async reload(): Promise<ReloadReport> {
    this.#listen();
    await this.#listening;
    return { applied: [], needsRestart: [] };
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cancelAgain();
    this.#cancelMinute();
    this.#holdings.saveLease(0);
    this.#stlink.stop();
  }

  status(): StlinkStatus {
    const { head, code, lastError } = this.#holdings;
    const status = this.#stlink.status(this.#own, this.#site.peers);
    const changed = new Set(this.#changedPeers());
    return {
      ...status,
      peers: status.peers.map((peer) => ({ ...peer, hasNewKey: changed.has(peer.name) })),
      commander: commanderLine(
        this.#core,
        head,
        head?.commanderId ?? code?.commanderId ?? null,
        lastError ?? this.#commanderLog.lastError,
      ),
    };
  }

  get #core(): Core {
    return this.#stlink.agent.core;
  }

  /** With the Commander, under the id of the code while there is no other (PROTOCOL 10.2). */
  get #ownPrint(): OwnPrint {
    const { keys, code } = this.#holdings;
    const commander = { id: code?.commanderId ?? NO_ID, key: code?.commanderKey ?? NO_KEY };
    const fingerprint = pairFingerprint({ id: this.#codeId, key: keys.publicKey }, commander);
    return { publicKey: hex(keys.publicKey), fingerprint };
  }

  get #own(): Identity {
    return { ...this.#holdings.keys, id: this.#holdings.head?.id ?? NO_ID };
  }

  /** What the core wants stored, and what it has heard. */
  #turn(): void {
    if (this.#isStopped) return;
    const flags = this.#core.flags();
    if (flags & CoreFlag.WantsKey) this.#takeKeys();
    else if (flags & CoreFlag.WantsStore && this.#holdings.store()) this.#enforce();
    this.#renew();
    const control = this.#core.controlState();
    this.#commanderLog.hear(
      control,
      () => this.#ownPrint,
      () => this.#changedPeers(),
    );
    this.#refuse(control.refused);
  }

  #takeKeys(): void {
    if (!this.#holdings.storeKeys()) return;
    this.#stlink.connectors.setAnew(this.#site.connectors);
    this.#stlink.agent.wake();
  }

  // Activation (10.2).

  #activate({ bytes, connectorKey, addresses }: ActivationCode): void {
    const [address, ...otherAddresses] = addresses;
    if (address === undefined) throw new Error("a code has an address");
    const ticket = () => {
      const shown = this.#core.loadCode(bytes).ticket;
      this.#codeId.set(shown.subarray(0, CODE_ID_LEN));
      return shown;
    };
    this.#log.info({ publicKey: hex(this.#own.publicKey) }, "activating");
    this.#stlink.connectors.activate(
      { name: "activation", address, key: connectorKey, psk: null },
      { otherAddresses, ticket },
      (event) => this.#hearHop(event),
    );
  }

  #hearHop(event: HopEvent): void {
    if (event.kind === "down" && this.#holdings.head === null) this.#refuse(event.reason);
  }

  #refuse(reason: number): void {
    const advice = CODE_ADVICE.get(reason);
    if (advice === undefined || this.#holdings.head !== null) return;
    this.#settle.reject(new AppError("CodeRefused", `${reasonName(reason)}: ${advice}.`));
  }

  // Into force (10.3).

  /** Everything that is in force in the core already, at once; then Bindings listen as they can. */
  #enforce(): void {
    const { head } = this.#holdings;
    if (head === null) return;
    this.#settle.resolve(hex(head.id));
    this.#commanderLog.lastError = null;
    this.#stlink.agent.wake();
    if (this.#options.onlyActivates) return;
    const before = this.#site;
    this.#site = configuredSite(this.#core, head);
    this.#takeRoutes();
    const isAnew = (this.#core.flags() & CoreFlag.WantsRedial) !== 0;
    const { connectors } = this.#stlink;
    if (isAnew) connectors.setAnew(this.#site.connectors);
    else connectors.set(this.#site.connectors);
    const version = `${head.epoch}.${head.serial}`;
    const changes = changesOfEntries(before, this.#site);
    this.#log.info({ version, hash: hex(head.hash), changes }, "configuration in force");
    for (const text of this.#site.findings) this.#log.warn({}, text);
    this.#stlink.report(this.#site);
  }

  #takeRoutes(): void {
    const { agent, links, routes } = this.#stlink;
    links.clear();
    for (const { name, id } of this.#site.peers) {
      const link = this.#core.linkFind(id);
      if (link >= 0) links.set(name, link);
    }
    routes.take(this.#site, links);
    agent.knowLinks(links.values());
    this.#listen();
  }

  #listen(): void {
    const listening = this.#listening.then(async () => {
      if (this.#isStopped) return;
      const isAll = await this.#stlink.routes.listenEach();
      if (!isAll || this.#stlink.links.size < this.#site.peers.length) this.#listenAgain();
    });
    this.#listening = listening;
  }

  /** A port may be free by then, and so may the link of a peer that had to go for another (10.3). */
  #listenAgain(): void {
    this.#cancelAgain();
    if (this.#isStopped) return;
    const isMissing = this.#stlink.links.size < this.#site.peers.length;
    this.#cancelAgain = this.#world.clock.after(AGAIN_MS, () =>
      isMissing ? this.#takeRoutes() : this.#listen(),
    );
  }

  // Time.

  #watchLater(): void {
    this.#cancelMinute = this.#world.clock.after(MINUTE_MS, () => {
      this.#watchLease();
      this.#renew();
      this.#watchLater();
    });
  }

  #watchLease(): void {
    const { head } = this.#holdings;
    if (head === null) return;
    this.#commanderLog.hearLease(this.#core.leaseLeftMs(), head.leaseMs);
    if (this.#world.clock.now() - this.#leaseSavedMs < LEASE_SAVE_MS) return;
    this.#leaseSavedMs = this.#world.clock.now();
    this.#holdings.saveLease(LEASE_SAVE_MS);
  }

  // What a person asks for (10.4).

  #rotate(): string {
    const { publicKey } = this.#holdings.rotate((len) => this.#world.entropy(len));
    this.#stlink.agent.wake();
    return `The Commander is told of the new public key ${hex(publicKey)}; it is in use once that is published.`;
  }

  /** A new key that the Commander asks for, once a minute at most; what could not be stored is tried again. */
  #renew(): void {
    const now = this.#world.clock.now();
    if ((this.#core.flags() & CoreFlag.WantsRenew) === 0 || now < this.#renewsAtMs) return;
    this.#renewsAtMs = now + MINUTE_MS;
    try {
      const { publicKey } = this.#holdings.rotate((len) => this.#world.entropy(len));
      this.#log.info({ publicKey: hex(publicKey) }, "the Commander asks for a new key: it is told");
      this.#stlink.agent.wake();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#log.error({ code: error.code }, `the Commander asks for a new key: ${error.message}`);
    }
  }

  #changedPeers(): string[] {
    if (this.#core.controlState().phase !== ControlPhase.Activated) return [];
    const changed = this.#site.peers.filter(({ index }) => this.#core.peerChanged(index));
    return changed.map(({ name }) => name);
  }

  #confirm(text: string): string {
    const peer = this.#peerOf(text);
    const fingerprint = pairFingerprint({ id: this.#own.id, key: this.#own.publicKey }, peer);
    if (!this.#core.peerChanged(peer.index)) {
      return `Nothing to confirm: the key of ${peer.name} is the one that was announced. Fingerprint: ${fingerprint}`;
    }
    try {
      this.#core.confirmPeer(peer.index);
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      const message = "The Commander is sending something at this moment: try again in a second.";
      throw new AppError("NotRunning", message, { cause: error });
    }
    this.#stlink.agent.wake();
    this.#log.warn({ peer: peer.name, fingerprint }, "a person has confirmed the key of a peer");
    return `Confirmed: ${peer.name}, with the fingerprint ${fingerprint}`;
  }

  #peerOf(text: string): ConfiguredPeer {
    const digits = text.toLowerCase();
    const found = this.#site.peers.filter(({ id }) => digits !== "" && hex(id).startsWith(digits));
    const [peer, ...others] = found;
    if (peer !== undefined && others.length === 0) return peer;
    const known = this.#site.peers.map(({ name }) => name).join(", ") || "none";
    const what = peer === undefined ? "no peer" : "more than one peer";
    throw new AppError("Usage", `There is ${what} "${text}": it has ${known}.`);
  }
}
