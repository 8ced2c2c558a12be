// SPDX-License-Identifier: Apache-2.0
// The typed core: one instance of the module with its sizes, and its hops, links and streams as plain
// method calls. Before: an engine (engine-v8.ts, engine-wasm3.ts, ...). After: the STLink, the
// Connector, the simulation. Knows no protocol: it moves bytes across the boundary (DESIGN section 6).
// The parts (core-*.ts) extend one another, so that there is one class; here is the instance itself.

import { CoreControl } from "./core-control.ts";
import { SIZE_ORDER, type Sizes } from "./sizes.ts";

export { ConfigSection, ControlPhase, type ControlView } from "./core-control.ts";
export { CoreError, statusName } from "./core-error.ts";
export { HopState, HopStep, type HopView, type PacketInfo } from "./core-hops.ts";
export type { LinkView, Peer } from "./core-links.ts";
export { StreamFlag, StreamState, type StreamView } from "./core-streams.ts";
export { connectorSizes, DESKTOP_SIZES, DEVICE_SIZES, type Sizes } from "./sizes.ts";

export type Role = "stlink" | "connector";

/** Bits of `flags`. */
export const CoreFlag = {
  News: 1,
  WantsEntropy: 2,
  WantsHop: 4,
  /** `pendingConfiguration` is to be stored, then `configurationStored`. */
  WantsStore: 8,
  /** The key pair given to `rotate` is to be stored as the present one, then `configurationStored`. */
  WantsKey: 16,
  /** Id, key or Connectors have changed: dial a new hop, then close the older ones. */
  WantsRedial: 32,
  /** Records that waited behind a handshake message can be taken: `hopStep` of every hop. */
  WantsStep: 64,
  /** The Commander asks for a new key: `rotate`, with a pair stored beside the present one. */
  WantsRenew: 128,
} as const;

export class Core extends CoreControl {
  /** Linear memory that an instance of these sizes takes, bytes, rounded up generously. */
  static memoryBytes(sizes: Sizes): number {
    const hopBytes = 640 + 2 * sizes.channels * 24;
    const linkBytes = 944 + sizes.replayBits / 4;
    const streamBytes = 560 + sizes.replayBits / 8;
    const blocks = (sizes.recvBlocks + sizes.sendBlocks) * (sizes.blockBytes + 4);
    const buffers = (sizes.hopBuffers + 1) * sizes.hopBufferBytes;
    const tables =
      sizes.hops * hopBytes +
      sizes.links * linkBytes +
      sizes.streams * streamBytes +
      sizes.handshakes * 5400;
    const others = sizes.maxPacketBytes + (sizes.configBytes ?? 0) + 1024;
    return 16_384 + tables + blocks + buffers + others;
  }

  /** Starts the instance. Throws CoreError: BadArgument (a size), NoBuffer (memory). */
  start(role: Role, sizes: Sizes, now: number): void {
    this.engine.growTo?.(Core.memoryBytes(sizes));
    const fields = new Uint32Array(SIZE_ORDER.length + 1);
    SIZE_ORDER.forEach((name, i) => {
      fields[i] = sizes[name] ?? 0;
    });
    fields[SIZE_ORDER.length] = this.engine.memoryBytes();
    this.engine.write(this.engine.call("sizes_ptr"), new Uint8Array(fields.buffer));
    this.check("start", this.engine.call("start", role === "stlink" ? 1 : 2, now | 0));
    this.started = sizes;
  }

  /** Wipes the instance; it may be started again. */
  stop(): void {
    this.engine.call("stop");
    this.engine.dropCode?.();
  }

  /** The X25519 public key of a private one, 32 bytes each, in bounded steps. */
  publicKey(privateKey: Uint8Array): Uint8Array {
    this.engine.write(this.arg, privateKey);
    this.engine.call("prim_x25519_start", this.arg, 0);
    while (this.engine.call("prim_x25519_step") === 0) {}
    this.engine.call("prim_x25519_finish", this.arg);
    return this.engine.read(this.arg, 32);
  }

  /** Sets the static key pair and this STLink's id (16 bytes; zeros for a Connector). */
  setIdentity(privateKey: Uint8Array, publicKey: Uint8Array, id: Uint8Array): void {
    this.put(privateKey, publicKey, id);
    this.check("identity_set", this.engine.call("identity_set"));
  }

  /** Takes in 32 fresh bytes of entropy. */
  feed(entropy: Uint8Array, boots = 0): void {
    this.engine.write(this.engine.call("entropy_ptr"), entropy);
    this.engine.call("feed", boots, 0);
  }

  /** Runs the timers. Milliseconds to the next deadline; 0: something is to be sent. */
  tick(now: number): number {
    return this.f.tick(now | 0);
  }

  /** Sets the clock alone: before a new hop, a new stream or bytes of a hop, when these come between two ticks. */
  clock(now: number): void {
    this.f.clock(now | 0);
  }

  /** One bounded step of handshake computation. True while there is more. */
  work(): boolean {
    return this.f.work() === 1;
  }

  /** CoreFlag bits: what the host should look at. */
  flags(): number {
    return this.f.flags();
  }

  /** Why a packet was dropped, or a handshake failed, last; 0: nothing since. */
  takeDrop(): number {
    return this.f.take_drop();
  }
}
