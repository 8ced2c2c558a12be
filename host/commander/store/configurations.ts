// SPDX-License-Identifier: Apache-2.0
// The configuration of an STLink from the store, at the version that the store is at (rule T9). Before it: a
// change. After it: CONFIG. One transaction: what it makes of pre-shared keys is kept, whatever follows.

import { type Configuration, encodeConfiguration } from "../../stlink/configuration.ts";
import { type Authority, configurationOf } from "../domain/configuration.ts";
import type { Id } from "../domain/fields.ts";
import { demand } from "../domain/problem.ts";
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
  const make = (): Configuration => {
    const deployment = new StoredDeployment(db);
    const stlink = stlinkAt(db, id);
    makePsks(db, deployment, authority, stlink, random);
    return demand(configurationOf(deployment, authority, readVersion(db), stlink, psksOf(db)));
  };
  return new Uint8Array(encodeConfiguration(db.transaction(make)));
}
