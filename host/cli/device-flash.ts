// SPDX-License-Identifier: Apache-2.0
// `sealed device flash`: builds the firmware of a board by PlatformIO and puts it into its flash by
// esptool; with --dry-run it only says how. Before it: the shell, `sealed device new`. After it:
// host/device/flashing.ts.

import { spawnSync } from "node:child_process";
import type { CommandModule } from "yargs";
import { type Board, boardOf } from "../device/boards.ts";
import {
  checkIdentityImage,
  checkParts,
  describeParts,
  flashCommand,
  flashParts,
} from "../device/flashing.ts";
import { type PythonTools, preparePythonTools, REPOSITORY } from "../device/python-tools.ts";
import { serialPort } from "../device/serial.ts";
import { AppError } from "../service/app-error.ts";

type Arguments = {
  environment: string;
  port: string | undefined;
  provision: string | undefined;
  "dry-run": boolean;
};

/** What a dry run names where no device is attached. */
const ANY_PORT = "PORT";

export const flashCommandModule: CommandModule<object, Arguments> = {
  command: "flash",
  describe: "Build a board's firmware and flash it; its identity stays",
  builder: (yargs) =>
    yargs
      .option("environment", {
        alias: "e",
        type: "string",
        demandOption: true,
        describe: "The board, an environment of platformio.ini: esp32cam, esp32c6, ...",
      })
      .option("port", { type: "string", describe: "Its serial port; the only one where absent" })
      .option("provision", {
        type: "string",
        describe: "An image for its identity, which replaces the one it has",
      })
      .option("dry-run", {
        type: "boolean",
        default: false,
        describe: "Print the command and the offsets, and do nothing",
      })
      .example("$0 device flash -e esp32cam --dry-run", "What would go where")
      .example("$0 device flash -e esp32c6", "Build, then flash the board that is attached"),
  handler({ environment, port, provision, "dry-run": isDry }) {
    const board = boardOf(environment);
    if (provision !== undefined) checkIdentityImage(board, provision);
    if (isDry) return console.log(describeFlashing(board, port ?? ANY_PORT, provision));
    flashBoard(board, serialPort(port), provision);
  },
};

function describeFlashing(board: Board, port: string, image: string | undefined): string {
  const parts = flashParts(board, image);
  const command = ["esptool", ...flashCommand(board, port, parts)].join(" ");
  return [`npm run pio -- run -e ${board.environment}`, command, describeParts(board, parts)].join(
    "\n",
  );
}

/** Builds, then flashes. Throws AppError(ToolMissing) where either fails; its words were shown. */
export function flashBoard(board: Board, port: string, image: string | undefined): void {
  const tools = preparePythonTools();
  console.log(
    `Building ${board.environment}: where PlatformIO has no ESP-IDF yet, it first downloads that and its compilers, more than 1 GB (not measured).`,
  );
  runTool(tools, "pio", ["run", "-d", REPOSITORY, "-e", board.environment]);
  const parts = flashParts(board, image);
  checkParts(parts);
  console.log(describeParts(board, parts));
  runTool(tools, "esptool", flashCommand(board, port, parts));
}

function runTool({ tool, env }: PythonTools, name: string, args: readonly string[]): void {
  const options = { env: { ...process.env, ...env }, stdio: "inherit" } as const;
  const { status } = spawnSync(tool(name), args, options);
  if (status === 0) return;
  throw new AppError("ToolMissing", `${name} failed: what it said stands above.`);
}
