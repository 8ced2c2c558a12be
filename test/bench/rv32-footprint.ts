// SPDX-License-Identifier: Apache-2.0
// What the core takes on a device: file, functions, linear memory, compiled M3 code, native stack, and
// RAM in all at its highest, in a busy run: up to four streams both ways, with a new link session in
// the middle. Under wasm3 the code is given back between two calls when it passes a limit, as
// firmware does. TCP/IP and applications are not running here.

import { readFileSync } from "node:fs";
import { CoreError, DEVICE_SIZES } from "../../host/core/core.ts";
import { Rv32Engine, type Rv32Stats } from "../../host/core/engine-rv32.ts";
import { buildM3SizesImage } from "../../scripts/bench-images.ts";
import { functionName, parseWasm } from "../../scripts/wasm-file.ts";
import { goal } from "./goals.ts";
import { type Device, leastMemory, type MachineKind, onDevice } from "./machine.ts";
import { Seeded } from "./seeded.ts";
import type { Facts, Goal, Row, Section } from "./table.ts";
import { burst } from "./transfer.ts";
import type { Ends, Station, Tunnel } from "./tunnel.ts";

/** Compiled code is given back above this: one call more, and it stays within the goal's 56 KiB. */
const CODE_LIMIT_BYTES = 32 * 1024;
/** Other limits, for what they would cost. */
const OTHER_LIMITS_BYTES = [40, 48, 56, 72].map((kib) => kib * 1024);
const STREAMS = 4;
/** Through each stream, each way. */
const STREAM_BYTES = 12 * 1024;
const ROUND_MS = 5;
const MAX_ROUNDS = 2000;
/** lwIP with its heap, driver and receive buffers of a camera, measured on the emulated board. */
const NETWORK_BYTES = 21_700;
const WRITE_BYTES = 1460;

type Busy = {
  stats: Rv32Stats;
  atRest: Rv32Stats;
  streamCount: number;
  mostCodeBytes: number;
  drops: number;
  instructions: number;
  deepestCall: string;
};

type Run = { kind: MachineKind; limitBytes?: number };

/** The tables of what is taken, and of what giving code back costs. */
export function footprint(wasm: Uint8Array, wasmPath: string, facts: Facts): Section[] {
  const busy = ({ kind, limitBytes }: Run): Busy =>
    onDevice(kind, wasm, wasmPath, DEVICE_SIZES, (device) => busyRun(device, limitBytes));
  const dataCodeBytes = onDevice("wasm3", wasm, wasmPath, DEVICE_SIZES, dataPathCode);
  const cached = busy({ kind: "wasm3", limitBytes: CODE_LIMIT_BYTES });
  const kept = busy({ kind: "wasm3" });
  const deep = stackWithoutTailCalls(wasm, wasmPath);
  const aot = busy({ kind: "aot" });
  const others = OTHER_LIMITS_BYTES.map((limitBytes) => busy({ kind: "wasm3", limitBytes }));
  const file = parseWasm(wasm);
  const memoryBytes = leastMemory(wasm, DEVICE_SIZES);
  facts.set("exports", file.exports.length);
  facts.set("code.all", kept.stats.codeBytes);
  facts.set("code.data", dataCodeBytes);
  facts.set("parsed", parsedBytes(cached.atRest));
  facts.set("memory", memoryBytes);
  facts.set("code.call", cached.mostCodeBytes - CODE_LIMIT_BYTES);
  const rows: Row[] = [
    row("core.wasm, bytes", wasm.length, null, goal("file", wasm.length)),
    row("functions", file.functions.length, null, goal("functions", file.functions.length)),
    row("linear memory for DEVICE_SIZES", memoryBytes, memoryBytes, goal("memory", memoryBytes)),
    row("parsed module, environment", parsedBytes(cached.atRest), 0),
    row("value stack", cached.stats.valueStackBytes, 0),
    row("M3 code of the data path alone", dataCodeBytes, 0),
    row("M3 code, highest", cached.mostCodeBytes, 0, goal("code.wasm3", cached.mostCodeBytes)),
    row("native stack", stackOf(cached), stackOf(aot)),
    row(
      `native stack without tail calls (${deep.call})`,
      deep.bytes,
      null,
      goal("stack.wasm3", deep.bytes),
    ),
    row("arena, most in use", cached.stats.heapHighWaterBytes, aot.stats.heapHighWaterBytes),
    row("arena, highest address, holes too", cached.stats.heapTopBytes, aot.stats.heapTopBytes),
    row(
      `RAM: arena, native stack, ${NETWORK_BYTES} B of TCP/IP`,
      ramOf(cached),
      ramOf(aot),
      goal("ram.wasm3", ramOf(cached)),
      goal("ram.aot", ramOf(aot)),
    ),
    row("runner's image (flash), core in it", kept.stats.imageBytes, aot.stats.imageBytes),
  ];
  const slowdown = (cached.instructions / kept.instructions).toFixed(1);
  const taken: Section = {
    title: "RV32IMAC: size and RAM, bytes",
    columns: ["wasm3", "ahead of time"],
    rows,
    notes: [
      `Busy run: ${cached.streamCount} streams (asked: ${STREAMS}), ${STREAM_BYTES} B each way each, a new link session meanwhile.`,
      `Compiled code is given back between two calls when it is above ${CODE_LIMIT_BYTES} B: the run needs ${slowdown} x the instructions then (next table).`,
      "TCP/IP is device-probe.md's figure, not measured here; console, storage, application: not counted.",
    ],
  };
  return [taken, limitsTable([cached, ...others, kept], [...OTHER_LIMITS_BYTES])];
}

