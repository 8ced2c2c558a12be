// SPDX-License-Identifier: Apache-2.0
// A core with a host as small as it can be, on the simulated network: it dials whenever it has no hop,
// moves bytes, computes, crashes. Before it: site.ts places it. After it: device.ts and commander.ts say
// what it dials and what it serves. Unlike SimStlink it knows no peers: they come by configuration.
// Invariant: a crash loses everything but what the subclass keeps on its disk.

import { type Core, CoreError, CoreFlag, type Sizes, statusName } from "../../../host/core/core.ts";
import type { SimTimer } from "../../../host/net/sim/clock.ts";
import { HopLine } from "../../../host/net/sim/hop-line.ts";
import type { SimConnection } from "../../../host/net/sim/pipe.ts";
import type { Prng } from "../../../host/net/sim/prng.ts";
import { SimFailure } from "../failure.ts";
import type { Site } from "./site.ts";

const MOST_ROUNDS = 64;
const MOST_STEPS = 200;
const FIRST_REDIAL_MS = 200;
/** Less than the 60 s of rule K7: a device that is refused asks again soon. */
const REDIAL_MOST_MS = 5000;
/** Message 2 and two small records, REFUSED and CLOSE, with their lengths (rule K5). */
const STRANGER_MOST_BYTES = 1155 + 2 * 66;

export type Dialling = { key: Uint8Array; psk?: Uint8Array; ticket?: Uint8Array };

export abstract class Member {
  readonly site: Site;
  readonly name: string;
  readonly core: Core;
  readonly prng: Prng;
  life = 0;
  isUp = false;
  /** Turns of all lives; a crash can be planned at each. */
  turns = 0;
  crashAtTurn = Number.POSITIVE_INFINITY;
  /** Why packets or messages were dropped. */
  readonly drops: string[] = [];
  /** Reasons (13.2) with which a Connector refused or closed a hop. */
  readonly refusals: number[] = [];
  readonly #sizes: Sizes;
  #lines: HopLine[] = [];
  readonly #admitted = new WeakSet<HopLine>();
  #dialling = 0;
  #timer: SimTimer | null = null;
  #redialMs = FIRST_REDIAL_MS;

  constructor(site: Site, name: string, sizes: Sizes) {
    this.site = site;
    this.name = name;
    this.core = site.newCore();
    this.prng = site.prng.fork(`member ${name}`);
    this.#sizes = sizes;
  }

  /** After `core.start`: identity and what is on disk. */
  protected abstract begin(): void;
  /** Whom to dial now; null: nobody. */
  protected abstract dialling(): Dialling | null;
  /** The host's part of a turn. True: something was done. */
  protected abstract serve(): boolean;
  protected abstract onStream(stream: number): void;
  /** After each turn. */
  protected inspect(): void {}

