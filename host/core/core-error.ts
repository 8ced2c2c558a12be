// SPDX-License-Identifier: Apache-2.0
// A call that the core refused, by the name of its status. Before: core-calls.ts. After: hosts, which show
// the code. PROTOCOL 13.1.

import { Status } from "./abi.gen.ts";

/** The core refused a call. `status` is one of PROTOCOL 13.1. */
export class CoreError extends Error {
  override readonly name = "CoreError";
  readonly status: number;
  readonly code: string;

  constructor(call: string, status: number) {
    const code = statusName(status);
    super(`${call}: ${code}`);
    this.status = status;
    this.code = code;
  }
}

const STATUS_NAMES = new Map<number, string>(
  Object.entries(Status).map(([name, value]) => [value, name]),
);

/** Name of a status, PROTOCOL 13.1. */
export function statusName(status: number): string {
  return STATUS_NAMES.get(status) ?? `status ${status}`;
}
