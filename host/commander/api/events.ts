// SPDX-License-Identifier: Apache-2.0
// /events: what changes and what is seen, as server-sent events. Before it: a client that stays. After it:
// event-stream.ts, which writes them.

import * as z from "zod";
import { HttpRefusal } from "./problems.ts";
import { timeField, versionSchema } from "./schemas.ts";
import type { Context, Server } from "./server-types.ts";
import { stlinkLineSchema } from "./stlink-schemas.ts";

const nothing = z.object({});

const eventSchema = z
  .discriminatedUnion("event", [
    z.object({ event: z.literal("hello"), data: z.object({ version: versionSchema }) }),
    z.object({
      event: z.literal("changed"),
      data: z.object({
        kind: z.string().describe("route, stlink, code, site, token, ..."),
        id: z.string(),
        name: z.string(),
        what: z.string().describe("As in the audit log: create, change, delete, activate, ..."),
        by: z.string(),
        at: timeField,
      }),
    }),
    z.object({ event: z.literal("seen"), data: stlinkLineSchema }),
    z.object({ event: z.literal("reset"), data: nothing }),
    z.object({ event: z.literal("heartbeat"), data: nothing }),
  ])
  .meta({
    id: "StreamEvent",
    description:
      "hello: the first one. changed: an object. seen: an STLink came, went or reported. reset: events were missed, read everything again. heartbeat: nothing.",
  });

const headers = z.object({
  "last-event-id": z
    .string()
    .max(64)
    .optional()
    .describe("The id of the last event before: what was missed comes, or `reset`."),
});

export function addEvents(server: Server, { events }: Context): void {
  server.get("/events", {
    config: { role: "viewer" },
    schema: {
      operationId: "streamEvents",
      summary: "Hear of changes as they are made",
      description: "Server-sent events: the fields event, id and data (JSON) of each.",
      tags: ["events"],
      headers,
      response: {
        200: {
          description: "Events, without end.",
          content: { "text/event-stream": { schema: eventSchema } },
        },
      },
    },
    handler: (request, reply) => {
      if (request.principal === null) throw new Error("events for nobody");
      if (events.isFull) {
        const sentence = "There are too many clients of events: end one, or try again later.";
        throw new HttpRefusal("TooMany", sentence, { "retry-after": "10" });
      }
      const lastId = request.headers["last-event-id"];
      reply.type("text/event-stream");
      reply.hijack();
      reply.raw.writeHead(200, reply.getHeaders() as Record<string, string>);
      events.add(reply.raw, request.principal, typeof lastId === "string" ? lastId : undefined);
    },
  });
}
