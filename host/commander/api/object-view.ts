// SPDX-License-Identifier: Apache-2.0
// A stored object as answers show it: its fields, with id, version and who changed it when. Before it:
// store/objects.ts. After it: objects.ts, stlink-view.ts, events.

import type * as z from "zod";
import type { Stored } from "../store/objects.ts";
import type { metaFields } from "./object-schemas.ts";
import { timeOf } from "./schemas.ts";

type Meta = { [Field in keyof typeof metaFields]: z.output<(typeof metaFields)[Field]> };

export function viewOf<Fields>({ fields, ...stored }: Stored<Fields>): Fields & Meta {
  const { id, version, createdMs, createdBy, changedMs, changedBy } = stored;
  return {
    ...{ id, ...fields, version },
    ...{ createdAt: timeOf(createdMs), createdBy, changedAt: timeOf(changedMs), changedBy },
  };
}
