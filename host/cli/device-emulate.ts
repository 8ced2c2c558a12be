// SPDX-License-Identifier: Apache-2.0
// `sealed device emulate`: a device's firmware image in QEMU, its console on this terminal. Before it: an
// image of scripts/build-firmware.ts, a flash of `sealed device provision`. After it: host/device/emulator.

import type { CommandModule } from "yargs";
import { Emulator } from "../device/emulator.ts";

/** All the RAM that a device has: more would hide what it lacks. */
const RAM_KIB = { wasm3: 192, aot: 112 } as const;

type Arguments = { image: string; flash: string; core: keyof typeof RAM_KIB };

export const emulateCommand: CommandModule<object, Arguments> = {
  command: "emulate",
  describe: "Run a device's firmware in QEMU; what is typed goes to its console",
  builder: (yargs) =>
    yargs
      .option("image", {
        type: "string",
        normalize: true,
        demandOption: true,
        describe: "The firmware: sealedtunnel-device.bin",
      })
      .option("flash", {
        type: "string",
        normalize: true,
        demandOption: true,
        describe: "Its data flash; made, and blank, where there is none",
      })
      .option("core", {
        choices: Object.keys(RAM_KIB) as (keyof typeof RAM_KIB)[],
        default: "wasm3" as const,
        describe: "How the image runs its core: 192 KiB of RAM, or 112 ahead of time",
      })
      .example("$0 device emulate --image sealedtunnel-device.bin --flash camera.flash", "")
      .epilogue(
        "The device reaches this machine's loopback as 10.0.2.2, and nothing reaches the device: it dials out. End it by Ctrl-C.",
      ),
  async handler({ image, flash, core }) {
    const emulator = await Emulator.start({ image, flash, ramKib: RAM_KIB[core] });
    for (const line of emulator.lines) console.log(line);
    emulator.onLine = (line) => console.log(line);
    process.stdin.on("data", (typed) => emulator.type(String(typed)));
    process.once("SIGINT", () => emulator.kill());
    process.once("SIGTERM", () => emulator.kill());
    await emulator.ended;
    process.stdin.destroy();
  },
};
