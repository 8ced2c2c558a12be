// SPDX-License-Identifier: Apache-2.0
// Builds the camera app with firmware/test/camera_machine.cpp for this machine, under AddressSanitizer
// and UBSan: a program whose sockets and clock a test moves. For test/firmware/camera-machine.ts; from
// the command line: node scripts/build-camera.ts.

import { join } from "node:path";
import { buildNative, FIRMWARE, FIRMWARE_CORE, sourcesIn } from "./build-native.ts";

const APP = join(FIRMWARE, "apps", "camera");
const MACHINE = join(FIRMWARE, "test", "camera_machine.cpp");

/** The path of the program; made when it is not there. Throws with what is missing. */
export function buildCamera(): string {
  return buildNative({
    name: "camera",
    sources: [...sourcesIn(APP, "*.cpp"), MACHINE, join(FIRMWARE_CORE, "arena.c")],
    include: [FIRMWARE_CORE, APP],
    sanitized: true,
  });
}

if (import.meta.main) console.log(buildCamera());
