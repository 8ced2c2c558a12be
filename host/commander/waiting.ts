// SPDX-License-Identifier: Apache-2.0
// The fingerprint of an STLink that waits for approval (rule T7), before it has an id: that of the pair which it is with
// its Commander while it shows its code. Before it: an administrator who compares. After it: the STLink's console shows
// the same one ("waiting for approval" in its log). PROTOCOL 10.2, 10.4.

import { pairFingerprint } from "../service/fingerprint.ts";
import { fromHex } from "../service/hex.ts";
import type { Authority } from "./domain/configuration.ts";
import type { StlinkFacts } from "./domain/stlink.ts";

const CODE_ID_LEN = 8;

export function waitingFingerprint(
  { commanderId, commanderKey }: Pick<Authority, "commanderId" | "commanderKey">,
  { key, codeId }: NonNullable<StlinkFacts["waiting"]>,
): string {
  const id = Buffer.concat([fromHex(codeId), Buffer.alloc(CODE_ID_LEN)]);
  const commander = { id: fromHex(commanderId), key: fromHex(commanderKey) };
  return pairFingerprint({ id, key: fromHex(key) }, commander);
}
