// SPDX-License-Identifier: Apache-2.0
// `npm run pio -- ARGUMENTS`: PlatformIO at its pinned version, installed into .venv the first time.
// Before it: npm. After it: platformio.ini. A PlatformIO of one's own does as well: `pio run -e native`.

import { spawnSync } from "node:child_process";
import { preparePythonTools } from "../host/device/python-tools.ts";
import { AppError } from "../host/service/app-error.ts";
import { ROOT } from "./run.ts";

function pio(args: readonly string[]): number {
  const { tool, env } = preparePythonTools();
  const options = { cwd: ROOT, env: { ...process.env, ...env }, stdio: "inherit" } as const;
  return spawnSync(tool("pio"), args, options).status ?? 1;
}

try {
  process.exitCode = pio(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
