// SPDX-License-Identifier: Apache-2.0
// What comes of an activation code's secret (PROTOCOL 10.2): its public id, the Connector's ticket, and the link's
// pre-shared key. Before it: a Commander that makes a code; an STLink's core derives the same for itself. After it:
// the Commander's store. By the core's own BLAKE2s: the host has none with a key.

import { openCore } from "../core/core-file.ts";
import { Primitives } from "../core/primitives.ts";

export type Secrets = {
  /** 8 bytes. */
  codeId: Uint8Array;
  /** 32 bytes each. */
  ticket: Uint8Array;
  psk: Uint8Array;
};

const CODE_ID_LEN = 8;

let primitives: Primitives | null = null;

/** `secret`: 16 bytes. */
export function secretsOf(secret: Uint8Array): Secrets {
  primitives ??= new Primitives(openCore());
  const core = primitives;
  const derive = (label: string) => core.blake2s(Buffer.from(label), secret);
  return {
    codeId: derive("sealed/1 code id").subarray(0, CODE_ID_LEN),
    ticket: derive("sealed/1 ticket"),
    psk: derive("sealed/1 psk"),
  };
}
