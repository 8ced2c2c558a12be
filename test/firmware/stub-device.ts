// SPDX-License-Identifier: Apache-2.0
// Builds the posix port with test/firmware/stub in the place of the device. Before it: posix.test.ts.
// After it: scripts/build-native.ts.

import { join } from "node:path";
import { buildNative, FIRMWARE_CORE, POSIX_PORT, sourcesIn } from "../../scripts/build-native.ts";

const STUB = join(import.meta.dirname, "stub");

/** The program's path, under the sanitizers. */
export function buildStubDevice(): string {
  return buildNative({
    name: "stub-device",
    sources: [
      ...sourcesIn(STUB, "*.cpp"),
      ...sourcesIn(POSIX_PORT, "*.cpp"),
      join(FIRMWARE_CORE, "crc32.cpp"),
      join(FIRMWARE_CORE, "flash_store.cpp"),
      join(FIRMWARE_CORE, "arena.c"),
    ],
    include: [STUB, FIRMWARE_CORE, POSIX_PORT],
    sanitized: true,
  });
}
