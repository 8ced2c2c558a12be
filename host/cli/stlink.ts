// SPDX-License-Identifier: Apache-2.0
// `sealed stlink`: `run` and `check` are here. Before it: the STLink's file, or its state folder (stlink-state.ts);
// stlink-site.ts has what a Commander knows of STLinks. After it: run.ts with stlink/service.ts, or a report of
// what the file looks like from this machine.

import { networkInterfaces } from "node:os";
import type { CommandModule } from "yargs";
import { ENGINE_NAMES, type EngineName, openCoreUnder } from "../core/core-file.ts";
import type { CoreEngine } from "../core/engine.ts";
import { tcp } from "../net/tcp.ts";
import { systemWorld } from "../net/world.ts";
import { AppError } from "../service/app-error.ts";
import type { Log } from "../service/log.ts";
import { checkSite } from "../stlink/check.ts";
import { startStlink } from "../stlink/service.ts";
import type { Site } from "../stlink/site.ts";
import { readSite } from "../stlink/site-file.ts";
import { CODE_HELP, readCodeArgument } from "./code-argument.ts";
import { groupCommand } from "./commander/usual-options.ts";
import { type FileArguments, fileArgument } from "./file-argument.ts";
import { fileSockets, runService } from "./run.ts";
import { stlinkSiteCommands } from "./stlink-site.ts";
import { activateCommand, confirmCommand, rotateCommand, stateService } from "./stlink-state.ts";

type RunArguments = {
  file: string | undefined;
  state: string | undefined;
  code: string | undefined;
  engine: EngineName;
};

const run: CommandModule<object, RunArguments> = {
  command: "run [file]",
  describe: "Run an STLink, from a file or as its Commander says, until it is told to stop",
  builder: (yargs) =>
    yargs
      .positional("file", {
        type: "string",
        normalize: true,
        describe: "The declarative file, .toml or .json",
      })
      .option("state", {
        type: "string",
        normalize: true,
        describe: "In the place of a file: the folder of an STLink that has a Commander",
      })
      .option("code", { type: "string", nargs: 1, describe: `With --state, once. ${CODE_HELP}` })
      .option("engine", {
        choices: ENGINE_NAMES,
        default: "v8" as const,
        describe: "What runs the core; wasm3, that of devices, needs the sources and a C compiler",
      })
      .example("$0 stlink run office.toml", "Run it; JSON lines on standard output")
      .example("$0 stlink run --state office", "Run what was activated there")
      .epilogue("SIGHUP reads the file again; SIGTERM and Ctrl-C stop."),
  async handler({ file, state, code, engine }) {
    if ((file === undefined) === (state === undefined)) {
      const message =
        file === undefined
          ? "Something is missing: a site's file, or --state and the folder of an STLink that has a Commander."
          : "Give a site's file or --state, and not both: the one says what a Commander says in the other.";
      throw new AppError("Usage", message);
    }
    if (state !== undefined) return runState(state, code, engine);
    if (code !== undefined) throw new AppError("Usage", "--code goes with --state.");
    return runFile(file ?? "", engine);
  },
};

async function runState(state: string, code: string | undefined, engine: EngineName) {
  const read = code === undefined ? null : await readCodeArgument(code);
  return runService(stateService(state, read, await engineOf(engine)));
}

async function runFile(file: string, engine: EngineName): Promise<void> {
  const core = await engineOf(engine);
  const start = (site: Site, log: Log) => startStlink(site, log, systemWorld, core);
  const sockets = (site: Site) => fileSockets("stlink", site);
  return runService({ role: "stlink", file, read: readSite, sockets, start });
}

/** wasm3 is not in the package, and needs a C compiler where it is. */
async function engineOf(engine: EngineName): Promise<CoreEngine> {
  try {
    return await openCoreUnder(engine);
  } catch (error) {
    if (engine === "v8") throw error;
    const message = `${engine} can't run the core here (${reasonOf(error)}): leave --engine out.`;
    throw new AppError("Usage", message, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? "";
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

export const stlinkCommand = groupCommand(
  "stlink",
  "STLinks: run one here; see and change those of a Commander",
  [
    ...[run, check, activateCommand, rotateCommand, confirmCommand].map(
      (command) => command as CommandModule,
    ),
    ...stlinkSiteCommands,
  ],
);
