// SPDX-License-Identifier: Apache-2.0
// The core's Noise handshakes on their own, both sides in one instance, through the test exports
// (assembly/seal/noise-test.ts): given ephemerals, every pattern, no wire. Before: the Noise vectors.
// Invariant: the sides take turns, because the core computes one message at a time.

import { Core, DEVICE_SIZES } from "../../host/core/core.ts";
import type { CoreEngine } from "../../host/core/engine.ts";

/** Pattern bits of assembly/seal/noise.ts. */
const PATTERNS: Readonly<Record<string, number>> = {
  XK: 0,
  NN: 1,
  XKpsk3: 4,
  NNhfs: 3,
  "XKhfs+psk3": 6,
};

const MAX_STEPS = 400;
const NO_KEY = new Uint8Array(32);
const NO_ID = new Uint8Array(16);

export type NoiseSide = {
  isInitiator: boolean;
  /** Static key pair, 32 bytes each; absent where the pattern has none. */
  secret?: Uint8Array;
  publicKey?: Uint8Array;
  /** The responder's public key, where the initiator knows it. */
  remote?: Uint8Array;
  psk?: Uint8Array;
  ephemeral: Uint8Array;
  /** d and z (initiator, 64 bytes) or m (responder, 32 bytes). */
  kem?: Uint8Array;
};

export type NoiseKeys = {
  send: Uint8Array;
  receive: Uint8Array;
  hash: Uint8Array;
  remote: Uint8Array;
};

/** Starts an instance that can run test handshakes; stop() it before primitives use its memory. */
export function startForNoise(engine: CoreEngine): Core {
  const core = new Core(engine);
  core.start("connector", { ...DEVICE_SIZES, links: 0, streams: 0, handshakes: 2 }, 1);
  return core;
}

/** One side of a handshake in a slot of a started instance. */
export class NoiseCore {
  readonly #engine: CoreEngine;
  readonly #core: Core;
  readonly #side: NoiseSide;
  readonly #slot: number;
  readonly #arg: number;

  constructor(
    engine: CoreEngine,
    core: Core,
    pattern: string,
    prologue: Uint8Array,
    side: NoiseSide,
  ) {
    const bits = PATTERNS[pattern];
    if (bits === undefined) throw new Error(`no pattern ${pattern}`);
    this.#engine = engine;
    this.#core = core;
    this.#side = side;
    this.#arg = engine.call("arg_ptr");
    this.#identify();
    this.#put(0, side.ephemeral);
    this.#put(32, side.kem ?? new Uint8Array(64));
    this.#put(96, side.psk ?? NO_KEY);
    this.#put(128, side.remote ?? NO_KEY);
    this.#put(160, prologue);
    const initiator = side.isInitiator ? 1 : 0;
    this.#slot = this.#check(engine.call("test_noise_begin", bits, initiator, prologue.length));
  }

  /** The next message of this side. `isLast`: the handshake's last. */
  write(isLast: boolean): Uint8Array {
    this.#identify();
    this.#check(this.#engine.call("test_noise_message", this.#slot, 1));
    const len = this.#finish();
    // The core stands at the message awaited next, except behind the last.
    const at = this.#check(this.#engine.call("test_noise_ptr", this.#slot, isLast ? 0 : 1));
    return this.#engine.read(at, len);
  }

  /** Takes the other side's message; the length that was read, or a status below zero. */
  read(message: Uint8Array): number {
    this.#identify();
    const at = this.#check(this.#engine.call("test_noise_ptr", this.#slot, 0));
    this.#engine.write(at, message);
    this.#check(this.#engine.call("test_noise_message", this.#slot, 0));
    return this.#step();
  }

  /** The keys of a finished handshake; gives the slot back. */
  split(): NoiseKeys {
    this.#check(this.#engine.call("test_noise_split", this.#slot));
    const [send, receive, hash, remote] = [0, 32, 64, 96].map((offset) =>
      this.#engine.read(this.#arg + offset, 32),
    ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    this.free();
    return { send, receive, hash, remote };
  }

  free(): void {
    this.#check(this.#engine.call("test_noise_free", this.#slot));
  }

  /** Both sides share the instance: whoever is at work puts its static key. */
  #identify(): void {
    const { secret, publicKey } = this.#side;
    if (secret && publicKey) this.#core.setIdentity(secret, publicKey, NO_ID);
  }

  #finish(): number {
    return this.#check(this.#step());
  }

  #step(): number {
    for (let i = 0; i < MAX_STEPS; i++) {
      const result = this.#engine.call("test_noise_step", this.#slot);
      if (result !== 0) return result;
    }
    throw new Error("the message is not finished");
  }

  #put(offset: number, bytes: Uint8Array): void {
    this.#engine.write(this.#arg + offset, bytes);
  }

  #check(result: number): number {
    if (result < 0) throw new Error(`a test export returned ${result}`);
    return result;
  }
}
