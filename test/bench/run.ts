// SPDX-License-Identifier: Apache-2.0
// `npm run bench -- <bench> [options]`: runs one bench and prints its tables with the command that made
// them. A missed goal is marked and explained, and fails nothing unless --strict is given.

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { benchCamera } from "./camera.ts";
import { benchCommander } from "./commander.ts";
import { benchCore } from "./core.ts";
import { benchDevice } from "./device/bench-device.ts";
import { benchPeers } from "./system/bench-peers.ts";
import { benchTunnel } from "./system/bench-tunnel.ts";

const HELP = `npm run bench -- core|camera|commander|device|tunnel|peers [options]

core  primitives, handshakes and three layers of build/core.wasm: in V8 beside node:crypto, @noble and
      libsodium-wrappers; in instructions on bare RV32IMAC (QEMU), under wasm3 and ahead of time,
      beside BearSSL's plain C; size and RAM. About a minute; the machine's part needs the Debian
      packages that npm test names, and BearSSL's source by apt-get source.

camera  the camera app's synthetic frames in instructions on bare RV32IMAC (QEMU). Some seconds.
commander  the Commander's database with 100,000 Routes and 10,000 STLinks: lists, filters, search, changes,
        configurations; medians and the 99th of a hundred. About a minute.
device  the whole firmware in the emulator: RAM by parts, flash, bytes over slow ways, back in service, the
        camera; its core's instructions, and its native stack on RV32 and Xtensa without tail calls (Debian:
        apt install gcc-xtensa-lx106); the camera of the firmware as a program of this machine. About four
        minutes.
tunnel  the whole system on loopback, three processes: one connection and 64, round trips, CPU, memory;
        10,000 idle hops; 1,000 STLinks that come back. Two to four minutes; needs Linux (/proc).
peers   the same work through chisel, rathole and frp as well, installed by name into build/peers where they
        are not on PATH (Go and cargo; some minutes each, once). About four minutes; needs Linux.

  --only v8|rv32  core: one half of it
  --only native   device: the program of this machine alone, half a minute
  --functions     core: compiled size of every function, not only of the largest
  --strict        ends with code 1 when a goal is missed or a table could not be made
  --help          this text`;

async function main(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      only: { type: "string" },
      functions: { type: "boolean", default: false },
      strict: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [bench = "core", ...rest] = positionals;
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const options = { only: values.only, areFunctionsWhole: values.functions };
  const run = benchOf(bench, options);
  if (run === null || rest.length > 0) {
    console.error(`There is no such bench: ${args.join(" ")}\n\n${HELP}`);
    return 2;
  }
  const startedMs = performance.now();
  console.log(`npm run bench -- ${args.length > 0 ? args.join(" ") : bench}`);
  console.log(`Node ${process.version}, V8 ${process.versions.v8}, ${cpus()[0]?.model ?? "?"}`);
  const { missed, left } = await run();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  console.log(`\n${missed} goals missed, ${left} tables not made, ${seconds} s`);
  return values.strict && missed + left > 0 ? 1 : 0;
}

type Options = { only: string | undefined; areFunctionsWhole: boolean };

/** What a bench's name means; null where it means nothing. */
function benchOf(name: string, options: Options): (() => Promise<Outcome>) | null {
  const { only, areFunctionsWhole } = options;
  if (name === "camera") return benchCamera;
  if (name === "commander") return benchCommander;
  if (name === "device") {
    return only === undefined || only === "native" ? () => benchDevice(only) : null;
  }
  if (name === "tunnel") return benchTunnel;
  if (name === "peers") return benchPeers;
  return name === "core" && isHalf(only) ? () => benchCore({ only, areFunctionsWhole }) : null;
}

type Outcome = { missed: number; left: number };

function isHalf(only: string | undefined): only is "v8" | "rv32" | undefined {
  return only === undefined || only === "v8" || only === "rv32";
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TypeError && "code" in error)) throw error;
  console.error(`${error.message}\n\n${HELP}`); // parseArgs: an unknown option
  process.exitCode = 2;
}
