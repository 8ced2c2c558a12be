// SPDX-License-Identifier: Apache-2.0
// UDP Mappings: each flow of a peer's Binding becomes a socket to the Mapping's target, and what comes
// back on it goes back on the flow. Before it: agent.ts's offers of channels. After it: the target. A flow's
// socket lives no longer than the channels of its Binding: so a Binding that begins anew finds no answer
// of before. PROTOCOL 8.1, rules U1 to U4.

import { Reason } from "../core/abi.gen.ts";
import type { StreamView } from "../core/core.ts";
import type { Address, DatagramFailure } from "../net/transport.ts";
import { Seldom } from "../service/seldom.ts";
import { refusedHint, type Target } from "./addresses.ts";
import type { Agent, StreamOwner } from "./agent.ts";
import { Channels, KIND_DATAGRAM } from "./channels.ts";
import { type DatagramTimes, type DatagramTraffic, SWEEP_MS } from "./datagram-route.ts";
import { FlowSocket, TargetChoice } from "./flow-socket.ts";
import { IdleMap } from "./idle-map.ts";

export type DatagramMapping = DatagramTimes & {
  /** 16 bytes. */
  id: Uint8Array;
  /** The target's addresses, or why there are none; called for each new flow, never rejects. */
  resolve(): Promise<Target>;
  port: number;
  /** The links whose peers may use it; its owner may change them. */
  links: readonly number[];
  traffic: DatagramTraffic;
  /** Hears what its owner should know, each kind at most once a minute. */
  warn(text: string): void;
};

/** Serves the Mappings that `all` gives to the peers that may use them. */
export function serveDatagrams(agent: Agent, all: () => readonly ServedMapping[]): void {
  agent.onOffer(KIND_DATAGRAM, (stream, info) => {
    return (
      all()
        .find((one) => one.isFor(info))
        ?.accept(stream, info) ?? null
    );
  });
}

/** What the Bindings of all peers have in common at a Mapping. */
export class ServedMapping {
  readonly agent: Agent;
  readonly mapping: DatagramMapping;
  readonly seldom: Seldom;
  readonly target: TargetChoice;
  /** By link and Binding id: nobody's flows meet another's. */
  readonly #relations = new Map<string, Relation>();
  /** Sockets of each link's peer, however many Bindings it speaks of. */
  readonly #socketCounts = new Map<number, number>();
  #cancelSweep: (() => void) | null = null;

  constructor(agent: Agent, mapping: DatagramMapping) {
    this.agent = agent;
    this.mapping = mapping;
    this.seldom = new Seldom(agent.world.clock, mapping.warn);
    this.target = new TargetChoice(mapping.resolve, mapping.port);
  }

  isFor({ link, mappingId }: StreamView): boolean {
    const { id, links } = this.mapping;
    return Buffer.compare(id, mappingId) === 0 && links.includes(link);
  }

  accept(stream: number, { link, bindingId }: StreamView): StreamOwner {
    const name = `${link} ${Buffer.from(bindingId).toString("hex")}`;
    const relation = this.#relations.get(name) ?? new Relation(this, link);
    this.#relations.set(name, relation);
    this.#sweepLater();
    return relation.accept(stream);
  }

