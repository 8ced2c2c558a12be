// SPDX-License-Identifier: Apache-2.0
// Writes the JSON Schemas of the declarative files, which editors pick up through `#:schema` (TOML) or
// "$schema" (JSON). Before it: the zod schemas beside the code that reads the files. After it:
// host/cli/schema/, and the gate that says when they are stale.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { settingsSchema } from "../host/connector/settings-schema.ts";
import { jsonSchemaOf } from "../host/service/issue-text.ts";
import { siteSchema } from "../host/stlink/site-schema.ts";
import { ROOT } from "./run.ts";

/** Path in the repository and text of each schema. */
export function generateSchemas(): Map<string, string> {
  const schemas = { stlink: siteSchema, connector: settingsSchema };
  return new Map(
    Object.entries(schemas).map(([name, schema]) => [
      `host/cli/schema/${name}.schema.json`,
      `${JSON.stringify(jsonSchemaOf(schema), null, 2)}\n`,
    ]),
  );
}

if (import.meta.main) {
  for (const [path, text] of generateSchemas()) {
    writeFileSync(join(ROOT, path), text);
    console.log(`wrote ${path}`);
  }
}
