// SPDX-License-Identifier: Apache-2.0
// The StreamTransport over TCP sockets of this machine. Before it: Node's net. After it: whoever holds a
// Transport. `unsentBytes` counts what Node holds; Node has no way to see or bound what the kernel
// holds, so K8 is met as far as a Node host can (the links' maxInFlight bounds the rest). libuv reads and
// calls back in one go, so many sockets may share one landing area; Node gives a landing area only to
// sockets that are made to connect, so what comes over accepted ones is copied once more.

import { lookup } from "node:dns/promises";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import type {
  Accept,
  Address,
  Connection,
  ConnectionEvents,
  Ending,
  Listener,
  StreamTransport,
} from "./transport.ts";

const OPTIONS = { noDelay: true, allowHalfOpen: true };

export const tcp: StreamTransport = {
  connect(address, events) {
    const { landing } = events;
    const onread = landing && {
      buffer: landing,
      callback: (count: number) => land(events, landing, count),
    };
    const socket = dial({ ...OPTIONS, ...address, ...(onread && { onread }) });
    const connection = new TcpConnection(socket);
    connection.attach(events);
    return connection;
  },

  async lookup(host) {
    const found = await lookup(host, { all: true, order: "verbatim" });
    return found.map(({ address }) => address);
  },

  listen(address, accept) {
    const server = createServer(OPTIONS, (socket) => takeSocket(socket, accept));
    return listening(server, address);
  },
};

/** `count` bytes stand in the landing area. True: go on reading (pause() alone ends that). */
function land(events: ConnectionEvents, landing: Uint8Array, count: number): boolean {
  events.data(landing.subarray(0, count));
  return true;
}

function takeSocket(socket: Socket, accept: Accept): void {
  const connection = new TcpConnection(socket);
  const events = accept(connection);
  if (events !== null) return connection.attach(events);
  socket.on("error", () => {});
  connection.reset();
}

function listening(server: Server, { host, port }: Address): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      // A failed accept (too many open files) concerns one connection, not the listener.
      server.on("error", () => {});
      const bound = server.address();
      const address = {
        host,
        port: typeof bound === "object" && bound !== null ? bound.port : port,
      };
      resolve({ address, close: () => void server.close() });
    });
  });
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  ECONNREFUSED: "Refused",
  EHOSTUNREACH: "Unreachable",
  ENETUNREACH: "Unreachable",
  EADDRNOTAVAIL: "Unreachable",
  ENOTFOUND: "Unreachable",
  ETIMEDOUT: "TimedOut",
  ECONNRESET: "Reset",
  EPIPE: "Reset",
};

class TcpConnection implements Connection {
  readonly #socket: Socket;
  readonly #written: (error?: Error | null) => void;
  #drained = (): void => {};
  /** A write was not taken at once. */
  #isWaiting = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#written = (error) => {
      if (!this.#isWaiting || error || this.unsentBytes > 0) return;
      this.#isWaiting = false;
      this.#drained();
    };
  }

  attach(events: ConnectionEvents): void {
    let why: Ending | null = null;
    this.#socket.on("connect", () => events.opened?.());
    this.#socket.on("data", (bytes) => events.data(bytes));
    this.#drained = () => events.drained();
    this.#socket.on("end", () => events.ended());
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      why = ENDINGS[error.code ?? ""] ?? "Failed";
    });
    this.#socket.on("close", () => events.closed(why));
  }

  get remoteHost(): string {
    return this.#socket.remoteAddress ?? "";
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): number {
    if (!this.#socket.writable) return this.unsentBytes;
    this.#socket.write(bytes, this.#written);
    this.#isWaiting = this.unsentBytes > 0;
    return this.unsentBytes;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    // A reset of a socket that still connects would wait until it has.
    if (this.#socket.connecting) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroySoon();
  }
}
