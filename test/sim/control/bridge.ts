// SPDX-License-Identifier: Apache-2.0
// The simulated Commander and Connector on a real port, in real time, for STLinks that are real: devices
// and desktops. Before it: test/firmware/activation.test.ts, test/e2e/commanded-tools.ts. After it: site.ts,
// whose checks hold here too (one key for each code). Bytes of a socket are those of a line.

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { LINE, type SimConnection } from "../../../host/net/sim/pipe.ts";
import { QUIET } from "../scenario.ts";
import { Site } from "./site.ts";

const STEP_MS = 2;

export class ControlBridge {
  readonly site: Site;
  /** What a device gets in the place of the Connector. */
  rubbish: Uint8Array | null = null;
  /** What is left of connections that are to be cut: after so many bytes to the STLink, or from it. */
  readonly cuts: { way: "up" | "down"; bytes: number }[] = [];
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#join(socket));
  readonly #sockets = new Set<Socket>();
  readonly #startedMs = performance.now();
  #timer: NodeJS.Timeout | null = null;
  #port = 0;

  constructor(seed: string) {
    this.site = new Site(seed, QUIET);
  }

  /** Listens, and lets the site's time run. */
  async start(): Promise<this> {
    await this.open(0);
    this.site.commander.authority.connectorAddress = `127.0.0.1:${this.#port}`;
    this.#timer = setInterval(() => this.#run(), STEP_MS);
    return this;
  }

  /** Takes connections: nobody can reach the Connector, and so the Commander, while it is shut. */
  async open(port = this.#port): Promise<void> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  shut(): void {
    this.#server.close();
    this.cut();
  }

  close(): void {
    clearInterval(this.#timer ?? undefined);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.site.close();
  }

  /** Every connection of a device is reset. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Waits for something that is so in the site. */
  async until(isSo: () => boolean, what: string, seconds = 90): Promise<void> {
    for (const end = performance.now() + seconds * 1000; !isSo(); ) {
      if (performance.now() > end) throw new Error(`never: ${what}: ${this.site.commander.got}`);
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
  }

  #run(): void {
    const now = performance.now() - this.#startedMs;
    while (this.site.clock.step(now)) {}
  }

  #join(socket: Socket): void {
    if (this.rubbish !== null) return void socket.on("error", () => {}).end(this.rubbish);
    const end = this.site.network.dial("device", "connector", LINE);
    const cut = this.cuts.shift();
    const [pipe] = this.site.network.connectionsOf("device").slice(-1);
    if (cut?.way === "down") end.cutAfter(cut.bytes);
    else if (cut !== undefined) pipe?.server.cutAfter(cut.bytes);
    this.#sockets.add(socket);
    socket.pause();
    end.onEvent = () => this.#move(end, socket);
    socket.on("readable", () => this.#move(end, socket));
    socket.on("end", () => end.end());
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      end.reset();
    });
  }

  #move(end: SimConnection, socket: Socket): void {
    if (end.state === "reset") return void socket.resetAndDestroy();
    for (let piece = end.read(); piece !== null; piece = end.read()) socket.write(piece);
    if (end.inputEnded) socket.end();
    if (end.state !== "open") return;
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return;
    const taken = end.write(bytes);
    if (taken < bytes.length) socket.unshift(bytes.subarray(taken));
  }
}
