// SPDX-License-Identifier: Apache-2.0
// The id of a Route that has a name alone: both ends of a site without a Commander come to the same one.
// Before it: site-file.ts. After it: OPEN, which names a Binding and a Mapping. PROTOCOL 10.7.

import { createHash } from "node:crypto";
import { ID_LEN } from "../service/fields.ts";

export type RouteKind = "mapping" | "binding";

/** 16 bytes: HASH("sealed/1 mapping " or "sealed/1 binding ", then the name in UTF-8), cut. */
export function routeId(kind: RouteKind, name: string): Uint8Array {
  const hash = createHash("blake2s256").update(`sealed/1 ${kind} ${name}`).digest();
  return new Uint8Array(hash.subarray(0, ID_LEN));
}
