// SPDX-License-Identifier: Apache-2.0
// An STLink of the simulated site: host/stlink/commanded.ts, unchanged, as a process with a state folder, killed
// at any moment or at any write, and started again from what is on disk. Before it: site.ts. After it: the
// simulated network. Invariants at every step: what is in force is what is on disk, whole; at every write: the
// Commander has issued it, and no version is older than the one before.

import { readFileSync, writeFileSync } from "node:fs";
import type { Core } from "../../../host/core/core.ts";
import { hex } from "../../../host/service/hex.ts";
import { type RunningCommanded, startCommanded } from "../../../host/stlink/commanded.ts";
import { type StateFile, StateFolder } from "../../../host/stlink/state-folder.ts";
import type { StlinkStatus } from "../../../host/stlink/status.ts";
import { concat, encodeUint } from "../../reference/bytes.ts";
import {
  type Configuration,
  decodeStored,
  encodeConfiguration,
} from "../../reference/configuration.ts";
import { SimFailure } from "../failure.ts";
import type { ShownCode } from "./administrator.ts";
import { type SaveEvents, WatchedFolder } from "./disk.ts";
import type { Running, Site } from "./site.ts";

/** A process that dies at a write: before it, half-way, or as soon as the file is whole. */
export type Death = { file: StateFile; when: "before" | "half" | "after"; awayMs: number };

type Life = Running & { stlink: RunningCommanded | null };

export class SimStlink {
  readonly name: string;
  readonly host: string;
  /** What its disk holds in force; null: it is not activated. */
  stored: Configuration | null = null;
  /** How often that was written since it was unboxed. */
  stores = 0;
  /** Why its code was refused, as a person reads it. */
  refusal: string | null = null;
  /** The next write of this kind is its last. */
  death: Death | null = null;
  /** What its code says of itself. */
  code: ShownCode | null = null;
  /** From then on no byte may come from or to it. */
  silentFromMs = Number.POSITIVE_INFINITY;
  readonly #site: Site;
  #path: string;
  #life: Life | null = null;
  #isDirty = false;
  /** Routes with peers that it had, and when they went. */
  readonly #withdrawnMs = new Map<string, number>();

  constructor(site: Site, name: string, host: string) {
    this.#site = site;
    this.name = name;
    this.host = host;
    this.#path = site.disk.folder(name);
  }

  get isUp(): boolean {
    return this.#life !== null;
  }

  /** 32 hexadecimal digits; null: it has none yet. */
  get id(): string | null {
    return this.stored === null ? null : hex(this.stored.id);
  }

  /** The public key of its present pair, hexadecimal. */
  get key(): string {
    const text = readFileSync(`${this.#path}/stlink.key`, "utf8");
    return /public key: ([0-9a-f]{64})/.exec(text)?.[1] ?? "";
  }

  get status(): StlinkStatus | null {
    return this.#life?.stlink?.status() ?? null;
  }

  get hasHop(): boolean {
    return this.status?.connectors.some(({ hop }) => hop === "up") ?? false;
  }

