// SPDX-License-Identifier: Apache-2.0
// A tenant at work: its places, its rate, and where a Commander decides in it, that Commander and the codes
// that are open. Before it: roster.ts makes one for each tenant of the file and each Commander. After it:
// place.ts, tickets.ts. Invariant: ids mean something inside one tenant alone (rule T4).

import type { Bucket } from "./bucket.ts";
import type { Place } from "./place.ts";
import type { Ticket } from "./tickets.ts";

export type Tenancy = {
  name: string;
  /** Of all its STLinks together; null: unlimited. */
  bucket: Bucket | null;
  /** Grows with each change of who is admitted (rule K6); begins at 1 with the process. */
  version: number;
  /** By id, hexadecimal. */
  readonly places: Map<string, Place>;
  /** Who decides in it; null: the file does. */
  commander: Place | null;
  /** All its hops are refused for now. */
  isSuspended: boolean;
  /** By codeId, hexadecimal: the codes that are open. */
  readonly tickets: Map<string, Ticket>;
};

export function newTenancy(name: string): Tenancy {
  const places = new Map<string, Place>();
  const tickets = new Map<string, Ticket>();
  const none = { bucket: null, commander: null, isSuspended: false };
  return { name, ...none, version: 1, places, tickets };
}
