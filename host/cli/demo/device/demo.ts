// SPDX-License-Identifier: Apache-2.0
// `npm start`: a camera's firmware in an emulated board, reached by a browser through Binding, Connector
// and device. Before it: a person in front of a terminal. After it: the firmware's build, play.ts. Where
// there is no emulator the same firmware runs as a program of this machine, and it is said.

import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { buildFirmware } from "../../../../scripts/build-firmware.ts";
import {
  DEVICE_PACKAGES,
  missingPackages,
  NATIVE_PACKAGES,
  setUp,
} from "../../../../scripts/setup.ts";
import { stopWithParent } from "../parent.ts";
import { exitWith, UsageError, usablePort, wholeNumber } from "../usage.ts";
import type { DeviceKind } from "./demo-device.ts";
import { Play } from "./play.ts";

const HELP = `npm start -- [options]

  --port N     where the Binding listens on 127.0.0.1 (default 8080, else any free port)
  --aot        the core compiled ahead of time, in place of the interpreter
  --native     the firmware as a program of this machine, in place of an emulated board
  --once       see the camera's picture move through the tunnel, and stop
  --seconds N  stop after N seconds
  --help       this text

npm run demo:routes shows a web service behind an STLink, and a camera behind a gateway.
`;

const PORTS = [8080, 0];
/** Of a first build on two cores. */
const BUILD_TIMES: Record<DeviceKind, string> = {
  native: "about 10 seconds",
  "virt-rv32": "about 20 seconds, and lwIP's source from Debian, 11 MB",
  "virt-rv32-aot": "about 40 seconds, and lwIP's source from Debian, 11 MB",
};
const INSTEAD = "the firmware as a program of this machine, not in an emulated board";
const MOST_SECONDS = 1_000_000;

type Options = { port: number | null; kind: DeviceKind; isOnce: boolean; seconds: number };

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      aot: { type: "boolean", default: false },
      native: { type: "boolean", default: false },
      once: { type: "boolean", default: false },
      seconds: { type: "string", default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  if (values.aot && values.native) throw new UsageError("--aot and --native: say one of them");
  return {
    port: values.port === undefined ? null : wholeNumber("--port", values.port, 65_535),
    kind: values.native ? "native" : values.aot ? "virt-rv32-aot" : "virt-rv32",
    isOnce: values.once,
    seconds: wholeNumber("--seconds", values.seconds, MOST_SECONDS),
  };
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) return console.log(HELP);
  const bindingPort = await usablePort(options.port, PORTS);
  const usable = await usableKind(options.kind);
  if (usable === null) process.exit(1);
  const play = new Play({ ...build(usable), bindingPort, isOnce: options.isOnce });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => void play.stop(0));
  }
  stopWithParent(() => void play.stop(0));
  hearCommands(play);
  if (options.seconds > 0) setTimeout(() => void play.stop(0), options.seconds * 1000);
  await play.run();
}

/** What can run here after what is missing was installed, where that is allowed; null: nothing can. */
async function usableKind(wanted: DeviceKind): Promise<DeviceKind | null> {
  if (wanted === "native") return (await setUp(NATIVE_PACKAGES)) ? wanted : null;
  if (await setUp([...NATIVE_PACKAGES, ...DEVICE_PACKAGES])) return wanted;
  if (missingPackages(NATIVE_PACKAGES).length > 0) return null;
  console.log(`Until then: ${INSTEAD}.`);
  return "native";
}

/** The firmware for a board needs sources that may not be had now. */
function build(kind: DeviceKind): { kind: DeviceKind; image: string } {
  console.log(`building the firmware for ${kind} (the first time: ${BUILD_TIMES[kind]})`);
  try {
    return { kind, image: buildFirmware(kind) };
  } catch (error) {
    if (kind === "native") throw error;
    console.log(`${error instanceof Error ? error.message : error}\nUntil that is so: ${INSTEAD}.`);
    return build("native");
  }
}

/** A letter and Enter. */
function hearCommands(play: Play): void {
  createInterface({ input: process.stdin }).on("line", (line) => play.command(line.trim()));
}

main().catch((error) => exitWith(error, HELP));
