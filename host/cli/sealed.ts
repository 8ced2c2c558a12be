// SPDX-License-Identifier: Apache-2.0
// The command line: one command for each noun, and the one place where errors become messages and exit
// codes. Before it: sealed.cjs, which has looked at Node. After it: the nouns' own files. A known error is
// one sentence; anything else is a bug and is shown with its cause.

import yargs from "yargs";
import { AppError } from "../service/app-error.ts";
import { programVersion } from "../service/program-version.ts";
import { completionCommand } from "./completion.ts";
import { connectorCommand } from "./connector.ts";
import { deviceCommand } from "./device.ts";
import { EXIT_CODES, exitCodesText } from "./exit-codes.ts";
import { keygenCommand } from "./keygen.ts";
import { statusCommand } from "./status.ts";
import { stlinkCommand } from "./stlink.ts";
import { versionCommand } from "./version.ts";

const WIDTH = 100;

/** A plural has two forms, which yargs takes and its types don't know. */
const MISSING = "Something is missing: %s given, %s needed.";
const WORDS = {
  "Not enough non-option arguments: got %s, need at least %s": { one: MISSING, other: MISSING },
} as unknown as Record<string, string>;

/** Runs the command line and ends the process with its exit code. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    await parser(args).parseAsync();
    process.exit(EXIT_CODES.Ok.code);
  } catch (error) {
    if (error instanceof AppError) {
      console.error(error.message);
      process.exit(EXIT_CODES[error.code].code);
    }
    console.error("sealed: a bug, please report it:", error);
    process.exit(EXIT_CODES.Bug.code);
  }
}

function parser(args: readonly string[]) {
  return yargs([...args])
    .scriptName("sealed")
    .usage("$0 <command>\n\nTunnels without an open inbound port: three layers, a blind relay.")
    .command(stlinkCommand)
    .command(connectorCommand)
    .command(deviceCommand)
    .command(keygenCommand)
    .command(statusCommand)
    .command(completionCommand)
    .command(versionCommand)
    .example("$0 keygen office.key", "Make a key, and see what to write into the files")
    .example("$0 stlink run office.toml", "Run an STLink")
    .example("$0 status --watch", "Watch what runs here")
    .epilogue(exitCodesText())
    .demandCommand(1, "Say what to do: sealed --help lists the commands.")
    .recommendCommands()
    .strict()
    .version(programVersion())
    .help()
    .locale("en")
    .updateStrings(WORDS)
    .wrap(WIDTH)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new AppError("Usage", `${message}\nsealed --help says how.`);
    });
}