  start(): void {
    const { core, site, prng } = this;
    core.start("stlink", this.#sizes, site.nowMs);
    this.isUp = true;
    this.life++;
    this.#redialMs = FIRST_REDIAL_MS;
    this.begin();
    core.feed(prng.bytes(32), this.life);
    this.wake();
  }

  /** The power goes. */
  crash(): void {
    if (!this.isUp) return;
    this.site.log(`${this.name} crashes`);
    this.isUp = false;
    this.site.clock.cancel(this.#timer);
    this.#timer = null;
    this.#dialling = 0;
    for (const line of this.#lines) line.connection.reset();
    this.#lines = [];
    this.core.stop();
  }

  /** Crashes, and comes back after `awayMs`. */
  restart(awayMs = 1000): void {
    const { life } = this;
    this.crash();
    this.site.clock.after(awayMs, () => {
      if (!this.isUp && this.life === life && !this.site.isClosed) this.start();
    });
  }

  wake(): void {
    this.#wakeIn(0);
  }

  get hasHop(): boolean {
    return this.#lines.some((line) => line.isUp);
  }

  /** A hop for what the core says now; the ones before end when it is up (CoreFlag.WantsRedial). */
  protected redial(): void {
    if (this.#dialling === 0 && this.#lines.length < 2) this.#dialIn(0);
  }

  #wakeIn(ms: number): void {
    const { clock } = this.site;
    const at = clock.nowMs + ms;
    if (!this.isUp || (this.#timer?.run && this.#timer.atMs <= at)) return;
    clock.cancel(this.#timer);
    this.#timer = clock.after(ms, () => {
      this.#timer = null;
      this.#turn();
    });
  }

  #turn(): void {
    const { core, site } = this;
    if (this.turns++ === this.crashAtTurn) return this.restart();
    core.tick(site.nowMs);
    let isBusy = true;
    for (let round = 0; isBusy && round < MOST_ROUNDS; round++) {
      isBusy = this.#round();
      if (!this.isUp) return;
    }
    this.#keepHop();
    const next = core.tick(site.nowMs);
    for (let drop = core.takeDrop(); drop !== 0; drop = core.takeDrop()) {
      this.drops.push(statusName(drop));
      site.log(`${this.name} drops: ${statusName(drop)}`);
    }
    this.inspect();
    this.#wakeIn(isBusy ? 1 : Math.max(next, 1));
  }

  #round(): boolean {
    const { core } = this;
    while (core.flags() & CoreFlag.WantsEntropy) core.feed(this.prng.bytes(32), this.life);
    let isBusy = false;
    for (const line of this.#lines) isBusy = line.read(() => {}) || isBusy;
    for (let left = MOST_STEPS; left > 0 && core.work(); left--) isBusy = true;
    for (let stream = core.streamNext(); stream >= 0; stream = core.streamNext()) {
      isBusy = true;
      this.onStream(stream);
    }
    isBusy = this.serve() || isBusy;
    if (!this.isUp) return false;
    for (const line of this.#lines) isBusy = line.write() || isBusy;
    return isBusy;
  }

  #keepHop(): void {
    const [newest] = this.#lines.slice(-1);
    const isSettled = newest?.isUp === true && !(this.core.flags() & CoreFlag.WantsRedial);
    for (const line of [...this.#lines]) {
      if (line.isUp) {
        this.#admitted.add(line);
        this.#redialMs = FIRST_REDIAL_MS;
      }
      if (!line.isOver && !(isSettled && line !== newest)) continue;
      const { receivedBytes } = line.connection;
      if (!this.#admitted.has(line) && receivedBytes > STRANGER_MOST_BYTES) {
        this.fail(`a stranger got ${receivedBytes} bytes`);
      }
      const { reason } = line.view;
      if (reason !== 0) this.refusals.push(reason);
      const status = this.core.hopStatus(line.hop);
      if (status < 0) this.site.log(`${this.name}: hop ended, ${statusName(status)}`);
      if (line.connection.state === "open") line.connection.reset();
      this.core.hopFree(line.hop);
      this.#lines.splice(this.#lines.indexOf(line), 1);
    }
    if (this.#lines.length > 0 || this.#dialling > 0) return;
    this.#dialIn(this.prng.below(this.#redialMs));
    this.#redialMs = Math.min(this.#redialMs * 2, REDIAL_MOST_MS);
  }

  #dialIn(ms: number): void {
    const { life } = this;
    this.#dialling++;
    this.site.clock.after(ms, () => {
      if (life === this.life && this.isUp) this.#connect(life);
    });
  }

  #connect(life: number): void {
    const connection = this.site.dial(this);
    connection.onEvent = () => {
      connection.onEvent = () => this.wake();
      if (life !== this.life || !this.isUp) return connection.reset();
      this.#dialling--;
      if (connection.state === "open") this.#hop(connection);
      this.wake();
    };
  }

  #hop(connection: SimConnection): void {
    const to = this.dialling();
    if (to === null) return connection.reset();
    this.core.clock(this.site.nowMs);
    try {
      const hop = this.core.hopDial(to.key, to.psk, to.ticket);
      this.#lines.push(new HopLine(this.core, hop, connection));
    } catch (error) {
      // Its one handshake slot is taken: later.
      if (!(error instanceof CoreError) || error.code !== "NoHandshakeSlot") throw error;
      connection.reset();
    }
  }

  protected fail(text: string): never {
    throw new SimFailure(`${this.name}: ${text}`);
  }
}
