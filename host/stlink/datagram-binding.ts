// SPDX-License-Identifier: Apache-2.0
// A UDP Binding: listens, gives each source address a flow, and sends what comes on one datagram channel
// to the peer that holds the Mapping. Before it: an application. After it: channels.ts. The channel is
// opened by the first datagram, followed by its successor, ended when idle. PROTOCOL 8.1, rules U1 to U4.

import { Reason } from "../core/abi.gen.ts";
import { CoreError, StreamFlag } from "../core/core.ts";
import {
  type Address,
  type DatagramFailure,
  type DatagramSocket,
  UNSENT_MOST,
} from "../net/transport.ts";
import { Seldom } from "../service/seldom.ts";
import type { Access, Admitted } from "./access.ts";
import type { Agent } from "./agent.ts";
import { Channels, KIND_DATAGRAM } from "./channels.ts";
import {
  CHANNEL_IDLE_MS,
  type DatagramTimes,
  type DatagramTraffic,
  SWEEP_MS,
} from "./datagram-route.ts";
import { Newest } from "./newest.ts";
import type { Paces } from "./pace.ts";
import { reasonName } from "./reasons.ts";
import { SourceFlows } from "./source-flows.ts";

export type DatagramBinding = DatagramTimes & {
  /** 16 bytes each. */
  id: Uint8Array;
  mappingId: Uint8Array;
  /** IP addresses to listen on, with one port; 0 is any free one. */
  hosts: readonly string[];
  port: number;
  /** Links to the peers that hold the Mapping, the one to open a channel to at the head (rule D10). */
  links(): readonly number[];
  traffic: DatagramTraffic;
  access: Access;
  /** Hears what its owner should know, each kind at most once a minute. */
  warn(text: string): void;
};

/** A channel that ended is opened again so much later: about what a configuration takes (rule F11). */
const OPEN_AGAIN_MS = 1000;
/** A peer that has not accepted the channel by then is passed over while there is another. */
const ACCEPT_MS = 2000;

const RATE_EXCEEDED =
  "datagrams come faster than the rate of the access list: some are dropped. Send less, or allow a higher rate.";

/** Listens for a Binding's applications. Rejects with the system's error (EADDRINUSE, ...). */
export async function listenDatagrams(
  agent: Agent,
  binding: DatagramBinding,
): Promise<DatagramListener> {
  const listener = new DatagramListener(agent, binding);
  try {
    for (const host of binding.hosts) await listener.bind(host);
    return listener;
  } catch (error) {
    listener.close();
    throw error;
  }
}

export class DatagramListener implements Admitted {
  readonly #agent: Agent;
  readonly #binding: DatagramBinding;
  readonly #traffic: DatagramTraffic;
  readonly #sockets: DatagramSocket[] = [];
  readonly #flows: SourceFlows;
  readonly #channels: Channels;
  readonly #held = new Newest();
  readonly #seldom: Seldom;
  /** The channel that is being opened; -1: none. */
  #opening = -1;
  #openingSinceMs = 0;
  #openAgainMs = Number.NEGATIVE_INFINITY;
  #usedMs = 0;
  #isClosed = false;
  #cancelSweep: (() => void) | null = null;

  constructor(agent: Agent, binding: DatagramBinding) {
    const { flows, traffic, ageMs } = binding;
    this.#agent = agent;
    this.#binding = binding;
    this.#traffic = traffic;
    this.#flows = new SourceFlows(flows);
    this.#seldom = new Seldom(agent.world.clock, binding.warn);
    this.#channels = new Channels({ agent, ageMs, traffic, seldom: this.#seldom });
    binding.access.admit(this);
  }

  /** Where it listens; the ports are the real ones. */
  get addresses(): Address[] {
    return this.#sockets.map(({ address }) => address);
  }

