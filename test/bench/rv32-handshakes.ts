// SPDX-License-Identifier: Apache-2.0
// Handshakes of a device on bare RV32IMAC, in instructions: all that it computes from power-on to its
// first connection, then each again with the keys of idle time and, under wasm3, with everything
// compiled. The whole core runs on the machine; peer and Connector are not charged.

import { DEVICE_SIZES } from "../../host/core/core.ts";
import { goal } from "./goals.ts";
import { type Device, type MachineKind, onDevice } from "./machine.ts";
import type { Facts, Row, Section } from "./table.ts";

const PHASES = [
  "start, identity, peer",
  "hop",
  "link, who begins",
  "connection, who begins",
  "keys in idle time",
  "one more connection, keys made",
  "hop again, keys made",
  "link again, who begins, keys made",
  "link, who answers, first time",
  "link, who answers, keys made",
  "connection, who answers, first time",
  "connection, who answers, keys made",
] as const;
type Phase = (typeof PHASES)[number];

type Run = { costs: Map<Phase, number>; longest: number; longestWarm: number };

export function handshakesOnRv32(wasm: Uint8Array, wasmPath: string, facts: Facts): Section {
  const [wasm3, aot] = (["wasm3", "aot"] as const).map((kind: MachineKind) =>
    onDevice(kind, wasm, wasmPath, DEVICE_SIZES, runAll),
  );
  if (wasm3 === undefined || aot === undefined) throw new Error("no machine ran");
  const cost = (run: Run, phase: Phase): number => run.costs.get(phase) ?? 0;
  const first = (run: Run): number =>
    PHASES.slice(0, 4).reduce((sum, phase) => sum + cost(run, phase), 0);
  const again = "one more connection, keys made";
  facts.set("again.wasm3", cost(wasm3, again));
  facts.set("again.aot", cost(aot, again));
  facts.set("first.wasm3", first(wasm3));
  facts.set("first.aot", first(aot));
  const rows: Row[] = PHASES.map((phase) => ({
    label: phase,
    cells: [cost(wasm3, phase), cost(aot, phase)],
    ...(phase === again && {
      goals: [goal("again.wasm3", cost(wasm3, again)), goal("again.aot", cost(aot, again))],
    }),
  }));
  rows.splice(4, 0, {
    label: "first connection from power-on, in all",
    cells: [first(wasm3), first(aot)],
    goals: [goal("first.wasm3", first(wasm3)), goal("first.aot", first(aot))],
  });
  return {
    title: "RV32IMAC: handshakes, instructions",
    columns: ["wasm3", "ahead of time"],
    rows: [
      ...rows,
      {
        label: "longest single call, compiling included",
        cells: [wasm3.longest, aot.longest],
        goals: [goal("longest.wasm3", wasm3.longest)],
      },
      { label: "longest single call, all compiled", cells: [wasm3.longestWarm, aot.longestWarm] },
    ],
    notes: [
      "wasm3: compiling is counted where it happens, down to the connection; nothing is given back.",
      "The public key of the device's identity lies in its storage and is not computed here.",
    ],
  };
}

function runAll({ tunnel, meter }: Device): Run {
  const { near, far } = tunnel;
  const run: Run = { costs: new Map(), longest: 0, longestWarm: 0 };
  const charge = (phase: Phase): void => {
    const { total, longest } = meter.take();
    run.costs.set(phase, total);
    run.longest = Math.max(run.longest, longest);
    if (phase.endsWith("keys made")) run.longestWarm = Math.max(run.longestWarm, longest);
  };
  const rested = <T>(phase: Phase, handshake: () => T): T => {
    meter.unmetered(() => tunnel.rest());
    const made = handshake();
    charge(phase);
    return made;
  };
  const connect = (phase: Phase, opener = near): void => {
    const ends = rested(phase, () => tunnel.openStream(opener));
    meter.unmetered(() => tunnel.closeStream(opener, ends));
  };
  charge("start, identity, peer");
  tunnel.dial(near);
  charge("hop");
  meter.unmetered(() => tunnel.dial(far));
  tunnel.connectLink(near);
  charge("link, who begins");
  tunnel.openStream(near);
  charge("connection, who begins");
  tunnel.rest();
  charge("keys in idle time");
  connect("one more connection, keys made");
  rested("hop again, keys made", () => tunnel.dial(near));
  rested("link again, who begins, keys made", () => tunnel.connectLink(near));
  rested("link, who answers, first time", () => tunnel.connectLink(far));
  rested("link, who answers, keys made", () => tunnel.connectLink(far));
  connect("connection, who answers, first time", far);
  connect("connection, who answers, keys made", far);
  return run;
}
