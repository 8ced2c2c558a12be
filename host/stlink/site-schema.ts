// SPDX-License-Identifier: Apache-2.0
// The fields of an STLink's file and what each may say; scripts/gen-schemas.ts publishes it as JSON Schema.
// Before it: a person's TOML or JSON. After it: site-file.ts, which checks what one field alone can't show
// and makes a Site of it. Spellings of ids, keys, durations and sizes: service/fields.ts.

import * as z from "zod";
import {
  addressField,
  durationField,
  idField,
  keyField,
  keyFileField,
  listenPortField,
  logFields,
  nameField,
  portField,
  protocolField,
  pskField,
  schemaField,
  sizeField,
  sourcesField,
  statusSocketField,
} from "../service/fields.ts";

const pskOfPair = pskField
  .optional()
  .describe("The pair's pre-shared key, the same at both: post-quantum authentication.");

const connector = z
  .strictObject({
    name: nameField.describe("What you call it."),
    address: addressField(1).describe('Where it listens: "host:port".'),
    key: keyField.describe("Its public key, from its operator."),
    psk: pskField
      .optional()
      .describe("The hop's pre-shared key, the same in the Connector's file."),
  })
  .describe("A Connector that this STLink dials.");

const peer = z
  .strictObject({
    name: nameField.describe("What you call it; Routes name it so."),
    id: idField.describe("Its id, from its file."),
    key: keyField.describe("Its public key."),
    next_key: keyField.optional().describe("The public key that it is about to change to."),
    psk: pskOfPair,
  })
  .describe("Another STLink that this one knows.");

const routeTimes = {
  hold: durationField("0s", "24h")
    .prefault("120s")
    .describe("How long a connection is held while the peer is not heard of."),
  udp_idle: durationField("1s", "24h")
    .prefault("30s")
    .describe("UDP: after so long without a datagram a source address is forgotten."),
  udp_age: durationField("50ms", "10s")
    .prefault("2s")
    .describe("UDP: a datagram that could not be sent for so long is dropped."),
  udp_flows: z
    .int()
    .min(1)
    .max(65_536)
    .default(1024)
    .describe("UDP: source addresses at once, of a Binding, or of a Mapping for each peer."),
};

const mapping = z
  .strictObject({
    name: nameField.describe("What you call it; the Bindings of peers name it so too."),
    id: idField.optional().describe("Its id. Derived from its name when absent."),
    protocol: protocolField.default("tcp").describe("What it carries."),
    address: z
      .string()
      .min(1)
      .describe(
        "Where the service is: a loopback or private IP address, or a host name. Never public.",
      ),
    port: portField.describe("The service's port."),
    peers: z.array(nameField).min(1).describe("The peers that may use it, by name."),
    ...routeTimes,
  })
  .describe("A Mapping Route: where this STLink sends what it receives.");

const access = z
  .strictObject({
    sources: sourcesField.describe("Networks whose machines may use it. Empty: all that reach it."),
    connections: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe("Connections at once, at most; UDP: source addresses."),
    rate: sizeField("1KiB", "1GiB")
      .optional()
      .describe("Bytes in a second, at most, of all connections together, each way."),
  })
  .prefault({})
  .describe("Who may use it, and how much.");

const binding = z
  .strictObject({
    name: nameField.describe("What you call it."),
    id: idField.optional().describe("Its id. Derived from its name when absent."),
    mapping: z
      .union([idField, nameField], {
        error: "is neither a Mapping's name nor an id of 32 hexadecimal digits.",
      })
      .describe("The Mapping that it leads to: the name that its STLink gives it, or its id."),
    protocol: protocolField.default("tcp").describe("What it carries: the same as its Mapping."),
    address: z
      .string()
      .min(1)
      .default("127.0.0.1")
      .describe(
        'Where it listens: a loopback address, a private address of this machine, the name of a network interface (eth0, enp0s3, en0, ...) or "all".',
      ),
    port: listenPortField.describe("The port it listens on; 0 is any free one."),
    peers: z.array(nameField).min(1).describe("The peers that hold the Mapping, by name."),
    access,
    ...routeTimes,
  })
  .describe("A Binding Route: where this STLink listens.");

const limits = z
  .strictObject({
    streams: z.int().min(1).max(65_535).default(1024).describe("Connections at once, in all."),
    memory: sizeField("1MiB", "1GiB")
      .prefault("48MiB")
      .describe("Memory for bytes under way, of all connections together."),
  })
  .prefault({})
  .describe("What this STLink may use.");

export const siteSchema = z
  .strictObject({
    $schema: schemaField,
    id: idField.describe('This STLink\'s id, as "sealed keygen" printed it.'),
    key_file: keyFileField,
    status_socket: statusSocketField,
    connectors: z.array(connector).min(1).max(255).describe("The Connectors that it dials."),
    peers: z.array(peer).default([]).describe("The STLinks that it knows."),
    mappings: z.array(mapping).default([]).describe("Where it sends what it receives."),
    bindings: z.array(binding).default([]).describe("Where it listens."),
    limits,
    log: logFields,
  })
  .meta({ title: "An STLink's file", description: "Read by `sealed stlink run`." });

export type SiteFields = z.output<typeof siteSchema>;
