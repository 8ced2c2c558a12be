// SPDX-License-Identifier: Apache-2.0
// `sealed connector run` and `check`. Before it: the Connector's file. After it: run.ts with
// connector/service.ts, or one line about the file.

import type { CommandModule } from "yargs";
import { readConnectorFile } from "../connector/connector-file.ts";
import { startConnector } from "../connector/service.ts";
import { type FileArguments, fileArgument } from "./file-argument.ts";
import { fileSockets, runService } from "./run.ts";

const run: CommandModule<object, FileArguments> = {
  command: "run <file>",
  describe: "Run a Connector until it is told to stop",
  builder: (yargs) =>
    fileArgument(yargs)
      .example("$0 connector run hall.toml", "Run it; JSON lines on standard output")
      .epilogue("SIGHUP reads the file again; SIGTERM and Ctrl-C stop."),
  handler: ({ file }) =>
    runService({
      role: "connector",
      file,
      read: readConnectorFile,
      sockets: (settings) => fileSockets("connector", settings),
      start: startConnector,
    }),
};

const check: CommandModule<object, FileArguments> = {
  command: "check <file>",
  describe: "Say what is wrong with a Connector's file",
  builder: (yargs) => fileArgument(yargs).example("$0 connector check hall.toml", ""),
  handler({ file }) {
    const { stlinks, groups, tenants, commander } = readConnectorFile(file);
    const counts = `STLinks ${stlinks.length}, groups ${groups.length}, tenants ${tenants.length}`;
    const more = commander === null ? "" : `, and a Commander for "${commander.tenant}"`;
    console.log(`${file} is good: ${counts}${more}`);
  },
};

export const connectorCommand: CommandModule = {
  command: "connector",
  describe: "The Connector: run it, or check its file",
  builder: (yargs) => yargs.command(run).command(check).demandCommand(1, "Say what: run or check."),
  handler: () => {},
};
