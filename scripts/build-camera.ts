// SPDX-License-Identifier: Apache-2.0
// Builds the camera app with firmware/test/camera_machine.cpp for this machine, under AddressSanitizer
// and UBSan: a program whose sockets and clock a test moves. For test/firmware/camera-machine.ts; from
// the command line: node scripts/build-camera.ts.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { compileAll, hashOf, makeOnce, runTool, type Tool, withLock } from "./native-build.ts";
import { BUILD_DIR, ROOT } from "./run.ts";

const OUT = join(BUILD_DIR, "camera");
const CORE = join(ROOT, "firmware", "core");
const APP = join(ROOT, "firmware", "apps", "camera");
const MACHINE = join(ROOT, "firmware", "test", "camera_machine.cpp");

const CC: Tool = { command: "gcc", debianPackage: "gcc" };
const CXX: Tool = { command: "g++", debianPackage: "g++" };

const SANITIZED = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const STRICT = ["-Wall", "-Wextra", "-Werror", "-O1", "-I", CORE, "-I", APP, ...SANITIZED];
const OWN_CXX = ["-std=c++17", "-fno-exceptions", "-fno-rtti", "-Wconversion", ...STRICT];

/** The path of the program; made when it is not there. Throws with what is missing. */
export function buildCamera(): string {
  return withLock(OUT, () => {
    const folder = join(OUT, "objects");
    const app = readdirSync(APP).filter((name) => name.endsWith(".cpp"));
    const sources = [...app.map((name) => join(APP, name)), MACHINE].map((path) => ({
      path,
      flags: OWN_CXX,
      dependsOn: [CORE, APP],
    }));
    const arena = { path: join(CORE, "arena.c"), flags: ["-std=gnu11", ...STRICT], dependsOn: [] };
    const cxx = compileAll(CXX, folder, sources);
    const c = compileAll(CC, folder, [{ ...arena, dependsOn: [CORE] }]);
    const objects = [...cxx.objects, ...c.objects];
    const program = join(OUT, `camera-${hashOf(objects, [])}.bin`);
    makeOnce(program, (aside) => runTool(CXX.command, [...SANITIZED, ...objects, "-o", aside]));
    return program;
  });
}

if (import.meta.main) console.log(buildCamera());
