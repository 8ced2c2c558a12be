// SPDX-License-Identifier: Apache-2.0
// Gate: the generated views of the core are those of the core as it is now, and every status and
// reason stands in PROTOCOL.md with its code, and nothing else does (sections 13.1 and 13.2).
// The generator's own tests are below the gate's.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type Constant,
  parseConstants,
  publicName,
  readStatuses,
} from "../../scripts/constants.ts";
import { generate, readFunctions, renderHeader, renderTypeScript } from "../../scripts/gen-abi.ts";
import { ROOT } from "../../scripts/run.ts";
import { parseWasm } from "../../scripts/wasm-file.ts";
import { assemble, moduleText } from "./modules.ts";

describe("the generated files", () => {
  test.each(["host/core/abi.gen.ts", "firmware/core/abi.gen.h"])("%s is fresh", (path) => {
    const full = join(ROOT, path);
    const current = existsSync(full) ? readFileSync(full, "utf8") : "";
    expect(current === generate().get(path), `${path} is stale: npm run abi`).toBe(true);
  });
});

describe("PROTOCOL.md", () => {
  const protocol = readFileSync(join(ROOT, "assembly/PROTOCOL.md"), "utf8");

  test("has every status with its code, and no other", () => {
    // Ok is a count of zero, no row of a table of errors.
    const statuses = readStatuses().statuses.filter(({ value }) => value !== 0);
    expect(tableOf(protocol, "### 13.1")).toEqual(byPublicName(statuses));
  });

  test("has every reason with its code, and no other", () => {
    expect(tableOf(protocol, "### 13.2")).toEqual(byPublicName(readStatuses().reasons));
  });
});

function byPublicName(constants: readonly Constant[]): Record<string, number> {
  return Object.fromEntries(constants.map(({ name, value }) => [publicName(name), value]));
}

/** First and second column of the table in a section, the code with either kind of minus sign. */
function tableOf(text: string, heading: string): Record<string, number> {
  const section = text.slice(text.indexOf(heading)).split(/\n#{2,3} /)[0] ?? "";
  const rows = section.matchAll(/^\| `?(\w+)`? \| ([−-]?\d+) \|/gm);
  return Object.fromEntries(
    [...rows].map(([, name, code = ""]) => [name, Number(code.replace("−", "-"))]),
  );
}

describe("parseConstants", () => {
  test("reads literals, operators and earlier constants with their comments", () => {
    const source = `
/** One. */
export const A: i32 = -0x10;
/**
 * Two
 * lines.
 */
export const B_C: u32 = 1_000;
export const D: i32 = 1 << 3;
export const E: i32 = D * 2;
export const F: usize = memory.data(4);
const G: i32 = 1;
`;
    expect(parseConstants(source)).toEqual([
      { name: "A", value: -16, doc: "One." },
      { name: "B_C", value: 1000, doc: "Two lines." },
      { name: "D", value: 8, doc: "" },
      { name: "E", value: 16, doc: "" },
    ]);
  });
});

describe("gen-abi", () => {
  const extra = '(func (export "give") (param i32 i32))';
  const file = parseWasm(assemble(moduleText({ extra })));
  const functions = readFunctions(file, "export function next(count: i32): i32 {");
  const statuses = [{ name: "STATUS_BAD_TAG", value: -36, doc: "An AEAD tag was wrong." }];
  const abi = { functions, statuses, reasons: [], constants: [{ name: "A", value: 3, doc: "" }] };

  test("renders exports, statuses and constants as TypeScript", () => {
    const text = renderTypeScript(abi);
    expect(text).toContain("  give(p0: number, p1: number): void;\n  next(count: number): number;");
    expect(text).toContain("  /** An AEAD tag was wrong. */\n  BadTag: -36,");
    expect(text).toContain("export const A = 3;");
    expect(text).toContain("  next: { params: 1, results: 1 },");
  });

  test("renders the same as a header", () => {
    const text = renderHeader(abi);
    expect(text).toContain("CORE_STATUS_BAD_TAG = -36,");
    expect(text).toContain("CORE_EXPORTS(X) \\\n  X(give, 2, 0) \\\n  X(next, 1, 1)");
  });
});
