// SPDX-License-Identifier: Apache-2.0
// Compiles the addon with the system's C compiler when it is not there yet: wasm3's sources, the vm
// of firmware/core and addon.c, linked to one .node file in build/wasm3-node, named after a hash of
// all that went into it. index.ts calls this before it loads the addon.

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
} from "../../scripts/native-build.ts";
import { BUILD_DIR, ROOT } from "../../scripts/run.ts";

const OUT = join(BUILD_DIR, "wasm3-node");
const VM = join(ROOT, "firmware", "core");
const NODE_HEADERS = join(ROOT, "node_modules", "node-api-headers", "include");
const CC: Tool = { command: "gcc", debianPackage: "gcc" };

// Tail calls are what makes wasm3 fast, and what keeps it from filling the native stack.
const SPEED = ["-O3", "-foptimize-sibling-calls", "-fomit-frame-pointer", "-fno-stack-protector"];
const SHARED = ["-std=gnu11", "-fPIC", "-fvisibility=hidden", ...SPEED];
const OWN = [...SHARED, "-Wall", "-Wextra", "-Werror", "-I", VM];

/** The path of the addon; says on standard output when it had to be compiled. */
export function buildAddon(): string {
  return withLock(OUT, () => {
    const startedMs = performance.now();
    const { objects, compiledCount } = compileAll(CC, join(OUT, "objects"), sources());
    const addon = join(OUT, `addon-${hashOf(objects, [])}.node`);
    makeOnce(addon, (aside) => runTool(CC.command, [...linkFlags(), ...objects, "-o", aside]));
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    if (compiledCount > 0) console.log(`wasm3-node: compiled ${compiledCount} files, ${seconds} s`);
    return addon;
  });
}

function sources(): Source[] {
  const wasm3 = WASM3_FILES.map((path) => ({
    path,
    flags: [...SHARED, "-w", ...WASM3_SETTINGS],
    dependsOn: [WASM3_FOLDER],
  }));
  const dependsOn = [VM, WASM3_FOLDER, NODE_HEADERS];
  const node = ["-DNAPI_VERSION=8", "-isystem", NODE_HEADERS];
  return [
    ...wasm3,
    { path: join(VM, "vm_wasm3.c"), flags: [...OWN, ...WASM3_SETTINGS], dependsOn },
    { path: join(import.meta.dirname, "addon.c"), flags: [...OWN, ...node], dependsOn },
  ];
}

function linkFlags(): string[] {
  // On macOS the names of Node's own functions are only known when it loads the addon.
  const late = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
  return ["-shared", ...late];
}

if (import.meta.main) console.log(buildAddon());
