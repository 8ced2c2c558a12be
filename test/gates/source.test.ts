// SPDX-License-Identifier: Apache-2.0
// Gate: what may import what (design section 7), and that every file says who it is: an SPDX line,
// then a header comment. Works on the files that are there; a folder that doesn't exist yet passes.
// The rules' own tests, on invented files, are below.

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/run.ts";
import { BOUNDARIES, boundaryViolations, headerViolation, type Source } from "./source.ts";

const PATTERNS = ["{assembly,host,firmware,test,scripts}/**/*.{ts,js,mjs,c,cpp,h,S,css}", "*.ts"];
const OTHERS = /(^|\/)(node_modules|build)\//;

const sources: Source[] = PATTERNS.flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
  .filter((path) => !OTHERS.test(path))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));

describe("import boundaries", () => {
  test.each(BOUNDARIES.map((boundary) => [boundary.name, boundary] as const))(
    "%s",
    (_, boundary) => {
      expect(boundaryViolations(boundary, sources)).toEqual([]);
    },
  );
});

describe("headers", () => {
  test("every source file begins with its SPDX line and a header comment", () => {
    expect(sources.map(headerViolation).filter((found) => found !== null)).toEqual([]);
  });
});

describe("the rules themselves", () => {
  const violations = (path: string, text: string): string[] =>
    BOUNDARIES.flatMap((boundary) => boundaryViolations(boundary, [{ path, text }]));

  test.each([
    ["crypto reaching out", "assembly/crypto/aead.ts", 'import { x } from "../stream/window";'],
    ["wire reaching up", "assembly/wire/frame.ts", 'import { x } from "../seal/noise";'],
    ["the core reaching out", "assembly/index.ts", 'import { x } from "../host/core/engine";'],
    ["WebAssembly outside host/core", "host/stlink/a.ts", "new WebAssembly.Module(x);"],
    ["the loader outside host/core", "host/cli/a.ts", 'import l from "@assemblyscript/loader";'],
    ["a socket in an STLink", "host/stlink/a.ts", 'import { connect } from "node:net";'],
    ["a socket in a Connector", "host/connector/a.ts", 'await import("node:tls");'],
    ["technology in the domain", "host/commander/domain/a.ts", 'import fs from "node:fs";'],
    ["a clock in the domain", "host/commander/domain/a.ts", "const nowMs = Date.now();"],
    ["the store in the domain", "host/commander/domain/a.ts", 'import { s } from "../store/s.ts";'],
    [
      "the core in the reference",
      "test/reference/a.ts",
      'import { c } from "../../host/core/e.ts";',
    ],
    ["tests in the host", "host/core/a.ts", 'import { c } from "../../test/unit/x.ts";'],
  ])("notice %s", (_, path, text) => {
    expect(violations(path, text)).not.toEqual([]);
  });

  test("let a folder import from itself", () => {
    expect(violations("assembly/crypto/aead.ts", 'import { x } from "./poly1305";')).toEqual([]);
    expect(violations("host/commander/domain/a.ts", 'export * from "./b.ts";')).toEqual([]);
  });

  test("do not take a comment for an import", () => {
    expect(violations("assembly/crypto/a.ts", '// import { x } from "../stream/y";')).toEqual([]);
  });

  const SPDX = "// SPDX-License-Identifier: Apache-2.0\n";
  test.each([
    ["no SPDX line", "// Where it sits: after one thing.\n// Before another, and why.\nlet a;\n"],
    ["no header", `${SPDX}\nlet a;\n`],
    ["a header of three words", `${SPDX}// A role.\nlet a;\n`],
  ])("notice %s", (_, text) => {
    expect(headerViolation({ path: "a.ts", text })).not.toBeNull();
  });

  test.each([
    [
      "line comments",
      `${SPDX}// Where it sits: after one thing.\n// Before another, and why.\n\nlet a;\n`,
    ],
    [
      "an empty comment line",
      `${SPDX}//\n// Where it sits: after one thing.\n// Before another, and why.\n`,
    ],
    [
      "a block comment",
      `${SPDX}/*\n * Where it sits: after one thing.\n * Before another, and why.\n */\n`,
    ],
    [
      "a shebang",
      `#!/usr/bin/env node\n${SPDX}// Where it sits: after one thing.\n// Before another, and why.\n`,
    ],
    [
      "CSS",
      "/* SPDX-License-Identifier: Apache-2.0\n * Where it sits: after one thing.\n * Before another, and why. */\n",
    ],
  ])("accept %s", (_, text) => {
    expect(headerViolation({ path: "a.ts", text })).toBeNull();
  });
});