/** The most bytes of native stack in the busy run under wasm3 without tail calls, and in which export. */
export function stackWithoutTailCalls(
  wasm: Uint8Array,
  wasmPath: string,
): { bytes: number; call: string } {
  const run = onDevice("wasm3", wasm, wasmPath, DEVICE_SIZES, (device) => busyRun(device), {
    tailCalls: false,
  });
  return { bytes: stackOf(run), call: run.deepestCall };
}

function stackOf({ stats }: Busy): number {
  return stats.nativeStackHighWaterBytes;
}

function ramOf(busy: Busy): number {
  return busy.stats.heapTopBytes + stackOf(busy) + NETWORK_BYTES;
}

function limitsTable(runs: readonly Busy[], others: readonly number[]): Section {
  const limits = [CODE_LIMIT_BYTES, ...others];
  return {
    title: "wasm3: code given back above",
    columns: ["times", "code, highest", "RAM", "instructions of the busy run"],
    rows: runs.map((run, i) => ({
      label: limits[i] === undefined ? "never" : `${limits[i]} B`,
      cells: [run.drops, run.mostCodeBytes, ramOf(run), run.instructions],
    })),
  };
}

/** Compiled code that stays in use while bytes flow both ways and nothing else happens. */
function dataPathCode({ tunnel, engine }: Device): number {
  const flow = tunnel.flow();
  const back = { from: flow.to, to: flow.from, sending: flow.receiving, receiving: flow.sending };
  const payload = new Seeded(41).bytes(WRITE_BYTES);
  tunnel.rest();
  engine.dropCode();
  for (const way of [flow, back]) burst(tunnel, way, payload, 1, (_part, run) => run());
  return engine.stats().codeBytes;
}

function row(label: string, wasm3: number, aot: number | null, ...goals: Goal[]): Row {
  return goals.length > 0 ? { label, cells: [wasm3, aot], goals } : { label, cells: [wasm3, aot] };
}

/** Of the arena: neither linear memory nor value stack nor compiled code. */
function parsedBytes(stats: Rv32Stats): number {
  return stats.heapBytes - stats.memoryBytes - stats.valueStackBytes - stats.codeBytes;
}

function busyRun({ tunnel, meter, engine }: Device, limitBytes?: number): Busy {
  const atRest = engine.stats();
  let [mostCodeBytes, drops, instructions, deepestCall, stackBytes] = [0, 0, 0, "", 0];
  meter.onCall = (name) => {
    const stats = engine.stats();
    instructions += Number(engine.lastInstructions);
    mostCodeBytes = Math.max(mostCodeBytes, stats.codeBytes);
    if (stats.nativeStackHighWaterBytes > stackBytes) {
      stackBytes = stats.nativeStackHighWaterBytes;
      deepestCall = name;
    }
    if (limitBytes === undefined || stats.codeBytes <= limitBytes) return;
    engine.dropCode();
    drops += 1;
  };
  const streamCount = busyTraffic(tunnel);
  const stats = engine.stats();
  return { stats, atRest, streamCount, mostCodeBytes, drops, instructions, deepestCall };
}

