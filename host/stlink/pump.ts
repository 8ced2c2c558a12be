// SPDX-License-Identifier: Apache-2.0
// One application connection and one stream, joined: bytes both ways with back-pressure both ways, half-
// closes and resets as themselves. Before it: bindings.ts accepted the connection, or mappings.ts dials
// it. After it: nothing; it ends with both. Invariants: the application is read only while its last bytes
// have all gone into the stream; the stream is read only while the socket has room (rules F1, F2, F4); neither
// beyond the Binding's rate. Bytes are written out of the core's memory: the connection is reset before the
// stream is released.

import { Reason } from "../core/abi.gen.ts";
import { type Core, StreamFlag } from "../core/core.ts";
import type { Connection, ConnectionEvents, Ending } from "../net/transport.ts";
import type { Agent, StreamOwner } from "./agent.ts";
import type { Paced, Paces } from "./pace.ts";
import { reasonName } from "./reasons.ts";
import type { Traffic } from "./traffic.ts";

const NOTHING = new Uint8Array(0);

export class Pump implements ConnectionEvents, StreamOwner, Paced {
  readonly #agent: Agent;
  readonly #core: Core;
  readonly #stream: number;
  readonly #connection: Connection;
  readonly #traffic: Traffic;
  readonly #paces: Paces | null;
  /** Bytes of the application that the stream has no room for yet. */
  #held: Uint8Array = NOTHING;
  #isPaused = false;
  /** Bytes of the stream that the connection was given and may still be writing. */
  #handedBytes = 0;
  /** The application has half-closed, and the stream was told. */
  #appEnded = false;
  #finGiven = false;
  /** The stream's FIN was passed on to the application. */
  #streamEnded = false;
  #isOver = false;

  /** `paces` of a Binding; null: of a Mapping, which has no rate. */
  constructor(
    agent: Agent,
    stream: number,
    connection: Connection,
    traffic: Traffic,
    paces: Paces | null = null,
  ) {
    this.#agent = agent;
    this.#core = agent.core;
    this.#stream = stream;
    this.#connection = connection;
    this.#traffic = traffic;
    this.#paces = paces;
    traffic.begin();
  }

  data(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#held.length > 0) this.#held = Buffer.concat([this.#held, bytes]);
    else {
      const left = this.#give(bytes);
      // A Buffer's slice would be no copy.
      this.#held = left.length === 0 ? NOTHING : new Uint8Array(left);
    }
    this.news();
    this.#agent.wake();
  }

  /** Gives the stream what it and the rate take now; returns the rest. */
  #give(bytes: Uint8Array): Uint8Array {
    let left = bytes;
    while (left.length > 0) {
      const room = Math.min(this.#core.inRoom(this.#stream), this.#roomOf("in"));
      if (room <= 0) break;
      // A record is sealed where it landed, over what stands behind it.
      if (room < left.length && this.#core.isLanded(left)) left = new Uint8Array(left);
      const taken = this.#core.streamPut(this.#stream, left.subarray(0, room));
      this.#paces?.in.spend(taken);
      this.#traffic.bytesIn += taken;
      left = left.subarray(taken);
    }
    return left.length === 0 ? NOTHING : left;
  }

  /** Bytes that the rate allows now; 0: `paced` follows. */
  #roomOf(direction: "in" | "out"): number {
    return this.#paces?.[direction].roomFor(this) ?? Number.POSITIVE_INFINITY;
  }

  /** It is this connection's turn again. */
  paced(): void {
    this.news();
    this.#agent.wake();
  }

  drained(): void {
    this.news();
    this.#agent.wake();
  }

  ended(): void {
    this.#appEnded = true;
    this.news();
    this.#agent.wake();
  }

  closed(why: Ending | null): void {
    const isClean = why === null && this.#appEnded && this.#streamEnded;
    if (!isClean) this.abandon(Reason.Application);
  }

  /** The stream's flags or the socket's room may have changed: moves what can move. */
  news(): void {
    if (this.#isOver) return;
    const flags = this.#core.streamFlags(this.#stream);
    if (flags < 0) return this.#lose();
    this.#toStream(flags);
    this.#toApplication();
    this.#finish();
  }

  /** Ends the stream from this side; the peer's application sees a reset. */
  abandon(reason: number): void {
    if (this.#isOver) return;
    this.#over();
    this.#traffic.end(reasonName(reason));
    this.#core.streamReset(this.#stream, reason);
    this.#agent.release(this.#stream);
  }

  #toStream(flags: number): void {
    if (this.#held.length > 0) this.#held = this.#give(this.#held);
    this.#setPaused(this.#held.length > 0);
    const mayEnd = this.#appEnded && !this.#finGiven && this.#held.length === 0;
    if (!mayEnd || !(flags & StreamFlag.Connected)) return;
    this.#finGiven = true;
    this.#core.streamFin(this.#stream);
  }

  #toApplication(): void {
    while (this.#isWritten()) {
      const ready = this.#core.streamReady(this.#stream);
      if (ready.length === 0) break;
      const bytes = ready.subarray(0, this.#roomOf("out"));
      if (bytes.length === 0) break;
      this.#paces?.out.spend(bytes.length);
      this.#handedBytes = bytes.length;
      this.#connection.write(bytes);
    }
    if (this.#streamEnded || !(this.#core.streamFlags(this.#stream) & StreamFlag.Fin)) return;
    this.#streamEnded = true;
    this.#connection.end();
  }

  /** True when the connection holds no bytes any more: what it was given is taken out of the stream. */
  #isWritten(): boolean {
    if (this.#connection.unsentBytes > 0) return false;
    if (this.#handedBytes > 0) this.#core.streamTaken(this.#stream, this.#handedBytes);
    this.#traffic.bytesOut += this.#handedBytes;
    this.#handedBytes = 0;
    return true;
  }

  /** A closed stream ends the connection: cleanly once all its bytes are taken, else by a reset. */
  #finish(): void {
    const flags = this.#core.streamFlags(this.#stream);
    if (!(flags & StreamFlag.Closed) || flags & StreamFlag.Readable) return;
    this.#over();
    const { reason } = this.#core.streamInfo(this.#stream);
    this.#traffic.end(reason === 0 ? null : reasonName(reason));
    if (reason === 0) this.#connection.close();
    else this.#connection.reset();
    this.#agent.release(this.#stream);
  }

  /** The stream is gone with its peer. */
  #lose(): void {
    this.#over();
    this.#traffic.end(reasonName(Reason.PeerLost));
    this.#connection.reset();
  }

  #over(): void {
    this.#isOver = true;
    this.#paces?.in.forget(this);
    this.#paces?.out.forget(this);
  }

  #setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#connection.pause();
    else this.#connection.resume();
  }
}
