// SPDX-License-Identifier: Apache-2.0
// Ids and keys as files, status and logs show them. Before it: bytes. After it: lower case, two digits for
// each byte. fields.ts reads them back.

/** Without a copy: a Connector asks it of each packet's id. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** The bytes of what `hex` has written. */
export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
