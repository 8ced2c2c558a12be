// SPDX-License-Identifier: Apache-2.0
// A connection that a Binding accepted, on its way to a Mapping: its candidates are tried one after the
// other, each with a new stream, until CONNECTED, ten seconds in all; afterwards never. Before it:
// bindings.ts. After it: pump.ts, to which everything is passed on. Rule D10. Invariant: where there is a
// choice nothing is read from the application before CONNECTED, so each candidate begins at byte 0.

import { Reason } from "../core/abi.gen.ts";
import { CoreError, StreamFlag, StreamState } from "../core/core.ts";
import type { Connection, ConnectionEvents, Ending } from "../net/transport.ts";
import type { Admitted } from "./access.ts";
import type { Agent, StreamOwner } from "./agent.ts";
import type { Binding } from "./bindings.ts";
import { Pump } from "./pump.ts";
import { reasonName } from "./reasons.ts";

export const KIND_BYTES = 1;
const CONNECTED_MOST_MS = 10_000;
/** A peer that has not even accepted the stream by then is passed over while there is another. */
const ACCEPT_MS = 2000;

export class Opening implements ConnectionEvents, StreamOwner, Admitted {
  readonly #agent: Agent;
  readonly #binding: Binding;
  readonly #connection: Connection;
  /** Who connected. */
  readonly #host: string;
  /** Links that have not been tried. */
  #left: number[];
  readonly #hasChoice: boolean;
  readonly #endMs: number;
  #link = -1;
  #stream = -1;
  #pump: Pump | null = null;
  #isOver = false;
  #cancelTimer = (): void => {};
  #why = "no peer holds the Mapping";

  constructor(agent: Agent, binding: Binding, connection: Connection) {
    this.#agent = agent;
    this.#binding = binding;
    this.#connection = connection;
    this.#host = connection.remoteHost;
    this.#endMs = agent.world.clock.now() + CONNECTED_MOST_MS;
    this.#left = binding.candidates.order();
    this.#hasChoice = this.#left.length > 1;
    if (this.#hasChoice) connection.pause();
    this.#next();
  }

  /** Asked at once: it has failed already, and the connection was reset. */
  get hasFailed(): boolean {
    return this.#isOver;
  }

  data(bytes: Uint8Array): void {
    this.#pump?.data(bytes);
  }

  drained(): void {
    this.#pump?.drained();
  }

  ended(): void {
    this.#pump?.ended();
  }

  closed(why: Ending | null): void {
    this.#cancelTimer();
    this.#binding.access.leave(this);
    if (this.#pump !== null) return this.#pump.closed(why);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#drop();
  }

  /** Goes on, unless its source is not allowed any more. */
  accessChanged(): void {
    const { access, traffic } = this.#binding;
    if (access.allows(this.#host)) return;
    // `closed` follows, and ends what has no pump yet.
    this.#connection.reset();
    this.#pump?.abandon(Reason.Withdrawn);
    traffic.lastError = access.refusalText("SourceNotAllowed", "connection", this.#host);
    this.#agent.wake();
  }

  /** The stream's news until it is connected. */
  news(): void {
    if (this.#isOver) return;
    const flags = this.#agent.core.streamFlags(this.#stream);
    if (flags & StreamFlag.Connected) return this.#connected();
    if (!(flags & StreamFlag.Closed)) return this.#pump?.news();
    const { reason } = this.#agent.core.streamInfo(this.#stream);
    if (this.#pump === null) this.#agent.release(this.#stream);
    this.#failed(reasonName(reason));
  }

  /** Opens a stream to the next candidate that the Binding still has. */
  #next(): void {
    const link = this.#left.find((one) => this.#binding.candidates.has(one));
    if (link === undefined) return this.#giveUp();
    this.#left = this.#left.slice(this.#left.indexOf(link) + 1);
    this.#link = link;
    const { core } = this.#agent;
    const { id, mappingId, holdMs } = this.#binding;
    core.clock(this.#agent.world.clock.now());
    try {
      this.#stream = core.streamOpen(link, KIND_BYTES, id, mappingId);
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      return this.#failed(error.code);
    }
    core.streamHold(this.#stream, holdMs);
    if (!this.#hasChoice) {
      this.#pump = this.#newPump();
    }
    this.#agent.attach(this.#stream, this);
    this.#wait(this.#left.length > 0 ? ACCEPT_MS : this.#leftMs, () => this.#late());
  }

  get #leftMs(): number {
    return Math.max(0, this.#endMs - this.#agent.world.clock.now());
  }

  #wait(ms: number, then: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#agent.world.clock.after(ms, then);
  }

  /** A peer that has accepted the stream dials its target: that has its share of the time. */
  #late(): void {
    const { state } = this.#agent.core.streamInfo(this.#stream);
    const isAccepted = state > StreamState.Opened;
    if (!isAccepted || this.#left.length === 0) return this.#timedOut();
    this.#wait(this.#leftMs / (this.#left.length + 1), () => this.#timedOut());
  }

  #timedOut(): void {
    this.#drop();
    this.#failed("no answer in time");
  }

  #drop(): void {
    this.#agent.core.streamReset(this.#stream, Reason.TargetTimedOut);
    if (this.#pump !== null) return this.#pump.news();
    this.#agent.release(this.#stream);
  }

  #connected(): void {
    this.#cancelTimer();
    this.#isOver = true;
    const pump = this.#pump ?? this.#newPump();
    this.#pump = pump;
    this.#agent.attach(this.#stream, pump);
    if (this.#hasChoice) this.#connection.resume();
    pump.news();
  }

  #newPump(): Pump {
    const { traffic, access } = this.#binding;
    return new Pump(this.#agent, this.#stream, this.#connection, traffic, access.paces);
  }

  #failed(why: string): void {
    this.#why = `${this.#binding.peerName(this.#link)}: ${why}`;
    this.#next();
  }

  #giveUp(): void {
    this.#isOver = true;
    this.#cancelTimer();
    const { traffic, seldom, name } = this.#binding;
    // A pump counts and resets by itself.
    if (this.#pump !== null) this.#pump.news();
    else {
      traffic.fail(this.#why);
      this.#connection.reset();
    }
    traffic.lastError = this.#why;
    seldom.warn(this.#why, () => `the Binding "${name}" could not connect: ${this.#why}`);
  }
}
