// SPDX-License-Identifier: Apache-2.0
// Datagrams of the simulated network: each may be lost, late, or overtaken by the next one. Before it:
// transport.ts. After it: whoever is bound. A dialled socket hears of a refusal where nobody is bound, as
// ICMP would tell it; a bound one does not. Invariant: all that is random comes from the seed.

import type { Address, DatagramEvents, DatagramSocket } from "../transport.ts";
import type { SimClock } from "./clock.ts";
import type { Prng } from "./prng.ts";

export type DatagramLine = {
  latencyMs: number;
  /** So much later at most; more than the gap between two datagrams reorders them. */
  jitterMs: number;
  /** 0 to 1. */
  loss: number;
};

/** What UDP over IPv4 carries. */
const MOST_BYTES = 65_507;
const FIRST_FREE_PORT = 40_000;

export class SimDatagrams {
  readonly #clock: SimClock;
  readonly #prng: Prng;
  readonly #line: DatagramLine;
  readonly #sockets = new Map<string, SimDatagramSocket>();
  #nextPort = FIRST_FREE_PORT;

  constructor(clock: SimClock, prng: Prng, line: DatagramLine) {
    this.#clock = clock;
    this.#prng = prng;
    this.#line = line;
  }

  /** Sockets that are open. */
  get socketCount(): number {
    return this.#sockets.size;
  }

  /** Binds a socket; `remote`: it talks to nobody else. Throws EADDRINUSE. */
  bind(
    { host, port }: Address,
    events: DatagramEvents,
    remote: Address | null = null,
  ): DatagramSocket {
    const address = { host, port: port === 0 ? this.#nextPort++ : port };
    if (this.#sockets.has(nameOf(address))) {
      throw Object.assign(new Error("the address is in use"), { code: "EADDRINUSE" });
    }
    const socket = new SimDatagramSocket(this, address, events, remote);
    this.#sockets.set(nameOf(address), socket);
    return socket;
  }

  close(socket: SimDatagramSocket): void {
    this.#sockets.delete(nameOf(socket.address));
  }

  send(from: SimDatagramSocket, to: Address, bytes: Uint8Array): void {
    const { latencyMs, jitterMs, loss } = this.#line;
    if (bytes.length > MOST_BYTES) {
      this.#clock.after(0, () => from.fail("TooBig"));
      return;
    }
    if (this.#prng.chance(loss)) return;
    const delayMs = latencyMs + this.#prng.fraction() * jitterMs;
    this.#clock.after(delayMs, () => this.#arrive(from, to, bytes));
  }

  #arrive(from: SimDatagramSocket, to: Address, bytes: Uint8Array): void {
    const socket = this.#sockets.get(nameOf(to));
    if (socket !== undefined) return socket.take(bytes, from.address);
    if (from.remote === null) return;
    this.#clock.after(this.#line.latencyMs, () => from.fail("Refused"));
  }
}

class SimDatagramSocket implements DatagramSocket {
  readonly address: Address;
  readonly remote: Address | null;
  readonly unsentBytes = 0;
  readonly #network: SimDatagrams;
  readonly #events: DatagramEvents;
  #isClosed = false;

  constructor(
    network: SimDatagrams,
    address: Address,
    events: DatagramEvents,
    remote: Address | null,
  ) {
    this.#network = network;
    this.address = address;
    this.#events = events;
    this.remote = remote;
  }

  send(bytes: Uint8Array, to: Address | null = this.remote): void {
    if (to !== null && !this.#isClosed) this.#network.send(this, to, bytes.slice());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#network.close(this);
  }

  take(bytes: Uint8Array, from: Address): void {
    const { remote } = this;
    if (this.#isClosed || (remote !== null && nameOf(remote) !== nameOf(from))) return;
    this.#events.datagram(bytes, from);
  }

  fail(why: "Refused" | "TooBig"): void {
    if (!this.#isClosed) this.#events.failed(why);
  }
}

function nameOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
