// SPDX-License-Identifier: Apache-2.0
// `sealed version`: of the program, the protocol and Node. Before it: program-version.ts. After it: people
// who report something.

import type { CommandModule } from "yargs";
import { programVersion } from "../service/program-version.ts";

export const versionCommand: CommandModule = {
  command: "version",
  describe: "Print the versions of the program, the protocol and Node",
  handler() {
    console.log(`sealed ${programVersion()}, protocol 1, Node ${process.versions.node}`);
  },
};
