// SPDX-License-Identifier: Apache-2.0
// A private key's file: 64 hexadecimal digits, and comment lines with the public key. Written once, never
// over another file, for its owner alone; refused when others may read it. Before it: `sealed keygen`.
// After it: setIdentity. The public key is computed from the private one, not read.

import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { openCore } from "../core/core-file.ts";
import { Primitives } from "../core/primitives.ts";
import { AppError, systemCode, systemReason } from "./app-error.ts";
import { hex } from "./hex.ts";

export type KeyPair = { privateKey: Uint8Array; publicKey: Uint8Array };

const OWNER_ALONE = 0o600;
const OTHERS = 0o077;

/** The pair of a private key, 32 bytes each. RFC 7748. */
export function keyPairOf(privateKey: Uint8Array): KeyPair {
  return { privateKey, publicKey: new Primitives(openCore()).x25519Public(privateKey) };
}

/** What a key's file holds. */
export function keyFileText({ privateKey, publicKey }: KeyPair): string {
  return [
    "# A SealedTunnel private key. It stays on this machine: nobody else ever needs it.",
    `# public key: ${hex(publicKey)}`,
    hex(privateKey),
    "",
  ].join("\n");
}

/** Writes a new file. Throws AppError(NotWritten) when there is one already. */
export function writeKeyFile(file: string, pair: KeyPair): void {
  try {
    writeFileSync(file, keyFileText(pair), { mode: OWNER_ALONE, flag: "wx" });
  } catch (error) {
    const why =
      systemCode(error) === "EEXIST"
        ? "is there already, and a key is never overwritten: choose another name, or move it away."
        : `can't be written: ${systemReason(error)}.`;
    throw new AppError("NotWritten", `${file} ${why}`, { cause: error });
  }
}

/** Throws AppError(BadKeyFile). */
export function readKeyFile(file: string): KeyPair {
  const lines = readPrivately(file, "private key")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const [line = ""] = lines;
  if (lines.length !== 1 || !/^[0-9a-fA-F]{64}$/.test(line)) {
    const message = `${file} holds no private key: make one with "sealed keygen".`;
    throw new AppError("BadKeyFile", message);
  }
  return keyPairOf(new Uint8Array(Buffer.from(line, "hex")));
}

/**
 * The text of a file that its owner alone may read: the same open file is looked at and read. `what`: "private
 * key". Throws AppError(BadKeyFile).
 */
export function readPrivately(file: string, what: string): string {
  const handle = open(file, what);
  try {
    const { mode } = fstatSync(handle);
    if ((mode & OTHERS) === 0) return readFileSync(handle, "utf8");
    const message = `${file} is a ${what} that others may read: chmod 600 ${file}`;
    throw new AppError("BadKeyFile", message);
  } finally {
    closeSync(handle);
  }
}

function open(file: string, what: string): number {
  try {
    return openSync(file, "r");
  } catch (error) {
    const message = `${file}, the ${what}, can't be read: ${systemReason(error)}.`;
    throw new AppError("BadKeyFile", message, { cause: error });
  }
}
