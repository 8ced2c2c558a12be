// SPDX-License-Identifier: Apache-2.0
// `npm run bench -- device`: the whole device in the emulator, under wasm3 and compiled ahead of time: RAM
// by parts, flash, bytes to the desktop over ways of several lengths, back in service, the camera; the
// core's instructions on the same machine; the device as a program of this one. Before it: ../run.ts. After
// it: measure.ts, native.ts, ../table.ts.

import { buildVirtFirmware, type VirtTarget } from "../../../scripts/build-firmware.ts";
import { endAll } from "../../e2e/sealed-tools.ts";
import { buildBytesDevice } from "../../firmware/virt-site.ts";
import { openBearssl } from "../bearssl.ts";
import { copyCore } from "../core-copy.ts";
import { goal } from "../goals.ts";
import { stackWithoutTailCalls } from "../rv32-footprint.ts";
import { handshakesOnRv32 } from "../rv32-handshakes.ts";
import { layersOnRv32 } from "../rv32-layers.ts";
import { type Facts, printSection, type Row, type Section } from "../table.ts";
import { xtensaStack } from "../xtensa-stack.ts";
import {
  busyMemory,
  type CameraFigures,
  cameraFigures,
  silenceAfterBreak,
  throughput,
} from "./measure.ts";
import type { DeviceMemory } from "./memory.ts";
import { nativeFigures } from "./native.ts";
import type { CameraRates } from "./viewers.ts";

const TARGETS: readonly VirtTarget[] = ["virt-rv32", "virt-rv32-aot"];
const COLUMNS = ["wasm3", "ahead of time"];
const ROUND_TRIPS_MS = [1, 10, 40, 100] as const;

type Outcome = { missed: number; left: number };

/** Measures and prints; returns how many goals are missed and how many sections could not be made. */
export async function benchDevice(only?: "native"): Promise<Outcome> {
  const facts: Facts = new Map();
  const outcome: Outcome = { missed: 0, left: 0 };
  const print: Print = async (what, make) => {
    try {
      for (const section of await make()) outcome.missed += printSection(section, facts);
    } catch (error) {
      console.log(`\n${what}: not measured: ${error instanceof Error ? error.message : error}`);
      outcome.left += 1;
    } finally {
      await endAll();
    }
  };
  if (only === undefined) await printEmulated(print, facts);
  await print("The device as a program", async () => [await nativeTable()]);
  return outcome;
}

type Print = (what: string, make: () => Promise<Section[]>) => Promise<void>;

async function printEmulated(print: Print, facts: Facts): Promise<void> {
  const { wasm, wasmPath } = copyCore();
  console.log(
    "About three minutes: the camera, bytes over four ways, breaks, instructions, native stack.",
  );
  await print("The camera's device", cameraTables);
  await print("Bytes", async () => [await bytesTable()]);
  await print("Instructions", async () => [
    layersOnRv32(wasm, wasmPath, openBearssl(wasm), facts),
    handshakesOnRv32(wasm, wasmPath, facts),
  ]);
  await print("Native stack on RV32", async () => [
    stackTable("RV32IMAC", stackWithoutTailCalls(wasm, wasmPath)),
  ]);
  await print("Native stack on Xtensa", async () => [
    stackTable("Xtensa lx106, call0", xtensaStack(wasm, wasmPath)),
  ]);
}

async function cameraTables(): Promise<Section[]> {
  const images = TARGETS.map((target) => buildVirtFirmware(target));
  const figures: CameraFigures[] = [];
  for (const image of images) figures.push(await cameraFigures(image));
  const busy: DeviceMemory[] = [];
  for (const target of TARGETS) busy.push(await busyMemory(buildBytesDevice(target)));
  const flash = images.map(({ sizes }) => sizes.flash);
  return [ramTable(figures, busy, flash), cameraTable(figures)];
}

