// SPDX-License-Identifier: Apache-2.0
// /document: all Tags, Routes, Templates and Profiles as one document, JSON or TOML, in which objects name each other;
// given back whole, with the difference shown, as a dry run or for good. Before it: configuration as code. After
// it: store/document.ts.

import * as z from "zod";
import { fieldIssues, ISSUES_MOST } from "../../service/issue-text.ts";
import { TextError } from "../../service/parsed-text.ts";
import { parseToml } from "../../service/toml-text.ts";
import { issueProblems } from "../domain/check.ts";
import { type Document, documentIssues, documentSchema } from "../domain/document.ts";
import { fieldProblem, Refusal } from "../domain/problem.ts";
import { applyDocument, exportDocument, planImport } from "../store/document.ts";
import { documentText } from "../store/document-file.ts";
import { whoOf } from "./authentication.ts";
import { newId } from "./objects.ts";
import { flagField } from "./schemas.ts";
import type { Context, Server } from "./server-types.ts";
import { bodyForTheDomain } from "./validation.ts";

const TOML = "application/toml";

const bodySchema = documentSchema.meta({
  id: "Document",
  examples: [
    {
      tags: [{ name: "hall" }],
      mappings: [{ name: "camera-page", address: "192.168.0.1", port: 543, tags: ["hall"] }],
      bindings: [{ name: "office", mapping: "camera-page", port: 443 }],
      templates: [{ name: "cameras", routes: ["camera-page"] }],
    },
  ],
});

const differencesSchema = z
  .object({
    isDry: z.boolean().describe("Nothing of it was done."),
    differences: z.array(
      z.object({
        what: z.enum(["add", "change", "remove"]),
        kind: z.string(),
        name: z.string(),
        fields: z.array(z.object({ field: z.string(), before: z.unknown(), after: z.unknown() })),
      }),
    ),
  })
  .meta({ id: "Differences" });

export function addDocuments(server: Server, context: Context): void {
  addExport(server, context);
  server.register((scope, _, done) => {
    scope.addContentTypeParser(TOML, { parseAs: "string" }, (_request, text, parsed) => {
      try {
        parsed(null, parseToml(String(text)).value);
      } catch (error) {
        parsed(error instanceof TextError ? notToml(error) : (error as Error));
      }
    });
    addImport(scope as unknown as Server, context);
    done();
  });
}

function addExport(server: Server, { registry }: Context): void {
  server.get("/document", {
    config: { role: "viewer" },
    schema: {
      operationId: "exportDocument",
      summary: "Export all Tags, Routes, Templates and Profiles as one document",
      tags: ["document"],
      querystring: z.strictObject({
        format: z.enum(["json", "toml"]).default("json").describe("How it is written."),
      }),
      response: {
        200: {
          description: "The document; what is a default is left out.",
          content: {
            "application/json": { schema: bodySchema },
            [TOML]: { schema: z.string() },
          },
        },
      },
    },
    handler: ({ query: { format } }, reply) => {
      const document = exportDocument(registry.db);
      if (format === "json") return document as Document;
      reply.type(TOML).serializer(String);
      return documentText(document);
    },
  });
}

function addImport(server: Server, { registry, limits }: Context): void {
  server.post("/document", {
    config: {
      role: "operator",
      problems: ["NeedsConfirmation", "Taken", "InUse", "TooLarge", "StoreFull"],
    },
    bodyLimit: limits.documentBytes,
    validatorCompiler: bodyForTheDomain,
    schema: {
      operationId: "importDocument",
      summary: "Make everything as a document says",
      description:
        "Whole: what it does not name is removed. All of it is done, or nothing. TOML is taken too (Content-Type application/toml).",
      tags: ["document"],
      querystring: z.strictObject({
        dry: flagField(false).describe("Show the difference, and change nothing."),
      }),
      body: bodySchema,
      response: { 200: differencesSchema },
    },
    handler: (request) => {
      const document = documentIn(request.body);
      const who = whoOf(request);
      const { dry: isDry } = request.query;
      const by = { who, atMs: registry.nowMs };
      const differences = isDry
        ? planImport(registry.db, by, document, newId)
        : registry.change(who, (change) => applyDocument(change, document, newId));
      return {
        isDry,
        differences: differences.map((one) => ({ ...one, fields: [...one.fields] })),
      };
    },
  });
}

/** Throws Refusal(Invalid) with all that is wrong with it by itself. */
function documentIn(body: unknown): Document {
  const result = documentSchema.safeParse(body, { reportInput: true });
  const issues = result.success
    ? documentIssues(result.data)
    : fieldIssues(documentSchema, result.error);
  if (result.success && issues.length === 0) return result.data;
  throw new Refusal(issueProblems("The document", issues.slice(0, ISSUES_MOST)));
}

function notToml({ line, message }: TextError): Refusal {
  const what = `is not TOML, line ${line}: ${message}.`;
  return new Refusal([fieldProblem("Invalid", "The document", [], what)]);
}
