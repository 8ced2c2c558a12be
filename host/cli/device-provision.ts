// SPDX-License-Identifier: Apache-2.0
// `sealed device provision`: an STLink's file and its key as what a new device holds, a flash image or
// the lines for its serial console. Before it: a person's file, as for `sealed stlink run`. After it:
// host/device. What it writes holds the private key: for its owner alone, and never over another file.

import { writeFileSync } from "node:fs";
import type { CommandModule } from "yargs";
import { deviceRecords } from "../device/configuration.ts";
import { provisionSession } from "../device/serial-session.ts";
import { type FlashShape, LARGE_FLASH, SMALL_FLASH, storeImage } from "../device/store-image.ts";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { readSite } from "../stlink/site-file.ts";
import { type FileArguments, fileArgument } from "./file-argument.ts";

const OWNER_ALONE = 0o600;

const SHAPES = { native: SMALL_FLASH, "virt-rv32": LARGE_FLASH } as const;

type Arguments = FileArguments & {
  out: string | undefined;
  for: keyof typeof SHAPES;
  serial: boolean;
};

export const provisionCommand: CommandModule<object, Arguments> = {
  command: "provision <file>",
  describe: "Make a new device's flash, or a session for its serial console, from an STLink's file",
  builder: (yargs) =>
    fileArgument(yargs)
      .option("out", { type: "string", normalize: true, describe: "The flash image's new file" })
      .option("for", {
        choices: Object.keys(SHAPES) as (keyof typeof SHAPES)[],
        default: "native" as const,
        describe: "Whose flash it is",
      })
      .option("serial", {
        type: "boolean",
        default: false,
        describe: "Print the lines for the console instead; they hold the private key",
      })
      .example("$0 device provision camera.toml --out camera.flash", "For the native device")
      .example("$0 device provision camera.toml --serial", "To be sent to a board's console")
      .epilogue("The file is that of an STLink, with its key_file: sealed keygen makes one."),
  handler({ file, out, for: target, serial }) {
    if (serial === (out !== undefined)) {
      throw new AppError("Usage", "Say where to: --out FILE, or --serial to print the session.");
    }
    const records = deviceRecords(readSite(file));
    if (out === undefined) return console.log(provisionSession(records).join("\n"));
    writeImage(out, SHAPES[target], records);
    console.log(`${out} holds the private key and the configuration of this device.`);
  },
};

function writeImage(
  file: string,
  shape: FlashShape,
  records: ReturnType<typeof deviceRecords>,
): void {
  try {
    writeFileSync(file, storeImage(shape, records), { mode: OWNER_ALONE, flag: "wx" });
  } catch (error) {
    const why =
      systemCode(error) === "EEXIST"
        ? "is there already, and a device's flash is never overwritten: choose another name, or move it away."
        : `can't be written: ${systemReason(error)}.`;
    throw new AppError("NotWritten", `${file} ${why}`, { cause: error });
  }
}
