// SPDX-License-Identifier: Apache-2.0
// Three layers with framing under V8, from one endpoint's side: what a host pays to seal records to
// the wire and to open them from it, through host/core/core.ts with its copies; beside three AEADs
// of other libraries, which have no framing. Each record has a packet and a hop record of its own.
// Bursts and libraries take turns; the best counts. The Connector in between is not charged.

import { DESKTOP_SIZES } from "../../host/core/core.ts";
import { openV8 } from "../../host/core/engine-v8.ts";
import { Primitives } from "../../host/core/primitives.ts";
import { goal } from "./goals.ts";
import type { Rival } from "./rivals.ts";
import { Seeded } from "./seeded.ts";
import type { Facts, Row, Section } from "./table.ts";
import { compare } from "./timing.ts";
import { burst, type Part } from "./transfer.ts";
import { type Flow, Tunnel } from "./tunnel.ts";
import { aeadTasks, Desk, RECORD_LENGTHS, type Task } from "./v8-primitives.ts";

const ROUNDS = 8;
const BURSTS = 6;
/** Records in a burst; those of 16 KiB stay within the window of 1 MiB. */
const RECORDS = 48;
/** The design's goal is for records of this length. */
const GOAL_BYTES = 16_384;
const LAYERS = 3;

/** Seconds per byte of payload. */
type Seconds = Record<Part, number>;

export function layersUnderV8(wasm: Uint8Array, rivals: readonly Rival[], facts: Facts): Section {
  const tunnel = new Tunnel(wasm, openV8(wasm), DESKTOP_SIZES);
  const flow = tunnel.flow();
  const desk = new Desk(openV8(wasm));
  const core = new Primitives(openV8(wasm));
  const random = new Seeded(13);
  return {
    title: "V8: three layers, MB/s of payload",
    columns: [
      ...["layers, framing", "with ACKs", "core, 3 AEADs"],
      ...rivals.map(({ name }) => `${name} x 3`),
    ],
    rows: RECORD_LENGTHS.flatMap((bytes) => {
      const tasks = aeadTasks(desk, core, random, bytes);
      return measure(tunnel, flow, bytes, tasks, rivals, facts);
    }),
    notes: [
      '"with ACKs": also what that side does for acknowledgements and credit.',
      "The other columns are three AEADs and nothing else; the core's are in place.",
    ],
  };
}

function measure(
  tunnel: Tunnel,
  flow: Flow,
  bytes: number,
  tasks: readonly Task[],
  rivals: readonly Rival[],
  facts: Facts,
): Row[] {
  const payload = new Seeded(19).bytes(bytes);
  const runs = tasks.flatMap((task) => [task.inPlace, ...rivals.map((rival) => task.rival(rival))]);
  let layers = oneBurst(tunnel, flow, payload);
  let alone = compare(runs, 1);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < BURSTS; i++) layers = leastOf(layers, oneBurst(tunnel, flow, payload));
    const latest = compare(runs, 1);
    alone = alone.map((best, i) => Math.min(best ?? 1, latest[i] ?? 1));
  }
  const speeds = alone.map((seconds) => bytes / 1e6 / LAYERS / (seconds ?? 1));
  const half = speeds.length / 2;
  facts.set(`v8.seal.${bytes}`, speeds[0] ?? 0);
  facts.set(`v8.open.${bytes}`, speeds[half] ?? 0);
  return [
    row("seal", bytes, layers.seal, layers.acknowledged, speeds.slice(0, half)),
    row("open", bytes, layers.open, layers.acknowledge, speeds.slice(half)),
  ];
}

function row(way: string, bytes: number, seconds: number, late: number, alone: number[]): Row {
  const speed = 1e-6 / seconds;
  const cells = [speed, 1e-6 / (seconds + late), ...alone];
  const label = `${way}, ${bytes} B`;
  return bytes === GOAL_BYTES
    ? { label, cells, goals: [goal(`layers.v8.${way === "seal" ? "seal" : "open"}`, speed)] }
    : { label, cells };
}

function oneBurst(tunnel: Tunnel, flow: Flow, payload: Uint8Array): Seconds {
  const seconds: Seconds = { seal: 0, open: 0, acknowledge: 0, acknowledged: 0 };
  const bytes = burst(tunnel, flow, payload, RECORDS, (part, run) => {
    const startedMs = performance.now();
    const result = run();
    seconds[part] += (performance.now() - startedMs) / 1000;
    return result;
  });
  for (const part of Object.keys(seconds) as Part[]) seconds[part] /= bytes;
  return seconds;
}

function leastOf(best: Seconds, latest: Seconds): Seconds {
  return {
    seal: Math.min(best.seal, latest.seal),
    open: Math.min(best.open, latest.open),
    acknowledge: Math.min(best.acknowledge, latest.acknowledge),
    acknowledged: Math.min(best.acknowledged, latest.acknowledged),
  };
}
