// SPDX-License-Identifier: Apache-2.0
// The rules about sources: which folder may import what, and what a file's first lines hold.
// Used by source.test.ts on the repository and on invented files. Imports are found by pattern, not
// by a parser: good enough for code that the formatter has put into one form.

import { posix } from "node:path";

export type Source = { path: string; text: string };

export type Boundary = {
  name: string;
  /** Files that the rule is about: paths that begin so, but not those of `except`. */
  within: readonly string[];
  except?: readonly string[];
  /** Imports allowed: paths in the repository or package names that begin so. All where absent. */
  mayImport?: readonly string[];
  mustNotImport?: RegExp;
  mustNotContain?: RegExp;
};

/** Names of modules that move bytes between machines: reached through host/net alone. */
const SOCKETS = /^(node:)?(net|tls|dgram|http|https|http2)$|^ws$/;

export const BOUNDARIES: readonly Boundary[] = [
  {
    name: "the core imports only itself",
    within: ["assembly/"],
    mayImport: ["assembly/"],
  },
  {
    name: "assembly/crypto imports nothing from outside crypto",
    within: ["assembly/crypto/"],
    mayImport: ["assembly/crypto/"],
  },
  {
    name: "assembly/wire knows no stream, seal or control",
    within: ["assembly/wire/"],
    mustNotImport: /^assembly\/(stream|seal|control|index)/,
  },
  {
    name: "only host/core touches WebAssembly",
    within: ["host/", "test/"],
    except: ["host/core/", "test/gates/", "test/coverage/"],
    mustNotImport: /^@assemblyscript\/loader/,
    mustNotContain: /\bWebAssembly\s*\./,
  },
  {
    name: "host/core imports nothing else of the host",
    within: ["host/core/"],
    mustNotImport: /^host\/(?!core\/|wasm3-node\/)/,
  },
  {
    name: "host/net knows nothing above it",
    within: ["host/net/"],
    // The simulation holds models of an STLink and a Connector, which drive cores.
    except: ["host/net/sim/"],
    mustNotImport: /^host\/(?!net\/)/,
  },
  {
    name: "STLink and Connector reach the network only through host/net",
    within: ["host/stlink/", "host/connector/"],
    mustNotImport: SOCKETS,
  },
  {
    name: "the Commander's domain knows no technology",
    within: ["host/commander/domain/"],
    // What else it imports is pure, and one with files: how fields are spelled and said to be wrong, which
    // addresses are allowed, what a configuration is in bytes.
    mayImport: [
      "host/commander/domain/",
      "host/service/fields.ts",
      "host/service/issue-text.ts",
      "host/stlink/addresses.ts",
      "host/stlink/configuration.ts",
      "zod",
    ],
    mustNotContain: /\bDate\b|\bMath\.random\b|\bperformance\b|\bsetTimeout\b/,
  },
  {
    name: "what ships imports no test",
    within: ["assembly/", "host/"],
    mustNotImport: /^test\//,
  },
  {
    name: "the reference peer shares nothing with what it checks",
    within: ["test/reference/"],
    except: ["test/reference/test/"],
    mustNotImport: /^(host|assembly)\//,
  },
];

const IMPORT = /^(?!\s*(?:\/\/|\*)).*?(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/gm;

/** What breaks a rule, one sentence each. */
export function boundaryViolations(boundary: Boundary, sources: readonly Source[]): string[] {
  const begins = (path: string, list: readonly string[] = []): boolean =>
    list.some((prefix) => path.startsWith(prefix));
  return sources
    .filter(({ path }) => /\.(ts|js|mjs)$/.test(path))
    .filter(({ path }) => begins(path, boundary.within) && !begins(path, boundary.except))
    .flatMap((source) => {
      const bad = importsOf(source).filter(
        (target) =>
          (boundary.mayImport !== undefined && !begins(target, boundary.mayImport)) ||
          (boundary.mustNotImport?.test(target) ?? false),
      );
      const found = bad.map((target) => `${source.path} imports ${target}`);
      if (boundary.mustNotContain?.test(withoutComments(source.text))) {
        found.push(`${source.path} holds ${boundary.mustNotContain.source}`);
      }
      return found;
    });
}

/** Import targets: package names as they are, relative ones as paths in the repository. */
function importsOf({ path, text }: Source): string[] {
  return [...text.matchAll(IMPORT)].map(([, target = ""]) =>
    target.startsWith(".") ? posix.join(posix.dirname(path), target) : target,
  );
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}

const SPDX = /SPDX-License-Identifier: Apache-2\.0/;
/** Two short lines, or a long one: enough to say where the file sits. */
const MIN_HEADER_CHARS = 50;

/** Why a file's beginning is wrong, or null. */
export function headerViolation({ path, text }: Source): string | null {
  const lines = text.replace(/^#!.*\n/, "").split("\n");
  if (!SPDX.test(lines[0] ?? "")) return `${path}: no SPDX line`;
  const rest = lines.slice(1);
  const end = rest.findIndex(
    (line) => !/^\s*(\/\/|\/\*|\*|#(?!include|if|def|pragma)|$)/.test(line),
  );
  const header = rest.slice(0, end === -1 ? rest.length : end);
  const said = header.join(" ").replaceAll(/[\s/*#]+/g, " ");
  return said.length < MIN_HEADER_CHARS ? `${path}: no header comment` : null;
}
