// SPDX-License-Identifier: Apache-2.0
// A way to another port of loopback that takes time, and that can be cut: between an emulated device and
// its Connector. Before it: bench-device.ts. After it: the Connector. It delays bytes and not connections,
// and its own sockets take what comes: the delay is the tunnel's, and TCP's windows do not see it.

import { connect, createServer, type Server, type Socket } from "node:net";

export class SlowRelay {
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Added to the way there and back together. */
  readonly #roundMs: number;

  private constructor(roundMs: number, target: number) {
    this.#roundMs = roundMs;
    this.#server = createServer({ noDelay: true }, (socket) => {
      const onward = connect({ host: "127.0.0.1", port: target, noDelay: true });
      this.#pass(socket, onward, 0);
      this.#pass(onward, socket, 1);
    });
  }

  /** To `target`; bytes there and back take `roundMs` more. */
  static async start(roundMs: number, target: number): Promise<SlowRelay> {
    const relay = new SlowRelay(roundMs, target);
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve));
    relay.port = (relay.#server.address() as { port: number }).port;
    return relay;
  }

  /** Resets every connection; new ones are taken at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  /** Half of the round trip each way, in whole milliseconds: the odd one on the way back. */
  #pass(from: Socket, to: Socket, odd: 0 | 1): void {
    this.#sockets.add(from);
    const delayMs = Math.floor((this.#roundMs + odd) / 2);
    const later = (act: () => void) => (delayMs === 0 ? act() : void setTimeout(act, delayMs));
    from.on("data", (bytes) => later(() => to.write(bytes)));
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      later(() => to.destroy());
    });
  }
}
