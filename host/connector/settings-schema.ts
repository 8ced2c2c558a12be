// SPDX-License-Identifier: Apache-2.0
// The fields of a Connector's file and what each may say; scripts/gen-schemas.ts publishes it as JSON
// Schema. Before it: a person's TOML or JSON. After it: connector-file.ts, which checks what one field
// alone can't show. Spellings of ids, keys and sizes: service/fields.ts.

import * as z from "zod";
import {
  addressField,
  idField,
  keyField,
  keyFileField,
  logFields,
  nameField,
  pskField,
  schemaField,
  sizeField,
  statusSocketField,
} from "../service/fields.ts";

/** The tenant of STLinks that name none. */
export const DEFAULT_TENANT = "default";

const stlink = z
  .strictObject({
    name: nameField.describe("What you call it; groups name it so."),
    id: idField.describe("Its id."),
    key: keyField.describe("Its public key."),
    next_key: keyField.optional().describe("The public key that it is about to change to."),
    psk: pskField.optional().describe("The hop's pre-shared key, the same in the STLink's file."),
    tenant: nameField.default(DEFAULT_TENANT).describe("The customer that it belongs to."),
  })
  .describe("An STLink that may connect.");

const rate = {
  bytes_per_second: sizeField("64KiB", "1GiB").describe("Bytes in a second, as a size."),
  packets_per_second: z.int().min(10).max(10_000_000).describe("Packets in a second."),
};

const tenant = z
  .strictObject({ name: nameField.describe("What the STLinks call it."), ...rate })
  .describe("A customer, with the rate of all its STLinks together.");

const commander = z
  .strictObject({
    id: idField.describe("Its id."),
    key: keyField.describe("Its public key; after a recovery, the other one."),
    psk: pskField.optional().describe("Its hop's pre-shared key, the same at the Commander."),
    tenant: nameField.default(DEFAULT_TENANT).describe("The tenant in which it decides alone."),
  })
  .describe("The operator's Commander: it admits STLinks, and names Customers.");

const limits = z
  .strictObject({
    hops: z.int().min(1).max(65_535).default(10_240).describe("STLinks connected at once."),
    half_open: z.int().min(1).max(1000).default(64).describe("Handshakes under way, in all."),
    half_open_per_source: z
      .int()
      .min(1)
      .max(1000)
      .default(8)
      .describe("Handshakes under way from one source network: a /24, or a /64 of IPv6."),
    queue: sizeField("256KiB", "1GiB").prefault("4MiB").describe("What an STLink's queue holds."),
    bytes_per_second: rate.bytes_per_second.prefault("256MiB").describe("Of each sender."),
    packets_per_second: rate.packets_per_second.default(200_000).describe("Of each sender."),
  })
  .prefault({})
  .describe("What one STLink, and all of them, may use.");

export const settingsSchema = z
  .strictObject({
    $schema: schemaField,
    key_file: keyFileField,
    status_socket: statusSocketField,
    listen: z
      .array(addressField(0))
      .min(1)
      .describe('Where STLinks connect: "0.0.0.0:8443", "[::]:8443", ...'),
    groups: z
      .array(z.array(nameField).min(2))
      .default([])
      .describe("Who may talk to whom: all in one list with one another. A pair is a list of two."),
    stlinks: z
      .array(stlink)
      .default([])
      .describe("The STLinks that may connect, beside those of a Commander."),
    commander: commander.optional(),
    state_folder: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Where whom the Commander admits is kept, relative to this file. Without it: this file's name with .state in place of its ending.",
      ),
    tenants: z.array(tenant).default([]).describe("Customers whose rate is limited as a whole."),
    limits,
    log: logFields,
  })
  .meta({ title: "A Connector's file", description: "Read by `sealed connector run`." });

export type SettingsFields = z.output<typeof settingsSchema>;
