// SPDX-License-Identifier: Apache-2.0
// How an STLink is answered: its fields, what it has told of itself, and what it has been given. Before it:
// domain/stlink.ts. After it: stlinks.ts, the events, the OpenAPI document.

import * as z from "zod";
import { STLINK_STATES, stlinkSchema } from "../domain/stlink.ts";
import { metaFields } from "./object-schemas.ts";
import { idField, keyField, timeField, versionSchema } from "./schemas.ts";

const confirmedSchema = z
  .object({ version: versionSchema, hash: z.string() })
  .meta({ id: "ConfigurationState", description: "A configuration by version and BLAKE2s." });

const waitingSchema = z.object({
  key: keyField.describe("To be approved, once it is known to be that STLink's."),
  fingerprint: z
    .string()
    .describe("Compare it with what the STLink's own console shows, then approve the key."),
  codeId: z.string(),
  since: timeField,
});

const lineFields = {
  ...metaFields,
  ...stlinkSchema.shape,
  state: z.enum(STLINK_STATES),
  key: keyField.nullable(),
  nextKey: keyField.nullable().describe("Announced, and not yet in use."),
  keyEpoch: z.int().describe("Rises with each key that takes effect."),
  codeId: z.string().nullable().describe("The code by which it got a key last."),
  waiting: waitingSchema.nullable().describe("A key that an administrator has to approve first."),
  lastSeen: timeField.nullable(),
  revokedAt: timeField.nullable(),
  platform: z.string().nullable(),
  board: z.string().nullable(),
  firmware: z.string().nullable(),
  core: z.string().nullable().describe("SHA-256 of its core."),
  connector: keyField.nullable().describe("The key of the Connector that it is at."),
  roundTripMs: z.number().nullable(),
  bytesIn: z.number(),
  bytesOut: z.number(),
  sessions: z.int().describe("Links to others that are up."),
  streams: z.int().describe("Connections that are open."),
  leaseLeftMs: z
    .number()
    .nullable()
    .describe("Of its lease, as it told last; null: it never ends, or nothing was told."),
  lastErrors: z.array(z.string()),
  confirmed: confirmedSchema.nullable().describe("The configuration that it has in force."),
};

export const stlinkLineSchema = z
  .object(lineFields)
  .meta({ id: "StlinkLine", description: "An STLink as lists and events have it." });

const originSchema = z
  .object({ id: idField, name: z.string() })
  .nullable()
  .describe("Null: it is not through one.");

const effectiveSchema = z
  .object({
    id: idField,
    name: z.string(),
    type: z.enum(["mapping", "binding"]),
    protocol: z.enum(["tcp", "udp"]),
    address: z.string(),
    port: z.int(),
    origins: z
      .array(z.object({ profile: originSchema, template: originSchema }))
      .describe("Every Template and Profile that it comes from."),
  })
  .meta({ id: "EffectiveRoute" });

const pairSchema = z
  .object({
    id: idField.describe("The other STLink."),
    name: z.string(),
    key: keyField,
    fingerprint: z.string().describe("The same at both ends; two people may compare it."),
    routes: z.array(idField).describe("The Routes of this STLink that pair the two."),
  })
  .meta({ id: "Pair" });

export type StlinkLine = z.output<typeof stlinkLineSchema>;

export const stlinkSchemaOut = z
  .object({
    ...lineFields,
    current: confirmedSchema
      .nullable()
      .describe("The configuration that it should have in force; null: none can be made yet."),
    routes: z.array(effectiveSchema).describe("Its Routes, each with all that it comes from."),
    pairs: z.array(pairSchema).describe("STLinks that it may talk to."),
  })
  .meta({ id: "StlinkDetail", description: "An STLink with all that is known of it." });

export type StlinkDetail = z.output<typeof stlinkSchemaOut>;
