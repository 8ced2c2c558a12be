// SPDX-License-Identifier: Apache-2.0
// How many there are: objects of each kind, STLinks by state, and STLinks that hold a newer version than this database
// (rule T9). Before it: objects.ts, stlinks.ts. After it: the API's site.

import type { Kind } from "../domain/kinds.ts";
import { STLINK_STATES } from "../domain/stlink.ts";
import type { Database } from "./database.ts";
import { readVersion } from "./site.ts";

export type Counts = {
  routes: number;
  templates: number;
  profiles: number;
  tags: number;
  customers: number;
  stlinks: Readonly<Record<string, number>>;
};

export function countObjects(db: Database): Counts {
  const rows = db.all<{ kind: Kind; facet: string; n: number }>(
    "SELECT kind, facet, count(*) AS n FROM objects GROUP BY kind, facet",
  );
  const of = (kind: Kind) =>
    rows.filter((row) => row.kind === kind).reduce((sum, { n }) => sum + n, 0);
  const inState = (state: string) =>
    rows.find(({ kind, facet }) => kind === "stlink" && facet === state)?.n ?? 0;
  return {
    ...{ routes: of("route"), templates: of("template"), profiles: of("profile") },
    ...{ tags: of("tag"), customers: of("customer") },
    stlinks: Object.fromEntries(STLINK_STATES.map((state) => [state, inState(state)])),
  };
}

/** A serial is a u64 in digits: the longer one is the greater. */
export function countNewer(db: Database): number {
  const { epoch, serial } = readVersion(db);
  const text = String(serial);
  const row = db.get<{ n: number }>(
    `SELECT count(*) AS n FROM (
       SELECT facts ->> '$.confirmed.epoch' AS e, facts ->> '$.confirmed.serial' AS s
       FROM stlink_facts)
     WHERE e > ? OR (e = ? AND (length(s) > ? OR (length(s) = ? AND s > ?)))`,
    ...[epoch, epoch, text.length, text.length, text],
  );
  return row?.n ?? 0;
}
