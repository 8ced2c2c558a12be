// SPDX-License-Identifier: Apache-2.0
// `sealed device`: firmware on boards. Before it: the shell. After it: one file for each subcommand,
// device-*.ts, and host/device.

import type { CommandModule } from "yargs";
import { provisionCommand } from "./device-provision.ts";

export const deviceCommand: CommandModule = {
  command: "device",
  describe: "A device such as a camera: provision it",
  builder: (yargs) => yargs.command(provisionCommand).demandCommand(1, "Say what: provision."),
  handler: () => {},
};
