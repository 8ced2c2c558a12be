// SPDX-License-Identifier: Apache-2.0
// An activation code as it is given: on standard input (`-`), in a file, or itself. Before it: `sealed stlink
// activate`, `run --code`. After it: stlink/activation-code.ts. It is a secret until it is used: everybody on
// a machine can read its command lines, so the first two are better, and no message holds it.

import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { type ActivationCode, readCode } from "../stlink/activation-code.ts";

export const CODE_HELP =
  'The activation code: "-" reads it from standard input, or name a file of yours alone that holds it; given itself, others can see it in the list of processes';

const STANDARD_INPUT = 0;
/** What is shorter is a file's name, and has nothing of the code's secret in it. */
const CODE_LEAST = 32;
const OTHERS = 0o077;
/** More than the longest code has, in base32. */
const TEXT_MOST = 4096;

/** Throws AppError: BadCode, BadFile, BadKeyFile (others may read the file). */
export async function readCodeArgument(argument: string): Promise<ActivationCode> {
  // Of a positional that is a lone dash yargs leaves nothing.
  if (argument === "-" || argument === "") {
    if (process.stdin.isTTY) console.error("Paste the activation code, then Enter and Ctrl-D:");
    refuseShared(STANDARD_INPUT, "the file behind standard input");
    return readCode(await textOf(process.stdin));
  }
  const handle = openIfThere(argument);
  if (handle !== null) {
    try {
      return readCode(textFrom(handle, argument));
    } finally {
      closeSync(handle);
    }
  }
  if (/[/.]/.test(argument) || argument.length < CODE_LEAST) {
    throw new AppError("BadFile", `${argument} is no activation code, and there is no such file.`);
  }
  return readCode(argument);
}

/** null: there is no such file, so it is the code itself. */
function openIfThere(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    // A code is longer than any file's name.
    if (["ENOENT", "ENAMETOOLONG"].includes(systemCode(error))) return null;
    const message = `${path}, which holds the activation code, can't be read: ${systemReason(error)}.`;
    throw new AppError("BadFile", message, { cause: error });
  }
}

function textFrom(handle: number, name: string): string {
  refuseShared(handle, name);
  return readFileSync(handle, "utf8").slice(0, TEXT_MOST);
}

/** A stream: what is read at once fails with EAGAIN where a pipe's other end is slow. It may have no end. */
async function textOf(input: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const bytes of input) {
    text += bytes.toString("latin1");
    if (text.length >= TEXT_MOST) break;
  }
  return text.slice(0, TEXT_MOST);
}

function refuseShared(handle: number, name: string): void {
  const status = fstatSync(handle);
  if (status.isDirectory()) throw new AppError("BadFile", `${name} is a folder, and no code.`);
  if (status.isFile() && (status.mode & OTHERS) !== 0) {
    const message = `${name} holds an activation code and others may read it: chmod 600 it.`;
    throw new AppError("BadKeyFile", message);
  }
}
