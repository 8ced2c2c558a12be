// SPDX-License-Identifier: Apache-2.0
// A Connector whose hops are a core's, on the reference's wire: it admits, queues and forwards; its
// queues are plain lists. Before it: core-ends.ts. After it: core-world.ts.
// Invariant: a packet is forwarded only while the hop has credit for it.

import { HopState, type Sizes } from "../../host/core/core.ts";
import type { CoreEngine } from "../../host/core/engine.ts";
import { toHex } from "../reference/bytes.ts";
import { publicKey } from "../reference/noise.ts";
import type { HopEnd } from "../reference/peer.ts";
import type { Random } from "../reference/random.ts";
import { Inbound, Running, TEST_SIZES } from "./core-ends.ts";

/** A Connector of a few hops. */
export const TEST_CONNECTOR_SIZES: Sizes = {
  ...TEST_SIZES,
  hops: 8,
  links: 0,
  streams: 0,
  recvBlocks: 0,
  sendBlocks: 0,
  maxPacketBytes: 65_000,
  hopBuffers: 16,
  hopBufferBytes: 66_000,
  hopCreditBytes: 65_000,
};

export interface CoreConnectorOptions {
  engine: CoreEngine;
  sizes: Sizes;
  staticSecret: Uint8Array;
  random: Random;
  /** The PSK of a key on the admission list; undefined for an unknown key. */
  pskFor: (key: Uint8Array) => Uint8Array | undefined;
  /** The id under which a key is admitted, or the reason why not. */
  admit: (key: Uint8Array, ticket: Uint8Array) => Uint8Array | number;
  lose: (from: Uint8Array, to: Uint8Array, packet: Uint8Array) => boolean;
  queueBytes?: number;
}

interface Queued {
  from: Uint8Array;
  kind: number;
  packet: Uint8Array;
}

/** A Connector whose hops are a core's; its queues are plain lists. */
export class CoreConnector extends Running {
  readonly options: CoreConnectorOptions;
  readonly ports: CorePort[] = [];
  private readonly queues = new Map<string, Queued[]>();

  constructor(options: CoreConnectorOptions, now: number) {
    super(options.engine, options.random);
    this.options = options;
    this.core.start("connector", options.sizes, now);
    this.core.feed(options.random(32));
    const { staticSecret } = options;
    this.core.setIdentity(staticSecret, publicKey(staticSecret), new Uint8Array(16));
  }

  accept(): CorePort {
    const port = new CorePort(this, this.core.hopAccept());
    this.ports.push(port);
    return port;
  }

  queue(id: Uint8Array): Queued[] {
    const name = toHex(id);
    const known = this.queues.get(name) ?? [];
    this.queues.set(name, known);
    return known;
  }

  /** Gives packets to the hops that have credit. */
  deliver(): void {
    for (const port of this.ports) {
      if (!port.id || port.closed) continue;
      const queue = this.queue(port.id);
      for (let next = queue[0]; next; next = queue[0]) {
        const tooBig = next.packet.length > this.core.hopMaxPacket(port.hop);
        if (!tooBig && !this.core.forward(port.hop, next.kind, next.from, next.packet)) break;
        queue.shift();
      }
    }
  }
}

/** One hop of a core that is a Connector. */
export class CorePort implements HopEnd {
  readonly hop: number;
  closed = false;
  id: Uint8Array | undefined;
  status = 0;
  private readonly connector: CoreConnector;
  private readonly inbound = new Inbound();

  constructor(connector: CoreConnector, hop: number) {
    this.connector = connector;
    this.hop = hop;
  }

  receive(bytes: Uint8Array): void {
    if (this.closed) return;
    this.inbound.add(bytes);
    this.settle();
  }

  send(): Uint8Array {
    if (this.closed) return new Uint8Array(0);
    this.settle();
    this.connector.deliver();
    const parts: Uint8Array[] = [];
    const take = () => (this.closed ? new Uint8Array(0) : this.connector.core.hopTake(this.hop));
    for (let bytes = take(); bytes.length > 0; bytes = take()) parts.push(bytes);
    this.noticeEnd();
    return Buffer.concat(parts);
  }

  tick(now: number): number {
    const wait = this.connector.core.tick(now | 0);
    this.noticeEnd();
    return now + (wait < 0 ? 1000 : wait);
  }

  /** The connection is gone. */
  leave(): void {
    if (this.closed) return;
    this.closed = true;
    this.connector.core.hopFree(this.hop);
  }

  private settle(): void {
    const { connector } = this;
    do {
      connector.work();
      this.answer();
    } while (!this.closed && this.inbound.move(connector, this.hop, () => this.enqueue()));
    this.noticeEnd();
  }

  private answer(): void {
    const { core, options } = this.connector;
    const view = core.hopState(this.hop);
    if (view.asking) core.hopAnswer(this.hop, options.pskFor(core.hopPeerKey(this.hop)));
    if (view.state !== HopState.Greeting || !view.greeted) return;
    const admitted = options.admit(core.hopPeerKey(this.hop), core.hopTicket(this.hop));
    if (typeof admitted === "number") {
      core.hopClose(this.hop, admitted);
      return;
    }
    this.id = admitted;
    core.hopAdmit(this.hop, admitted, options.queueBytes ?? 262_144);
  }

  private enqueue(): void {
    const { core, options } = this.connector;
    const info = core.packetInfo();
    if (!info.to || !this.id) return;
    const packet = core.engine.read(info.ptr, info.len);
    if (options.lose(this.id, info.to, packet)) return;
    this.connector.queue(info.to).push({ from: this.id, kind: info.class, packet });
  }

  private noticeEnd(): void {
    if (this.closed) return;
    const { core } = this.connector;
    if (core.hopState(this.hop).state !== HopState.Closed) return;
    this.status = core.hopStatus(this.hop);
    this.leave();
  }
}