  /** A device out of its box, or after a factory reset, gets a code. */
  unbox(code: ShownCode): void {
    this.kill();
    this.#path = this.#site.disk.folder(this.name);
    this.code = code;
    this.stored = null;
    this.stores = 0;
    this.refusal = null;
    this.#withdrawnMs.clear();
    new StateFolder(this.#path).save("code", `${code.text}\n`);
    this.start();
  }

  start(): void {
    const site = this.#site;
    if (this.#life !== null || site.isClosed) return;
    const life: Life = { ...site.begin(this.host), stlink: null };
    this.#life = life;
    this.#isDirty = true;
    const { process: world, core } = life;
    const folder = new WatchedFolder(this.#path, this.#eventsOf(life));
    const options = { folder, log: site.logOf(this.name), world, engine: core.engine };
    const stlink = startCommanded(options);
    life.stlink = stlink;
    stlink.activated.catch((error: Error) => {
      if (this.#life === life) this.refusal = error.message;
    });
  }

  /** The process is gone; only its disk is left. */
  kill(): void {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    // A turn that it dies in goes on to its end, in a folder that nobody reads again.
    this.#path = this.#site.disk.folderAsLeft(this.#path, this.name);
    this.#site.end(life);
  }

  /** Gone, and there again after so long. */
  restart(awayMs: number): void {
    if (this.#life === null) return;
    this.#site.log(`--- ${this.name} is killed for ${awayMs} ms`);
    this.kill();
    this.#site.deviceDied(this);
    this.#site.later(awayMs, () => this.start());
  }

  /** Ends as it ends itself: it says goodbye, and saves its lease. */
  async stop(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    await life.stlink?.stop();
    this.#site.end(life);
  }

  /** A person asks for another key. */
  async rotate(): Promise<void> {
    await this.#life?.stlink?.commands?.["rotate"]?.("");
  }

  #eventsOf(life: Life): SaveEvents {
    return {
      saving: (file, bytes) => {
        if (this.#life !== life) return;
        if (file === "configuration") this.#checkNext(bytes);
        this.#dieAt(file, "before", bytes);
        this.#dieAt(file, "half", bytes);
      },
      saved: (file, bytes) => {
        if (this.#life !== life) return;
        if (file === "configuration") this.#take(bytes);
        if (file === "stlink.key") this.#site.keyTaken(this);
        this.#dieAt(file, "after", bytes);
      },
    };
  }

  #checkNext(bytes: Uint8Array): void {
    const { config } = decodeStored(bytes);
    this.#site.ledger.expectIssued(this.name, config);
    if (this.stored === null) return;
    if (isOlder(config, this.stored)) this.#fail("takes an older version");
    if (hex(config.id) !== this.id) this.#fail("takes another id");
  }

  /** What it has in force, or had since then, lets this Route talk with this peer. */
  allowed(routeId: string, peerId: string, sinceMs: number): boolean {
    const name = routeId + peerId;
    if (routesOf(this.stored).has(name)) return true;
    return (this.#withdrawnMs.get(name) ?? Number.NEGATIVE_INFINITY) >= sinceMs;
  }

  /** Its configuration names this key of a peer, present or next. */
  knows(peerId: string, key: string): boolean {
    const peer = this.stored?.peers.find(({ id }) => hex(id) === peerId);
    return peer !== undefined && [hex(peer.key), hex(peer.nextKey)].includes(key);
  }

  #take(bytes: Uint8Array): void {
    const before = routesOf(this.stored);
    this.stored = decodeStored(bytes).config;
    for (const route of before) this.#withdrawnMs.set(route, this.#site.clock.nowMs);
    for (const route of routesOf(this.stored)) this.#withdrawnMs.delete(route);
    this.stores += 1;
    this.#isDirty = true;
    if (this.stores === 1) this.#site.activated(this);
  }

  #dieAt(file: StateFile, when: Death["when"], bytes: Uint8Array): void {
    const { death } = this;
    if (death?.file !== file || death.when !== when) return;
    this.death = null;
    if (when === "half") {
      const half = bytes.subarray(0, bytes.length >> 1);
      writeFileSync(`${this.#path}/${file}.new`, half, { mode: 0o600 });
    }
    this.restart(death.awayMs);
  }

  /** What is in force is what is on disk. Looked at where something was written, and when asked for. */
  inspect(isAsked: boolean): void {
    const life = this.#life;
    if (life === null || !(isAsked || this.#isDirty)) return;
    this.#isDirty = false;
    if (Buffer.compare(inForce(life.core), sectionsOf(this.stored)) === 0) return;
    this.#fail("has something in force that is not on its disk");
  }

  #fail(what: string): never {
    throw new SimFailure(`${this.name} ${what}`);
  }
}

function isOlder(one: Configuration, other: Configuration): boolean {
  if (one.epoch !== other.epoch) return one.epoch < other.epoch;
  return one.serial < other.serial;
}

/** Ids of Routes, each with one of its peers behind it. */
function routesOf(stored: Configuration | null): Set<string> {
  const routes = stored?.routes ?? [];
  return new Set(routes.flatMap(({ id, peers }) => peers.map((peer) => hex(id) + hex(peer))));
}

/** Connectors, peers and Routes as the core has them in force, in the form of 10.3. */
function inForce(core: Core): Uint8Array {
  const [connectors, peers, routes] = ([0, 1, 2] as const).map((section) =>
    core.configurationEntries(section),
  ) as [Uint8Array[], Uint8Array[], Uint8Array[]];
  return concat(
    ...[encodeUint(connectors.length, 1), ...connectors],
    ...[encodeUint(peers.length, 2), ...peers],
    ...[encodeUint(routes.length, 2), ...routes],
  );
}

/** Bytes of a configuration before its Connectors: version, id, lease, the Commander's keys and id. */
const HEAD_LEN = 116;
const NOTHING = new Uint8Array(5);

function sectionsOf(stored: Configuration | null): Uint8Array {
  return stored === null ? NOTHING : encodeConfiguration(stored).subarray(HEAD_LEN);
}
