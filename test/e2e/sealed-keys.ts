// SPDX-License-Identifier: Apache-2.0
// `sealed` as the tests of the layers start it: the same command, which gives its secrets away. On SIGUSR2
// it writes the linear memory of its core, keys and all, to PID.memory in the folder that SEALED_TEST_KEYS
// names. Nothing in host/ knows of this, and the package holds no test: `sealed` itself can't be made to.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../host/cli/sealed.ts";
import { Core } from "../../host/core/core.ts";

/** The log line that says so. */
export const MEMORY_WRITTEN = "memory written";

const cores: Core[] = [];
const { start } = Core.prototype;

Core.prototype.start = function (this: Core, ...args: Parameters<typeof start>) {
  cores.push(this);
  start.apply(this, args);
};

function writeMemory(folder: string): void {
  const memory = Buffer.concat(cores.map(({ engine }) => engine.read(0, engine.memoryBytes())));
  const file = join(folder, `${process.pid}.memory`);
  writeFileSync(file, memory, { mode: 0o600 });
  console.log(JSON.stringify({ msg: MEMORY_WRITTEN, file }));
}

if (import.meta.main) {
  const folder = process.env["SEALED_TEST_KEYS"];
  if (folder === undefined) throw new Error("SEALED_TEST_KEYS names no folder");
  process.on("SIGUSR2", () => writeMemory(folder));
  await main(process.argv.slice(2));
}
