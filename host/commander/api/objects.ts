// SPDX-License-Identifier: Apache-2.0
// The operations that all six kinds of object have: list, get, create, replace, merge, delete. Before it: routes.ts,
// templates.ts, ..., which say what is their own. After it: store/writing.ts, inside Registry.change. All checks of
// an object are the domain's; this file brings them bodies and versions.

import { randomBytes } from "node:crypto";
import type { FastifyReply } from "fastify";
import * as z from "zod";
import type { Id } from "../domain/fields.ts";
import { type Kind, subjectOf } from "../domain/kinds.ts";
import { fieldProblem, Refusal } from "../domain/problem.ts";
import type { Role } from "../domain/token.ts";
import type { Change } from "../store/change.ts";
import type { Database } from "../store/database.ts";
import { listObjects } from "../store/listing.ts";
import { missing, readNamed, readObject, type Stored } from "../store/objects.ts";
import { once } from "../store/repeats.ts";
import { createObject, deleteObject, updateObject } from "../store/writing.ts";
import { whoOf } from "./authentication.ts";
import { eTagOf, matchHeaders, repeatableOf, repeatHeaders, versionOf } from "./conditions.ts";
import { OBJECT_SCHEMAS } from "./object-schemas.ts";
import { viewOf } from "./object-view.ts";
import { merged } from "./patch-schema.ts";
import type { ApiCode } from "./problems.ts";
import { cursorField, deletedSchema, idParams, limitField, listField, pageOf } from "./schemas.ts";
import type { Context, Server } from "./server-types.ts";
import { bodyForTheDomain } from "./validation.ts";

export type Resource = {
  kind: Kind;
  /** `routes`: its place under /api/v1, and its Tag in the document. */
  path: string;
  /** `Route`, `Routes`: in operationIds and sentences. */
  name: string;
  plural: string;
  /** The least role that writes it. */
  writer: Role;
  /** The list's own filter, by which objects are stored (Stored.facet). */
  facet?: { name: "type" | "state"; values: readonly [string, ...string[]]; what: string };
  /** One line of its list, and one object, where they are more than its fields. */
  shapes?: {
    line: z.ZodType;
    lineOf(stored: Stored): object;
    view: z.ZodType;
    viewOf(stored: Stored): object;
  };
};

const WRITE_PROBLEMS: readonly ApiCode[] = [
  "Invalid",
  "NeedsConfirmation",
  "Taken",
  "TooLarge",
  "StoreFull",
];

/** A new id: 16 random bytes. */
export function newId(): Id {
  return randomBytes(16).toString("hex");
}

export function addObjects(server: Server, context: Context, resource: Resource): void {
  addList(server, context, resource);
  addGet(server, context, resource);
  addCreate(server, context, resource);
  addReplace(server, context, resource);
  addMerge(server, context, resource);
  addDelete(server, context, resource);
}

function addList(server: Server, { registry }: Context, resource: Resource): void {
  const { kind, path, name, plural, facet } = resource;
  const lineOf = resource.shapes?.lineOf ?? viewOf;
  const line = resource.shapes?.line ?? OBJECT_SCHEMAS[kind].view;
  server.get(`/${path}`, {
    config: { role: "viewer" },
    schema: {
      operationId: `list${plural}`,
      summary: `List ${plural}`,
      description:
        "In the order of names; with `text` in the order in which they were made. Filters add up.",
      tags: [path],
      querystring: listQuery(kind, facet),
      response: { 200: pageOf(line, `${name}Page`) },
    },
    handler: (request) => {
      const { limit, cursor, name, text, tag = [], type, state } = request.query as ListInput;
      const page = listObjects(registry.db, {
        ...{ kind, limit, tags: tag.map((one) => tagId(registry.db, one)) },
        ...defined({ cursor, name, text, facet: type ?? state }),
      });
      return { items: page.items.map(lineOf), next: page.next };
    },
  });
}

type ListInput = {
  limit: number;
  cursor?: string;
  name?: string;
  text?: string;
  tag?: readonly string[];
  type?: string;
  state?: string;
};

function listQuery(kind: Kind, facet: Resource["facet"]): z.ZodObject {
  const tag = listField(z.string().max(64), 16).describe(
    "The id or name of a Tag that it has; several: it has all of them.",
  );
  return z.strictObject({
    limit: limitField,
    cursor: cursorField,
    name: z.string().max(64).optional().describe("Its name, in any case of letters."),
    text: z
      .string()
      .max(200)
      .optional()
      .describe("Beginnings of words in name, description, address or help."),
    ...(kind === "tag" ? {} : { tag }),
    ...(facet === undefined
      ? {}
      : { [facet.name]: z.enum(facet.values).optional().describe(facet.what) }),
  });
}

function defined<Fields extends object>(fields: Fields): { [K in keyof Fields]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof Fields]?: string;
  };
}

function tagId(db: Database, text: string): Id {
  const tag = readObject(db, "tag", text) ?? readNamed(db, "tag", text);
  if (tag !== null) return tag.id;
  const what = `is "${text}", which is no Tag's id or name: list the Tags to find the right one.`;
  throw new Refusal([fieldProblem("Invalid", "The request", ["tag"], what)]);
}

