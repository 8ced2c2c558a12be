// SPDX-License-Identifier: Apache-2.0
// A simulated world for UDP Routes: the real Agents, listener, service and Connector on a fake network
// and clock, an application that sends and a target that answers. Before it: udp-site.ts. After it:
// udp-routes.test.ts. All that is random comes from the seed.

import { Connector } from "../../host/connector/connector.ts";
import { connectorSizes } from "../../host/core/core.ts";
import { SimClock } from "../../host/net/sim/clock.ts";
import { type DatagramLine, SimDatagrams } from "../../host/net/sim/datagrams.ts";
import { SimNetwork } from "../../host/net/sim/network.ts";
import { LINE } from "../../host/net/sim/pipe.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { SimProcess } from "../../host/net/sim/process.ts";
import type { Address, DatagramSocket } from "../../host/net/transport.ts";
import type { World } from "../../host/net/world.ts";
import { openRules } from "../e2e/open-rules.ts";
import { newCore, newIdentity, type RouteOptions, Station } from "./udp-site.ts";

const CONNECTOR: Address = { host: "connector", port: 443 };
export const BOUND: Address = { host: "near", port: 53 };
export const TARGET: Address = { host: "10.0.0.9", port: 5353 };

/** An application's socket, or the target's, and what has come to it. */
export class Application {
  readonly got: { text: string; from: Address }[] = [];
  readonly socket: DatagramSocket;
  failures = 0;

  constructor(datagrams: SimDatagrams, address: Address, answers: (text: string) => string | null) {
    this.socket = datagrams.bind(address, {
      datagram: (bytes, from) => {
        const text = Buffer.from(bytes).toString();
        this.got.push({ text, from });
        const answer = answers(text);
        if (answer !== null) this.socket.send(Buffer.from(answer), from);
      },
      failed: () => {
        this.failures += 1;
      },
    });
  }

  get texts(): string[] {
    return this.got.map(({ text }) => text);
  }

  send(text: string): void {
    this.socket.send(Buffer.from(text), BOUND);
  }
}

export class UdpWorld {
  readonly clock = new SimClock();
  readonly near: Station;
  readonly far: Station;
  readonly nearDatagrams: SimDatagrams;
  readonly farDatagrams: SimDatagrams;
  readonly #prng: Prng;
  readonly #network: SimNetwork;
  readonly #connectorIdentity;
  #connector: Connector | null = null;

  constructor(seed: string, line: Partial<DatagramLine> = {}) {
    this.#prng = new Prng(seed);
    const whole = { latencyMs: 1, jitterMs: 0, loss: 0, ...line };
    this.#network = new SimNetwork(this.clock, this.#prng.fork("network"));
    this.nearDatagrams = new SimDatagrams(this.clock, this.#prng.fork("near"), whole);
    this.farDatagrams = new SimDatagrams(this.clock, this.#prng.fork("far"), whole);
    this.#connectorIdentity = newIdentity(this.#worldOf(CONNECTOR.host));
    this.near = new Station(this.#worldOf("near"));
    this.far = new Station(this.#worldOf("far"));
  }

  /** Everything up: an application may send. */
  async start({ binding, mapping }: RouteOptions = {}): Promise<this> {
    await this.startConnector();
    await this.startNear(binding);
    this.startFar(mapping);
    await this.pass(1000);
    return this;
  }

  async startNear(binding: RouteOptions["binding"] = {}): Promise<void> {
    this.near.meet(this.far, this.#connectorAddress);
    await this.near.listen(BOUND.host, BOUND.port, binding);
  }

  startFar(mapping: RouteOptions["mapping"] = {}): void {
    this.far.meet(this.near, this.#connectorAddress);
    this.far.serve(TARGET.host, TARGET.port, mapping);
  }

  async startConnector(): Promise<void> {
    const { identity: near } = this.near;
    const { identity: far } = this.far;
    this.#connector = new Connector({
      core: newCore(),
      world: this.#worldOf(CONNECTOR.host),
      sizes: connectorSizes(8, 8),
      ...this.#connectorIdentity,
      rules: openRules(
        [near, far].map(({ id, publicKey }) => ({ id, key: publicKey })),
        [[near.id, far.id]],
        8,
      ),
    });
    await this.#connector.start(CONNECTOR);
  }

  /** The Connector is gone, with its queues and hops. */
  stopConnector(): void {
    this.#connector?.stop();
  }

  /** A client of the Binding. */
  client(port: number, host = "client"): Application {
    return new Application(this.nearDatagrams, { host, port }, () => null);
  }

  /** A target that answers; null: not to this one. */
  target(answers: (text: string) => string | null = (text) => `re ${text}`): Application {
    return new Application(this.farDatagrams, TARGET, answers);
  }

  /** Lets time pass, promises too. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.nowMs + ms;
    while (this.clock.step(until)) await null;
  }

  stop(): void {
    this.near.stop();
    this.far.stop();
    this.stopConnector();
  }

  get #connectorAddress() {
    return { address: CONNECTOR, key: this.#connectorIdentity.publicKey };
  }

  #worldOf(name: string): World {
    const datagrams = name === "near" ? this.nearDatagrams : this.farDatagrams;
    const prng = this.#prng.fork(name);
    return new SimProcess({
      name,
      clock: this.clock,
      network: this.#network,
      datagrams,
      line: LINE,
      prng,
    });
  }
}
