// SPDX-License-Identifier: Apache-2.0
// The camera app behind a port of this machine, for a browser: TCP connections are passed to and from
// the process of camera-machine.ts, under the real clock. Each has a send buffer as small as a
// device's, and can be cut or refused by the test.

import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { bytesOf, CameraMachine } from "./camera-machine.ts";

const ROOM_BYTES = 5840;
const MOST_REST_MS = 50;
const CLIENTS = 32;

export class CameraServer {
  readonly #machine = new CameraMachine();
  readonly #server: Server;
  readonly #sockets: (Socket | undefined)[] = [];
  readonly #startedMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #isTurning = false;
  #isStopped = false;
  /** Open connections that a request has come on. */
  inUse = 0;
  /** Cuts whoever asks for the stream. */
  refusesStreams = false;
  /** Cuts whoever comes. */
  refusesAll = false;

  constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (s) => this.#accept(s));
  }

  /** Listens; its URL. */
  async start(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    this.#wake();
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  #accept(socket: Socket): void {
    const id = this.#sockets.indexOf(undefined);
    const place = id === -1 ? this.#sockets.length : id;
    if (place >= CLIENTS || this.refusesAll) {
      socket.destroy();
      return;
    }
    this.#sockets[place] = socket;
    const tell = (line: string): void => {
      if (this.#sockets[place] !== socket) return;
      this.#machine.tell(line);
      this.#wake();
    };
    tell(`open ${place}`);
    socket.once("data", () => {
      this.inUse++;
      socket.once("close", () => this.inUse--);
    });
    socket.on("data", (bytes) => {
      if (this.refusesStreams && bytes.toString("latin1").startsWith("GET /stream")) {
        socket.destroy();
      }
      tell(`rx ${place} ${bytes.toString("hex")}`);
    });
    socket.on("end", () => tell(`fin ${place}`));
    socket.on("error", () => {}); // told by its close
    socket.on("close", () => tell(`cut ${place}`));
    socket.on("drain", () => this.#wake());
  }

  /** Turns soon: bytes, room or time have come. */
  #wake(afterMs = 0): void {
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#turn(), afterMs);
  }

  async #turn(): Promise<void> {
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#sockets.forEach((socket, id) => {
      const room = Math.max(0, ROOM_BYTES - (socket?.writableLength ?? 0));
      if (socket !== undefined) this.#machine.tell(`room ${id} ${room}`);
    });
    const now = Math.floor(performance.now() - this.#startedMs);
    const lines = await this.#machine.ask(`turn ${now}`, "rest").catch((error: Error) => {
      if (!this.#isStopped) throw error;
      return [];
    });
    this.#isTurning = false;
    for (const line of lines) this.#take(line.split(" "));
  }

  #take([word = "", text, hex]: string[]): void {
    const id = Number(text);
    const socket = this.#sockets[id];
    if (word === "rest") this.#wake(Math.min(id, MOST_REST_MS));
    if (word === "tx") socket?.write(bytesOf(hex));
    if (word === "end") socket?.end();
    if (word !== "closed" && word !== "reset") return;
    this.#sockets[id] = undefined;
    if (word === "closed") socket?.end().resume();
    else socket?.resetAndDestroy();
  }

  /** Breaks every connection. */
  cutAll(): void {
    for (const socket of this.#sockets) socket?.destroy();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.cutAll();
    this.#server.close();
    this.#machine.stop();
  }
}