/** The busy run's work; returns how many streams there were. */
export function busyTraffic(tunnel: Tunnel): number {
  const { near, far } = tunnel;
  tunnel.dial(near);
  tunnel.dial(far);
  tunnel.connectLink(near);
  const streams = openStreams(() => tunnel.openStream(near));
  const out = streams.map(({ opened, accepted }) => new Way(near, opened, far, accepted));
  const back = streams.map(({ opened, accepted }) => new Way(far, accepted, near, opened));
  const ways = [...out, ...back];
  for (let round = 0; ways.some((way) => !way.isDone()); round++) {
    if (round === 2) far.core.linkConnect(far.link);
    for (const way of ways) way.move();
    if (!tunnel.exchange() && !far.core.work() && !near.core.work()) tunnel.tick(ROUND_MS);
    if (round > MAX_ROUNDS) throw new Error("the busy streams came to a halt");
  }
  return streams.length;
}

/** As many as the device's pool lets it have, at most STREAMS. */
function openStreams(open: () => Ends): Ends[] {
  const streams: Ends[] = [];
  try {
    while (streams.length < STREAMS) streams.push(open());
  } catch (error) {
    if (!(error instanceof CoreError) || streams.length === 0) throw error;
  }
  return streams;
}

/** One direction of a stream: writes as long as there is room, takes what has come. */
class Way {
  readonly #from: Station;
  readonly #sending: number;
  readonly #to: Station;
  readonly #receiving: number;
  readonly #payload = new Seeded(37).bytes(WRITE_BYTES);
  #left = STREAM_BYTES;
  #taken = 0;

  constructor(from: Station, sending: number, to: Station, receiving: number) {
    this.#from = from;
    this.#sending = sending;
    this.#to = to;
    this.#receiving = receiving;
  }

  move(): void {
    const part = this.#payload.subarray(0, Math.min(this.#left, WRITE_BYTES));
    if (part.length > 0) this.#left -= this.#from.core.streamPut(this.#sending, part);
    this.#taken += this.#to.core.streamTake(this.#receiving).length;
  }

  isDone(): boolean {
    return this.#taken === STREAM_BYTES;
  }
}

const SHOWN = 20;

type Compiled = { name: string; wasmBytes: number; m3Bytes: number };

/** RAM that each function takes when wasm3 has compiled it: in all, by folder, then one by one. */
export function compiledFunctions(
  wasmPath: string,
  debugWasmPath: string,
  isWhole: boolean,
): Section {
  const functions = compileEach(wasmPath, debugWasmPath);
  const folders = [...new Set(functions.map(folderOf))].sort();
  const rows = [
    total(`all ${functions.length}`, functions),
    ...folders.map((folder) => {
      const inside = functions.filter((each) => folderOf(each) === folder);
      return total(`${folder}: ${inside.length}`, inside);
    }),
    ...(isWhole ? functions : functions.slice(0, SHOWN)),
  ];
  return {
    title: "RV32IMAC: M3 code by function",
    columns: ["wasm, B", "M3, B", "ratio"],
    rows: rows.map(({ name, wasmBytes, m3Bytes }) => ({
      label: name,
      cells: [wasmBytes, m3Bytes, (m3Bytes / wasmBytes).toFixed(2)],
    })),
    notes: [
      "A function counts where the compiler left it; what it inlined counts with it.",
      ...(isWhole ? [] : ["The largest; --functions shows all of them."]),
    ],
  };
}

function compileEach(wasmPath: string, debugWasmPath: string): Compiled[] {
  const named = parseWasm(readFileSync(debugWasmPath));
  const engine = new Rv32Engine("rv32-wasm3", buildM3SizesImage(wasmPath), {});
  try {
    return Array.from({ length: engine.call("count") }, (_, i) => ({
      name: functionName(named, i),
      wasmBytes: named.bodies[i]?.length ?? 0,
      m3Bytes: engine.call("compile", i),
    })).sort((a, b) => b.m3Bytes - a.m3Bytes);
  } finally {
    engine.close();
  }
}

function folderOf({ name }: Compiled): string {
  const parts = name.split("/");
  return parts.length > 3 ? parts.slice(0, 2).join("/") : (parts[0] ?? name);
}

function total(name: string, functions: readonly Compiled[]): Compiled {
  return {
    name,
    wasmBytes: functions.reduce((sum, each) => sum + each.wasmBytes, 0),
    m3Bytes: functions.reduce((sum, each) => sum + each.m3Bytes, 0),
  };
}
