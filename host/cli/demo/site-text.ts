// SPDX-License-Identifier: Apache-2.0
// TOML for `sealed` as an administrator would write it, and new keys: the pieces of which the demos' sites
// are made. Before it: site-files.ts, device/site.ts. After it: `sealed connector run`, `sealed stlink run`.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyPairOf, writeKeyFile } from "../../service/key-file.ts";
import type { Spot } from "./ports.ts";

/** An STLink as the others know it: hexadecimal. */
export type Identity = { id: string; key: string; hopPsk: string };

/** A new STLink, whose key file lies in the folder. */
export function makeIdentity(folder: string, name: string): Identity {
  return { id: hex(16), key: makeKey(folder, name), hopPsk: hex(32) };
}

/** Where a process of the demo answers `sealed status --socket`. */
export function statusSocket(folder: string, name: string): string {
  return join(folder, `${name}.sock`);
}

/** The Connector's file: `groups` says who may talk to whom. */
export function connectorText(
  { host, port }: Spot,
  stlinks: Readonly<Record<string, Identity>>,
  groups: readonly (readonly string[])[],
): string[] {
  const lines = groups.map((group) => `  ["${group.join('", "')}"],`).join("\n");
  return [
    `key_file = "relay.key"\nstatus_socket = "relay.sock"\nlisten = ["${host}:${port}"]`,
    `groups = [                 # who may talk to whom\n${lines}\n]`,
    ...Object.entries(stlinks).map(
      ([name, { id, key, hopPsk }]) =>
        `[[stlinks]]\nname = "${name}"\nid = "${id}"\nkey = "${key}"\npsk = "${hopPsk}"`,
    ),
  ];
}

/** Who an STLink is, and its Connector at `connector` with this key. */
export function stlinkText(
  name: string,
  own: Identity,
  connector: Spot,
  connectorKey: string,
): string {
  return `id = "${own.id}"
key_file = "${name}.key"
status_socket = "${name}.sock"

[[connectors]]
name = "relay"
address = "${connector.host}:${connector.port}"
key = "${connectorKey}"
psk = "${own.hopPsk}"`;
}

export function peerText(name: string, { id, key }: Identity, psk: string): string {
  return `[[peers]]\nname = "${name}"\nid = "${id}"\nkey = "${key}"\npsk = "${psk}"`;
}

export function bindingText(
  name: string,
  mapping: string,
  address: string,
  port: number,
  peer: string,
): string {
  return `[[bindings]]
name = "${name}"
mapping = "${mapping}"
address = "${address}"
port = ${port}
peers = ["${peer}"]`;
}

export function mappingText(name: string, { host, port }: Spot, peer: string): string {
  return `[[mappings]]\nname = "${name}"\naddress = "${host}"\nport = ${port}\npeers = ["${peer}"]`;
}

/** A new key pair in NAME.key; gives the public key, hexadecimal. */
export function makeKey(folder: string, name: string): string {
  const keys = keyPairOf(new Uint8Array(randomBytes(32)));
  writeKeyFile(join(folder, `${name}.key`), keys);
  return Buffer.from(keys.publicKey).toString("hex");
}

export function hex(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}

/** NAME.toml, for its owner alone. */
export function writeToml(folder: string, name: string, parts: readonly string[]): void {
  writeFileSync(join(folder, `${name}.toml`), `${parts.join("\n\n")}\n`, { mode: 0o600 });
}
