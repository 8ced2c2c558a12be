// SPDX-License-Identifier: Apache-2.0
// Services and clients over loopback for the tests of whole sites: bytes that anyone can compute, sent, sent
// back or swallowed, and what came compared with what was to come. Before it: stlink.test.ts. After it: the
// system's sockets. `closeAll` ends every service and client.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

const LOOPBACK = "127.0.0.1";
const servers: Server[] = [];
const sockets = new Set<Socket>();

/** Listens at a free port of loopback, or at this one; each connection goes to `serve`. */
export async function startServer(
  serve: (socket: Socket) => void,
  port = 0,
  host = LOOPBACK,
): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    keep(socket);
    serve(socket);
  });
  servers.push(server.listen(port, host));
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** `from`: an address of this machine, another one than usual. */
export function dial(port: number, host = LOOPBACK, from?: string): Socket {
  const local = from === undefined ? {} : { localAddress: from };
  return keep(connect({ host, port, ...local, allowHalfOpen: true }));
}

export async function closeAll(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of servers.splice(0)) server.close();
}

/** A service that gives back what it gets, each byte turned over, and half-closes when its client does. */
export function turnOver(socket: Socket): void {
  socket.on("data", (bytes) => {
    if (!socket.write(bytes.map((byte) => byte ^ 0xff))) {
      socket.pause();
      socket.once("drain", () => socket.resume());
    }
  });
  socket.on("end", () => socket.end());
}

/** Bytes that follow from a seed, in pieces of 64 KiB; `length` is a multiple of that. */
export function* seededBytes(seed: number, length: number): Generator<Buffer> {
  let state = seed | 1;
  for (let at = 0; at < length; at += PIECE) {
    const words = new Uint32Array(PIECE / 4);
    for (let i = 0; i < words.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = state;
    }
    yield Buffer.from(words.buffer);
  }
}

const PIECE = 65_536;

export function seededHash(seed: number, length: number): string {
  const hash = createHash("sha256");
  for (const piece of seededBytes(seed, length)) hash.update(piece);
  return hash.digest("hex");
}

/** Sends a stream of seeded bytes, as fast as it is taken, and half-closes. */
export async function sendSeeded(socket: Socket, seed: number, length: number): Promise<void> {
  for (const piece of seededBytes(seed, length)) {
    if (!socket.write(piece)) await once(socket, "drain");
  }
  socket.end();
}

/** Sends and half-closes; everything that comes back. Rejects with the socket's error. */
export async function exchange(port: number, bytes: Uint8Array, host = LOOPBACK): Promise<Buffer> {
  const socket = dial(port, host);
  socket.end(bytes);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** A way to another port of loopback that can be cut. */
export class Cuttable {
  /** Its own port. */
  port = 0;
  readonly #target: number;
  readonly #answerBytes: number;
  #isCut = false;
  readonly #through = new Set<Socket>();

  /** Of what the target says only so many bytes of each connection come through. */
  constructor(target: number, answerBytes = Number.POSITIVE_INFINITY) {
    this.#target = target;
    this.#answerBytes = answerBytes;
  }

  async start(): Promise<this> {
    this.port = await startServer((socket) => this.#pass(socket));
    return this;
  }

  /** Every connection is reset, and every new one too until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#through) socket.resetAndDestroy();
    this.#through.clear();
  }

  mend(): void {
    this.#isCut = false;
  }

  #pass(socket: Socket): void {
    if (this.#isCut) return void socket.resetAndDestroy();
    const onward = dial(this.#target);
    for (const one of [socket, onward]) {
      this.#through.add(one);
      one.on("close", () => {
        socket.destroy();
        onward.destroy();
      });
    }
    socket.pipe(onward);
    if (this.#answerBytes === Number.POSITIVE_INFINITY) return void onward.pipe(socket);
    let left = this.#answerBytes;
    onward.on("data", (bytes) => {
      socket.write(bytes.subarray(0, left));
      left = Math.max(0, left - bytes.length);
    });
  }
}

/** How a connection ends to which nothing is sent: "end", or the code of its error. */
export async function endingOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.resume();
    socket.once("end", () => resolve("end"));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
  });
}

function keep(socket: Socket): Socket {
  sockets.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => sockets.delete(socket));
  return socket;
}
