// SPDX-License-Identifier: Apache-2.0
// A line to a Connector whose first connection is cut behind a byte: so many come down, or go up, and no more; every
// later connection is whole. Before it: an STLink whose world dials here. After it: the Connector. What passes is
// counted. activation-cuts.ts.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { systemWorld, type World } from "../../host/net/world.ts";

export type Cut = { way: "up" | "down"; bytes: number };

export class CutLine {
  /** What has passed over the first connection, bytes. */
  readonly first = { up: 0, down: 0 };
  readonly #cut: Cut | null;
  readonly #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  #port = 0;

  private constructor(target: number, cut: Cut | null) {
    this.#target = target;
    this.#cut = cut;
    this.#server = createServer((socket) => this.#pass(socket));
  }

  /** To a port of loopback; null: it is never cut. */
  static async start(target: number, cut: Cut | null): Promise<CutLine> {
    const line = new CutLine(target, cut);
    await once(line.#server.listen(0, "127.0.0.1"), "listening");
    const address = line.#server.address();
    if (typeof address === "object" && address !== null) line.#port = address.port;
    return line;
  }

  /** This machine, where whatever is dialled is reached over the line. */
  get world(): World {
    const { transport } = systemWorld;
    const dial: typeof transport.connect = (address, events) =>
      transport.connect({ ...address, port: this.#port }, events);
    return { ...systemWorld, transport: { ...transport, connect: dial } };
  }

  /** Whether it has come to the cut. */
  get isCut(): boolean {
    return this.#cut !== null && this.first[this.#cut.way] >= this.#cut.bytes;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(stlink: Socket): void {
    const isFirst = this.#connections++ === 0;
    const connector = connect({ host: "127.0.0.1", port: this.#target });
    const ends = [stlink, connector];
    for (const socket of ends) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        for (const end of ends) end.destroy();
      });
    }
    const cutHere = () => {
      // What has passed before still arrives.
      for (const end of ends) end.destroySoon();
    };
    if (isFirst && this.#cut?.bytes === 0) return cutHere();
    stlink.on("data", (bytes) => connector.write(this.#through("up", bytes, isFirst, cutHere)));
    connector.on("data", (bytes) => stlink.write(this.#through("down", bytes, isFirst, cutHere)));
  }

  /** What of these bytes passes. */
  #through(way: Cut["way"], bytes: Buffer, isFirst: boolean, cutHere: () => void): Buffer {
    if (!isFirst) return bytes;
    const most = this.#cut?.way === way ? this.#cut.bytes : Number.POSITIVE_INFINITY;
    const passed = bytes.subarray(0, Math.max(0, most - this.first[way]));
    this.first[way] += passed.length;
    if (this.first[way] >= most) queueMicrotask(cutHere);
    return passed;
  }
}
