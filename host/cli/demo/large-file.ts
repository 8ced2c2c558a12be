// SPDX-License-Identifier: Apache-2.0
// The large file of the demo's web service: the key stream of AES-128-CTR under a zero key. The same on
// every machine, and nothing that a compressor could shrink. Before it: nothing. After it: web-service.ts
// sends it, the page states its SHA-256.

import { createCipheriv, createHash } from "node:crypto";

export const LARGE_BYTES = 100_000_000;
const CHUNK_BYTES = 65_536;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/** The file, chunk by chunk. */
export function* largeFile(): Generator<Buffer> {
  const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  for (let left = LARGE_BYTES; left > 0; left -= CHUNK_BYTES) {
    yield stream.update(ZEROS.subarray(0, Math.min(left, CHUNK_BYTES)));
  }
}

/** Its SHA-256, hexadecimal. */
export function largeHash(): string {
  const hash = createHash("sha256");
  for (const chunk of largeFile()) hash.update(chunk);
  return hash.digest("hex");
}
