// SPDX-License-Identifier: Apache-2.0
// An STLink's hop to one Connector: dials, redials, and moves its bytes. Before it: agent.ts's turns, the
// connection's events. After it: the core's hop. The first redial comes after 0 to 500 ms, then the span
// doubles to a minute, with full jitter (rule K7); it goes back to the start once the hop is up.

import { type Core, CoreError, HopState, statusName } from "../core/core.ts";
import { HopWire } from "../net/hop-wire.ts";
import type { Address, Connection, Ending } from "../net/transport.ts";
import { fraction, type World } from "../net/world.ts";

export type ConnectorAddress = {
  address: Address;
  /** The Connector's static public key, 32 bytes. */
  key: Uint8Array;
  /** The hop's pre-shared key, 32 bytes; zeros where there is none. */
  psk?: Uint8Array;
};

export type HopEvent =
  | { kind: "up" }
  /** `reason` is PROTOCOL 13.2's of CLOSE or REFUSED, or 0; `why` a status or the socket's end. */
  | { kind: "down"; reason: number; why: string; redialMs: number };

export type HopOptions = {
  connector: ConnectorAddress;
  /** Most milliseconds between two tries. */
  redialMostMs: number;
  onEvent(event: HopEvent): void;
  /** There is something to do for the agent. */
  wake(): void;
};

const REDIAL_FIRST_MS = 500;
/** A dial that nobody answers is given up; the handshake's own 10 s are the core's (rule K4). */
const CONNECT_MS = 10_000;

export class StlinkHop {
  readonly #core: Core;
  readonly #world: World;
  readonly #options: HopOptions;
  #connection: Connection | null = null;
  #wire: HopWire | null = null;
  /** Bytes of the connections before this one. */
  #bytesBefore = { in: 0, out: 0 };
  #isUp = false;
  #isStopped = false;
  #tries = 0;
  #cancelTimer = (): void => {};

  constructor(core: Core, world: World, options: HopOptions) {
    this.#core = core;
    this.#world = world;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Bytes on the wire, of all its connections. */
  get bytesIn(): number {
    return this.#bytesBefore.in + (this.#wire?.bytesIn ?? 0);
  }

  get bytesOut(): number {
    return this.#bytesBefore.out + (this.#wire?.bytesOut ?? 0);
  }

  dial(): void {
    const connection = this.#world.transport.connect(this.#options.connector.address, {
      opened: () => this.#begin(connection),
      data: (bytes) => this.#take(bytes),
      drained: () => this.#options.wake(),
      ended: () => this.#end(connection, "the Connector closed the connection"),
      closed: (why: Ending | null) => this.#end(connection, why ?? "closed"),
    });
    this.#connection = connection;
    this.#cancelTimer = this.#world.clock.after(CONNECT_MS, () =>
      this.#end(connection, "TimedOut"),
    );
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
    if (this.#connection !== null) this.#end(this.#connection, "stopped");
  }

  /** Moves what there is; true when something moved. Finds out how the hop stands. */
  turn(): boolean {
    const wire = this.#wire;
    if (wire === null) return false;
    const status = wire.receive();
    let hasMoved = false;
    while (wire.hasRoom && wire.send()) hasMoved = true;
    this.#watch(wire, status);
    return hasMoved;
  }

  /** The handshake's time runs from now on, in the core. */
  #begin(connection: Connection): void {
    this.#cancelTimer();
    try {
      const { key, psk } = this.#options.connector;
      this.#wire = new HopWire(this.#core, this.#core.hopDial(key, psk), connection);
      this.#options.wake();
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.#end(connection, error.code);
    }
  }

  #take(bytes: Uint8Array): void {
    this.#wire?.put(bytes);
    this.#wire?.receive();
    this.#options.wake();
  }

  #watch(wire: HopWire, status: number): void {
    const { state } = this.#core.hopState(wire.hop);
    if (state === HopState.Up && !this.#isUp) {
      this.#isUp = true;
      this.#tries = 0;
      this.#options.onEvent({ kind: "up" });
    }
    if (state !== HopState.Closed) return;
    const ended = status < 0 ? status : this.#core.hopStatus(wire.hop);
    this.#end(wire.connection, ended < 0 ? statusName(ended) : "closed");
  }

  /** The hop is over: its keys are wiped, and it is dialled again. */
  #end(connection: Connection, why: string): void {
    if (connection !== this.#connection) return;
    this.#connection = null;
    this.#cancelTimer();
    if (this.#wire === null) connection.reset();
    else connection.close();
    const reason = this.#wire === null ? 0 : this.#core.hopState(this.#wire.hop).reason;
    this.#bytesBefore = { in: this.bytesIn, out: this.bytesOut };
    if (this.#wire !== null) this.#core.hopFree(this.#wire.hop);
    this.#wire = null;
    this.#isUp = false;
    if (this.#isStopped) return;
    const span = Math.min(REDIAL_FIRST_MS * 2 ** this.#tries, this.#options.redialMostMs);
    const redialMs = Math.floor(fraction(this.#world) * span);
    this.#tries += 1;
    this.#cancelTimer = this.#world.clock.after(redialMs, () => this.dial());
    this.#options.onEvent({ kind: "down", reason, why, redialMs });
    this.#options.wake();
  }
}
