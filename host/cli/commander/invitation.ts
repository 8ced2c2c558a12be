// SPDX-License-Identifier: Apache-2.0
// The first invitation of a site: a code by the Profile that it begins with, made over its own API as everybody
// makes one. Before it: `sealed up`. After it: code-sheet.ts. Invariant: a site that ever had a code or an STLink
// gets none by itself.

import { connect, dataOf } from "../../commander/client/client.ts";
import { FIRST_PROFILE } from "../../commander/founding.ts";
import type { Registry } from "../../commander/registry.ts";
import { listCodes } from "../../commander/store/codes.ts";
import { listObjects } from "../../commander/store/listing.ts";
import { readNamed } from "../../commander/store/objects.ts";
import type { MadeCode } from "./code-sheet.ts";
import type { CommanderPlace } from "./place.ts";
import { untilPublished } from "./published.ts";

/** Once the Connector that has just started knows it; null: none is needed. Throws ApiError. */
export async function inviteFirst(
  { db }: Registry,
  place: CommanderPlace,
): Promise<MadeCode | null> {
  const profile = readNamed(db, "profile", FIRST_PROFILE);
  const hasCode = listCodes(db, { limit: 1 }).length > 0;
  const hasStlink = listObjects(db, { kind: "stlink", limit: 1 }).items.length > 0;
  if (profile === null || hasCode || hasStlink) return null;
  const client = connect(place);
  const code = await dataOf(
    client.http.POST("/api/v1/profiles/{id}/codes", { params: { path: { id: profile.id } } }),
  );
  await untilPublished(client, true);
  return code;
}