function addGet(server: Server, { registry }: Context, resource: Resource): void {
  const { kind, path, name } = resource;
  server.get(`/${path}/:id`, {
    config: { role: "viewer", problems: ["NotFound"], hasETag: true },
    schema: {
      operationId: `get${name}`,
      summary: `Read a ${name}`,
      tags: [path],
      params: idParams,
      response: { 200: viewSchemaOf(resource) },
    },
    handler: (request, reply) =>
      answered(reply, resource, objectAt(registry.db, kind, request.params.id)),
  });
}

function addCreate(server: Server, { registry }: Context, resource: Resource): void {
  const { kind, path, name, writer } = resource;
  server.post(`/${path}`, {
    config: { role: writer, problems: WRITE_PROBLEMS, hasETag: true },
    validatorCompiler: bodyForTheDomain,
    schema: {
      operationId: `create${name}`,
      summary: `Make a ${name}`,
      description: "Its id is made by the Commander.",
      tags: [path],
      headers: repeatHeaders,
      body: OBJECT_SCHEMAS[kind].fields,
      response: { 201: viewSchemaOf(resource) },
    },
    handler: (request, reply) => {
      const make = (change: Change) => {
        const stored = createObject(change, kind, newId(), request.body);
        return { version: stored.version, view: shownAs(resource, stored) };
      };
      const { version, view } = registry.change(whoOf(request), (change) => {
        const repeatable = repeatableOf(request);
        return repeatable === null ? make(change) : once(change, repeatable, () => make(change));
      });
      reply.code(201).header("etag", eTagOf(version));
      return view;
    },
  });
}

function addReplace(server: Server, { registry }: Context, resource: Resource): void {
  const { kind, path, name, writer } = resource;
  server.put(`/${path}/:id`, {
    config: { role: writer, problems: [...WRITE_PROBLEMS, "NotFound", "Stale"], hasETag: true },
    validatorCompiler: bodyForTheDomain,
    schema: {
      operationId: `replace${name}`,
      summary: `Replace a ${name}'s fields`,
      description: "All of them: a field that is left out becomes its default.",
      tags: [path],
      params: idParams,
      headers: matchHeaders,
      body: OBJECT_SCHEMAS[kind].fields,
      response: { 200: viewSchemaOf(resource) },
    },
    handler: (request, reply) => {
      const version = versionOf(request);
      const { id } = request.params;
      const stored = registry.change(whoOf(request), (change) =>
        updateObject(change, kind, id, version, request.body),
      );
      return answered(reply, resource, stored);
    },
  });
}

function addMerge(server: Server, { registry }: Context, resource: Resource): void {
  const { kind, path, name, writer } = resource;
  server.patch(`/${path}/:id`, {
    config: { role: writer, problems: [...WRITE_PROBLEMS, "NotFound", "Stale"], hasETag: true },
    validatorCompiler: bodyForTheDomain,
    schema: {
      operationId: `change${name}`,
      summary: `Change some of a ${name}'s fields`,
      description:
        "A merge patch (RFC 7396): a field that is absent stays, null takes it away, lists are replaced.",
      tags: [path],
      params: idParams,
      headers: matchHeaders,
      body: OBJECT_SCHEMAS[kind].patch,
      response: { 200: viewSchemaOf(resource) },
    },
    handler: (request, reply) => {
      const version = versionOf(request);
      const { id } = request.params;
      const patch = tableOf(kind, request.body);
      const stored = registry.change(whoOf(request), (change) => {
        const { fields } = objectAt(change.db, kind, id);
        return updateObject(change, kind, id, version, merged(fields, patch));
      });
      return answered(reply, resource, stored);
    },
  });
}

function tableOf(kind: Kind, body: unknown): object {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  const what = "what was sent is to be a table of the fields that change.";
  throw new Refusal([fieldProblem("Invalid", subjectOf(kind, null), [], what)]);
}

function addDelete(server: Server, { registry }: Context, resource: Resource): void {
  const { kind, path, name, writer } = resource;
  server.delete(`/${path}/:id`, {
    config: { role: writer, problems: ["NotFound", "Stale", "InUse", "NotNow", "Invalid"] },
    schema: {
      operationId: `delete${name}`,
      summary: `Delete a ${name}`,
      description: "What is in use stays, and the answer lists what uses it.",
      tags: [path],
      params: idParams,
      headers: matchHeaders,
      response: { 200: deletedSchema },
    },
    handler: (request) => {
      const version = versionOf(request);
      const { id } = request.params;
      registry.change(whoOf(request), (change) => deleteObject(change, kind, id, version));
      return { id };
    },
  });
}

function viewSchemaOf({ kind, shapes }: Resource): z.ZodType {
  return shapes?.view ?? OBJECT_SCHEMAS[kind].view;
}

function answered(reply: FastifyReply, resource: Resource, stored: Stored): object {
  reply.header("etag", eTagOf(stored.version));
  return shownAs(resource, stored);
}

function shownAs({ shapes }: Resource, stored: Stored): object {
  return shapes === undefined ? viewOf(stored) : shapes.viewOf(stored);
}

/** Throws Refusal: NotFound. */
export function objectAt<K extends Kind>(db: Database, kind: K, id: Id) {
  const stored = readObject(db, kind, id);
  if (stored === null) throw new Refusal([missing(kind, id)]);
  return stored;
}
