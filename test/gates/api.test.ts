// SPDX-License-Identifier: Apache-2.0
// Gate: the OpenAPI document and the client's types are those of the API as its code serves it now, and every
// operation and field of the document says what it is for.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DOCUMENT_PATH, generateApi } from "../../scripts/gen-api.ts";
import { ROOT } from "../../scripts/run.ts";

type Operation = { operationId?: string; summary?: string; "x-problems"?: string[] };

const generated = await generateApi();
const document: { paths: Record<string, Record<string, Operation>> } = JSON.parse(
  generated.get(DOCUMENT_PATH) ?? "",
);
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));

describe("the API's document", () => {
  test.each([...generated])("%s is fresh", (path, text) => {
    const full = join(ROOT, path);
    const current = existsSync(full) ? readFileSync(full, "utf8") : "";
    expect(current === text, `${path} is stale: npm run api`).toBe(true);
  });

  test("names every operation once, and says what it does and is refused for", () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(operations.length);
    expect(operations.filter(({ summary }) => !summary)).toEqual([]);
    expect(operations.filter((one) => (one["x-problems"] ?? []).length === 0)).toEqual([]);
  });
});
