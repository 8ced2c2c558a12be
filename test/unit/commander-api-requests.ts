// SPDX-License-Identifier: Apache-2.0
// Requests generated out of an OpenAPI document: for each operation such as it takes, and such with something broken.
// Before it: the document. After it: commander-api-document.test.ts, which sends them. What can't be made of a pattern
// comes of the document's own examples; ids of a pool that the test fills, so that many of them lead somewhere.

import * as fc from "fast-check";

export type Schema = {
  $ref?: string;
  type?: string | readonly string[];
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema;
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
  enum?: readonly unknown[];
  const?: unknown;
  pattern?: string;
  examples?: readonly unknown[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
};

type Parameter = { name: string; in: string; required?: boolean; schema: Schema };

export type Operation = {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { $ref?: string }>;
  "x-problems": readonly string[];
};

export type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

/** What the test has made, for requests to speak of. */
export type Pool = { ids: readonly string[]; keys: readonly string[]; names: readonly string[] };

export type GeneratedRequest = {
  path: string;
  headers: Record<string, string>;
  /** Undefined: none. */
  body: string | undefined;
};

const LISTS_MOST = 3;

/** What clients resolve before they ask is another path. */
const PATH_PARTS = fc
  .string({ minLength: 1, maxLength: 80 })
  .filter((text) => text !== "." && text !== "..");

export class Generator {
  readonly #document: Document;
  readonly #pool: Pool;

  constructor(document: Document, pool: Pool) {
    this.#document = document;
    this.#pool = pool;
  }

  /** Three of four as the document says; the others with something broken. */
  requests(path: string, operation: Operation): fc.Arbitrary<GeneratedRequest> {
    const { parameters = [], requestBody } = operation;
    const of = (place: string) => parameters.filter((one) => one.in === place);
    const schema = requestBody?.content["application/json"]?.schema;
    return fc
      .record({
        ids: this.#fields(of("path")),
        query: this.#fields(of("query")),
        headers: this.#fields(of("header")),
        body: schema === undefined ? fc.constant(undefined) : this.#body(schema),
      })
      .map(({ ids, query, headers, body }) => ({
        path: `${pathOf(path, ids)}${queryOf(query)}`,
        headers: headersOf(headers),
        body,
      }));
  }

  #fields(parameters: readonly Parameter[]): fc.Arbitrary<Record<string, unknown>> {
    const fields = parameters.map(({ name, in: place, schema, required }) => {
      const good = name === "if-match" ? this.#eTag() : this.values(schema);
      const bad = place === "path" ? PATH_PARTS : fc.string();
      const value = fc.oneof({ weight: 7, arbitrary: good }, { weight: 1, arbitrary: bad });
      const nothing = fc.constant(undefined);
      if (place === "path") return [name, value] as const;
      return [name, required ? often(value, nothing) : fc.oneof(nothing, value)] as const;
    });
    return fc.record(Object.fromEntries(fields));
  }

  #eTag(): fc.Arbitrary<unknown> {
    return fc.oneof(
      fc.constantFrom('"1"', '"1"', '"2"'),
      fc.nat(9).map((n) => `"${n}"`),
    );
  }

  #body(schema: Schema): fc.Arbitrary<string | undefined> {
    const good = this.values(schema);
    const broken = fc
      .tuple(good, fc.nat(), fc.jsonValue({ maxDepth: 2 }))
      .map(([value, place, other]) => replaced(value, place, other));
    const text = fc.oneof(
      { weight: 12, arbitrary: good.map((value) => JSON.stringify(value)) },
      { weight: 4, arbitrary: broken.map((value) => JSON.stringify(value)) },
      { weight: 1, arbitrary: fc.json() },
      { weight: 1, arbitrary: fc.string() },
    );
    return fc.option(text, { nil: undefined, freq: 30 });
  }

  /** Such as the schema takes. */
  values(schema: Schema): fc.Arbitrary<unknown> {
    const { $ref, oneOf, anyOf = oneOf, enum: words, type } = schema;
    if ($ref !== undefined) return this.values(this.#component($ref));
    if (anyOf !== undefined) return fc.oneof(...anyOf.map((one) => this.values(one)));
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (words !== undefined) return fc.constantFrom(...words);
    switch (type) {
      case "object":
        return this.#objects(schema);
      case "array":
        return fc.uniqueArray(this.values(schema.items ?? {}), { maxLength: LISTS_MOST });
      case "integer":
      case "number":
        return integers(schema);
      case "boolean":
        return fc.boolean();
      case "null":
        return fc.constant(null);
      default:
        return this.#strings(schema);
    }
  }

  #component(reference: string): Schema {
    const name = reference.split("/").at(-1) ?? "";
    const found = this.#document.components.schemas[name];
    if (found === undefined) throw new Error(`${reference} is not in the document`);
    return found;
  }

  #objects({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
    const fields: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, this.values(field)]),
    );
    return fc.record(fields, { requiredKeys: [...required] });
  }

  #strings({ pattern, examples = [], maxLength = 100 }: Schema): fc.Arbitrary<unknown> {
    const any = fc.string({ maxLength: Math.min(maxLength, 20), unit: "grapheme" });
    if (pattern === undefined) {
      return examples.length === 0 ? any : often(fc.constantFrom(...examples), any);
    }
    const { ids, keys, names } = this.#pool;
    if (pattern.includes("{32}")) return fc.constantFrom(...ids);
    if (pattern.includes("a-fA-F]{64}")) return fc.constantFrom(...keys);
    if (pattern.includes("\\p{L}")) {
      return fc.oneof(fc.constantFrom(...names), fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/));
    }
    if (pattern.includes("\\P{Cc}")) return any;
    return examples.length > 0
      ? fc.constantFrom(...examples)
      : fc.stringMatching(new RegExp(pattern));
  }
}

/** Seldom the other. */
function often(value: fc.Arbitrary<unknown>, other: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: other });
}

function integers({ minimum = 0, maximum = 1000 }: Schema): fc.Arbitrary<number> {
  const ends = fc.constantFrom(minimum, maximum);
  return fc.oneof(fc.integer({ min: minimum, max: Math.min(maximum, minimum + 100) }), ends);
}

/** A value with another in the place of one of its parts, or beside them. */
function replaced(value: unknown, place: number, other: unknown): unknown {
  if (typeof value !== "object" || value === null) return other;
  const entries = Object.entries(value);
  const at = place % (entries.length + 1);
  const [name, part] = entries[at] ?? ["extra", null];
  const isDeep = typeof part === "object" && part !== null && place % 2 === 1;
  const put = isDeep ? replaced(part, place >> 1, other) : other;
  if (Array.isArray(value)) return value.toSpliced(at, 1, put);
  return { ...value, [name]: put };
}

function pathOf(path: string, ids: Readonly<Record<string, unknown>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(ids[name])));
}

function queryOf(fields: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  const text = String(query);
  return text === "" ? "" : `?${text}`;
}

/** What a header can carry. */
function headersOf(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  const headers = Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [
      [
        name,
        String(value)
          .replaceAll(/[^\x20-\x7e]/g, "?")
          .trim(),
      ],
    ];
  });
  return Object.fromEntries(headers);
}
