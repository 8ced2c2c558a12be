// SPDX-License-Identifier: Apache-2.0
// The core's memory in a simulation: it never grows, and when no stream is left every block that was
// promised to one is free again. The two counters are found by their value when an instance starts
// (the number of receive blocks and that of all, side by side, outside of the sizes area).

import type { Core, Sizes } from "../../host/core/core.ts";
import { SimFailure } from "./failure.ts";
import { u32At } from "./packets.ts";

const SIZE_FIELDS_BYTES = 68;

/** Whose memory it is: a simulated STLink, or the host's own code. */
export type Checked = { readonly core: Core; readonly name: string; readonly isUp: boolean };

let counters = 0;

export class PoolCheck {
  readonly #stlink: Checked;
  readonly #sizes: Sizes;
  readonly #memoryBytes: number;

  /** To be made directly after `start`. */
  constructor(stlink: Checked, sizes: Sizes) {
    this.#stlink = stlink;
    this.#sizes = sizes;
    this.#memoryBytes = stlink.core.engine.memoryBytes();
    if (counters === 0) counters = find(stlink, sizes);
  }

  /** Every block is free: no stream is left. A core that is down holds none. */
  isFree(): boolean {
    if (!this.#stlink.isUp) return true;
    const [recv, all] = this.#counters();
    return recv === this.#sizes.recvBlocks && all === allBlocks(this.#sizes);
  }

  /** Throws SimFailure when a block is missing, or the instance has grown. */
  check(): void {
    const { core, name } = this.#stlink;
    if (core.engine.memoryBytes() !== this.#memoryBytes) throw new SimFailure(`${name} grew`);
    if (this.isFree()) return;
    const [recv, all] = this.#counters();
    const text = `to receive ${recv} of ${this.#sizes.recvBlocks}, in all ${all} of ${allBlocks(this.#sizes)}`;
    throw new SimFailure(`${name}: no stream is left, but the free blocks are: ${text}`);
  }

  #counters(): [number, number] {
    const memory = this.#stlink.core.engine.view?.() as Uint8Array;
    return [u32At(memory, counters), u32At(memory, counters + 4)];
  }
}

function find({ core }: Checked, sizes: Sizes): number {
  const memory = core.engine.view?.() as Uint8Array;
  const skip = core.engine.call("sizes_ptr");
  const end = core.engine.call("prim_scratch");
  for (let at = 0; at + 8 <= end; at += 4) {
    if (at >= skip && at < skip + SIZE_FIELDS_BYTES) continue;
    if (u32At(memory, at) !== sizes.recvBlocks) continue;
    if (u32At(memory, at + 4) === allBlocks(sizes)) return at;
  }
  throw new SimFailure("the checker finds no counters of free blocks");
}

function allBlocks({ recvBlocks, sendBlocks }: Sizes): number {
  return recvBlocks + sendBlocks;
}
