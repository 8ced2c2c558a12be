// SPDX-License-Identifier: Apache-2.0
// /stlinks: what is known of each, and what administrators do with them: revoke, rotate, approve, invite, replace,
// tag. Before it: objects.ts, for what all kinds have. After it: store/activations.ts, and the Commander's own
// STLink where something has to be told.

import * as z from "zod";
import { subjectOf } from "../domain/kinds.ts";
import { problemOf, Refusal } from "../domain/problem.ts";
import { STLINK_STATES, type StlinkFields } from "../domain/stlink.ts";
import { approve, revoke } from "../store/activations.ts";
import type { Change } from "../store/change.ts";
import type { Stored } from "../store/objects.ts";
import { updateObject } from "../store/writing.ts";
import { whoOf } from "./authentication.ts";
import { newCodeSchema, newCodeView } from "./code-view.ts";
import { addObjects, objectAt, type Resource } from "./objects.ts";
import type { ApiCode } from "./problems.ts";
import { idField, idParams, keyField } from "./schemas.ts";
import type { Context, Server } from "./server-types.ts";
import { stlinkLineSchema, stlinkSchemaOut } from "./stlink-schemas.ts";
import { stlinkDetail, stlinkLine } from "./stlink-view.ts";

export function addStlinks(server: Server, context: Context): void {
  const { db } = context.registry;
  const resource: Resource = {
    kind: "stlink",
    path: "stlinks",
    name: "Stlink",
    plural: "Stlinks",
    writer: "operator",
    facet: { name: "state", values: STLINK_STATES, what: "In this state alone." },
    shapes: {
      line: stlinkLineSchema,
      lineOf: (stored) => stlinkLine(db, ofStlink(stored)),
      view: stlinkSchemaOut,
      viewOf: (stored) => stlinkDetail(db, ofStlink(stored)),
    },
  };
  addObjects(server, context, resource);
  addRevoke(server, context);
  addRotate(server, context);
  addApprove(server, context);
  addCode(server, context);
  addTags(server, context);
}

/** What is stored as an STLink has its fields. */
function ofStlink(stored: Stored): Stored<StlinkFields> {
  return stored as Stored<StlinkFields>;
}

function action(name: string, summary: string, description: string) {
  return {
    ...{ operationId: name, summary, description, tags: ["stlinks"], params: idParams },
    response: { 200: stlinkSchemaOut },
  };
}

function problems(...more: ApiCode[]): { role: "operator"; problems: ApiCode[] } {
  return { role: "operator", problems: ["NotFound", "NotNow", "StoreFull", ...more] };
}

/** Does it to an STLink that is there, and shows how it is then. */
function acted({ registry }: Context, who: string, id: string, act: (change: Change) => void) {
  registry.change(who, (change) => {
    objectAt(change.db, "stlink", id);
    act(change);
  });
  return stlinkDetail(registry.db, objectAt(registry.db, "stlink", id));
}

function addRevoke(server: Server, context: Context): void {
  server.post("/stlinks/:id/revoke", {
    config: problems(),
    schema: action(
      "revokeStlink",
      "Revoke an STLink",
      "At once, and for ever: its keys are never admitted again. Connections that it has are cut.",
    ),
    handler: (request) => {
      const { id } = request.params;
      return acted(context, whoOf(request), id, (change) => revoke(change, id));
    },
  });
}

function addRotate(server: Server, context: Context): void {
  server.post("/stlinks/:id/rotate", {
    config: problems(),
    schema: action(
      "rotateStlink",
      "Ask an STLink to make a new key",
      "It has to be online. Its connections go on; `nextKey` shows that it has answered.",
    ),
    handler: (request) => {
      const { id } = request.params;
      const who = whoOf(request);
      const { fields } = objectAt(context.registry.db, "stlink", id);
      const subject = subjectOf("stlink", fields.name);
      if (context.control === null) {
        throw notNow("The Commander", "is in contact with no STLink: its own STLink does not run.");
      }
      if (!context.control.renew(id)) {
        throw notNow(subject, "is not online: ask again when it is.");
      }
      return acted(context, who, id, (change) =>
        change.audit({
          ...{ what: "ask for a new key", kind: "stlink", id, name: fields.name },
          ...{ before: null, after: null },
        }),
      );
    },
  });
}

function notNow(subject: string, what: string): Refusal {
  return new Refusal([problemOf("NotNow", subject, what)]);
}

const approvalSchema = z
  .strictObject({ key: keyField.describe("The key that was compared: `waiting.key`.") })
  .meta({
    id: "Approval",
    examples: [{ key: "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209" }],
  });

function addApprove(server: Server, context: Context): void {
  server.post("/stlinks/:id/approve", {
    config: problems("Invalid", "Taken"),
    schema: {
      ...action(
        "approveStlink",
        "Approve the key of an STLink that waits",
        "Compare the fingerprint that its own console shows with `waiting.fingerprint` first.",
      ),
      body: approvalSchema,
    },
    handler: (request) => {
      const { id } = request.params;
      const { key } = request.body;
      return acted(context, whoOf(request), id, (change) => approve(change, id, key));
    },
  });
}

function addCode(server: Server, context: Context): void {
  server.post("/stlinks/:id/code", {
    config: problems(),
    schema: {
      ...action(
        "makeStlinkCode",
        "Make a code for one STLink",
        "Activates it if it is invited; replaces its machine otherwise: it keeps id, Routes and history, and the old key is refused from then on. By the rules of its Profile. The code is shown once.",
      ),
      response: { 201: newCodeSchema },
    },
    handler: (request, reply) => {
      const { id } = request.params;
      reply.code(201);
      return newCodeView(context, whoOf(request), { stlinkId: id });
    },
  });
}

const tagsSchema = z
  .strictObject({
    add: z.array(idField).max(64).default([]),
    remove: z.array(idField).max(64).default([]),
  })
  .meta({ id: "TagsChange", examples: [{ add: ["8f14e45fceea167a5a36dedd4bea2543"] }] });

function addTags(server: Server, context: Context): void {
  server.post("/stlinks/:id/tags", {
    config: problems("Invalid"),
    schema: {
      ...action(
        "tagStlink",
        "Add Tags to an STLink, or take them away",
        "Without If-Match: two people who tag one STLink do not disturb each other.",
      ),
      body: tagsSchema,
    },
    handler: (request) => {
      const { id } = request.params;
      const { add, remove } = request.body;
      return acted(context, whoOf(request), id, (change) => {
        const { version, fields } = objectAt(change.db, "stlink", id);
        const kept = fields.tags.filter((tag) => !remove.includes(tag) && !add.includes(tag));
        updateObject(change, "stlink", id, version, {
          ...fields,
          tags: [...kept, ...new Set(add)],
        });
      });
    },
  });
}
