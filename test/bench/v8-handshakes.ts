// SPDX-License-Identifier: Apache-2.0
// Each handshake under V8 and what each side of it computes, in milliseconds: every call into that
// side's core, nothing of the network. The best of many, with the keys that idle time made (rule
// D11), in a tunnel of tunnel.ts whose near station and Connector are metered.

import { DESKTOP_SIZES } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { MeteredEngine } from "./meter.ts";
import type { Row, Section } from "./table.ts";
import { type Station, Tunnel } from "./tunnel.ts";

const TIMES = 24;

export function handshakesUnderV8(wasm: Uint8Array): Section {
  const station = new MeteredEngine(openV8(wasm));
  const relay = new MeteredEngine(openV8(wasm));
  const tunnel = new Tunnel(wasm, station, DESKTOP_SIZES, relay);
  const { near, far } = tunnel;
  tunnel.dial(near);
  tunnel.dial(far);
  const best = <T>(meter: MeteredEngine, run: () => T, undo: (made: T) => void = () => {}) => {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < TIMES; i++) {
      tunnel.rest();
      meter.take();
      const made = run();
      least = Math.min(least, meter.take().total);
      undo(made);
    }
    return least;
  };
  const connection = (opener: Station): number =>
    best(
      station,
      () => tunnel.openStream(opener),
      (ends) => tunnel.closeStream(opener, ends),
    );
  const row = (label: string, begins: number, answers: number): Row => ({
    label,
    cells: [begins, answers, begins + answers],
  });
  return {
    title: "V8: handshakes, ms of computing",
    columns: ["who begins", "who answers", "both"],
    rows: [
      row(
        "hop",
        best(station, () => tunnel.dial(near)),
        best(relay, () => tunnel.dial(near)),
      ),
      row(
        "link",
        best(station, () => tunnel.connectLink(near)),
        best(station, () => tunnel.connectLink(far)),
      ),
      row("connection", connection(near), connection(far)),
    ],
  };
}
