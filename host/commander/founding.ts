// SPDX-License-Identifier: Apache-2.0
// How a site begins: the Commander's id and keys, the key of the Connector that runs beside it, and a Profile to
// invite STLinks by, all in one transaction; and what of it changes later, the Connector's address. Before it:
// `sealed up`, which has a registry and a recovery key. After it: control/, the Connector, codes. All of it lies in
// the database, so that a backup is the whole site.

import { randomBytes } from "node:crypto";
import { ID_LEN, KEY_LEN } from "../service/fields.ts";
import { hex } from "../service/hex.ts";
import { type KeyPair, keyPairOf } from "../service/key-file.ts";
import { COMMANDER_KEY, hopPskName } from "./control/secrets.ts";
import type { Authority } from "./domain/configuration.ts";
import type { Registry } from "./registry.ts";
import type { Change } from "./store/change.ts";
import { readAuthority, readSecret, writeAuthority, writeSecret } from "./store/site.ts";
import { createObject } from "./store/writing.ts";

/** A secret of the site: the private key of the Connector beside this Commander. */
const CONNECTOR_KEY = "connector key";

/** The Profile that there is from the beginning. */
export const FIRST_PROFILE = "default";

/** `address`: `host:port`, where STLinks find the Connector. `recoveryKey`: public, 32 bytes. */
export function foundSite(
  registry: Registry,
  who: string,
  { address, recoveryKey }: { address: string; recoveryKey: Uint8Array },
): void {
  const [commander, connector] = [newKeyPair(), newKeyPair()];
  registry.change(who, (change) => {
    writeSecret(change, COMMANDER_KEY, commander.privateKey);
    writeSecret(change, CONNECTOR_KEY, connector.privateKey);
    writeSecret(change, hopPskName(hex(connector.publicKey)), new Uint8Array(randomBytes(KEY_LEN)));
    writeAuthority(change, {
      commanderId: newId(),
      commanderKey: hex(commander.publicKey),
      recoveryKey: hex(recoveryKey),
      connectors: [{ key: hex(connector.publicKey), address }],
    });
    addProfile(change);
  });
}

function addProfile(change: Change): void {
  const description = "What STLinks start with that were invited without a Profile of their own.";
  createObject(change, "profile", newId(), { name: FIRST_PROFILE, description });
}

/** Who the Commander is, and its keys; null: nobody has founded the site. */
export function siteOf({ db }: Registry): Site | null {
  const authority = readAuthority(db);
  const [commander, connector] = [readSecret(db, COMMANDER_KEY), readSecret(db, CONNECTOR_KEY)];
  if (authority === null || commander === null || connector === null) return null;
  const keys = keyPairOf(connector);
  const hopPsk = readSecret(db, hopPskName(hex(keys.publicKey)));
  return { authority, commander: keyPairOf(commander), connector: keys, hopPsk };
}

export type Site = {
  authority: Authority;
  commander: KeyPair;
  /** Of the Connector that runs beside this Commander. */
  connector: KeyPair;
  /** Of the Commander's hop to it; null: zeros. */
  hopPsk: Uint8Array | null;
};

/** The Connector beside this Commander is found at another address from now on. */
export function moveConnector(registry: Registry, who: string, address: string): void {
  const site = siteOf(registry);
  if (site === null) throw new Error("nobody has founded the site");
  const key = hex(site.connector.publicKey);
  const connectors = site.authority.connectors.map((one) =>
    one.key === key ? { key, address } : one,
  );
  registry.change(who, (change) => writeAuthority(change, { ...site.authority, connectors }));
}

export function newKeyPair(): KeyPair {
  return keyPairOf(new Uint8Array(randomBytes(KEY_LEN)));
}

function newId(): string {
  return randomBytes(ID_LEN).toString("hex");
}
