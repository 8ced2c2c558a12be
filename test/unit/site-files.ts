// SPDX-License-Identifier: Apache-2.0
// Declarative files for tests: a good one of each kind, as TOML, in a folder of its own with its key; and
// what a reader says of a changed one. Before it: nothing. After it: site-file.test.ts and
// connector-file.test.ts, which change one thing each.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../host/service/app-error.ts";
import { keyPairOf, writeKeyFile } from "../../host/service/key-file.ts";

export const OWN_ID = "11".repeat(16);
export const PEER_ID = "22".repeat(16);
export const PSK = "5a".repeat(32);
export const CONNECTOR_KEY = publicKeyOf(1);
export const PEER_KEY = publicKeyOf(2);
/** Of the key file beside the good files. */
export const OWN_KEY = publicKeyOf(9);

/** The public key of a private one of this byte alone, hexadecimal. */
export function publicKeyOf(byte: number): string {
  const { publicKey } = keyPairOf(new Uint8Array(32).fill(byte));
  return Buffer.from(publicKey).toString("hex");
}

export const GOOD_SITE = `id = "${OWN_ID}"
key_file = "own.key"

[[connectors]]
name = "hall"
address = "192.0.2.7:8443"
key = "${CONNECTOR_KEY}"

[[peers]]
name = "camera"
id = "${PEER_ID}"
key = "${PEER_KEY}"
psk = "${PSK}"

[[mappings]]
name = "web"
address = "192.168.0.1"
port = 543
peers = ["camera"]

[[bindings]]
name = "here"
mapping = "web"
port = 443
peers = ["camera"]
`;

export const GOOD_CONNECTOR = `key_file = "own.key"
listen = ["0.0.0.0:8443", "[::1]:8443"]
groups = [["office", "camera"]]

[[stlinks]]
name = "office"
id = "${OWN_ID}"
key = "${CONNECTOR_KEY}"

[[stlinks]]
name = "camera"
id = "${PEER_ID}"
key = "${PEER_KEY}"
psk = "${PSK}"
`;

const folders: string[] = [];

/** Writes a file for its owner alone, with "own.key" beside it; its path. */
export function place(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "sealed-unit-"));
  folders.push(folder);
  writeKeyFile(join(folder, "own.key"), keyPairOf(new Uint8Array(32).fill(9)));
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

export function setMode(file: string, mode: number): void {
  chmodSync(file, mode);
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
}

/** The code and the message with which `read` refuses, without the folder's path. */
export function refusalOf(file: string, read: (file: string) => unknown): string {
  try {
    read(file);
    return "";
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return `${error.code}: ${error.message.replaceAll(/\/\S*\/(?=\w+\.(toml|json|key))/g, "")}`;
  }
}
