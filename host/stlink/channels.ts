// SPDX-License-Identifier: Apache-2.0
// The datagram channels of one Binding, Mapping and link: one, or two while a successor follows. Before
// it: datagram-binding.ts or datagram-mapping.ts, which open or take them. After it: the core's channels.
// Datagrams go out on the highest number on which this side may send. PROTOCOL 8.1, 8.3.

import { Status } from "../core/abi.gen.ts";
import { type Core, StreamFlag } from "../core/core.ts";
import type { Seldom } from "../service/seldom.ts";
import type { Agent } from "./agent.ts";
import type { DatagramTraffic, DropName } from "./datagram-route.ts";

export const KIND_DATAGRAM = 2;

type Channel = {
  stream: number;
  /** -1: this side may not send on it yet. */
  number: number;
  /** What the core had dropped when it was looked at last. */
  dropped: number;
};

export type ChannelsOptions = {
  agent: Agent;
  ageMs: number;
  traffic: DatagramTraffic;
  seldom: Seldom;
};

export class Channels {
  readonly #options: ChannelsOptions;
  readonly #channels = new Map<number, Channel>();
  #best: Channel | null = null;

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#channels.size === 0;
  }

  get maySend(): boolean {
    return this.#best !== null;
  }

  /** Opener: the channel to send on has served for long enough (rule U3). */
  get wantsSuccessor(): boolean {
    if (this.#best === null) return false;
    return (this.#core.streamFlags(this.#best.stream) & StreamFlag.Successor) !== 0;
  }

  /** Takes a channel in. */
  add(stream: number): void {
    this.#channels.set(stream, { stream, number: -1, dropped: 0 });
    this.#core.datagramAge(stream, this.#options.ageMs);
    this.#options.traffic.channelsTotal += 1;
  }

  /** From now on this side may send on it. */
  allow(stream: number): void {
    const channel = this.#channels.get(stream);
    if (channel === undefined || channel.number >= 0) return;
    channel.number = this.#core.streamInfo(stream).number;
    if (this.#best === null || channel.number > this.#best.number) this.#best = channel;
  }

  /** Sends a datagram of `flow`, or drops and counts it. */
  put(flow: number, bytes: Uint8Array): void {
    const { agent, traffic } = this.#options;
    if (this.#best === null) return traffic.drop("NoChannel");
    const { stream } = this.#best;
    const status = this.#core.datagramPut(stream, flow, bytes, agent.world.clock.now());
    agent.wake();
    if (status === Status.Ok) return traffic.countIn(bytes);
    traffic.drop(DROPS.get(status) ?? "NoChannel");
    if (status === Status.TooBig) this.#tellTooBig(stream, bytes.length);
  }

  /** Takes all datagrams that have come on a channel; returns whether there were any. */
  take(stream: number, each: (flow: number, bytes: Uint8Array) => void): boolean {
    let isAny = false;
    for (;;) {
      const datagram = this.#core.datagramTake(stream);
      if (datagram === null) return isAny;
      isAny = true;
      each(datagram.flow, datagram.bytes);
    }
  }

  /** The reason with which a channel has ended; null while it has not. */
  reasonOfEnd(stream: number): number | null {
    const flags = this.#core.streamFlags(stream);
    return flags & StreamFlag.Closed ? this.#core.streamInfo(stream).reason : null;
  }

  /** Lets a channel go that has ended. */
  remove(stream: number): void {
    const channel = this.#channels.get(stream);
    if (channel === undefined) return;
    this.#count(channel);
    this.#channels.delete(stream);
    this.#best = null;
    for (const other of this.#channels.values()) {
      if (other.number >= (this.#best?.number ?? 0)) this.#best = other;
    }
    this.#options.agent.release(stream);
  }

  /** Ends all of them from this side. */
  end(reason: number): void {
    for (const stream of [...this.#channels.keys()]) {
      this.#core.streamReset(stream, reason);
      this.remove(stream);
    }
  }

  /** Counts what the core has dropped since. */
  count(): void {
    for (const channel of this.#channels.values()) this.#count(channel);
  }

  get #core(): Core {
    return this.#options.agent.core;
  }

  #count(channel: Channel): void {
    const { dropped } = this.#core.streamInfo(channel.stream);
    this.#options.traffic.drop("Overtaken", dropped - channel.dropped);
    channel.dropped = dropped;
  }

  #tellTooBig(stream: number, bytes: number): void {
    const { traffic, seldom } = this.#options;
    const most = this.#core.inRoom(stream);
    traffic.lastError = `a datagram of ${bytes} bytes is larger than the ${most} that fit`;
    seldom.warn(
      "DatagramTooBig",
      () =>
        `${traffic.lastError} a packet to the peer: dropped, ${traffic.dropped.DatagramTooBig} so far. Let the application send smaller ones.`,
    );
  }
}

const DROPS: ReadonlyMap<number, DropName> = new Map([
  [Status.TooBig, "DatagramTooBig"],
  [Status.NoBuffer, "NoBuffer"],
]);
