// SPDX-License-Identifier: Apache-2.0
// What a Connector is made of, and what it tells of itself as it goes. Before it: service.ts, the demo, the
// tests. After it: connector.ts.

import type { Core, Sizes } from "../core/core.ts";
import type { World } from "../net/world.ts";
import type { Place } from "./place.ts";
import type { ConnectorRules } from "./settings.ts";
import type { Tenancy } from "./tenancy.ts";
import type { TicketReason } from "./tickets.ts";

/** What somebody may want to hear of. */
export type ConnectorEvent =
  | { kind: "up"; place: Place; host: string }
  | { kind: "down"; place: Place; why: string }
  | { kind: "refused"; host: string; why: string }
  /** A ticket was refused to this key; the Commanders of these tenants have a code of this id. */
  | {
      kind: "turned";
      tenancies: readonly Tenancy[];
      codeId: Uint8Array;
      key: Uint8Array;
      host: string;
      reason: TicketReason;
    }
  /** Two machines have the place's key; `host` is where the last one was (rule K7). */
  | { kind: "KeyUsedTwice"; place: Place; host: string };

export type ConnectorOptions = {
  core: Core;
  world: World;
  sizes: Sizes;
  /** Static key pair, 32 bytes each. */
  privateKey: Uint8Array;
  publicKey: Uint8Array;
  rules: ConnectorRules;
  /** Hears of each packet that was queued: ids, length and class are all there is to hear. */
  onPacket?(from: string, to: string, bytes: number, kind: number): void;
  onEvent?(event: ConnectorEvent): void;
  /** Milliseconds since 1970; the system's clock where it is left out. */
  wallMs?(): number;
};
