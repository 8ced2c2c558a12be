// SPDX-License-Identifier: Apache-2.0
// The API against its own document: the document is OpenAPI, and whatever is asked of the server that it describes,
// asked rightly or wrongly, is answered as it says: the status is named there, the code too, and the body holds against
// the schema. Requests are generated; a failure prints seed and request, and API_SEED repeats it.

import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { revoke } from "../../host/commander/store/activations.ts";
import { type Document, Generator, type Operation, type Pool } from "./commander-api-requests.ts";
import { startWorld, stopWorlds } from "./commander-api-world.ts";
import { idOf, keyOf } from "./commander-objects.ts";

const SEED = Number(process.env["API_SEED"] ?? 5);
const RUNS_EACH = 11;

const world = await startWorld({ requestsInMinute: 1_000_000 });
afterAll(stopWorlds);

const response = await fetch(`${world.api.url}/api/v1/openapi.json`);
const document = (await response.json()) as Document;

/** `GET /api/v1/routes`, its path, method and operation. */
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    const name = `${method.toUpperCase()} ${path}`;
    return [name, path, method.toUpperCase(), operation] as const;
  }),
);

/** Some of each kind, in all states that can be had without an STLink. */
async function fill(): Promise<Pool> {
  world.found();
  const made = async (path: string, body: object): Promise<string> => {
    const { data, status } = await world.send("POST", `/api/v1/${path}`, body);
    expect([path, status]).toEqual([path, 201]);
    return data.id;
  };
  const tag = await made("tags", { name: "hall" });
  const web = { type: "mapping", name: "web", address: "127.0.0.1", port: 80, tags: [tag] };
  const mapping = await made("routes", web);
  const here = { type: "binding", name: "here", mapping, port: 443 };
  const binding = await made("routes", here);
  const template = await made("templates", { name: "cameras", routes: [mapping] });
  const profile = await made("profiles", { name: "factory", templates: [template] });
  const stlinks = ["camera-1", "camera-2"].map((name) =>
    made("stlinks", { name, templates: [template], tags: [tag] }),
  );
  const [one = "", two = ""] = await Promise.all(stlinks);
  world.registry.change("up", (change) => revoke(change, two));
  const ids = [tag, mapping, binding, template, profile, one, two, idOf(7)];
  return { ids, keys: [1, 2, 3].map(keyOf), names: ["hall", "web", "cameras", "factory"] };
}

const generator = new Generator(document, await fill());
const ajv = formats.default(new Ajv2020({ strict: false, allErrors: true })).addSchema({
  $id: "document",
  ...document,
});

const validators = new Map<string, ValidateFunction>();

/** Of a response, by its schema's place in the document. */
function validatorOf(path: string, method: string, operation: Operation, status: number) {
  const { $ref } = operation.responses[status] ?? {};
  const place = $ref ?? `#/paths/${escaped(path)}/${method.toLowerCase()}/responses/${status}`;
  const known = validators.get(place);
  if (known !== undefined) return known;
  const made = ajv.compile({ $ref: `document${place}/content/application~1json/schema` });
  validators.set(place, made);
  return made;
}

function escaped(path: string): string {
  return encodeURIComponent(path.replaceAll("~", "~0").replaceAll("/", "~1"));
}

/** What is wrong with an answer; empty: nothing. */
async function findings(path: string, method: string, operation: Operation, answer: Response) {
  const { status, headers } = answer;
  if (operation.responses[status] === undefined) return [`${status} is not in the document`];
  if (status === 500) return [`500: ${await answer.text()}`];
  const type = headers.get("content-type") ?? "";
  if (!type.startsWith("application/json")) {
    await answer.body?.cancel();
    return /^(application\/toml|text\/event-stream)/.test(type) ? [] : [`it is ${type}`];
  }
  const body = (await answer.json()) as { error?: { code: string; problems: { code: string }[] } };
  const validate = validatorOf(path, method, operation, status);
  const isRight = validate(body);
  const codes = [body.error?.code, ...(body.error?.problems ?? []).map(({ code }) => code)];
  const unnamed = codes.filter((code) => code && !operation["x-problems"].includes(code));
  return [
    ...(isRight ? [] : [ajv.errorsText(validate.errors), JSON.stringify(body)]),
    ...unnamed.map((code) => `${code} is not among its problems`),
  ];
}

describe("the OpenAPI document", () => {
  it("is valid OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    expect(document).toMatchObject({ openapi: "3.1.0" });
  });

  it("has an example that it takes itself for every body", () => {
    for (const [name, , , { requestBody }] of operations) {
      const { schema } = requestBody?.content["application/json"] ?? {};
      if (schema?.$ref === undefined) continue;
      const validate = ajv.compile({ $ref: `document${schema.$ref}` });
      const component = document.components.schemas[schema.$ref.split("/").at(-1) ?? ""];
      const parts = (component?.oneOf ?? [component]).map((part) =>
        part?.$ref === undefined
          ? part
          : document.components.schemas[part.$ref.split("/").at(-1) ?? ""],
      );
      for (const part of parts) {
        const examples = part?.examples ?? [];
        expect([name, examples.length > 0]).toEqual([name, true]);
        for (const example of examples) {
          expect([name, validate(example), validate.errors]).toEqual([name, true, null]);
        }
      }
    }
  });
});

/** How often each status was answered, over all operations. */
const counts = new Map<number, number>();

describe("generated requests", () => {
  it.each(operations)(
    "of %s are answered as the document says",
    async (name, path, method, operation) => {
      const requests = generator.requests(path, operation);
      const property = fc.asyncProperty(requests, async (request) => {
        const { body, headers } = request;
        const answer = await world.fetch(request.path, {
          method,
          headers: {
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...headers,
          },
          ...(body === undefined ? {} : { body }),
        });
        counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
        expect(await findings(path, method, operation, answer)).toEqual([]);
      });
      // Another seed for each, or all would be broken in the same places.
      const place = operations.findIndex(([other]) => other === name);
      await fc.assert(property, { numRuns: RUNS_EACH, seed: SEED + 1000 * place });
    },
  );

  it("were some hundred, some taken and some refused for many reasons", () => {
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(500);
    for (const status of [200, 201, 400, 404, 409, 412, 422, 428]) {
      expect([status, (counts.get(status) ?? 0) > 0]).toEqual([status, true]);
    }
    const taken = [...counts].filter(([status]) => status < 300);
    expect(taken.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(total / 10);
  });

  it("left the audit log whole, and no bug in the log", async () => {
    const { data } = await world.send("GET", "/api/v1/audit/verify");
    expect(data).toMatchObject({ isGood: true });
    expect(world.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});
