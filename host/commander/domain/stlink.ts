// SPDX-License-Identifier: Apache-2.0
// An STLink as its Commander sees it: what administrators say of it, and the facts that it and the tunnel
// tell: keys, versions, when it was heard. Before it: check.ts; activation.ts, rotation.ts, revocation.ts,
// which change facts. After it: deployment.ts. Its state is a function of facts. Rules T1 to T3, T10.
// Invariants: a key has one STLink; a revoked one has no key again.

import * as z from "zod";
import { eachOnce } from "../../service/fields.ts";
import { checked } from "./check.ts";
import { commonFields, type Id, idReference, type Key, tagsField } from "./fields.ts";
import type { Result } from "./problem.ts";

export const stlinkSchema = z.strictObject({
  ...commonFields,
  tags: tagsField(idReference),
  profile: idReference.optional().describe("The Profile that it is deployed by."),
  templates: eachOnce(idReference, 1000).describe("The Templates assigned to it."),
});

export type StlinkFields = z.output<typeof stlinkSchema>;
export type Stlink = StlinkFields & { id: Id; facts: StlinkFacts };

export function checkStlink(value: unknown): Result<StlinkFields> {
  return checked("stlink", stlinkSchema, value);
}

/** A configuration that an STLink has in force. */
export type Confirmed = { epoch: number; serial: string; hash: string };

/** What an STLink reports of itself and its tunnel; null and empty until it does. */
export type StlinkReport = {
  platform: string | null;
  board: string | null;
  firmware: string | null;
  /** SHA-256 of its core, hexadecimal. */
  core: string | null;
  /** The key of the Connector that it is at. */
  connector: Key | null;
  roundTripMs: number | null;
  bytesIn: number;
  bytesOut: number;
  sessions: number;
  streams: number;
  /** What is left of its lease, as it told last; null: it never ends, or nothing was told. */
  leaseLeftMs: number | null;
  /** The newest first, by the names of PROTOCOL 13.1. */
  lastErrors: readonly string[];
};

export type StlinkFacts = {
  key: Key | null;
  nextKey: Key | null;
  /** Rises with each key that takes effect; 0: none has. */
  keyEpoch: number;
  /** The code by which it got a key last. */
  codeId: string | null;
  /** A key that an administrator has to approve first (rule T7). */
  waiting: { key: Key; codeId: string; sinceMs: number } | null;
  isConnected: boolean;
  lastSeenMs: number | null;
  confirmed: Confirmed | null;
  revokedAtMs: number | null;
  report: StlinkReport;
};

export const NO_FACTS: StlinkFacts = {
  key: null,
  nextKey: null,
  keyEpoch: 0,
  codeId: null,
  waiting: null,
  isConnected: false,
  lastSeenMs: null,
  confirmed: null,
  revokedAtMs: null,
  report: {
    platform: null,
    board: null,
    firmware: null,
    core: null,
    connector: null,
    roundTripMs: null,
    bytesIn: 0,
    bytesOut: 0,
    sessions: 0,
    streams: 0,
    leaseLeftMs: null,
    lastErrors: [],
  },
};

export const STLINK_STATES = ["invited", "waiting", "online", "away", "revoked"] as const;
export type StlinkState = (typeof STLINK_STATES)[number];

export function stateOf({ revokedAtMs, key, waiting, isConnected }: StlinkFacts): StlinkState {
  if (revokedAtMs !== null) return "revoked";
  if (key === null) return waiting === null ? "invited" : "waiting";
  return isConnected ? "online" : "away";
}

/** Every key by which it may be known now: no other STLink may have one of them. */
export function keysOf({ key, nextKey, waiting }: StlinkFacts): Key[] {
  return [key, nextKey, waiting?.key ?? null].filter((one) => one !== null);
}