  /** Ends its channels; the agent must still run. */
  close(): void {
    this.#cancelSweep?.();
    for (const relation of this.#relations.values()) relation.close();
    this.#relations.clear();
  }

  /** False: the peer has as many flows as it may. */
  beginSocket(link: number): boolean {
    const count = this.#socketCounts.get(link) ?? 0;
    if (count >= this.mapping.flows) return false;
    this.#socketCounts.set(link, count + 1);
    this.mapping.traffic.open += 1;
    this.mapping.traffic.total += 1;
    return true;
  }

  endSocket(link: number): void {
    this.#socketCounts.set(link, (this.#socketCounts.get(link) ?? 1) - 1);
    this.mapping.traffic.open -= 1;
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.agent.world.clock.after(SWEEP_MS, () => this.#sweep());
  }

  #sweep(): void {
    this.#cancelSweep = null;
    for (const [name, relation] of this.#relations) {
      relation.sweep();
      if (relation.isOver) this.#relations.delete(name);
    }
    if (this.#relations.size > 0) this.#sweepLater();
  }
}

/** What one Binding of one peer and this Mapping have together: channels, and a socket for each flow. */
class Relation {
  readonly #served: ServedMapping;
  readonly #link: number;
  readonly #traffic: DatagramTraffic;
  readonly #channels: Channels;
  readonly #sockets = new IdleMap<number, FlowSocket>();

  constructor(served: ServedMapping, link: number) {
    const { agent, seldom, mapping } = served;
    this.#served = served;
    this.#link = link;
    this.#traffic = mapping.traffic;
    this.#channels = new Channels({
      agent,
      ageMs: mapping.ageMs,
      traffic: mapping.traffic,
      seldom,
    });
  }

  get isOver(): boolean {
    return this.#channels.isEmpty;
  }

  accept(stream: number): StreamOwner {
    this.#served.agent.core.streamConnected(stream);
    this.#channels.add(stream);
    // What came before now had its news when the channel was offered.
    this.#hear(stream);
    return { news: () => this.#hear(stream) };
  }

  sweep(): void {
    this.#channels.count();
    const before = this.#nowMs - this.#served.mapping.idleMs;
    for (const socket of this.#sockets.takeIdle(before)) this.#endSocket(socket);
  }

  close(): void {
    this.#channels.end(Reason.Application);
    this.#endSockets();
  }

  get #nowMs(): number {
    return this.#served.agent.world.clock.now();
  }

  #hear(stream: number): void {
    const hasTaken = this.#channels.take(stream, (flow, bytes) => this.#arrived(flow, bytes));
    if (hasTaken) this.#channels.allow(stream);
    if (this.#channels.reasonOfEnd(stream) === null) return;
    this.#channels.remove(stream);
    if (this.#channels.isEmpty) this.#endSockets();
  }

  #arrived(flow: number, bytes: Uint8Array): void {
    const socket = this.#sockets.use(flow, this.#nowMs) ?? this.#begin(flow);
    if (socket === null) return this.#traffic.drop("FlowLimit");
    socket.send(bytes);
  }

  #begin(flow: number): FlowSocket | null {
    const { agent, mapping, target, seldom } = this.#served;
    if (!this.#served.beginSocket(this.#link)) return null;
    const socket = new FlowSocket({
      world: agent.world,
      target,
      ageMs: mapping.ageMs,
      traffic: this.#traffic,
      answered: (bytes) => this.#answered(flow, bytes),
      failed: (why, address) => this.#failed(why, address),
      refused: (why) => {
        this.#traffic.fail(why);
        seldom.warn("NoTarget", () => why);
      },
    });
    this.#sockets.set(flow, socket, this.#nowMs);
    return socket;
  }

  #answered(flow: number, bytes: Uint8Array): void {
    this.#sockets.use(flow, this.#nowMs);
    this.#channels.put(flow, bytes);
  }

  #failed(why: DatagramFailure, { host, port }: Address): void {
    this.#traffic.drop(why === "TooBig" ? "DatagramTooBig" : why);
    const hint = why === "Refused" ? ` ${refusedHint(host)}` : "";
    const text = `${host} port ${port}, UDP: ${why}.${hint}`;
    this.#traffic.lastError = text;
    this.#served.seldom.warn(why, () => text);
  }

  #endSockets(): void {
    for (const socket of this.#sockets.takeIdle(Number.POSITIVE_INFINITY)) this.#endSocket(socket);
  }

  #endSocket(socket: FlowSocket): void {
    socket.close();
    this.#served.endSocket(this.#link);
  }
}
