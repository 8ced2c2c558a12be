// SPDX-License-Identifier: Apache-2.0
// What every part of the typed core needs: the exports, bound once, and the argument area. Before: an
// engine. After: core-hops.ts, core-links.ts, core-streams.ts, core-control.ts, of which core.ts makes
// one class. Invariant: a pointer is used before the next call into the core, never kept.

import { CoreError } from "./core-error.ts";
import type { CoreEngine, CoreFunction } from "./engine.ts";
import { DEVICE_SIZES, type Sizes } from "./sizes.ts";

/** No key: 32 zeros. */
export const ZERO_KEY: Uint8Array = new Uint8Array(32);
/** No bytes. */
export const EMPTY = new Uint8Array(0);

export class CoreCalls {
  readonly engine: CoreEngine;
  protected readonly arg: number;
  protected readonly info: number;
  protected readonly f: Record<BoundName, CoreFunction>;
  /** The sizes that the instance was started with. */
  protected started: Sizes = DEVICE_SIZES;

  constructor(engine: CoreEngine) {
    this.engine = engine;
    this.f = Object.fromEntries(BOUND.map((name) => [name, engine.bind(name)])) as Record<
      BoundName,
      CoreFunction
    >;
    this.arg = engine.call("arg_ptr");
    this.info = engine.call("packet_info_ptr");
  }

  /** Puts bytes in the argument area, one part behind the other. */
  protected put(...parts: Uint8Array[]): void {
    let at = this.arg;
    for (const part of parts) {
      this.engine.write(at, part);
      at += part.length;
    }
  }

  /** `len` bytes where they are; a copy where the engine's memory is out of reach. */
  protected look(ptr: number, len: number): Uint8Array {
    const memory = this.engine.view?.();
    return memory === undefined ? this.engine.read(ptr, len) : memory.subarray(ptr, ptr + len);
  }

  /** The result of a call, or CoreError where it is a status. */
  protected check(call: string, result: number): number {
    if (result < 0) throw new CoreError(call, result);
    return result;
  }
}

const BOUND = [
  "tick",
  "work",
  "flags",
  "take_drop",
  "hop_open",
  "hop_free",
  "hop_state",
  "hop_silent",
  "hop_status",
  "hop_peer_ptr",
  "landing_ptr",
  "hop_rx_ptr",
  "hop_rx_room",
  "hop_rx_commit",
  "hop_rx_step",
  "hop_tx_fill",
  "hop_tx_ptr",
  "hop_tx_consume",
  "hop_answer",
  "hop_admit",
  "hop_close",
  "hop_drain",
  "hop_tell",
  "forward_ptr",
  "forward_commit",
  "link_add",
  "link_find",
  "link_goodbye",
  "link_info",
  "link_mute",
  "link_remove",
  "link_connect",
  "stream_open",
  "stream_next",
  "stream_flags",
  "stream_info",
  "stream_connected",
  "stream_reset",
  "stream_fin",
  "stream_hold",
  "stream_release",
  "in_ptr",
  "in_room",
  "in_commit",
  "out_len",
  "out_ptr",
  "out_consume",
  "datagram_commit",
  "datagram_out",
  "datagram_flow",
  "about_set",
  "control_state",
  "control_report",
  "clock",
  "code_load",
  "config_ptr",
  "config_len",
  "config_load",
  "config_stored",
  "config_count",
  "config_entry",
  "config_entry_len",
  "peer_changed",
  "peer_confirm",
  "rotate",
  "lease_left",
  "lease_set",
] as const;
type BoundName = (typeof BOUND)[number];
