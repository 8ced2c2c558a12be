// SPDX-License-Identifier: Apache-2.0
// The hops that an STLink keeps to one Connector: one, and for a while a second. Before it: agent.ts.
// After it: hop.ts. The first redial comes after 0 to 500 ms, then the span doubles to a minute, with full
// jitter; a silent hop has a second one dialled beside it, the newest wins; DRAIN says when to come back;
// who is refused holds off (rule K7, PROTOCOL 7.6). Invariant: at most HOPS_MOST hops at a time.

import { Reason } from "../core/abi.gen.ts";
import type { Core } from "../core/core.ts";
import { fraction, type World } from "../net/world.ts";
import { type ConnectorAddress, type HopEnd, StlinkHop } from "./hop.ts";

export type HopEvent =
  | { kind: "up" }
  /** None is left that is up. `reason` and `why` are HopEnd's. */
  | { kind: "down"; reason: number; why: string; redialMs: number }
  /** The hop is silent although something is outstanding: another is dialled beside it. */
  | { kind: "silent"; silentMs: number }
  /** The Connector stops, and asks to come back after so long. */
  | { kind: "drain"; afterMs: number };

export type KeptConnectorOptions = {
  connector: ConnectorAddress;
  /** In the order of the STLink's Connectors, 0 to 255. */
  place: number;
  /** Most milliseconds between two tries. */
  redialMostMs: number;
  onEvent(event: HopEvent): void;
  onStep(): void;
  wake(): void;
};

/** The one that there is, and the one that is to follow it. */
export const HOPS_MOST = 2;
const REDIAL_FIRST_MS = 500;
/** What the Connector had for the older hop has come by then, if it comes at all. */
const RETIRE_MS = 2000;

/** After these the next try comes so much later, and up to twice that: only a person can put them right. */
const HELD_OFF_MS: ReadonlyMap<number, number> = new Map([
  [Reason.NotAdmitted, 5000],
  [Reason.Superseded, 30_000],
  [Reason.KeyUsedTwice, 30_000],
  [Reason.Revoked, 30_000],
  [Reason.CodeUsed, 30_000],
  [Reason.CodeExpired, 30_000],
  [Reason.CodeUnknown, 30_000],
  [Reason.WrongNetwork, 30_000],
]);

export class KeptConnector {
  readonly #core: Core;
  readonly #world: World;
  readonly #options: KeptConnectorOptions;
  /** The oldest first. */
  readonly #hops: StlinkHop[] = [];
  /** Those that a newer one has followed, with what cancels their timer. */
  readonly #retired = new Map<StlinkHop, () => void>();
  /** Of the hops before these. */
  #before = { bytesIn: 0, bytesOut: 0, suspected: 0 };
  #isStopped = false;
  #tries = 0;
  #dials = 0;
  /** No dial before it. */
  #mayDialMs = 0;
  #drainMs = 0;
  #cancelDial = (): void => {};
  /** The last connection's; null: none was made yet. */
  roundTripMs: number | null = null;

  constructor(core: Core, world: World, options: KeptConnectorOptions) {
    this.#core = core;
    this.#world = world;
    this.#options = options;
    this.#dial();
  }

