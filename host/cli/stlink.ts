// SPDX-License-Identifier: Apache-2.0
// `sealed stlink run` and `check`. Before it: the STLink's file. After it: run.ts with stlink/service.ts,
// or a report of what the file looks like from this machine.

import { networkInterfaces } from "node:os";
import type { CommandModule } from "yargs";
import { ENGINE_NAMES, type EngineName, openCoreUnder } from "../core/core-file.ts";
import { tcp } from "../net/tcp.ts";
import { systemWorld } from "../net/world.ts";
import { AppError } from "../service/app-error.ts";
import type { Log } from "../service/log.ts";
import { checkSite } from "../stlink/check.ts";
import { startStlink } from "../stlink/service.ts";
import type { Site } from "../stlink/site.ts";
import { readSite } from "../stlink/site-file.ts";
import { type FileArguments, fileArgument } from "./file-argument.ts";
import { runService } from "./run.ts";

type RunArguments = FileArguments & { engine: EngineName };

const run: CommandModule<object, RunArguments> = {
  command: "run <file>",
  describe: "Run an STLink until it is told to stop",
  builder: (yargs) =>
    fileArgument(yargs)
      .option("engine", {
        choices: ENGINE_NAMES,
        default: "v8" as const,
        describe: "What runs the core; wasm3, the interpreter of devices, needs a C compiler",
      })
      .example("$0 stlink run office.toml", "Run it; JSON lines on standard output")
      .epilogue("SIGHUP reads the file again; SIGTERM and Ctrl-C stop."),
  handler: ({ file, engine }) =>
    runService({ role: "stlink", file, read: readSite, start: startUnder(engine) }),
};

function startUnder(engine: EngineName) {
  return async (site: Site, log: Log) =>
    startStlink(site, log, systemWorld, await openCoreUnder(engine));
}

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
