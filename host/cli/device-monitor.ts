// SPDX-License-Identifier: Apache-2.0
// `sealed device monitor`: the console of a device on its serial port. What it says is printed, lines that
// are typed go to it. Before it: the shell, `sealed device new`. After it: host/device/serial.ts.

import { createInterface } from "node:readline";
import type { CommandModule } from "yargs";
import { openSerial, serialPort } from "../device/serial.ts";
import { AppError } from "../service/app-error.ts";

type Arguments = { port: string | undefined; baud: number };

export const CONSOLE_BAUD = 115_200;

export const monitorCommand: CommandModule<object, Arguments> = {
  command: "monitor",
  describe: "Show a device's console; lines typed go to it",
  builder: (yargs) =>
    yargs
      .option("port", { type: "string", describe: "Its serial port; the only one where absent" })
      .option("baud", { type: "number", default: CONSOLE_BAUD, describe: "The port's speed" })
      .example("$0 device monitor", "The board that is attached; try: help")
      .epilogue("Ctrl-C ends it, and the device goes on."),
  handler: ({ port, baud }) => monitor(serialPort(port), baud),
};

/** Until Ctrl-C. Throws AppError(NoDevice) when the device is unplugged. */
export async function monitor(port: string, baud: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const isGone = () => reject(new AppError("NoDevice", `${port} is gone: was it unplugged?`));
  const line = openSerial(port, baud, (bytes) => process.stdout.write(bytes), isGone);
  const typed = createInterface({ input: process.stdin });
  typed.on("line", (text) => line.write(`${text}\n`));
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => resolve());
  try {
    await promise;
  } finally {
    typed.close();
    line.close();
  }
}
