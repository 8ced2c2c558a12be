// SPDX-License-Identifier: Apache-2.0
// One hop of an STLink: a connection to a Connector from its dial to its end. Before it:
// kept-connector.ts, which dials it anew; agent.ts's turns, the connection's events. After it: the core's
// hop. Invariants: `onEnd` comes once, and nothing after it; the core's hop is freed with the connection.

import { type Core, CoreError, HopState, statusName } from "../core/core.ts";
import { HopWire, Loans } from "../net/hop-wire.ts";
import type { Address, Connection, Ending } from "../net/transport.ts";
import type { World } from "../net/world.ts";

export type ConnectorAddress = {
  address: Address;
  /** The Connector's static public key, 32 bytes. */
  key: Uint8Array;
  /** Other places where the same Connector is, tried in turn. */
  otherAddresses?: readonly Address[];
  /** The hop's pre-shared key, 32 bytes; zeros where there is none. */
  psk?: Uint8Array;
  /** An activation's codeId and ticket, 40 bytes, asked for before each hop (PROTOCOL 10.2). */
  ticket?(): Uint8Array;
};

/** `reason` is PROTOCOL 13.2's of CLOSE or REFUSED, or 0; `why` a status or the socket's end. */
export type HopEnd = { reason: number; why: string };

export type HopOptions = {
  connector: ConnectorAddress;
  /** The Connector's place in the STLink's order, 0 to 255 (PROTOCOL 7.6). */
  place: number;
  onUp(): void;
  onEnd(end: HopEnd): void;
  /** A record was dealt with: packets in it may have been dropped. */
  onStep(): void;
  /** There is something to do for the agent. */
  wake(): void;
};

/** A dial that nobody answers is given up; the handshake's own 10 s are the core's (rule K4). */
const CONNECT_MS = 10_000;

export class StlinkHop {
  readonly #core: Core;
  readonly #world: World;
  readonly #options: HopOptions;
  readonly #connection: Connection;
  readonly #dialledMs: number;
  readonly #cancelTimer: () => void;
  #wire: HopWire | null = null;
  #isUp = false;
  #isOver = false;
  /** How long the connection took to be made: a round trip to the Connector; null: it is not there yet. */
  roundTripMs: number | null = null;

  /** Dials. */
  constructor(core: Core, world: World, options: HopOptions) {
    this.#core = core;
    this.#world = world;
    this.#options = options;
    this.#dialledMs = world.clock.now();
    this.#connection = world.transport.connect(options.connector.address, {
      landing: core.hopLanding(),
      opened: () => this.#begin(),
      data: (bytes) => this.#take(bytes),
      drained: () => options.wake(),
      ended: () => this.#end("the Connector closed the connection"),
      closed: (why: Ending | null) => this.#end(why ?? "closed"),
    });
    this.#cancelTimer = world.clock.after(CONNECT_MS, () => this.#end("TimedOut"));
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The core's hop, or -1. */
  get index(): number {
    return this.#wire?.hop ?? -1;
  }

  get bytesIn(): number {
    return this.#wire?.bytesIn ?? 0;
  }

  get bytesOut(): number {
    return this.#wire?.bytesOut ?? 0;
  }

  /** Moves what there is; true when something moved. Finds out how the hop stands. */
  turn(): boolean {
    const wire = this.#wire;
    if (wire === null || this.#isOver) return false;
    const status = this.#receive(wire);
    let hasMoved = false;
    while (wire.settle() && wire.send()) hasMoved = true;
    this.#look(wire, status);
    return hasMoved;
  }

  /** Tells the Connector that this side is done, as far as it can be told at once. */
  stop(reason: number): void {
    if (this.#isOver) return;
    if (this.#wire !== null) {
      this.#core.hopClose(this.#wire.hop, reason);
      if (this.#wire.settle()) this.#wire.send();
    }
    this.#end("stopped");
  }

  /** The handshake's time runs from now on, in the core. */
  #begin(): void {
    this.#cancelTimer();
    const now = this.#world.clock.now();
    this.roundTripMs = now - this.#dialledMs;
    this.#core.clock(now);
    try {
      const { connector, place } = this.#options;
      const ticket = connector.ticket?.();
      const hop = this.#core.hopDial(connector.key, connector.psk, ticket, place);
      this.#wire = new HopWire(this.#core, hop, this.#connection, new Loans(1));
      this.#options.wake();
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.#end(error.code);
    }
  }

  #take(bytes: Uint8Array): void {
    if (this.#wire === null || this.#isOver) return;
    this.#core.clock(this.#world.clock.now());
    this.#wire.put(bytes);
    this.#receive(this.#wire);
    this.#options.wake();
  }

  #receive(wire: HopWire): number {
    return wire.receive(() => this.#options.onStep());
  }

  #look(wire: HopWire, status: number): void {
    const { state } = this.#core.hopState(wire.hop);
    if (state === HopState.Up && !this.#isUp) {
      this.#isUp = true;
      this.#options.onUp();
    }
    if (state !== HopState.Closed) return;
    const ended = status < 0 ? status : this.#core.hopStatus(wire.hop);
    const silence = this.#isUp ? "nothing came for a minute" : "the handshake was not answered";
    this.#end(ended < 0 ? statusName(ended) : silence);
  }

  /** Its keys are wiped. */
  #end(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isUp = false;
    this.#cancelTimer();
    const reason = this.#wire === null ? 0 : this.#core.hopState(this.#wire.hop).reason;
    // What the core counted is still to be had here.
    this.#options.onEnd({ reason, why });
    if (this.#wire === null) this.#connection.reset();
    else this.#wire.end();
    this.#options.wake();
  }
}
