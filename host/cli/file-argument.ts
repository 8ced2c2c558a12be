// SPDX-License-Identifier: Apache-2.0
// The argument that `run` and `check` share: a declarative file, .toml or .json. Before it: the shell.
// After it: stlink.ts, connector.ts. Where it isn't given, yargs says so.

import type { Argv } from "yargs";

export type FileArguments = { file: string };

export function fileArgument(yargs: Argv): Argv<FileArguments> {
  return yargs.positional("file", {
    type: "string",
    demandOption: true,
    normalize: true,
    describe: "The declarative file, .toml or .json",
  });
}
