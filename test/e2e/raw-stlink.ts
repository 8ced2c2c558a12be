// SPDX-License-Identifier: Apache-2.0
// An STLink on a real socket that is the reference's layer 3 alone: every frame is in the test's hands, the
// bad ones too. Before it: a Connector that listens. After it: connector.test.ts.

import { connect, type Socket } from "node:net";
import { Hop } from "../reference/hop.ts";
import type { HopFrame } from "../reference/hop-frames.ts";
import { seededRandom } from "../reference/random.ts";

const random = seededRandom("raw stlink");
const NO_PSK = new Uint8Array(32);
const WAIT_MS = 30_000;

export type RawOptions = {
  port: number;
  connectorKey: Uint8Array;
  secret: Uint8Array;
  /** Loopback address that it comes from. */
  from?: string;
};

export class RawStlink {
  readonly socket: Socket;
  readonly heard: HopFrame[] = [];
  isClosed = false;
  readonly #hop: Hop;
  #isGreeted = false;
  #waiting: (() => void)[] = [];

  constructor({ port, connectorKey, secret, from = "127.0.0.1" }: RawOptions) {
    this.#hop = new Hop(
      { role: "stlink", staticSecret: secret, connectorKey, pskFor: () => NO_PSK, random },
      0,
    );
    this.socket = connect({ host: "127.0.0.1", port, localAddress: from });
    this.socket.on("data", (bytes) => this.#take(bytes));
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
    this.#flush();
  }

  say(...frames: HopFrame[]): boolean {
    this.#hop.send(...frames);
    return this.#flush();
  }

  /** Resolves once this is so; throws after a while. */
  async until(isSo: (heard: readonly HopFrame[]) => boolean): Promise<void> {
    const timer = setTimeout(() => this.socket.destroy(), WAIT_MS);
    while (!isSo(this.heard)) {
      if (this.isClosed) throw new Error(`closed after ${JSON.stringify(this.heard.at(-1))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    clearTimeout(timer);
  }

  up(): Promise<void> {
    return this.until((heard) => heard.some(({ type }) => type === "WELCOME"));
  }

  /** Also where a reset ends it. */
  async closed(): Promise<void> {
    while (!this.isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #take(bytes: Uint8Array): void {
    for (const frames of this.#hop.receive(bytes)) this.heard.push(...frames);
    if (this.#hop.established && !this.#isGreeted) {
      this.#isGreeted = true;
      this.#hop.send({ type: "HOP_HELLO", maxPacket: 65_000, channels: 16 });
    }
    this.#flush();
    this.#wake();
  }

  #flush(): boolean {
    const bytes = this.#hop.take();
    return bytes.length === 0 || this.socket.write(bytes);
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
