// SPDX-License-Identifier: Apache-2.0
// What the site has once: its version (rule T9), what every configuration names, and private keys, which are
// read by name alone. Before it: change.ts, `sealed up`. After it: configurations.

import type { Authority } from "../domain/configuration.ts";
import { nextVersion, type Version } from "../domain/version.ts";
import type { Change } from "./change.ts";
import type { Database } from "./database.ts";

const SITE = { kind: "site", id: "", name: "site" };

export function readVersion(db: Database): Version {
  const row = db.get<{ epoch: number; serial: string }>("SELECT epoch, serial FROM site");
  if (row === undefined) throw new Error("the site has no row");
  return { epoch: row.epoch, serial: BigInt(row.serial) };
}

export function writeVersion(db: Database, { epoch, serial }: Version): void {
  db.run("UPDATE site SET epoch = ?, serial = ?", epoch, String(serial));
}

export function bumpVersion(db: Database): void {
  writeVersion(db, nextVersion(readVersion(db)));
}

/** Null: nobody has said yet who the Commander is. */
export function readAuthority(db: Database): Authority | null {
  const row = db.get<{ authority: string | null }>("SELECT authority FROM site");
  return row?.authority ? JSON.parse(row.authority) : null;
}

export function writeAuthority(change: Change, authority: Authority): void {
  const before = readAuthority(change.db);
  change.db.run("UPDATE site SET authority = ?", JSON.stringify(authority));
  change.audit({ ...SITE, what: "change", before, after: authority });
  change.deploy();
}

/** A private key or another secret of the site's own; null: there is none of this name. */
export function readSecret(db: Database, name: string): Uint8Array | null {
  const row = db.get<{ secret: Uint8Array }>(
    "SELECT secret FROM site_secrets WHERE name = ?",
    name,
  );
  return row?.secret ?? null;
}

/** The audit log says that it was set, not what it is. */
export function writeSecret(change: Change, name: string, secret: Uint8Array): void {
  change.db.run("INSERT OR REPLACE INTO site_secrets VALUES (?, ?)", name, secret);
  change.audit({ ...SITE, what: "set secret", name, before: null, after: null });
}

/** The audit log says that it is gone. */
export function removeSecret(change: Change, name: string): void {
  change.db.run("DELETE FROM site_secrets WHERE name = ?", name);
  change.audit({ ...SITE, what: "remove secret", name, before: null, after: null });
}
