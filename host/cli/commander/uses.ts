// SPDX-License-Identifier: Apache-2.0
// What uses an object, and which STLinks have it through that: to be read before it is changed or deleted. Before it:
// `show` of Routes, Templates, Profiles and Tags. After it: the API's /uses.

import { dataOf } from "../../commander/client/client.ts";
import { linesText } from "./output.ts";
import type { Commander, Plural, Thing } from "./things.ts";

type Used = Exclude<Plural, "stlinks" | "customers">;

/** For a noun's `about`. */
export function usesOf(plural: Used): (thing: Thing, commander: Commander) => Promise<string> {
  return async ({ id }, { http }) => {
    const params = { path: { id } };
    const found = await dataOf(http.GET(`/api/v1/${plural}/{id}/uses`, { params }));
    const users = found.uses.map(({ kind, name }) => `${kind} ${name}`);
    const stlinks = found.stlinks.map(({ name, state }) => `${name} (${state})`);
    return linesText([
      ["used by", listText(users, found.usesCount)],
      ["STLinks", listText(stlinks, found.stlinksCount)],
    ]);
  };
}

const SHOWN_MOST = 20;

function listText(names: readonly string[], count: number): string {
  const shown = names.slice(0, SHOWN_MOST);
  return count > shown.length
    ? `${shown.join(", ")} and ${count - shown.length} more`
    : shown.join(", ");
}
