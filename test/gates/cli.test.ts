// SPDX-License-Identifier: Apache-2.0
// Gate: the published JSON Schemas are those of the code as it is now, every field in them says what it is
// for, and what `sealed` ends with on an old Node is what the table of exit codes says; every command's help says
// what it and each of its options is for; and the command line can do all that the API can.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { STLINK } from "../../host/cli/commander/stlink-noun.ts";
import { CUSTOMER } from "../../host/cli/customer.ts";
import { EXIT_CODES } from "../../host/cli/exit-codes.ts";
import { PROFILE } from "../../host/cli/profile.ts";
import { ROUTE } from "../../host/cli/route.ts";
import { parser } from "../../host/cli/sealed.ts";
import { TAG } from "../../host/cli/tag.ts";
import { TEMPLATE } from "../../host/cli/template.ts";
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

/** What `--help` of a command says. */
function helpOf(words: readonly string[]): Promise<string> {
  return parser(words).getHelp();
}

/** The lines of a section of a help text, each put together again. */
function section(help: string, title: string): string[] {
  const [, text = ""] = new RegExp(`^${title}:\\n((?: .*\\n?)+)`, "m").exec(help) ?? [];
  return text
    .replaceAll(/\n {5,}(?!-)/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

/** Every command with its words, from `up` to `site connectors add`. */
async function commandsUnder(words: readonly string[]): Promise<string[][]> {
  const found = section(await helpOf(words), "Commands").map((line) => {
    const [, name = ""] = new RegExp(`sealed ${[...words, "([a-z]+)"].join(" ")}`).exec(line) ?? [];
    return [...words, name];
  });
  const deeper = await Promise.all(found.map(commandsUnder));
  return [...found, ...deeper.flat()];
}

describe("help", () => {
  test("says of every command what it does, and of every option what it is for", async () => {
    const commands = await commandsUnder([]);
    expect(commands.length).toBeGreaterThan(80);
    for (const words of commands) {
      const help = await helpOf(words);
      expect(help, words.join(" ")).toMatch(new RegExp(`^sealed ${words.join(" ")}`));
      expect(help.split("\n")[2], words.join(" ")).toMatch(/^[A-Z]/);
      for (const option of [...section(help, "Options"), ...section(help, "Positionals")]) {
        expect(option, words.join(" ")).toMatch(/^ +(-\w, )?[-\w]+ {2,}\S/);
      }
    }
  });

  test("names --json and --commander with every command that speaks to a Commander", async () => {
    const nouns = ["route", "template", "profile", "tag", "customer", "code", "token", "site"];
    const commands = (await Promise.all(nouns.map((noun) => commandsUnder([noun])))).flat();
    for (const words of commands.filter((one) => one.at(-1) !== "connectors")) {
      const help = await helpOf(words);
      expect(help, words.join(" ")).toMatch(/^ +--json /m);
      expect(help, words.join(" ")).toMatch(/^ +--commander /m);
    }
  });

  test("lists every exit code", async () => {
    const help = await helpOf([]);
    for (const { code, means } of Object.values(EXIT_CODES)) {
      expect(help.replaceAll(/\s+/g, " ")).toContain(`${code} ${means}`);
    }
  });
});

/** Paths of the fields of an object's schema in the API's document, but its name. */
function fieldsOf(schema: string): string[] {
  const text = readFileSync(join(ROOT, "host/commander/api/openapi.json"), "utf8");
  const { properties = {} } = JSON.parse(text).components.schemas[schema] as Schema;
  return Object.entries(properties).flatMap(([name, field]) =>
    field.properties === undefined
      ? [name]
      : Object.keys(field.properties).map((inner) => `${name}.${inner}`),
  );
}

describe("nouns", () => {
  test.each([
    [ROUTE, ["NewMapping", "NewBinding"]],
    [TEMPLATE, ["NewTemplate"]],
    [PROFILE, ["NewProfile"]],
    [STLINK, ["NewStlink"]],
    [TAG, ["NewTag"]],
    [CUSTOMER, ["NewCustomer"]],
  ])("have an option for every field of the API's objects (%#)", (noun, schemas) => {
    const fields = new Set(schemas.flatMap(fieldsOf));
    const options = noun.fields.map(({ at }) => at);
    expect(["name", ...options].sort()).toEqual([...fields].sort());
  });
});

const CLI = join(ROOT, "host", "cli");
const DOCUMENT = join(ROOT, "host/commander/api/openapi.json");

/** What others do as well, and how. */
const OTHERWISE = new Map([
  [/^PUT \/api\/v1\/\w+\/\{id\}$/, "PATCH, which keeps the fields that nobody named"],
  [/^POST \/api\/v1\/stlinks\/\{id\}\/tags$/, "PATCH, with --add-tag and --rm-tag"],
  [/^GET \/api\/v1\/events$/, "the client's events()"],
]);

/** Every request of the command line, as a pattern: `GET /api/v1/${plural}` asks for more than one path. */
function requests(): RegExp[] {
  const files = readdirSync(CLI, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return files.flatMap((file) => {
    const text = readFileSync(join(CLI, file), "utf8");
    const found = text.matchAll(/\.(GET|POST|PUT|PATCH|DELETE)\(\s*["`]([^"`]+)["`]/g);
    return [...found].map(([, method, path = ""]) => {
      const parts = path.split(/\$\{\w+\}/).map((part) => part.replaceAll(/[{}]/g, "\\$&"));
      return new RegExp(`^${method} ${parts.join("[a-z]+")}$`);
    });
  });
}

describe("the command line", () => {
  test("asks for every operation of the API", () => {
    const { paths } = JSON.parse(readFileSync(DOCUMENT, "utf8")) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(operations.length).toBeGreaterThan(50);
    const known = [...requests(), ...OTHERWISE.keys()];
    expect(operations.filter((one) => !known.some((pattern) => pattern.test(one)))).toEqual([]);
    for (const pattern of OTHERWISE.keys()) {
      expect(
        operations.some((one) => pattern.test(one)),
        String(pattern),
      ).toBe(true);
    }
  });

  test("has a file for each noun", async () => {
    const nouns = (await commandsUnder([])).filter((words) => words[1] === "list");
    expect(nouns.length).toBeGreaterThanOrEqual(9);
    for (const [noun = ""] of nouns) expect(existsSync(join(CLI, `${noun}.ts`)), noun).toBe(true);
  });

  test("is begun by the README with npm start, then sealed up", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text);
    expect(blocks[0]?.trim().split("\n").at(-1)).toBe("npm start");
    expect(blocks[1]?.trim()).toBe("npx sealed up");
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
