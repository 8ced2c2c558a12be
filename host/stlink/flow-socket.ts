// SPDX-License-Identifier: Apache-2.0
// One flow of a UDP Mapping: a socket to the target, opened by the flow's first datagram. Before it:
// datagram-mapping.ts. After it: the target. The target's name is looked at anew for each flow, and a
// socket goes to an address that was looked at, never to a name.

import {
  type Address,
  type DatagramFailure,
  type DatagramSocket,
  UNSENT_MOST,
} from "../net/transport.ts";
import type { World } from "../net/world.ts";
import type { Target } from "./addresses.ts";
import type { DatagramTraffic } from "./datagram-route.ts";
import { Newest } from "./newest.ts";

/** Which address of a Mapping's target is used: of several one, until that refuses. */
export class TargetChoice {
  readonly #resolve: () => Promise<Target>;
  readonly #port: number;
  #hosts: readonly string[] = [];
  /** How many addresses have refused, one after the other. */
  #skippedCount = 0;

  /** `resolve` never rejects. */
  constructor(resolve: () => Promise<Target>, port: number) {
    this.#resolve = resolve;
    this.#port = port;
  }

  async address(): Promise<Address | { refusal: string }> {
    const resolved = await this.#resolve();
    if ("refusal" in resolved) return resolved;
    this.#hosts = resolved.hosts;
    return { host: this.#host, port: this.#port };
  }

  /** An address refused: true when there is another one, which is next. */
  skip({ host }: Address): boolean {
    if (this.#hosts.length < 2) return false;
    if (host === this.#host) this.#skippedCount += 1;
    return true;
  }

  get #host(): string {
    return this.#hosts[this.#skippedCount % this.#hosts.length] ?? "";
  }
}

export type FlowSocketOptions = {
  world: World;
  target: TargetChoice;
  ageMs: number;
  traffic: DatagramTraffic;
  answered(bytes: Uint8Array): void;
  failed(why: DatagramFailure, address: Address): void;
  /** The target has no address that may be used. */
  refused(why: string): void;
};

/** A name that does not resolve is looked at again so much later. */
const RESOLVE_AGAIN_MS = 1000;

export class FlowSocket {
  readonly #options: FlowSocketOptions;
  readonly #held = new Newest();
  #socket: DatagramSocket | null = null;
  #isOpening = false;
  #openAgainMs = Number.NEGATIVE_INFINITY;
  #hasAnswered = false;
  #isClosed = false;

  constructor(options: FlowSocketOptions) {
    this.#options = options;
  }

  send(bytes: Uint8Array): void {
    const { traffic } = this.#options;
    const socket = this.#socket;
    if (socket === null) return this.#hold(bytes);
    if (socket.unsentBytes >= UNSENT_MOST) return traffic.drop("SocketFull");
    traffic.countOut(bytes);
    socket.send(bytes);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  get #nowMs(): number {
    return this.#options.world.clock.now();
  }

  #hold(bytes: Uint8Array): void {
    this.#options.traffic.drop("NoChannel", this.#held.hold(0, bytes, this.#nowMs));
    if (!this.#isOpening && this.#nowMs >= this.#openAgainMs) this.#open();
  }

  async #open(): Promise<void> {
    const { world, target, ageMs, traffic, refused } = this.#options;
    this.#isOpening = true;
    const address = await target.address();
    this.#isOpening = false;
    if (this.#isClosed) return;
    traffic.drop("Aged", this.#held.dropOlder(this.#nowMs - ageMs));
    if ("refusal" in address) {
      this.#openAgainMs = this.#nowMs + RESOLVE_AGAIN_MS;
      traffic.drop("NoTarget", this.#held.take().length);
      return refused(address.refusal);
    }
    this.#socket = world.transport.dialDatagrams(address, {
      datagram: (bytes) => this.#answered(bytes),
      failed: (why) => this.#failed(why, address),
    });
    for (const { bytes } of this.#held.take()) this.send(bytes);
  }

  #answered(bytes: Uint8Array): void {
    this.#hasAnswered = true;
    this.#options.answered(bytes);
  }

  #failed(why: DatagramFailure, address: Address): void {
    this.#options.failed(why, address);
    if (why !== "Refused" || this.#hasAnswered || !this.#options.target.skip(address)) return;
    this.#socket?.close();
    this.#socket = null;
  }
}
