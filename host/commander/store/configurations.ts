// SPDX-License-Identifier: Apache-2.0
// The configuration of an STLink from the store, at the version that the store is at (rule T9). Before it: a
// change. After it: CONFIG. One transaction: what it makes of pre-shared keys is kept, whatever follows.

import { encodeConfiguration } from "../../stlink/configuration.ts";
import { type Authority, configurationOf } from "../domain/configuration.ts";
import type { Deployment } from "../domain/deployment.ts";
import type { Id } from "../domain/fields.ts";
import { demand, type Result } from "../domain/problem.ts";
import type { Stlink } from "../domain/stlink.ts";
import type { Version } from "../domain/version.ts";
import type { Database } from "./database.ts";
import { StoredDeployment } from "./deployment.ts";
import { makePsks, psksOf, type Random } from "./psks.ts";
import { readVersion } from "./site.ts";
import { stlinkAt } from "./stlinks.ts";

/** The bytes of 10.3. Throws Refusal: NotFound, TooLarge. */
export function configurationBytes(
  db: Database,
  authority: Authority,
  id: Id,
  random: Random,
): Uint8Array {
  return db.transaction(() => {
    const stlink = stlinkAt(db, id);
    return demand(configured(db, new StoredDeployment(db), authority, stlink, random));
  });
}

export type Configured = { version: Version; configurations: Map<Id, Result<Uint8Array>> };

/** Those of several at one version; of who is not there, or has no key, none. */
export function configurationsBytes(
  db: Database,
  authority: Authority,
  ids: readonly Id[],
  random: Random,
): Configured {
  return db.transaction(() => {
    const deployment = new StoredDeployment(db);
    const stlinks = ids.map((id) => deployment.stlink(id)).filter((one) => one !== null);
    const configurations = stlinks
      .filter(({ facts }) => facts.key !== null)
      .map((stlink) => {
        return [stlink.id, configured(db, deployment, authority, stlink, random)] as const;
      });
    return { version: readVersion(db), configurations: new Map(configurations) };
  });
}

function configured(
  db: Database,
  deployment: Deployment,
  authority: Authority,
  stlink: Stlink,
  random: Random,
): Result<Uint8Array> {
  makePsks(db, deployment, authority, stlink, random);
  const made = configurationOf(deployment, authority, readVersion(db), stlink, psksOf(db));
  return made.ok ? { ok: true, value: new Uint8Array(encodeConfiguration(made.value)) } : made;
}
