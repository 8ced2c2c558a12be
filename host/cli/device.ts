// SPDX-License-Identifier: Apache-2.0
// `sealed device`: firmware on boards. Before it: the shell. After it: one file for each subcommand,
// device-*.ts, and host/device.

import type { CommandModule } from "yargs";
import { emulateCommand } from "./device-emulate.ts";
import { flashCommandModule } from "./device-flash.ts";
import { monitorCommand } from "./device-monitor.ts";
import { newCommand } from "./device-new.ts";
import { provisionCommand } from "./device-provision.ts";

export const deviceCommand: CommandModule = {
  command: "device",
  describe:
    "A device such as a camera: make it, provision it, flash it, watch it, run it in an emulator",
  builder: (yargs) =>
    yargs
      .command(newCommand)
      .command(provisionCommand)
      .command(flashCommandModule)
      .command(monitorCommand)
      .command(emulateCommand)
      .demandCommand(1, "Say what: new, provision, flash, monitor or emulate."),
  handler: () => {},
};
