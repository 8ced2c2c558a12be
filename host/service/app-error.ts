// SPDX-License-Identifier: Apache-2.0
// What can go wrong that a person can put right: one closed list of codes, each with a message that says
// what happened, to which thing, and what to do now. Before it: files, sockets, the command line. After
// it: host/cli/exit-codes.ts, the one table that turns codes into exit codes. Any other error is a bug.

export type AppErrorCode =
  /** The command line was not understood. */
  | "Usage"
  /** A declarative file is missing, can't be read, or says what cannot be. */
  | "BadFile"
  /** A key file is missing, can't be read, holds no key, or others may read it. */
  | "BadKeyFile"
  /** An address to listen on is in use, not this machine's, or not allowed to this user. */
  | "AddressUnusable"
  /** A process with this key, or at this status socket, runs already. */
  | "AlreadyRunning"
  /** No process answers at the status socket. */
  | "NotRunning"
  /** A file that would have been written is there already, or can't be written. */
  | "NotWritten"
  /** An activation code is not whole, or is none. */
  | "BadCode"
  /** A Connector or the Commander refuses the activation code. */
  | "CodeRefused"
  /** A tool that this needs is not here and can't be installed, or it failed. */
  | "ToolMissing"
  /** No device is attached, or it vanished. */
  | "NoDevice"
  /** The Commander does not allow it as it is: the sentence says why. */
  | "Refused"
  /** The Commander has no such thing. */
  | "NotFound"
  /** Somebody else has changed it meanwhile. */
  | "Stale"
  /** No token, or one that may not do this. */
  | "NoPermission"
  /** No Commander answers. */
  | "NotReachable"
  /** A Commander's database can't be used: held, full, damaged, newer, or not ours. */
  | "BadDatabase"
  /** The audit log is not as it was written. */
  | "AuditChanged";

export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: AppErrorCode;

  constructor(code: AppErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The system's code (ENOENT, EADDRINUSE, ...) of an error that it gave; empty for any other. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** What a system's code means, in words; the code itself where there are none. */
export function systemReason(error: unknown): string {
  const code = systemCode(error);
  return REASONS[code] ?? (code === "" ? String(error) : code);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "you may not",
  EPERM: "you may not",
  EEXIST: "something else has that name",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  EROFS: "the disk can only be read",
  ENOSPC: "the disk is full",
  EADDRINUSE: "another process listens there",
  EADDRNOTAVAIL: "it is not an address of this machine",
  ENOTFOUND: "the name does not resolve",
  EAI_AGAIN: "no name server answers",
};
