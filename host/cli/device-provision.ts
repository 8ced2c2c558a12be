// SPDX-License-Identifier: Apache-2.0
// `sealed device provision`: an STLink's file and its key as what a new device holds, a flash image or
// the lines for its serial console. Before it: a person's file, as for `sealed stlink run`. After it:
// host/device. What it writes holds the private key: for its owner alone, and never over another file.

import { writeFileSync } from "node:fs";
import type { CommandModule } from "yargs";
import { deviceRecords } from "../device/configuration.ts";
import { leftOutWarning } from "../device/left-out.ts";
import { nvsImage } from "../device/nvs-image.ts";
import { preparePythonTools } from "../device/python-tools.ts";
import { provisionSession } from "../device/serial-session.ts";
import { LARGE_FLASH, SMALL_FLASH, storeImage } from "../device/store-image.ts";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { readSite } from "../stlink/site-file.ts";
import { type FileArguments, fileArgument } from "./file-argument.ts";

/** The same on every board: boards/BOARD/partitions.csv. */
const IDENTITY_BYTES = 0x10000;

const OWNER_ALONE = 0o600;

const TARGETS = ["native", "virt-rv32", "esp32"] as const;
type Target = (typeof TARGETS)[number];

type Arguments = FileArguments & {
  out: string | undefined;
  for: Target;
  serial: boolean;
};

export const provisionCommand: CommandModule<object, Arguments> = {
  command: "provision <file>",
  describe: "Make a new device's flash, or a session for its serial console, from an STLink's file",
  builder: (yargs) =>
    fileArgument(yargs)
      .option("out", { type: "string", normalize: true, describe: "The flash image's new file" })
      .option("for", {
        choices: TARGETS,
        default: "native" as const,
        describe: 'Whose flash or console it is; esp32 is every ESP32\'s partition "identity"',
      })
      .option("serial", {
        type: "boolean",
        default: false,
        describe: "Print the lines for the console instead; they hold the private key",
      })
      .example("$0 device provision camera.toml --out camera.flash", "For the native device")
      .example("$0 device provision camera.toml --out id.bin --for esp32", "For device flash")
      .example("$0 device provision camera.toml --serial", "To be sent to a board's console")
      .epilogue(
        "The file is that of an STLink, with its key_file: sealed keygen makes one. A device has its " +
          "own limits and log: udp_idle, udp_age, udp_flows, limits, log and status_socket of the file " +
          "are left out. Interfaces of a device are wlan0 (ESP32), eth0 (virt-rv32), the system's (native).",
      ),
  handler({ file, out, for: target, serial }) {
    if (serial === (out !== undefined)) {
      throw new AppError("Usage", "Say where to: --out FILE, or --serial to print the session.");
    }
    const records = deviceRecords(readSite(file), { hasIpv6: target === "native" });
    const warning = leftOutWarning(file);
    if (warning !== null) console.error(warning);
    if (out === undefined) return console.log(provisionSession(records).join("\n"));
    writeImage(out, imageOf(target, records));
    console.log(`${out} holds the private key and the configuration of this device.`);
  },
};

function imageOf(target: Target, records: ReturnType<typeof deviceRecords>): Uint8Array {
  if (target === "native") return storeImage(SMALL_FLASH, records);
  if (target === "virt-rv32") return storeImage(LARGE_FLASH, records);
  return nvsImage(preparePythonTools(), records, IDENTITY_BYTES);
}

function writeImage(file: string, image: Uint8Array): void {
  try {
    writeFileSync(file, image, { mode: OWNER_ALONE, flag: "wx" });
  } catch (error) {
    const why =
      systemCode(error) === "EEXIST"
        ? "is there already, and a device's flash is never overwritten: choose another name, or move it away."
        : `can't be written: ${systemReason(error)}.`;
    throw new AppError("NotWritten", `${file} ${why}`, { cause: error });
  }
}
