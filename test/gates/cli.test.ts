// SPDX-License-Identifier: Apache-2.0
// Gate: the published JSON Schemas are those of the code as it is now, every field in them says what it is
// for, and what `sealed` ends with on an old Node is what the table of exit codes says.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT_CODES } from "../../host/cli/exit-codes.ts";
import { generateSchemas } from "../../scripts/gen-schemas.ts";
import { ROOT } from "../../scripts/run.ts";

type Schema = {
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
};

/** Paths of the fields without a description. */
function undescribed(schema: Schema, path: string): string[] {
  const fields = Object.entries(schema.properties ?? {});
  return [
    ...fields.flatMap(([name, field]) => [
      ...(field.description === undefined ? [`${path}.${name}`] : []),
      ...undescribed(field, `${path}.${name}`),
    ]),
    ...(schema.items === undefined ? [] : undescribed(schema.items, `${path}[]`)),
  ];
}

describe("the schemas", () => {
  test.each([...generateSchemas()])("%s is fresh", (path, text) => {
    const full = join(ROOT, path);
    const current = existsSync(full) ? readFileSync(full, "utf8") : "";
    expect(current === text, `${path} is stale: npm run schemas`).toBe(true);
  });

  test.each([...generateSchemas()])("%s describes every field", (_, text) => {
    expect(undescribed(JSON.parse(text), "")).toEqual([]);
  });
});

describe("exit codes", () => {
  test("are each another one", () => {
    const codes = Object.values(EXIT_CODES).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test("on an old Node are those of the table, and its limit is the package's", () => {
    const text = readFileSync(join(ROOT, "host/cli/sealed.cjs"), "utf8");
    const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(text).toContain(`const NODE_TOO_OLD = ${EXIT_CODES.NodeTooOld.code};`);
    expect(engines.node).toBe(`>=${/LEAST_NODE = (\d+)/.exec(text)?.[1]}`);
  });
});
