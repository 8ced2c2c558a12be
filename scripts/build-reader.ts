// SPDX-License-Identifier: Apache-2.0
// Builds firmware/test's reader of transcripts for this machine, on either vm of the firmware: wasm3,
// or the core compiled ahead of time by wasm2c. For test/transcripts/reader.ts; from the command
// line: node scripts/build-reader.ts [wasm3|aot]. Linked by the C compiler: nothing of the C++
// library is needed, as on a board.

import { join } from "node:path";
import {
  compileAll,
  hashOf,
  makeOnce,
  runTool,
  type Source,
  type Tool,
  WASM3_FILES,
  WASM3_FOLDER,
  WASM3_SETTINGS,
  withLock,
} from "./native-build.ts";
import { BUILD_DIR, CORE_WASM, ROOT } from "./run.ts";
import { translate, WASM2C_SETTINGS } from "./wasm2c.ts";

export type ReaderVm = "wasm3" | "aot";

const OUT = join(BUILD_DIR, "reader");
const CORE = join(ROOT, "firmware", "core");
const READER = join(ROOT, "firmware", "test");
const READER_FILES = ["text.cpp", "core_machine.cpp", "transcript.cpp", "play_files.cpp"];

const CC: Tool = { command: "gcc", debianPackage: "gcc" };
export const CXX: Tool = { command: "g++", debianPackage: "g++" };

const THEIRS = ["-std=gnu11", "-w", "-O2"];
const STRICT = ["-Wall", "-Wextra", "-Werror", "-O2", "-I", CORE];
const OWN_C = ["-std=gnu11", ...STRICT];
const OWN_CXX = ["-std=c++17", "-fno-exceptions", "-fno-rtti", ...STRICT];

/** The path of the program for this core; made when it is not there. Throws with what is missing. */
export function buildReader(vm: ReaderVm, wasmPath: string): string {
  return withLock(OUT, () => {
    const startedMs = performance.now();
    const folder = join(OUT, "objects");
    const vmSources = vm === "wasm3" ? wasm3Sources() : aotSources(wasmPath);
    const dependsOn = [CORE, READER];
    const arena = { path: join(CORE, "arena.c"), flags: OWN_C, dependsOn: [CORE] };
    const c = compileAll(CC, folder, [...vmSources, arena]);
    const own = READER_FILES.map((name) => ({
      path: join(READER, name),
      flags: OWN_CXX,
      dependsOn,
    }));
    const cxx = compileAll(CXX, folder, own);
    const objects = [...cxx.objects, ...c.objects];
    const program = join(OUT, `reader-${vm}-${hashOf(objects, [])}.bin`);
    makeOnce(program, (aside) => runTool(CC.command, [...objects, "-o", aside]));
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const count = c.compiledCount + cxx.compiledCount;
    if (count > 0) console.log(`reader on ${vm}: compiled ${count} files, ${seconds} s`);
    return program;
  });
}

function wasm3Sources(): Source[] {
  const wasm3 = WASM3_FILES.map((path) => ({
    path,
    flags: [...THEIRS, ...WASM3_SETTINGS],
    dependsOn: [WASM3_FOLDER],
  }));
  const vm = { path: join(CORE, "vm_wasm3.c"), flags: [...OWN_C, ...WASM3_SETTINGS] };
  return [...wasm3, { ...vm, dependsOn: [CORE, WASM3_FOLDER] }];
}

function aotSources(wasmPath: string): Source[] {
  const folder = translate(OUT, wasmPath);
  const core = { path: join(folder, "core.c"), flags: [...THEIRS, ...WASM2C_SETTINGS] };
  const vm = {
    path: join(CORE, "vm_aot.c"),
    flags: [...OWN_C, "-isystem", folder, ...WASM2C_SETTINGS],
  };
  return [
    { ...core, dependsOn: [folder] },
    { ...vm, dependsOn: [CORE, folder] },
  ];
}

if (import.meta.main) console.log(buildReader((process.argv[2] ?? "wasm3") as ReaderVm, CORE_WASM));
