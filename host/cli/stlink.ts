// SPDX-License-Identifier: Apache-2.0
// `sealed stlink run` and `check`. Before it: the STLink's file. After it: run.ts with stlink/service.ts,
// or a report of what the file looks like from this machine.

import { networkInterfaces } from "node:os";
import type { CommandModule } from "yargs";
import { tcp } from "../net/tcp.ts";
import { AppError } from "../service/app-error.ts";
import { checkSite } from "../stlink/check.ts";
import { startStlink } from "../stlink/service.ts";
import { readSite } from "../stlink/site-file.ts";
import { type FileArguments, fileArgument } from "./file-argument.ts";
import { runService } from "./run.ts";

const run: CommandModule<object, FileArguments> = {
  command: "run <file>",
  describe: "Run an STLink until it is told to stop",
  builder: (yargs) =>
    fileArgument(yargs)
      .example("$0 stlink run office.toml", "Run it; JSON lines on standard output")
      .epilogue("SIGHUP reads the file again; SIGTERM and Ctrl-C stop."),
  handler: ({ file }) => runService({ role: "stlink", file, read: readSite, start: startStlink }),
};

const check: CommandModule<object, FileArguments> = {
  command: "check <file>",
  describe: "Say what is wrong with an STLink's file, and how it looks from this machine",
  builder: (yargs) => fileArgument(yargs).example("$0 stlink check office.toml", ""),
  handler: ({ file }) => checkFile(file),
};

async function checkFile(file: string): Promise<void> {
  const site = readSite(file);
  const findings = await checkSite(site, (host) => tcp.lookup(host), networkInterfaces());
  for (const { isRefusal, text } of findings) if (!isRefusal) console.log(`warning: ${text}`);
  const refusals = findings.filter(({ isRefusal }) => isRefusal);
  if (refusals.length > 0) {
    throw new AppError("BadFile", refusals.map(({ text }) => `${file}: ${text}`).join("\n"));
  }
  const { connectors, peers, mappings, bindings } = site;
  console.log(
    `${file} is good: Connectors ${connectors.length}, peers ${peers.length}, ` +
      `Mappings ${mappings.length}, Bindings ${bindings.length}`,
  );
}

export const stlinkCommand: CommandModule = {
  command: "stlink",
  describe: "The STLink: run it, or check its file",
  builder: (yargs) => yargs.command(run).command(check).demandCommand(1, "Say what: run or check."),
  handler: () => {},
};
