// SPDX-License-Identifier: Apache-2.0
// `npm run api`: writes the API's OpenAPI document, as its code serves it, and the types of the client that come of it.
// Before it: host/commander/api. After it: openapi.json and openapi.gen.ts there, and the gate that says when they
// are stale. The generator of types runs beside the TypeScript that it needs (scripts/api-types).

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildServer } from "../host/commander/api/server.ts";
import { Registry } from "../host/commander/registry.ts";
import { Database } from "../host/commander/store/database.ts";
import { ROOT } from "./run.ts";

const FOLDER = "host/commander/api";
export const DOCUMENT_PATH = `${FOLDER}/openapi.json`;
export const TYPES_PATH = `${FOLDER}/openapi.gen.ts`;

/** Path in the repository and text of both. */
export async function generateApi(): Promise<Map<string, string>> {
  const document = await openApiDocument();
  return new Map([
    [DOCUMENT_PATH, `${JSON.stringify(document, null, 2)}\n`],
    [TYPES_PATH, await typesOf(document)],
  ]);
}

/** As GET /api/v1/openapi.json answers it. */
async function openApiDocument(): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), "sealed-openapi-"));
  const db = new Database(join(folder, "commander.db"));
  try {
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    const options = { registry: new Registry(db), control: null, log, tls: null };
    const { server, context } = await buildServer(options);
    const document = server.swagger();
    context.events.stop();
    await server.close();
    return document;
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
}

function nothing(): void {}

const HEADER = `// SPDX-License-Identifier: Apache-2.0
// The API's types, generated from openapi.json beside it: \`npm run api\`. Before it: the document. After it:
// host/commander/client. Not written by hand.
`;

/** The module is found where its own TypeScript is, not from here. */
async function typesOf(document: object): Promise<string> {
  const place = join(ROOT, "scripts/api-types/node_modules/openapi-typescript/dist/index.mjs");
  const generator: {
    default(document: object, options: object): Promise<unknown[]>;
    astToString(nodes: unknown[]): string;
  } = await import(place);
  const copy = structuredClone(document);
  const nodes = await generator.default(copy, { defaultNonNullable: false, silent: true });
  return `${HEADER}\n${generator.astToString(nodes)}`;
}

if (import.meta.main) {
  for (const [path, text] of await generateApi()) {
    const full = join(ROOT, path);
    writeFileSync(full, text);
    console.log(`wrote ${path}: ${readFileSync(full).length} bytes`);
  }
}
