// SPDX-License-Identifier: Apache-2.0
// /site: what the site has once: its Connectors, its version, who its Commander is, and how it stands. Before it:
// administrators. After it: store/site.ts; control, which dials and tells every STLink.

import { createHash } from "node:crypto";
import * as z from "zod";
import { parseAddress } from "../../service/fields.ts";
import { ADDRESS_BYTES_MOST, CONNECTORS_MOST } from "../../stlink/configuration.ts";
import { hopPskName } from "../control/secrets.ts";
import type { Authority } from "../domain/configuration.ts";
import { fieldProblem, problemOf, Refusal } from "../domain/problem.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { countNewer, countObjects } from "../store/counts.ts";
import type { Database } from "../store/database.ts";
import { readAuthority, readVersion, writeAuthority, writeSecret } from "../store/site.ts";
import { whoOf } from "./authentication.ts";
import { eTagOf, matchHeaders, matchOf } from "./conditions.ts";
import { idField, keyField, versionSchema } from "./schemas.ts";
import type { Context, Server } from "./server-types.ts";

const addressText = z
  .string()
  .max(ADDRESS_BYTES_MOST)
  .refine(
    (text) => parseAddress(text, 1) !== null,
    'is not an address: "host:port", where host is a name, an IPv4 address or an [IPv6 address].',
  )
  .meta({ examples: ["connector.example:443"] });

const connectorFields = {
  key: keyField.describe("Its public key."),
  address: addressText.describe("Where STLinks dial it: `host:port`."),
};

const pskText = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, "is not a pre-shared key: 64 hexadecimal digits.")
  .optional()
  .describe(
    "Of the Commander's hop to it. Kept as a secret, and shown to nobody; absent: as it was.",
  );

const newSiteSchema = z
  .strictObject({
    connectors: z
      .array(z.strictObject({ ...connectorFields, psk: pskText }))
      .min(1)
      .max(CONNECTORS_MOST)
      .describe("All of them; STLinks try them in this order."),
  })
  .meta({
    id: "NewSite",
    examples: [
      {
        connectors: [
          {
            key: "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209",
            address: "connector.example:443",
          },
        ],
      },
    ],
  });

const count = z.int().min(0);

const siteSchema = z
  .object({
    commander: z
      .object({ id: idField, key: keyField, recoveryKey: keyField })
      .nullable()
      .describe("Null: nobody has said yet who it is."),
    connectors: z.array(
      z.object({
        ...connectorFields,
        isConnected: z.boolean().describe("Whether the Commander has its desk now."),
        holds: versionSchema.nullable().describe("The admission that it has; null: not known."),
        isCurrent: z
          .boolean()
          .describe("Whether it holds all that concerns it: codes and members, not every change."),
      }),
    ),
    version: versionSchema,
    counts: z.object({
      routes: count,
      templates: count,
      profiles: count,
      tags: count,
      customers: count,
      stlinks: z.record(z.string(), count).describe("By state."),
    }),
    newerStlinks: count.describe(
      "STLinks that hold a newer version than this database: it is an old one, and has to be restored properly.",
    ),
    control: z.object({ isRunning: z.boolean().describe("Whether the Commander's STLink runs.") }),
  })
  .meta({ id: "Site" });

export function addSite(server: Server, context: Context): void {
  const { registry } = context;
  server.get("/site", {
    config: { role: "viewer", hasETag: true },
    schema: {
      operationId: "getSite",
      summary: "Read the site: Connectors, version, counts, health",
      tags: ["site"],
      response: { 200: siteSchema },
    },
    handler: (_, reply) => {
      reply.header("etag", siteTag(registry.db));
      return siteView(context);
    },
  });
  server.put("/site", {
    config: { role: "admin", problems: ["Stale", "NotNow", "StoreFull"], hasETag: true },
    schema: {
      operationId: "replaceSite",
      summary: "Say which Connectors the site has",
      description: "Every STLink is told. An STLink that only knows Connectors that went is lost.",
      tags: ["site"],
      headers: matchHeaders,
      body: newSiteSchema,
      response: { 200: siteSchema },
    },
    handler: (request, reply) => {
      const tag = matchOf(request);
      const { connectors } = request.body;
      refuseTwice(connectors);
      registry.change(whoOf(request), (change) => {
        const authority = readAuthority(change.db);
        if (authority === null) throw noCommander();
        if (eTagOf(tag) !== siteTag(change.db)) throw stale();
        for (const { key, psk } of connectors) {
          if (psk !== undefined) writeSecret(change, hopPskName(key), bytesOf(psk));
        }
        const places = connectors.map(({ key, address }) => ({ key, address }));
        writeAuthority(change, { ...authority, connectors: places });
      });
      reply.header("etag", siteTag(registry.db));
      return siteView(context);
    },
  });
}

/** Of what PUT replaces: other changes of the site's version do not matter to it. */
function siteTag(db: Database): string {
  const text = canonicalJson(readAuthority(db)?.connectors ?? null);
  return eTagOf(createHash("sha256").update(text).digest("hex").slice(0, 16));
}

function siteView({ registry: { db }, control }: Context): z.output<typeof siteSchema> {
  const authority = readAuthority(db);
  const { epoch, serial } = readVersion(db);
  const counts = countObjects(db);
  return {
    commander:
      authority === null
        ? null
        : {
            ...{ id: authority.commanderId, key: authority.commanderKey },
            recoveryKey: authority.recoveryKey,
          },
    connectors: (authority?.connectors ?? []).map((one) => {
      const line = control
        ?.connectors()
        .find(({ key, address }) => key === one.key && address === one.address);
      const { version = null, isConnected = false, isCurrent = false } = line ?? {};
      const holds =
        version === null ? null : { epoch: version.epoch, serial: String(version.serial) };
      return { ...one, isConnected, holds, isCurrent };
    }),
    version: { epoch, serial: String(serial) },
    counts,
    newerStlinks: countNewer(db),
    control: { isRunning: control !== null },
  };
}

function refuseTwice(connectors: Authority["connectors"]): void {
  const places = connectors.map(({ key, address }) => `${key} ${address.toLowerCase()}`);
  const problems = places.flatMap((place, i) => {
    if (places.indexOf(place) === i) return [];
    return [
      fieldProblem("Invalid", "The site", ["connectors", i], "is there twice: once is enough."),
    ];
  });
  if (problems.length > 0) throw new Refusal(problems);
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

function noCommander(): Refusal {
  const what = "has no Commander yet: `sealed up` makes its keys first.";
  return new Refusal([problemOf("NotNow", "The site", what)]);
}

function stale(): Refusal {
  const what =
    "has other Connectors than you have read: read it again, and put your change to that.";
  return new Refusal([problemOf("Stale", "The site", what)]);
}
