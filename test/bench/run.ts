// SPDX-License-Identifier: Apache-2.0
// `npm run bench -- <bench> [options]`: runs one bench and prints its tables with the command that made
// them. A missed goal is marked and explained, and fails nothing unless --strict is given.

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { benchCore } from "./core.ts";

const HELP = `npm run bench -- core [options]

core  primitives, handshakes and three layers of build/core.wasm: in V8 beside node:crypto, @noble and
      libsodium-wrappers; in instructions on bare RV32IMAC (QEMU), under wasm3 and ahead of time,
      beside BearSSL's plain C; size and RAM. About a minute; the machine's part needs the Debian
      packages that npm test names, and BearSSL's source by apt-get source.

  --only v8|rv32  one half of it
  --functions     compiled size of every function, not only of the largest
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
  if (bench !== "core" || rest.length > 0 || !isHalf(values.only)) {
    console.error(`There is no such bench: ${args.join(" ")}\n\n${HELP}`);
    return 2;
  }
  const startedMs = performance.now();
  console.log(`npm run bench -- ${args.length > 0 ? args.join(" ") : bench}`);
  console.log(`Node ${process.version}, V8 ${process.versions.v8}, ${cpus()[0]?.model ?? "?"}`);
  const options = { only: values.only, areFunctionsWhole: values.functions };
  const { missed, left } = await benchCore(options);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  console.log(`\n${missed} goals missed, ${left} tables not made, ${seconds} s`);
  return values.strict && missed + left > 0 ? 1 : 0;
}

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
