// SPDX-License-Identifier: Apache-2.0
// `npm run demo:routes`: the end-to-end example, and a camera behind a gateway, with the real `sealed` and
// real files on hosts of their own. Before it: a person in front of a terminal. After it: play.ts. Stays
// until it is stopped; nothing of it stays behind.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { CORE_WASM } from "../../../scripts/run.ts";
import { ENGINE_NAMES, type EngineName, openCoreUnder } from "../../core/core-file.ts";
import { stopWithParent } from "./parent.ts";
import { Play } from "./play.ts";
import { firstUsable } from "./ports.ts";
import { exitWith, UsageError, usablePort, wholeNumber } from "./usage.ts";

const HELP = `npm run demo:routes -- [options]

  --port N       where the Binding listens on 127.0.0.1 (default 443 where that is allowed, else
                 8443, else any free port)
  --engine NAME  what runs the core beside the web service: wasm3 (default) or v8
  --loopback     everything on 127.0.0.1, without other hosts
  --once         fetch the page through the tunnel, compare it with the service's own, see the
                 camera's pictures arrive, and stop
  --seconds N    stop after N seconds
  --help         this text
`;

const PORTS = [443, 8443, 0];
const SCREEN_PORTS = [8444, 0];

type Options = {
  port: number | null;
  engine: EngineName;
  isLoopback: boolean;
  isOnce: boolean;
  seconds: number;
};

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      engine: { type: "string", default: "wasm3" },
      loopback: { type: "boolean", default: false },
      once: { type: "boolean", default: false },
      seconds: { type: "string", default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const engine = ENGINE_NAMES.find((name) => name === values.engine);
  if (engine === undefined) throw new UsageError("--engine is wasm3 or v8");
  const port = values.port === undefined ? null : wholeNumber("--port", values.port, 65_535);
  const seconds = wholeNumber("--seconds", values.seconds, 1_000_000);
  return { port, engine, isLoopback: values.loopback, isOnce: values.once, seconds };
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) return console.log(HELP);
  if (!existsSync(CORE_WASM)) throw new UsageError(`${CORE_WASM} is not there: npm run build`);
  console.log("starting (wasm3 is compiled first where it has not been: some seconds)");
  const engine = await usableEngine(options.engine);
  const webPort = await usablePort(options.port, PORTS);
  const { port: screenPort } = await firstUsable(SCREEN_PORTS.filter((port) => port !== webPort));
  const { isLoopback, isOnce, seconds } = options;
  const play = new Play({ engine, webPort, screenPort, isLoopback, isOnce });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => void play.stop(0));
  }
  stopWithParent(() => void play.stop(0));
  if (seconds > 0) setTimeout(() => void play.stop(0), seconds * 1000);
  await play.run().catch((error) => play.stop(1, error instanceof Error ? error.stack : error));
}

/** V8 where wasm3 can't be had: said, since the two ends were to be different. */
async function usableEngine(wanted: EngineName): Promise<EngineName> {
  try {
    await openCoreUnder(wanted);
    return wanted;
  } catch (error) {
    const [why] = (error instanceof Error ? error.message : String(error)).split("\n");
    console.log(`wasm3 can't be had here: ${why}\nthe core runs under V8 everywhere instead`);
    return "v8";
  }
}

main().catch((error) => exitWith(error, HELP));
