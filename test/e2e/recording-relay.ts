// SPDX-License-Identifier: Apache-2.0
// A TCP relay that keeps every byte it passes on: what somebody sees who holds the line between an STLink
// and its Connector. Before it: an STLink dials it. After it: the Connector; layers.ts takes the bytes apart.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** One connection: up is what the STLink sent, down is what the Connector sent. */
export type Capture = { up: Buffer; down: Buffer };

type Recording = { up: Buffer[]; down: Buffer[] };

export class RecordingRelay {
  readonly #server: Server;
  readonly #recordings: Recording[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(target: string) {
    this.#server = createServer((socket) => this.#pass(socket, target));
  }

  /** Listens on loopback, and passes on to `target` ("host:port"). */
  static async start(target: string): Promise<RecordingRelay> {
    const relay = new RecordingRelay(target);
    await once(relay.#server.listen(0, "127.0.0.1"), "listening");
    return relay;
  }

  /** Where it listens: "host:port". */
  get address(): string {
    const at = this.#server.address();
    if (typeof at !== "object" || at === null) throw new Error("the relay does not listen");
    return `127.0.0.1:${at.port}`;
  }

  /** All connections, in the order in which they came. */
  captures(): Capture[] {
    return this.#recordings.map(({ up, down }) => ({
      up: Buffer.concat(up),
      down: Buffer.concat(down),
    }));
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(stlink: Socket, target: string): void {
    const [host = "", port = ""] = target.split(":");
    const connector = connect({ host, port: Number(port) });
    const recording: Recording = { up: [], down: [] };
    this.#recordings.push(recording);
    this.#join(stlink, connector, recording.up);
    this.#join(connector, stlink, recording.down);
  }

  #join(from: Socket, to: Socket, kept: Buffer[]): void {
    this.#sockets.add(from);
    from.on("data", (bytes) => {
      kept.push(bytes);
      to.write(bytes);
    });
    from.on("error", () => {});
    from.on("close", () => to.destroy());
  }
}