  /** Only for `listenDatagrams`. */
  async bind(host: string): Promise<void> {
    const port = this.addresses[0]?.port ?? this.#binding.port;
    const socket = await this.#agent.world.transport.bindDatagrams(
      { host, port },
      {
        datagram: (bytes, from) => this.#arrived(socket, bytes, from),
        failed: (why) => this.#failed(why),
      },
    );
    this.#sockets.push(socket);
  }

  /** Ends its channels and stops listening; the agent must still run. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#binding.access.leave(this);
    for (const socket of this.#sockets) socket.close();
    this.#cancelSweep?.();
    this.#channels.end(Reason.Application);
    this.#traffic.open = 0;
  }

  /** Flows of sources that are not allowed any more are forgotten. */
  accessChanged(): void {
    this.#flows.forgetHosts((host) => !this.#binding.access.allows(host));
    this.#countFlows();
  }

  get #nowMs(): number {
    return this.#agent.world.clock.now();
  }

  #arrived(socket: DatagramSocket, bytes: Uint8Array, from: Address): void {
    const now = this.#nowMs;
    const flow = this.#flows.flowOf(socket, from, now) ?? this.#newFlow(socket, from);
    if (flow === null) return;
    this.#usedMs = now;
    this.#sweepLater();
    if (!this.#isPaced("in", bytes)) return;
    if (this.#channels.maySend) return this.#channels.put(flow, bytes);
    this.#traffic.drop("NoChannel", this.#held.hold(flow, bytes, now));
    this.#open();
  }

  /** null: the access list refuses it. */
  #newFlow(socket: DatagramSocket, from: Address): number | null {
    const { access } = this.#binding;
    const refusal = access.refusalOf(from.host, this.#flows.size);
    if (refusal !== null) {
      this.#traffic.drop(refusal);
      this.#traffic.lastError = access.refusalText(refusal, "datagram", from.host);
      this.#seldom.warn(refusal, () => `${this.#traffic.lastError}`);
      return null;
    }
    const flow = this.#flows.add(socket, from, this.#nowMs);
    this.#countFlows();
    return flow;
  }

  /** Whether the rate takes a datagram; what it does not take is dropped here. */
  #isPaced(direction: keyof Paces, bytes: Uint8Array): boolean {
    if (this.#binding.access.paces[direction].take(bytes.length)) return true;
    this.#traffic.drop("RateExceeded");
    this.#seldom.warn("RateExceeded", () => RATE_EXCEEDED);
    return false;
  }

  #open(): void {
    if (this.#opening >= 0 || this.#nowMs < this.#openAgainMs) return;
    const { links, id, mappingId } = this.#binding;
    const [link] = links();
    if (link === undefined) return this.#wait("no peer holds the Mapping");
    this.#agent.core.clock(this.#nowMs);
    try {
      const stream = this.#agent.core.streamOpen(link, KIND_DATAGRAM, id, mappingId);
      this.#opening = stream;
      this.#openingSinceMs = this.#nowMs;
      this.#channels.add(stream);
      this.#agent.attach(stream, { news: () => this.#hear(stream) });
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      this.#wait(error.code);
    }
  }

  #hear(stream: number): void {
    const hasTaken = this.#channels.take(stream, (flow, bytes) => this.#answer(flow, bytes));
    if (hasTaken) this.#usedMs = this.#nowMs;
    const reason = this.#channels.reasonOfEnd(stream);
    if (reason !== null) return this.#ended(stream, reason);
    if (this.#agent.core.streamFlags(stream) & StreamFlag.Writable) this.#opened(stream);
  }

  #opened(stream: number): void {
    this.#channels.allow(stream);
    if (stream !== this.#opening) return;
    this.#opening = -1;
    this.#dropAged();
    for (const { flow, bytes } of this.#held.take()) this.#channels.put(flow, bytes);
  }

  /** A peer without the Mapping accepts a channel and ends it at once: so every end means to wait. */
  #ended(stream: number, reason: number): void {
    this.#channels.remove(stream);
    if (stream === this.#opening) this.#opening = -1;
    if (this.#channels.isEmpty) this.#wait(reasonName(reason));
  }

  /** What has waited for longer than the Route's age. */
  #dropAged(): void {
    this.#traffic.drop("Aged", this.#held.dropOlder(this.#nowMs - this.#binding.ageMs));
  }

  #wait(why: string): void {
    this.#openAgainMs = this.#nowMs + OPEN_AGAIN_MS;
    const text = `the channel to the peer has ended, or could not be opened: ${why}`;
    this.#traffic.fail(text);
    this.#seldom.warn("channel", () => `${text}. It is tried again.`);
  }

  #answer(flow: number, bytes: Uint8Array): void {
    const source = this.#flows.sourceOf(flow, this.#nowMs);
    if (source === undefined) return this.#traffic.drop("UnknownFlow");
    const { socket, address } = source;
    if (socket.unsentBytes >= UNSENT_MOST) return this.#traffic.drop("SocketFull");
    if (!this.#isPaced("out", bytes)) return;
    this.#traffic.countOut(bytes);
    socket.send(bytes, address);
  }

  #failed(why: DatagramFailure): void {
    this.#traffic.drop(why === "TooBig" ? "DatagramTooBig" : why);
  }

  #countFlows(): void {
    const before = this.#traffic.open;
    this.#traffic.open = this.#flows.size;
    this.#traffic.total += Math.max(this.#flows.size - before, 0);
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#agent.world.clock.after(SWEEP_MS, () => this.#sweep());
  }

  #sweep(): void {
    this.#cancelSweep = null;
    const now = this.#nowMs;
    this.#flows.forgetIdle(now - this.#binding.idleMs);
    this.#countFlows();
    this.#dropAged();
    this.#channels.count();
    this.#passOver();
    const isIdle = this.#flows.size === 0 && now - this.#usedMs >= CHANNEL_IDLE_MS;
    if (isIdle) this.#endChannels();
    else if (this.#channels.wantsSuccessor || !this.#held.isEmpty) this.#open();
    if (this.#flows.size > 0 || !this.#channels.isEmpty) this.#sweepLater();
  }

  /** Silence counts against a peer, so that another one is at the head the next time. */
  #passOver(): void {
    const isLate = this.#opening >= 0 && this.#nowMs - this.#openingSinceMs >= ACCEPT_MS;
    if (!isLate || this.#binding.links().length < 2) return;
    const stream = this.#opening;
    this.#opening = -1;
    this.#agent.core.streamReset(stream, Reason.Application);
    this.#channels.remove(stream);
    this.#open();
  }

  #endChannels(): void {
    this.#opening = -1;
    this.#channels.end(Reason.Application);
    this.#agent.wake();
  }
}
