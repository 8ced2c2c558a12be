// SPDX-License-Identifier: Apache-2.0
// Ten thousand idle STLinks as a Connector sees them, in one light process: real handshakes and real connections, but
// the hops of many STLinks in a few cores, which take on one identity after the other. Before it: crowd.ts. After it:
// host/net/hop-wire.ts. It says how many hops are up, now and then, and in the end.

import { readFileSync } from "node:fs";
import { Core, DEVICE_SIZES, HopState } from "../../../host/core/core.ts";
import { openV8 } from "../../../host/core/engine-v8.ts";
import { HopWire, Loans } from "../../../host/net/hop-wire.ts";
import { tcp } from "../../../host/net/tcp.ts";
import { systemWorld } from "../../../host/net/world.ts";
import { type Identity, sourceOf } from "./identities.ts";
import { runWorker } from "./worker.ts";

export type IdleSetup = {
  wasmPath: string;
  relay: { port: number; publicKey: Uint8Array };
  stlinks: Identity[];
};

const CORES = 12;
const TELL_EVERY = 500;
const SWEEP_MS = 5000;

runWorker<IdleSetup, number>(async (setup, tell) => {
  let upCount = 0;
  const stlinks = setup.stlinks.map((identity, i) => ({ identity, host: sourceOf(i) }));
  const lines = Array.from({ length: CORES }, async () => {
    const line = new IdleLine(setup);
    for (let next = stlinks.pop(); next !== undefined; next = stlinks.pop()) {
      await line.dial(next.identity, next.host);
      upCount += 1;
      if (upCount % TELL_EVERY === 0) tell(upCount);
    }
  });
  await Promise.all(lines);
  tell(upCount);
});

/** One core and its hops, one handshake at a time. */
class IdleLine {
  readonly #core: Core;
  readonly #relay: IdleSetup["relay"];
  readonly #wires = new Set<HopWire>();

  constructor({ wasmPath, relay, stlinks }: IdleSetup) {
    this.#core = new Core(openV8(readFileSync(wasmPath)));
    this.#core.start("stlink", { ...DEVICE_SIZES, hops: stlinks.length, configBytes: 0 }, now());
    this.#relay = relay;
    setInterval(() => this.#sweep(), SWEEP_MS);
  }

  dial({ id, privateKey, publicKey }: Identity, localAddress: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const address = { host: "127.0.0.1", port: this.#relay.port, localAddress };
      let wire: HopWire | null = null;
      const connection = tcp.connect(address, {
        opened: () => {
          this.#core.tick(now());
          this.#core.feed(systemWorld.entropy(32));
          this.#core.setIdentity(privateKey, publicKey, id);
          const hop = this.#core.hopDial(this.#relay.publicKey);
          wire = new HopWire(this.#core, hop, connection, new Loans(1));
          this.#wires.add(wire);
          this.#move(wire);
        },
        data: (bytes) => {
          if (wire === null) return;
          wire.put(bytes);
          this.#move(wire);
          if (this.#core.hopState(wire.hop).state === HopState.Up) resolve();
        },
        drained() {},
        ended: () => reject(new Error("the Connector ended a hop")),
        closed: (why) => reject(new Error(`a hop was closed: ${why}`)),
      });
    });
  }

  /** Everything that can go on with a hop, at once. */
  #move(wire: HopWire): void {
    this.#core.tick(now());
    do {
      wire.receive();
      while (wire.settle() && wire.send()) {}
    } while (this.#core.work());
  }

  /** PINGs, and answers to them. */
  #sweep(): void {
    for (const wire of this.#wires) this.#move(wire);
  }
}

function now(): number {
  return systemWorld.clock.now();
}
