// SPDX-License-Identifier: Apache-2.0
// `sealed version`: of the program, the protocol and Node. Before it: package.json. After it: people who
// report something; the status socket, which names the version too.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandModule } from "yargs";

const PACKAGE = join(import.meta.dirname, "..", "..", "package.json");

/** The program's version, as package.json has it. */
export function programVersion(): string {
  return JSON.parse(readFileSync(PACKAGE, "utf8")).version;
}

export const versionCommand: CommandModule = {
  command: "version",
  describe: "Print the versions of the program, the protocol and Node",
  handler() {
    console.log(`sealed ${programVersion()}, protocol 1, Node ${process.versions.node}`);
  },
};
