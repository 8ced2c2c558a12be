// SPDX-License-Identifier: Apache-2.0
// Names of the secrets that the Commander's own STLink needs of its site (store/site.ts): its private key, the
// pre-shared key of its hop to each Connector. Before it: whoever founds the site. After it: control.ts,
// desk-client.ts. Invariant: what is not there is zeros on the wire.

import type { Key } from "../domain/fields.ts";

export const COMMANDER_KEY = "commander key";

/** In the place of a pre-shared key that is not there. */
export const NO_PSK = new Uint8Array(32);

/** While a recovery is under way: the public half of the recovery key that it installs. */
export const NEXT_RECOVERY_KEY = "next recovery key";

/** Of the Commander's hop to this Connector, and of its link with the desk there (PROTOCOL 9.1). */
export function hopPskName(connector: Key): string {
  return `hop ${connector}`;
}
