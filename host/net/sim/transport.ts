// SPDX-License-Identifier: Apache-2.0
// The Transport of a simulated process: what the real STLink and Connector reach the network through.
// Before it: process.ts. After it: network.ts and pipe.ts carry connections, datagrams.ts datagrams. Each
// host has a name of its own, which is its address. Invariants: those of ../transport.ts; events come from
// the clock alone, and none after `die`.

import type {
  Accept,
  Address,
  Connection,
  ConnectionEvents,
  Ending,
  Listener,
  Transport,
} from "../transport.ts";
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
  /** What its own clock shows when the world begins; 0 unless it is said. */
  clockBaseMs?: number;
};

export class SimTransport implements Transport {
  readonly #host: SimHost;
  /** Connections that are not over. */
  readonly sockets = new Set<SimSocket>();
  /** Names that it listens at. */
  readonly listening = new Set<string>();
  /** The most that a connection of it had unsent. */
  mostUnsentBytes = 0;
  #isDead = false;

  constructor(host: SimHost) {
    this.#host = host;
  }

  /** Its process is gone: connections are reset, and nobody here hears of anything any more. */
  die(): void {
    this.#isDead = true;
    for (const socket of this.sockets) socket.die();
    for (const name of this.listening) this.#host.network.unlisten(name);
    this.sockets.clear();
    this.listening.clear();
  }

  /** Runs it in this moment, unless the process dies before. */
  soon(run: () => void): void {
    this.#host.clock.after(0, () => {
      if (!this.#isDead) run();
    });
  }

  connect(address: Address, events: ConnectionEvents): Connection {
    const { network, name, line } = this.#host;
    const end = network.dial(name, nameOf(address), line);
    const socket = new SimSocket(this, end, address.host, events);
    if (this.#isDead) socket.die();
    return socket;
  }

  async lookup(host: string): Promise<string[]> {
    return [host];
  }

  async listen(address: Address, accept: Accept): Promise<Listener> {
    const { network } = this.#host;
    const name = nameOf(address);
    this.listening.add(name);
    network.listen(name, (end, from) => {
      const connection = new SimSocket(this, end, from, null);
      const events = accept(connection);
      if (events === null) connection.reset();
      else connection.attach(events);
    });
    const close = (): void => {
      if (this.listening.delete(name)) network.unlisten(name);
    };
    return { address, close };
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

const NOTHING = new Uint8Array(0);
const SPOILT = 0xa5;

/** A Connection over one end of a simulated one. */
class SimSocket implements Connection {
  readonly remoteHost: string;
  readonly #owner: SimTransport;
  readonly #end: SimConnection;
  #events: ConnectionEvents | null = null;
  #unsent: Uint8Array[] = [];
  /** What came and was not told of yet. */
  #came: Uint8Array = NOTHING;
  #isPaused = false;
  #isOpen: boolean;
  #isEnding = false;
  #isClosing = false;
  #hasEnded = false;
  #isOver = false;
  #isDue = false;
  unsentBytes = 0;

  constructor(
    owner: SimTransport,
    end: SimConnection,
    remoteHost: string,
    events: ConnectionEvents | null,
  ) {
    this.#owner = owner;
    this.#end = end;
    this.remoteHost = remoteHost;
    this.#isOpen = end.state === "open";
    end.onEvent = () => this.#soon();
    owner.sockets.add(this);
    if (events !== null) this.attach(events);
  }

  attach(events: ConnectionEvents): void {
    this.#events = events;
    this.#soon();
  }

  write(bytes: Uint8Array): number {
    if (this.#isOver || this.#isEnding || this.#isClosing) return this.unsentBytes;
    this.#unsent.push(bytes);
    this.unsentBytes += bytes.length;
    this.#send();
    this.#owner.mostUnsentBytes = Math.max(this.#owner.mostUnsentBytes, this.unsentBytes);
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
    this.#soon();
  }

  reset(): void {
    this.#unsent = [];
    this.#end.reset();
    this.#close(null);
  }

  close(): void {
    this.#isClosing = true;
    this.#soon();
  }

  /** Its process is gone: a reset that nobody here hears of. */
  die(): void {
    this.#isOver = true;
    this.#end.reset();
  }

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#owner.soon(() => this.#turn());
  }

  #turn(): void {
    this.#isDue = false;
    if (this.#isOver || this.#events === null) return;
    if (this.#end.state === "open" && !this.#isOpen) {
      this.#isOpen = true;
      this.#events.opened?.();
    }
    const wasWaiting = this.unsentBytes > 0;
    this.#send();
    if (wasWaiting && this.unsentBytes === 0) this.#events.drained();
    this.#read(this.#events);
    this.#settle();
  }

  /** Half-closes and closes once all is sent; sees that the other side has reset. */
  #settle(): void {
    if (this.#end.state === "reset") return this.#close(this.#isOpen ? "Reset" : "Refused");
    if (this.unsentBytes > 0) return;
    if (this.#isEnding && this.#isOpen) this.#end.end();
    if (!this.#isClosing && !(this.#isEnding && this.#hasEnded)) return;
    this.#end.close();
    this.#close(null);
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
  }

  #read(events: ConnectionEvents): void {
    while (!this.#isPaused && !this.#isOver) {
      if (this.#came.length === 0) this.#came = this.#end.read() ?? NOTHING;
      if (this.#came.length === 0) break;
      this.#tell(events);
    }
    const isEmpty = this.#came.length === 0 && this.#end.inputEnded;
    if (this.#isPaused || this.#hasEnded || !isEmpty) return;
    this.#hasEnded = true;
    events.ended();
  }

  /** As much of what came as lands at once. It is gone from there when the call is over. */
  #tell(events: ConnectionEvents): void {
    const { landing = this.#came } = events;
    const part = this.#came.subarray(0, landing.length);
    this.#came = this.#came.subarray(part.length);
    landing.set(part);
    events.data(landing.subarray(0, part.length));
    landing.fill(SPOILT, 0, part.length);
  }

  #close(why: Ending | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.sockets.delete(this);
    this.#owner.soon(() => this.#events?.closed(why));
  }
}

function nameOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
