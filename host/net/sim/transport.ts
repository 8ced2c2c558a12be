// SPDX-License-Identifier: Apache-2.0
// A World of the simulation: the Transport, clock and entropy that the real STLink and Connector take.
// Before it: a test. After it: network.ts and pipe.ts carry connections, datagrams.ts datagrams. Each
// host has a name of its own, which is its address. Invariant: events come from the clock alone.

import type {
  Accept,
  Address,
  Connection,
  ConnectionEvents,
  Ending,
  Listener,
  Transport,
} from "../transport.ts";
import { UNSENT_MOST } from "../transport.ts";
import type { World } from "../world.ts";
import type { SimClock } from "./clock.ts";
import type { SimDatagrams } from "./datagrams.ts";
import type { SimNetwork } from "./network.ts";
import type { LineOptions, SimConnection } from "./pipe.ts";
import type { Prng } from "./prng.ts";

export type SimHost = {
  /** Its address: where it listens, and from where it dials. */
  name: string;
  clock: SimClock;
  network: SimNetwork;
  datagrams: SimDatagrams;
  line: LineOptions;
  prng: Prng;
};

/** The world as one host sees it. */
export function simWorld(host: SimHost): World {
  const { clock, prng } = host;
  return {
    transport: new SimTransport(host),
    clock: {
      now: () => Math.floor(clock.nowMs),
      after(ms, then) {
        const timer = clock.after(ms, then);
        return () => clock.cancel(timer);
      },
      soon: (then) => void clock.after(0, then),
    },
    entropy: (len) => prng.bytes(len),
  };
}

class SimTransport implements Transport {
  readonly #host: SimHost;

  constructor(host: SimHost) {
    this.#host = host;
  }

  connect(address: Address, events: ConnectionEvents): Connection {
    const { network, name, line, clock } = this.#host;
    const end = network.dial(name, nameOf(address), line);
    return new SimSocket(clock, end, address.host, events);
  }

  async lookup(host: string): Promise<string[]> {
    return [host];
  }

  async listen(address: Address, accept: Accept): Promise<Listener> {
    const { network, clock } = this.#host;
    network.listen(nameOf(address), (end, from) => {
      const connection = new SimSocket(clock, end, from, null);
      const events = accept(connection);
      if (events === null) connection.reset();
      else connection.attach(events);
    });
    return { address, close: () => network.unlisten(nameOf(address)) };
  }

  async bindDatagrams(
    ...[address, events]: Parameters<Transport["bindDatagrams"]>
  ): ReturnType<Transport["bindDatagrams"]> {
    return this.#host.datagrams.bind(address, events);
  }

  dialDatagrams(
    ...[address, events]: Parameters<Transport["dialDatagrams"]>
  ): ReturnType<Transport["dialDatagrams"]> {
    return this.#host.datagrams.bind({ host: this.#host.name, port: 0 }, events, address);
  }
}

/** A Connection over one end of a simulated one. */
class SimSocket implements Connection {
  readonly remoteHost: string;
  readonly #clock: SimClock;
  readonly #end: SimConnection;
  #events: ConnectionEvents | null = null;
  #unsent: Uint8Array[] = [];
  #isPaused = false;
  #isOpen: boolean;
  #isEnding = false;
  #hasEnded = false;
  #isOver = false;
  unsentBytes = 0;

  constructor(
    clock: SimClock,
    end: SimConnection,
    remoteHost: string,
    events: ConnectionEvents | null,
  ) {
    this.#clock = clock;
    this.#end = end;
    this.remoteHost = remoteHost;
    this.#isOpen = end.state === "open";
    end.onEvent = () => this.#soon();
    if (events !== null) this.attach(events);
  }

  attach(events: ConnectionEvents): void {
    this.#events = events;
    this.#soon();
  }

  write(bytes: Uint8Array): number {
    this.#unsent.push(bytes);
    this.unsentBytes += bytes.length;
    this.#send();
    return this.unsentBytes;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#soon();
  }

  end(): void {
    this.#isEnding = true;
    this.#send();
  }

  reset(): void {
    this.#end.reset();
    this.#close(null);
  }

  /** The simulation knows no close but the reset, once all is sent. */
  close(): void {
    this.end();
    if (this.unsentBytes === 0) this.reset();
  }

  #soon(): void {
    this.#clock.after(0, () => this.#turn());
  }

  #turn(): void {
    if (this.#isOver || this.#events === null) return;
    if (this.#end.state === "open" && !this.#isOpen) {
      this.#isOpen = true;
      this.#events.opened?.();
    }
    const wasFull = this.unsentBytes >= UNSENT_MOST;
    this.#send();
    if (wasFull && this.unsentBytes < UNSENT_MOST) this.#events.drained();
    this.#read(this.#events);
    if (this.#end.state === "reset") this.#close(this.#isOpen ? "Reset" : "Refused");
  }

  #send(): void {
    while (this.#unsent.length > 0) {
      const [first = new Uint8Array(0)] = this.#unsent;
      const sent = this.#end.write(first);
      this.unsentBytes -= sent;
      if (sent < first.length) {
        this.#unsent[0] = first.subarray(sent);
        return;
      }
      this.#unsent.shift();
    }
    if (this.#isEnding) this.#end.end();
  }

  #read(events: ConnectionEvents): void {
    while (!this.#isPaused && !this.#isOver) {
      const bytes = this.#end.read();
      if (bytes === null) break;
      events.data(bytes);
    }
    if (this.#isPaused || this.#hasEnded || !this.#end.inputEnded) return;
    this.#hasEnded = true;
    events.ended();
  }

  #close(why: Ending | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clock.after(0, () => this.#events?.closed(why));
  }
}

function nameOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
