// SPDX-License-Identifier: Apache-2.0
// Keys and ids for crowds of STLinks: thousands of X25519 key pairs, which Node's own crypto makes faster than the
// core does. Before it: crowd.ts. After it: relay-worker.ts admits them, crowd-worker.ts uses them.

import { generateKeyPairSync, randomBytes } from "node:crypto";

export type Identity = { id: Uint8Array; privateKey: Uint8Array; publicKey: Uint8Array };

export function makeIdentity(): Identity {
  const { d = "", x = "" } = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  return {
    id: randomBytes(16),
    privateKey: Buffer.from(d, "base64url"),
    publicKey: Buffer.from(x, "base64url"),
  };
}

/** An address of this machine for each STLink of a crowd, since a Connector bounds handshakes for each host. */
export function sourceOf(index: number): string {
  return `127.${1 + (index >> 14)}.${(index >> 7) & 0x7f}.${1 + (index & 0x7f)}`;
}
