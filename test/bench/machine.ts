// SPDX-License-Identifier: Apache-2.0
// A whole device on the emulated machine for the benches: the near station of a tunnel, metered, with
// linear memory of exactly the size that its tables need. Its peer and the Connector run under V8.

import { Core, type Sizes } from "../../host/core/core.ts";
import { openRv32, type Rv32Engine, type Rv32Options } from "../../host/core/engine-rv32.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { MeteredEngine } from "./meter.ts";
import { Tunnel } from "./tunnel.ts";

export type MachineKind = "wasm3" | "aot";

export type Device = { tunnel: Tunnel; meter: MeteredEngine; engine: Rv32Engine };

/** Closes the machine at the end, whatever happens. */
export function onDevice<T>(
  kind: MachineKind,
  wasm: Uint8Array,
  wasmPath: string,
  sizes: Sizes,
  work: (device: Device) => T,
  options: Rv32Options = {},
): T {
  const memoryBytes = leastMemory(wasm, sizes);
  const engine = openRv32(kind, wasmPath, { memoryBytes, ...options });
  try {
    const meter = new MeteredEngine(engine);
    return work({ tunnel: new Tunnel(wasm, meter, sizes), meter, engine });
  } finally {
    engine.close();
  }
}

const GRAIN = 16;

/** The least linear memory with which an STLink of these sizes starts, bytes. */
export function leastMemory(wasm: Uint8Array, sizes: Sizes): number {
  let [least, most] = [0, Core.memoryBytes(sizes) * 2];
  while (most - least > GRAIN) {
    const middle = Math.ceil((least + most) / 2);
    if (startsWith(wasm, sizes, middle)) most = middle;
    else least = middle;
  }
  return Math.ceil(most / GRAIN) * GRAIN;
}

/** Tells the core that there is less memory than there is. */
class NarrowEngine extends MeteredEngine {
  readonly #bytes: number;

  constructor(wasm: Uint8Array, bytes: number) {
    super(openV8(wasm));
    this.#bytes = bytes;
  }

  override memoryBytes(): number {
    return this.#bytes;
  }
}

function startsWith(wasm: Uint8Array, sizes: Sizes, bytes: number): boolean {
  try {
    new Core(new NarrowEngine(wasm, bytes)).start("stlink", sizes, 0);
    return true;
  } catch {
    return false;
  }
}
