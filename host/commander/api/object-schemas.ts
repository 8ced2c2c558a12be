// SPDX-License-Identifier: Apache-2.0
// The schemas of the six kinds of object, made of the domain's own: what creates one, what changes one, and how it
// is answered. Before it: domain/. After it: objects.ts. An object is answered with its fields beside id, version
// and who changed it; a body holds the fields alone.

import * as z from "zod";
import { customerSchema } from "../domain/customer.ts";
import type { Kind } from "../domain/kinds.ts";
import { profileById } from "../domain/profile.ts";
import { bindingById, mappingById } from "../domain/route.ts";
import { stlinkSchema } from "../domain/stlink.ts";
import { tagSchema } from "../domain/tag.ts";
import { templateById } from "../domain/template.ts";
import { patchOf } from "./patch-schema.ts";
import { idField, timeField } from "./schemas.ts";

/** What the Commander adds to an object's fields. */
export const metaFields = {
  id: idField.describe("Its id."),
  version: z.int().min(1).describe("Rises with each change; the ETag."),
  createdAt: timeField,
  createdBy: z.string().describe("The name of the token, or of a part of the Commander."),
  changedAt: timeField,
  changedBy: z.string(),
};

const ID = "8f14e45fceea167a5a36dedd4bea2543";
const OTHER_ID = "c9f0f895fb98ab9159f51fd0297e236d";
const KEY = "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209";
const RECOVERY = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";

const mapping = z.strictObject({ ...mappingById.shape, type: z.literal("mapping") });
const binding = z.strictObject({ ...bindingById.shape, type: z.literal("binding") });

const EXAMPLES = {
  mapping: { type: "mapping", name: "camera-page", address: "192.168.0.1", port: 543 },
  binding: { type: "binding", name: "office", mapping: ID, address: "127.0.0.1", port: 443 },
  template: { name: "cameras", routes: [ID] },
  profile: { name: "factory", templates: [ID], codes: { uses: 1, expiry: "1d" } },
  stlink: { name: "camera-1", templates: [ID] },
  tag: { name: "hall", description: "In the hall." },
  customer: {
    name: "northern",
    commander: { id: OTHER_ID, key: KEY, recovery: RECOVERY },
    stlinks: 100,
  },
} as const;

type ObjectSchemas = {
  /** Of a body that creates or replaces one. */
  fields: z.ZodType;
  /** Of a body that changes some fields. */
  patch: z.ZodType;
  view: z.ZodType;
};

function schemasOf(name: string, schema: z.ZodObject, example: object): ObjectSchemas {
  return {
    fields: schema.meta({ id: `New${name}`, examples: [example] }),
    patch: patchOf(schema).meta({
      id: `${name}Patch`,
      examples: [{ description: "At the door." }],
    }),
    view: z.object({ ...metaFields, ...schema.shape }).meta({ id: name }),
  };
}

const mappingSchemas = schemasOf("Mapping", mapping, EXAMPLES.mapping);
const bindingSchemas = schemasOf("Binding", binding, EXAMPLES.binding);

function routeUnion(part: keyof ObjectSchemas): z.ZodType {
  const [one, other] = [mappingSchemas[part], bindingSchemas[part]] as [z.ZodObject, z.ZodObject];
  return z.discriminatedUnion("type", [one, other]);
}

export const OBJECT_SCHEMAS: Readonly<Record<Kind, ObjectSchemas>> = {
  route: {
    fields: routeUnion("fields").meta({ id: "NewRoute" }),
    // A patch leaves the type alone, and a Binding has all that a Mapping has.
    patch: patchOf(binding.omit({ type: true })).meta({
      id: "RoutePatch",
      examples: [{ description: "The page at the door." }],
    }),
    view: routeUnion("view").meta({ id: "Route" }),
  },
  template: schemasOf("Template", templateById, EXAMPLES.template),
  profile: schemasOf("Profile", profileById, EXAMPLES.profile),
  stlink: schemasOf("Stlink", stlinkSchema, EXAMPLES.stlink),
  tag: schemasOf("Tag", tagSchema, EXAMPLES.tag),
  customer: schemasOf("Customer", customerSchema, EXAMPLES.customer),
};
