// SPDX-License-Identifier: Apache-2.0
// What `sealed` ends with: the one table that turns errors into exit codes. Before it: AppError's closed
// list. After it: shells, service managers, `sealed --help`. 70 is EX_SOFTWARE of sysexits.

import type { AppErrorCode } from "../service/app-error.ts";

type ExitName = AppErrorCode | "Ok" | "NodeTooOld" | "Bug";

export const EXIT_CODES: Readonly<Record<ExitName, { code: number; means: string }>> = {
  Ok: { code: 0, means: "done, or stopped when asked to" },
  Usage: { code: 2, means: "the command line was not understood" },
  BadFile: { code: 3, means: "the file is missing or says what cannot be" },
  BadKeyFile: {
    code: 4,
    means: "the key file is missing, holds no key, or others may read it or the state folder",
  },
  AddressUnusable: { code: 5, means: "an address can't be listened on" },
  AlreadyRunning: {
    code: 6,
    means: "a process with this key, state folder or status socket runs already",
  },
  NotRunning: { code: 7, means: "no process answers" },
  NotWritten: { code: 8, means: "a file is there already or can't be written" },
  NodeTooOld: { code: 9, means: "Node is too old" },
  ToolMissing: { code: 10, means: "a tool that this needs is missing, or failed" },
  NoDevice: { code: 11, means: "no device is attached, or it vanished" },
  BadCode: { code: 12, means: "the activation code is not whole, or is none" },
  CodeRefused: { code: 13, means: "the activation code was refused: used, expired or unknown" },
  Bug: { code: 70, means: "a bug: please report what was printed" },
};

/** As `--help` shows it. */
export function exitCodesText(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, means }) => `  ${code}`.padEnd(6) + means);
  return ["Exit codes:", ...rows].join("\n");
}
