// SPDX-License-Identifier: Apache-2.0
// The pre-shared key of a Customer's Commander's hop to the operator's Connectors (PROTOCOL 9.1). Before it: the API,
// which shows it once. After it: the admission that Connectors are told. Invariant: it goes with its Customer.

import type { Id } from "../domain/fields.ts";
import type { Change } from "./change.ts";
import type { Database } from "./database.ts";
import { readObject } from "./objects.ts";
import { readSecret, removeSecret, writeSecret } from "./site.ts";

function pskName(id: Id): string {
  return `customer hop ${id}`;
}

/** 32 bytes; null: there is none, which is zeros on the wire. */
export function customerPsk(db: Database, id: Id): Uint8Array | null {
  return readSecret(db, pskName(id));
}

/** The Connectors are told of it; a hop under the one before ends. */
export function setCustomerPsk(change: Change, id: Id, psk: Uint8Array): void {
  const fields = readObject(change.db, "customer", id)?.fields;
  if (fields === undefined) throw new Error(`there is no customer ${id}`);
  writeSecret(change, pskName(id), psk);
  const { name } = fields;
  const entry = { what: "make a pre-shared key", kind: "customer", id, name } as const;
  change.audit({ ...entry, before: fields, after: fields });
}

export function dropCustomerPsk(change: Change, id: Id): void {
  if (customerPsk(change.db, id) !== null) removeSecret(change, pskName(id));
}