  get isUp(): boolean {
    return this.#hops.some((hop) => hop.isUp);
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Whether this hop of the core is one of its. */
  has(index: number): boolean {
    return this.#hops.some((hop) => hop.index === index);
  }

  /** Bytes on the wire, and how often a link left one of its hops for silence (`ConnectorSuspect`). */
  get counters(): { bytesIn: number; bytesOut: number; suspected: number } {
    const sum = { ...this.#before };
    for (const hop of this.#hops) this.#add(sum, hop);
    return sum;
  }

  turn(): boolean {
    let hasMoved = false;
    for (const hop of [...this.#hops]) if (hop.turn()) hasMoved = true;
    return hasMoved;
  }

  /** Looks for silence and DRAIN; to be called each half second. */
  watch(): void {
    const hop = this.#hops.at(-1);
    if (hop === undefined || !hop.isUp || this.#isStopped) return;
    this.#heedDrain(hop);
    const silentMs = this.#core.hopSilentMs(hop.index);
    this.#options.wake();
    if (silentMs === 0 || this.#hops.length === HOPS_MOST) return;
    if (this.#world.clock.now() < this.#mayDialMs) return;
    this.#options.onEvent({ kind: "silent", silentMs });
    this.#dial();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelDial();
    for (const hop of [...this.#hops]) hop.stop(Reason.Stopping);
  }

  #dial(): void {
    this.#cancelDial();
    if (this.#isStopped || this.#hops.length === HOPS_MOST) return;
    const { place, onStep, wake } = this.#options;
    const hop: StlinkHop = new StlinkHop(this.#core, this.#world, {
      connector: this.#nextPlace(),
      place,
      onStep,
      wake,
      onUp: () => this.#up(hop),
      onEnd: (end) => this.#ended(hop, end),
    });
    this.#hops.push(hop);
  }

  #nextPlace(): ConnectorAddress {
    const { connector } = this.#options;
    const addresses = [connector.address, ...(connector.otherAddresses ?? [])];
    const address = addresses[this.#dials % addresses.length] ?? connector.address;
    this.#dials += 1;
    return { ...connector, address };
  }

  /** The newest wins: what still comes over the older one is waited for, but not for long. */
  #up(hop: StlinkHop): void {
    this.#cancelDial();
    this.#tries = 0;
    this.#drainMs = 0;
    this.roundTripMs = hop.roundTripMs;
    for (const older of this.#hops.slice(0, this.#hops.indexOf(hop))) {
      if (this.#retired.has(older)) continue;
      const end = (): void => older.stop(Reason.Superseded);
      this.#retired.set(older, this.#world.clock.after(RETIRE_MS, end));
    }
    this.#options.onEvent({ kind: "up" });
  }

  #heedDrain(hop: StlinkHop): void {
    const afterMs = this.#core.hopDrainMs(hop.index);
    if (afterMs === 0 || this.#drainMs > 0) return;
    this.#drainMs = afterMs;
    const spreadMs = Math.floor(fraction(this.#world) * REDIAL_FIRST_MS);
    this.#dialIn(afterMs + spreadMs);
    this.#options.onEvent({ kind: "drain", afterMs });
  }

  #ended(hop: StlinkHop, { reason, why }: HopEnd): void {
    this.#add(this.#before, hop);
    this.#hops.splice(this.#hops.indexOf(hop), 1);
    this.#retired.get(hop)?.();
    if (this.#retired.delete(hop) || this.#isStopped) return;
    const redialMs = this.#redialMs(reason);
    this.#mayDialMs = Math.max(this.#mayDialMs, this.#world.clock.now() + redialMs);
    if (this.#hops.length > 0) return;
    const waitMs = this.#mayDialMs - this.#world.clock.now();
    this.#dialIn(waitMs);
    this.#options.onEvent({ kind: "down", reason, why, redialMs: waitMs });
  }

  #redialMs(reason: number): number {
    const heldOffMs = HELD_OFF_MS.get(reason) ?? 0;
    const spanMs = Math.min(REDIAL_FIRST_MS * 2 ** this.#tries, this.#options.redialMostMs);
    this.#tries += 1;
    return heldOffMs + Math.floor(fraction(this.#world) * Math.max(heldOffMs, spanMs));
  }

  #dialIn(ms: number): void {
    this.#mayDialMs = this.#world.clock.now() + ms;
    this.#cancelDial();
    this.#cancelDial = this.#world.clock.after(ms, () => this.#dial());
  }

  #add(sum: { bytesIn: number; bytesOut: number; suspected: number }, hop: StlinkHop): void {
    sum.bytesIn += hop.bytesIn;
    sum.bytesOut += hop.bytesOut;
    if (hop.index >= 0) sum.suspected += this.#core.hopSuspected(hop.index);
  }
}
