// SPDX-License-Identifier: Apache-2.0
// The DatagramTransport over UDP sockets of this machine, IPv4 and IPv6. Before it: Node's dgram. After
// it: whoever holds a Transport. Hosts are IP addresses, so nothing here waits for a name. A dialled
// socket is connected, because only then does the kernel say that a target refused.

import { createSocket, type Socket, type SocketOptions } from "node:dgram";
import { isIP } from "node:net";
import type {
  Address,
  DatagramEvents,
  DatagramFailure,
  DatagramSocket,
  DatagramTransport,
} from "./transport.ts";

/** What the kernel keeps while the core computes; it gives less where its own limit is lower. */
const RECEIVE_BUFFER_BYTES = 1 << 20;

export const udp: DatagramTransport = {
  bindDatagrams(address, events) {
    const socket = open(address.host);
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address: address.host, port: address.port }, () => {
        socket.off("error", reject);
        resolve(new UdpSocket(socket, events));
      });
    });
  },

  dialDatagrams(address, events) {
    const socket = open(address.host);
    const dialled = new UdpSocket(socket, events);
    // With an IP address both steps, to bind and to connect, are done when this returns.
    socket.connect(address.port, address.host);
    return dialled;
  },
};

function open(host: string): Socket {
  return createSocket({
    type: isIP(host) === 6 ? "udp6" : "udp4",
    recvBufferSize: RECEIVE_BUFFER_BYTES,
    lookup: lookupLiteral,
  });
}

/** Node looks each host up that it sends to, an IP address too; this answers at once. */
const lookupLiteral = ((
  host: string,
  _family: number,
  then: (error: Error | null, address: string, family: number) => void,
) => then(null, host, isIP(host))) as unknown as NonNullable<SocketOptions["lookup"]>;

const FAILURES: Readonly<Record<string, DatagramFailure>> = {
  ECONNREFUSED: "Refused",
  EHOSTUNREACH: "Unreachable",
  ENETUNREACH: "Unreachable",
  EHOSTDOWN: "Unreachable",
  ENETDOWN: "Unreachable",
  EADDRNOTAVAIL: "Unreachable",
  // send() before a connect() that failed; its own error has said why.
  ERR_SOCKET_BAD_PORT: "Unreachable",
  EMSGSIZE: "TooBig",
};

class UdpSocket implements DatagramSocket {
  readonly #socket: Socket;
  readonly #events: DatagramEvents;
  #isClosed = false;

  constructor(socket: Socket, events: DatagramEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on("message", (bytes, { address, port }) => {
      if (!this.#isClosed) events.datagram(bytes, { host: address, port });
    });
    socket.on("error", (error) => this.#fail(error));
  }

  get address(): Address {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  get unsentBytes(): number {
    return this.#socket.getSendQueueSize();
  }

  send(bytes: Uint8Array, to?: Address): void {
    const sent = (error: Error | null): void => {
      if (error !== null) this.#fail(error);
    };
    try {
      if (to === undefined) this.#socket.send(bytes, sent);
      else this.#socket.send(bytes, to.port, to.host, sent);
    } catch (error) {
      process.nextTick(() => this.#fail(error as Error));
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (!this.#isClosed) this.#events.failed(FAILURES[error.code ?? ""] ?? "Failed");
  }
}
