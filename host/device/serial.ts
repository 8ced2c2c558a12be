// SPDX-License-Identifier: Apache-2.0
// A device's serial port: which one, and its bytes both ways, by the system's own terminal driver (stty,
// node:tty), so that no addon is needed. Before it: `sealed device flash`, `monitor` and `new`. After it:
// a USB cable.

import { spawnSync } from "node:child_process";
import { closeSync, constants, globSync, openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { AppError, systemReason } from "../service/app-error.ts";

const PORTS = ["/dev/ttyUSB*", "/dev/ttyACM*", "/dev/cu.usb*"];

/** The port that was named, or the only one there is. Throws AppError(NoDevice). */
export function serialPort(named: string | undefined): string {
  if (named !== undefined) return named;
  const found = globSync(PORTS).sort();
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only;
  if (found.length > 1) {
    throw new AppError("NoDevice", `Several devices are attached: name one, --port ${only}.`);
  }
  const message =
    "No device is attached: connect its USB cable (one that carries data), or name its port with --port.";
  throw new AppError("NoDevice", message);
}

export type SerialLine = {
  write(text: string): void;
  /** Ends it: no callback comes any more. */
  close(): void;
};

/**
 * Opens a port at that speed, raw. `onBytes` gets what the device says; `onGone` is called once, when
 * it is unplugged. Throws AppError(NoDevice).
 */
export function openSerial(
  port: string,
  baud: number,
  onBytes: (bytes: Buffer) => void,
  onGone: () => void,
): SerialLine {
  setUp(port, baud);
  const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
  const handle = openSync(port, O_RDWR | O_NOCTTY | O_NONBLOCK);
  const stream = new ReadStream(handle);
  stream.on("data", onBytes);
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    stream.destroy();
    onGone();
  };
  for (const event of ["error", "end", "close"]) stream.on(event, end);
  return {
    write: (text) => writeAll(handle, text),
    close() {
      isOver = true;
      stream.destroy();
    },
  };
}

/** A console's line is short: what the driver does not take at once is lost, as it is on the device. */
function writeAll(handle: number, text: string): void {
  try {
    writeSync(handle, text);
  } catch {
    // Unplugged: the reading side tells.
  }
}

function setUp(port: string, baud: number): void {
  try {
    closeSync(openSync(port, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
  } catch (error) {
    const hint = "is it attached, and may you use it (group dialout)?";
    const message = `${port} can't be opened: ${systemReason(error)}; ${hint}`;
    throw new AppError("NoDevice", message, { cause: error });
  }
  const flag = process.platform === "linux" ? "-F" : "-f";
  const { status, stderr } = spawnSync("stty", [flag, port, String(baud), "raw", "-echo"], {
    encoding: "utf8",
  });
  if (status === 0) return;
  throw new AppError("NoDevice", `${port} is no serial port: ${stderr.trim()}`);
}
