// SPDX-License-Identifier: Apache-2.0
// Names of the reasons with which streams and hops end (PROTOCOL 13.2), for status and logs.
// Before it: the core's numbers. After it: people.

import { Reason } from "../core/abi.gen.ts";

const NAMES = new Map<number, string>(Object.entries(Reason).map(([name, code]) => [code, name]));

/** Name of a reason; "reason 99" for one that has none. */
export function reasonName(reason: number): string {
  return NAMES.get(reason) ?? `reason ${reason}`;
}
