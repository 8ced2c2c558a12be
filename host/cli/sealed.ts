// SPDX-License-Identifier: Apache-2.0
// The command line: one command for each noun, and the one place where errors become messages and exit
// codes. Before it: sealed.cjs, which has looked at Node. After it: the nouns' own files. A known error is
// one sentence; anything else is a bug and is shown with its cause.

import yargs from "yargs";
import { ApiError } from "../commander/client/client.ts";
import { Refusal } from "../commander/domain/problem.ts";
import { AppError, systemCode } from "../service/app-error.ts";
import { programVersion } from "../service/program-version.ts";
import { auditCommand } from "./audit.ts";
import { backupCommand } from "./backup.ts";
import { codeCommand } from "./code.ts";
import { errorOfApi } from "./commander/client.ts";
import { completionCommand } from "./completion.ts";
import { connectorCommand } from "./connector.ts";
import { customerCommand } from "./customer.ts";
import { deviceCommand } from "./device.ts";
import { exportCommand, importCommand } from "./document.ts";
import { eventCommand } from "./event.ts";
import { EXIT_CODES, errorOfRefusal, exitCodesText } from "./exit-codes.ts";
import { keygenCommand } from "./keygen.ts";
import { profileCommand } from "./profile.ts";
import { restoreCommand } from "./restore.ts";
import { routeCommand } from "./route.ts";
import { siteCommand } from "./site.ts";
import { statusCommand } from "./status.ts";
import { stlinkCommand } from "./stlink.ts";
import { tagCommand } from "./tag.ts";
import { templateCommand } from "./template.ts";
import { tokenCommand } from "./token.ts";
import { upCommand } from "./up.ts";
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
  } catch (thrown) {
    const error = knownError(thrown);
    if (error instanceof AppError) {
      console.error(error.message);
      process.exit(EXIT_CODES[error.code].code);
    }
    console.error("sealed: a bug, please report it:", error);
    process.exit(EXIT_CODES.Bug.code);
  }
}

/** As an AppError, where it is one that a person can put right. */
export function knownError(thrown: unknown): unknown {
  if (thrown instanceof Refusal) return errorOfRefusal(thrown);
  if (isCoreMissing(thrown)) {
    return new AppError("ToolMissing", "The core is not built yet: `npm run build` makes it.");
  }
  return thrown instanceof ApiError ? errorOfApi(thrown) : thrown;
}

/** In a fresh clone. */
function isCoreMissing(thrown: unknown): boolean {
  return systemCode(thrown) === "ENOENT" && /core\.wasm$/.test((thrown as { path: string }).path);
}

/** All commands; what it throws is an AppError, or a bug. */
export function parser(args: readonly string[]) {
  return yargs([...args])
    .scriptName("sealed")
    .usage("$0 <command>\n\nTunnels without an open inbound port: three layers, a blind relay.")
    .command(upCommand)
    .command(stlinkCommand)
    .command(connectorCommand)
    .command(deviceCommand)
    .command(routeCommand)
    .command(templateCommand)
    .command(profileCommand)
    .command(tagCommand)
    .command(customerCommand)
    .command(codeCommand)
    .command(tokenCommand)
    .command(siteCommand)
    .command(auditCommand)
    .command(eventCommand)
    .command(exportCommand)
    .command(importCommand)
    .command(backupCommand)
    .command(restoreCommand)
    .command(keygenCommand)
    .command(statusCommand)
    .command(completionCommand)
    .command(versionCommand)
    .example("$0 up", "Start a site: Commander and Connector in one process")
    .example("$0 stlink list --watch", "Who is here, live")
    .example(
      "$0 keygen office.key",
      "Without a Commander: make a key, see what goes into the files",
    )
    .example("$0 status --watch", "Watch what runs here")
    .epilogue(exitCodesText())
    .demandCommand(1, "Say what to do.")
    .recommendCommands()
    .strict()
    .version(programVersion())
    .help()
    .locale("en")
    .updateStrings(WORDS)
    .wrap(WIDTH)
    .exitProcess(false)
    .fail((message, error) => {
      // yargs throws its own where an option's value is missing.
      const isUsage = error === undefined || error.name === "YError";
      throw isUsage ? new AppError("Usage", `${message}\n${helpOf(args, message)}`) : error;
    });
}

/** The command that was meant: the first words, up to an option, or one that `message` calls unknown. */
function helpOf(args: readonly string[], message: string): string {
  const unknown = message.split(/[:,]? /);
  const end = args.findIndex((word) => !/^[a-z]+$/.test(word) || unknown.includes(word));
  const known = args.slice(0, end < 0 ? 2 : Math.min(end, 2));
  const words = message.startsWith("Did you mean") ? [] : known;
  return `${["sealed", ...words, "--help"].join(" ")} says how.`;
}
