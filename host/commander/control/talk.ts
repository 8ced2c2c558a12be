// SPDX-License-Identifier: Apache-2.0
// One stream of kind 3 as messages come and go over it: bytes in, bytes out, its end. Before it: the agent's news
// of a stream. After it: conversation.ts (an STLink's), desk-client.ts (a desk's). Invariants: `over` comes once,
// and nothing after it; who does not read what is answered is not read either, so what waits here is bounded.

import { Reason } from "../../core/abi.gen.ts";
import { StreamFlag } from "../../core/core.ts";
import type { Agent, StreamOwner } from "../../stlink/agent.ts";

export interface TalkEvents {
  bytes(bytes: Uint8Array): void;
  /** All that was to be sent is in the stream. */
  drained(): void;
  /** `reason` is one of PROTOCOL 13.2, or 0. */
  over(reason: number): void;
}

/** While more than this waits, nothing is read. */
const UNSENT_MOST = 8192;

export class Talk implements StreamOwner {
  readonly #agent: Agent;
  readonly #stream: number;
  readonly #events: TalkEvents;
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #cancelPause: (() => void) | null = null;
  #isOver = false;

  constructor(agent: Agent, stream: number, events: TalkEvents) {
    this.#agent = agent;
    this.#stream = stream;
    this.#events = events;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that the stream has not taken yet. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  send(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
    this.#write();
    this.#agent.wake();
  }

  /** Reads nothing for so long, then calls `then` before it reads on. */
  pause(ms: number, then: () => void): void {
    if (this.#isOver || this.#cancelPause !== null) return;
    this.#cancelPause = this.#agent.world.clock.after(ms, () => {
      this.#cancelPause = null;
      then();
      this.news();
      this.#agent.wake();
    });
  }

  /** Ends the stream from this side. */
  end(reason: number): void {
    if (this.#isOver) return;
    this.#agent.core.streamReset(this.#stream, reason);
    this.#close(reason);
  }

  news(): void {
    if (this.#isOver) return;
    const flags = this.#agent.core.streamFlags(this.#stream);
    if (flags < 0) return this.#lose();
    const wasWaiting = this.#unsentBytes > 0;
    this.#write();
    this.#read();
    if (this.#isOver) return;
    if (wasWaiting && this.#unsentBytes === 0) this.#events.drained();
    this.#finish();
  }

  #write(): void {
    for (let [first] = this.#unsent; first !== undefined; [first] = this.#unsent) {
      const taken = this.#agent.core.streamPut(this.#stream, first);
      if (taken <= 0) return;
      this.#unsentBytes -= taken;
      if (taken === first.length) this.#unsent.shift();
      else this.#unsent[0] = first.subarray(taken);
    }
  }

  #read(): void {
    while (!this.#isOver && this.#cancelPause === null && this.#unsentBytes <= UNSENT_MOST) {
      const bytes = this.#agent.core.streamTake(this.#stream);
      if (bytes.length === 0) return;
      this.#events.bytes(bytes);
    }
  }

  /** A stream that has ended, or that its peer ends, is over once all of it has been read. */
  #finish(): void {
    const flags = this.#agent.core.streamFlags(this.#stream);
    if (this.#isOver || flags & StreamFlag.Readable) return;
    if (flags & StreamFlag.Closed) {
      return this.#close(this.#agent.core.streamInfo(this.#stream).reason);
    }
    if (flags & StreamFlag.Fin) this.end(Reason.Application);
  }

  #close(reason: number): void {
    this.#agent.release(this.#stream);
    this.#settle(reason);
  }

  /** The stream is gone with its peer. */
  #lose(): void {
    this.#settle(Reason.PeerLost);
  }

  #settle(reason: number): void {
    this.#isOver = true;
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#cancelPause?.();
    this.#events.over(reason);
  }
}
