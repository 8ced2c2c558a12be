// SPDX-License-Identifier: Apache-2.0
// What `sealed` ends with: the one table that turns errors into exit codes. Before it: AppError's closed
// list. After it: shells, service managers, `sealed --help`. 70 is EX_SOFTWARE of sysexits.

import type { ApiErrorCode } from "../commander/client/client.ts";
import type { ProblemCode, Refusal } from "../commander/domain/problem.ts";
import { AppError, type AppErrorCode } from "../service/app-error.ts";

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
  Refused: { code: 14, means: "the Commander refused it, and says why" },
  NotFound: { code: 15, means: "the Commander has no such thing" },
  Stale: { code: 16, means: "somebody else changed it meanwhile: look, and do it again" },
  NoPermission: { code: 17, means: "there is no token, or it does not allow this" },
  NotReachable: { code: 18, means: "no Commander answers" },
  BadDatabase: { code: 19, means: "a Commander's database or its disk can't be used" },
  AuditChanged: { code: 20, means: "the audit log is not as it was written" },
  Bug: { code: 70, means: "a bug: please report what was printed" },
};

/** As `--help` shows it. */
export function exitCodesText(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, means }) => `  ${code}`.padEnd(6) + means);
  return ["Exit codes:", ...rows].join("\n");
}

/** What a Commander's refusal is on the command line. */
const PROBLEMS: Readonly<Record<ProblemCode, AppErrorCode>> = {
  Invalid: "Refused",
  NeedsConfirmation: "Refused",
  Taken: "Refused",
  NotFound: "NotFound",
  InUse: "Refused",
  Stale: "Stale",
  NotNow: "Refused",
  TooLarge: "Refused",
  StoreLocked: "BadDatabase",
  StoreFull: "BadDatabase",
  StoreDamaged: "BadDatabase",
  StoreNewer: "BadDatabase",
  StoreUnusable: "BadDatabase",
};

/** What the API's refusal is: the domain's codes, and what only HTTP can get wrong. */
export const API_CODES: Readonly<Record<ApiErrorCode, AppErrorCode>> = {
  ...PROBLEMS,
  BadRequest: "Refused",
  NotAuthenticated: "NoPermission",
  NotAllowed: "NoPermission",
  NoSuchPath: "NotReachable",
  NoSuchMethod: "NotReachable",
  TooSlow: "Refused",
  TooLong: "Refused",
  WrongMedia: "Refused",
  WrongHost: "NotReachable",
  MatchNeeded: "Refused",
  TooMany: "Refused",
  HeadersTooLong: "Refused",
  Internal: "Refused",
  Unreachable: "NotReachable",
};

/** A refusal of the domain or the store, whose sentences stay as they are. */
export function errorOfRefusal(refusal: Refusal): AppError {
  const [first] = refusal.problems;
  const code = first === undefined ? "Refused" : PROBLEMS[first.code];
  return new AppError(code, refusal.message, { cause: refusal });
}
