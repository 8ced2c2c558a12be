// SPDX-License-Identifier: Apache-2.0
// What a running STLink or Connector is to the command line: asked for its status, given a new file,
// stopped. Before it: host/cli/run.ts, signals, the status socket. After it: stlink/service.ts,
// connector/service.ts.

import { isDeepStrictEqual } from "node:util";

export interface Running<Settings, Status> {
  status(): Status;
  /** Takes the new settings as far as it can without breaking what they still allow. */
  reload(settings: Settings): Promise<ReloadReport>;
  /** Rejects with an AppError where it can't go on. */
  readonly over?: Promise<never>;
  /** What else may be asked of it over its status socket, by name. Each throws AppError. */
  readonly commands?: Readonly<Record<string, Command>>;
  stop(): Promise<void>;
}

/** `argument` may be empty; the answer is for a person. */
export type Command = (argument: string) => string;

export type Change = {
  /** "binding", "peer", "limits", ... */
  kind: string;
  /** Empty where there is only one of its kind. */
  name: string;
  what: "added" | "removed" | "changed";
};

export type ReloadReport = {
  /** In force now. */
  applied: readonly Change[];
  /** Differs from what is in force until the process is started again. */
  needsRestart: readonly Change[];
};

/** How two lists of named things differ. */
export function changesOf(
  kind: string,
  before: readonly { name: string }[],
  after: readonly { name: string }[],
): Change[] {
  const old = new Map(before.map((one) => [one.name, one]));
  const changes: Change[] = [];
  for (const one of after) {
    const { name } = one;
    if (!old.has(name)) changes.push({ kind, name, what: "added" });
    else if (!isDeepStrictEqual(old.get(name), one)) changes.push({ kind, name, what: "changed" });
    old.delete(name);
  }
  for (const name of old.keys()) changes.push({ kind, name, what: "removed" });
  return changes;
}

/** Whether a thing that there is one of differs. */
export function changeOf(kind: string, before: unknown, after: unknown): Change[] {
  return isDeepStrictEqual(before, after) ? [] : [{ kind, name: "", what: "changed" }];
}
