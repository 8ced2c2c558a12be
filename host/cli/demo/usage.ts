// SPDX-License-Identifier: Apache-2.0
// What the demos ask of the person who calls them: whole numbers, and a port that can be had. Before it:
// their arguments. After it: demo.ts, device/demo.ts. Exit codes: 2 for what the person can mend, else 1.

import { firstUsable, portRefusal } from "./ports.ts";

/** A problem of the person who called, said in one line. */
export class UsageError extends Error {}

/** The value of the option `name`, from 0 to `most`. */
export function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= most && text !== "") return value;
  throw new UsageError(`${name} is a whole number from 0 to ${most}, not "${text}"`);
}

/** The port that was wanted; null: the first of `ports` that can be had, and why not one before it. */
export async function usablePort(wanted: number | null, ports: readonly number[]): Promise<number> {
  if (wanted === null) {
    const { port, refusals } = await firstUsable(ports);
    for (const refusal of refusals) console.log(`${refusal}: taking another one`);
    return port;
  }
  const { port } = await firstUsable([wanted]).catch((error) => {
    throw new UsageError(`${portRefusal(wanted, error)}: choose another one with --port`);
  });
  return port;
}

/** Ends the process of a demo that could not begin. */
export function exitWith(error: NodeJS.ErrnoException, help: string): never {
  const isUsage = error instanceof UsageError || error.code?.startsWith("ERR_PARSE_ARGS");
  console.error(isUsage ? `${error.message}\n\n${help}` : error);
  process.exit(isUsage ? 2 : 1);
}