function ramTable(
  figures: readonly CameraFigures[],
  busy: readonly DeviceMemory[],
  flash: readonly number[],
): Section {
  const memories = figures.map(({ memory }) => memory);
  const names = [...new Set(memories.flatMap(({ parts }) => [...parts.keys()]))];
  const withCamera = memories.map(mostOf);
  const withStreams = busy.map((memory, i) => mostOf(memory) + cameraOf(memories[i]));
  const most = withCamera.map((bytes, i) => Math.max(bytes, withStreams[i] ?? 0));
  const top = memories.map(({ statics, stackMost, arenaTop }) => statics + stackMost + arenaTop);
  const rows: Row[] = [
    ...names.map((name) => ({
      label: name,
      cells: memories.map(({ parts }) => parts.get(name) ?? 0),
    })),
    { label: "most in use: camera, two viewers, pages", cells: withCamera },
    { label: "most in use: four streams, the hop anew, and a camera's part", cells: withStreams },
    {
      label: "RAM in all, the most in use",
      cells: most,
      goals: [goal("device.ram.wasm3", most[0] ?? 0), goal("device.ram.aot", most[1] ?? 0)],
    },
    { label: "the camera's, with what was free between blocks", cells: top },
    {
      label: "flash: code, constants, the core",
      cells: [...flash],
      goals: [goal("device.flash.wasm3", flash[0] ?? 0), goal("device.flash.aot", flash[1] ?? 0)],
    },
  ];
  return {
    title: "A device with its camera: RAM and flash, bytes",
    columns: COLUMNS,
    rows,
    notes: [
      "Parts: when the most was in use, of the moments looked at; two viewers, and a page loaded five times a second.",
      "Four streams: the camera serves three, so firmware/test/bytes_app.cpp, two streams each way, three breaks of the hop.",
      "QEMU runs with 192 KiB and 112 KiB, and no more: beyond that the device faults.",
    ],
  };
}

function mostOf({ statics, stackMost, arenaMost }: DeviceMemory): number {
  return statics + stackMost + arenaMost;
}

function cameraOf(memory: DeviceMemory | undefined): number {
  return memory?.parts.get("camera") ?? 0;
}

function cameraTable(figures: readonly CameraFigures[]): Section {
  return {
    title: "The camera through the tunnel",
    columns: COLUMNS,
    rows: cameraRows(figures),
    notes: ["At the emulator's own speed, some 800 million instructions a second."],
  };
}

function cameraRows(figures: readonly CameraRates[]): Row[] {
  const row = (label: string, of: (one: CameraRates) => number): Row => ({
    label,
    cells: figures.map(of),
  });
  return [
    row("pictures a second, two viewers", (one) => one.picturesPerSecond),
    row("first page after power-on, ms: link, connection, page", (one) => one.firstPageMs),
    row("one more page, ms: connection, page", (one) => one.pageMs),
  ];
}

async function nativeTable(): Promise<Section> {
  const figures = [await nativeFigures("native"), await nativeFigures("native-aot")];
  return {
    title: "The device as a program of this machine, with its camera",
    columns: COLUMNS,
    rows: [
      { label: "resident, bytes, the most", cells: figures.map(({ mostBytes }) => mostBytes) },
      { label: "the program's file, bytes", cells: figures.map(({ fileBytes }) => fileBytes) },
      ...cameraRows(figures),
    ],
    notes: ["At this machine's speed; the same viewers and pages as in the emulator."],
  };
}

async function bytesTable(): Promise<Section> {
  const images = TARGETS.map((target) => buildBytesDevice(target));
  const rows: Row[] = [];
  for (const roundMs of ROUND_TRIPS_MS) {
    const rates: number[] = [];
    for (const image of images) rates.push(await throughput(image, roundMs));
    rows.push({ label: `Mbit/s to the desktop, round trip ${roundMs} ms`, cells: rates });
    const aot = rates[1] ?? 0;
    if (roundMs === 40) rows.at(-1)!.goals = [goal("device.bytes.40", aot)];
    if (roundMs === 100) rows.at(-1)!.goals = [goal("device.bytes.100", aot)];
  }
  const silences: number[] = [];
  for (const image of images) silences.push(await silenceAfterBreak(image));
  const [wasm3 = 0, aot = 0] = silences;
  rows.push({
    label: "silence after a hop was reset, ms, the longest of three",
    cells: silences,
    goals: [goal("device.back.wasm3", wasm3), goal("device.back.aot", aot)],
  });
  return {
    title: "A device's bytes, at 125 million instructions a second",
    columns: COLUMNS,
    rows,
    notes: [
      "QEMU runs at most an instruction in 8 ns (-icount shift=3,align=on); one connection.",
      "A relay between device and Connector delays the bytes. TCP's own windows do not see the delay: QEMU's network answers at once.",
    ],
  };
}

/** The goal is RV32's alone. */
function stackTable(machine: string, { bytes, call }: { bytes: number; call: string }): Section {
  const isRv32 = machine.startsWith("RV32");
  return {
    title: `${machine}: native stack without tail calls, bytes`,
    columns: ["wasm3"],
    rows: [
      {
        label: `most, in ${call}`,
        cells: [bytes],
        ...(isRv32 && { goals: [goal("stack.wasm3", bytes)] }),
      },
    ],
    notes: [
      isRv32
        ? "The busy run of bench core: hop, link, four streams both ways, a new link session meanwhile."
        : "The same run, recorded and played on QEMU's lx60. An ESP32's windowed calls take 32 bytes at least where most operations take 16 here.",
    ],
  };
}
