// SPDX-License-Identifier: Apache-2.0
// Builds firmware/test's reader of transcripts for this machine, on either vm of the firmware: wasm3,
// or the core compiled ahead of time by wasm2c. Before it: build-native.ts. For
// test/transcripts/reader.ts; from the command line: node scripts/build-reader.ts [wasm3|aot].

import { join } from "node:path";
import { aotSources, buildNative, FIRMWARE, FIRMWARE_CORE, wasm3Sources } from "./build-native.ts";
import { CORE_WASM } from "./run.ts";

export type ReaderVm = "wasm3" | "aot";

const READER = join(FIRMWARE, "test");
const READER_FILES = ["text.cpp", "core_machine.cpp", "transcript.cpp", "play_files.cpp"];

/** The path of the program for this core; made when it is not there. Throws with what is missing. */
export function buildReader(vm: ReaderVm, wasmPath: string): string {
  return buildNative({
    name: `reader-${vm}`,
    sources: [...READER_FILES.map((name) => join(READER, name)), join(FIRMWARE_CORE, "arena.c")],
    include: [FIRMWARE_CORE, READER],
    others: vm === "wasm3" ? wasm3Sources(false) : aotSources(wasmPath, false),
    sanitized: false,
  });
}

if (import.meta.main) console.log(buildReader((process.argv[2] ?? "wasm3") as ReaderVm, CORE_WASM));
