// SPDX-License-Identifier: Apache-2.0
// Names of the reasons with which streams and hops end (PROTOCOL 13.2), for status and logs, and what to do
// about those with which a code is refused. Before it: the core's numbers. After it: people.

import { Reason } from "../core/abi.gen.ts";

const NAMES = new Map<number, string>(Object.entries(Reason).map(([name, code]) => [code, name]));

/** What to do about a code that was refused. */
export const CODE_ADVICE: ReadonlyMap<number, string> = new Map([
  [
    Reason.CodeUsed,
    "another machine has used this activation code, or is using it now: get a new code, and if that machine is not yours, tell the administrator",
  ],
  [Reason.CodeExpired, "this activation code has expired: get a new one"],
  [
    Reason.CodeUnknown,
    "nobody knows this activation code: it was revoked, or belongs to another site; get a new one",
  ],
  [
    Reason.WrongNetwork,
    "this activation code may not be used from this network: connect from one that it names, or get a new code",
  ],
]);

/** Name of a reason; "reason 99" for one that has none. */
export function reasonName(reason: number): string {
  return NAMES.get(reason) ?? `reason ${reason}`;
}
