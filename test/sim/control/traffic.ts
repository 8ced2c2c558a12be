// SPDX-License-Identifier: Apache-2.0
// An application's connection through a configured pair: the Binding's side writes a piece now and then,
// the Mapping's side sends back what it reads. Before it: site.ts hands it the news of both devices.
// Invariants, at every byte: it is the other side's, in order, and the site allows the two to talk now.

import { StreamFlag } from "../../../host/core/core.ts";
import { SimFailure } from "../failure.ts";
import { patternAt, patternStart } from "../pattern.ts";
import { type Pair, sameBytes } from "./database.ts";
import type { Device } from "./device.ts";
import type { Site } from "./site.ts";

const BYTES = 1;
const PIECE_BYTES = 300;
/** Between two pieces, unless a scenario of hours sets another. */
const REST_MS = 40;

type End = {
  device: Device;
  /** The device's life in which the stream was: a crash leaves nothing of it. */
  life: number;
  handle: number;
  got: number;
  sent: number;
  reason: number;
};

export class Traffic {
  readonly opener: End;
  readonly accepter: End;
  /** When the last byte came to either side. */
  lastByteAtMs = 0;
  restMs = REST_MS;
  readonly #site: Site;
  readonly #pair: Pair;
  readonly #start: number;

  constructor(site: Site, pair: Pair, opener: Device, accepter: Device) {
    const end = { handle: -1, got: 0, sent: 0, reason: 0 };
    this.opener = { device: opener, life: opener.life, ...end };
    this.accepter = { device: accepter, life: accepter.life, ...end };
    this.#site = site;
    this.#pair = pair;
    this.#start = patternStart(`${site.seed} ${opener.name} ${accepter.name}`);
    this.#open();
  }

  /** One of its ends is over. */
  get isOver(): boolean {
    return [this.opener, this.accepter].some(
      ({ handle, life, device }) => handle < 0 || life !== device.life,
    );
  }

  get text(): string {
    const [opener, accepter] = [this.opener, this.accepter].map(
      ({ device, got, sent, reason }) => `${device.name} sent ${sent}, got ${got}, ended ${reason}`,
    );
    return `${opener}; ${accepter}; last byte at ${Math.round(this.lastByteAtMs)} ms`;
  }

  #open(): void {
    const { device } = this.opener;
    const { core } = device;
    core.engine.write(core.engine.call("arg_ptr"), this.#pair.to);
    const link = core.engine.call("link_find");
    if (link < 0) throw new SimFailure(`${device.name} has no link for its Binding`);
    const { bindingId, mappingId } = this.#pair;
    core.clock(this.#site.nowMs);
    this.opener.handle = core.streamOpen(link, BYTES, bindingId, mappingId);
    device.wake();
    this.#write();
  }

  /** True: the stream is one of this connection's. */
  news(device: Device, stream: number, flags: number): boolean {
    const end = [this.opener, this.accepter].find(
      (one) => one.device === device && one.life === device.life && one.handle === stream,
    );
    if (end === undefined) return this.#offered(device, stream, flags);
    this.#read(end);
    if (flags & StreamFlag.Closed) {
      end.reason = device.core.streamInfo(stream).reason;
      end.handle = -1;
      this.#site.log(`${device.name}: stream ended with ${end.reason}`);
    }
    return true;
  }

  #offered(device: Device, stream: number, flags: number): boolean {
    const { opener, accepter } = this;
    const isWaiting = accepter.device === device && accepter.handle < 0 && accepter.got === 0;
    const isOpen = opener.handle >= 0 && opener.life === opener.device.life;
    if (!isWaiting || !isOpen || !(flags & StreamFlag.Offered)) return false;
    if (!sameBytes(device.core.streamInfo(stream).mappingId, this.#pair.mappingId)) return false;
    accepter.handle = stream;
    accepter.life = device.life;
    device.core.streamConnected(stream);
    return true;
  }

  #read(end: End): void {
    const { core } = end.device;
    const other = end === this.opener ? this.accepter : this.opener;
    for (let bytes = core.streamTake(end.handle); bytes.length > 0; ) {
      const expected = patternAt(this.#start, end.got, bytes.length);
      if (end.got + bytes.length > other.sent || !sameBytes(expected, bytes)) {
        throw new SimFailure(`${end.device.name} got wrong bytes at ${end.got}`);
      }
      this.#site.checkMayTalk(end.device.name, other.device.name);
      end.got += bytes.length;
      this.lastByteAtMs = this.#site.clock.nowMs;
      bytes = core.streamTake(end.handle);
    }
    if (end === this.accepter) this.#echo();
  }

  #echo(): void {
    const { accepter } = this;
    while (accepter.handle >= 0 && accepter.sent < accepter.got) {
      const bytes = patternAt(this.#start, accepter.sent, accepter.got - accepter.sent);
      accepter.sent += accepter.got - accepter.sent;
      const put = accepter.device.core.streamPut(accepter.handle, bytes);
      accepter.sent -= bytes.length - put;
      if (put === 0) return;
    }
  }

  /** A piece now and then, for as long as there is a stream. */
  #write(): void {
    const { opener } = this;
    if (this.#site.isClosed || opener.handle < 0 || opener.life !== opener.device.life) return;
    const { core } = opener.device;
    if (opener.device.isUp && core.streamFlags(opener.handle) & StreamFlag.Connected) {
      // The other end may see bytes only after they are counted.
      const piece = patternAt(this.#start, opener.sent, PIECE_BYTES);
      opener.sent += piece.length;
      opener.sent -= piece.length - core.streamPut(opener.handle, piece);
      opener.device.wake();
    }
    this.#site.clock.after(this.restMs, () => this.#write());
  }
}
