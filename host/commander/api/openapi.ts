// SPDX-License-Identifier: Apache-2.0
// The OpenAPI 3.1 document, out of the routes that serve: their schemas, and what each can be refused for. Before it:
// every route, as it is added. After it: GET /api/v1/openapi.json, the file beside this one, the client's types.

import swagger from "@fastify/swagger";
import type { FastifyInstance, RouteOptions } from "fastify";
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
} from "fastify-type-provider-zod";
import { type ApiCode, MEANINGS, STATUSES } from "./problems.ts";

/** Of the API, not of the program: what /api/v1 answers. */
const API_VERSION = "1.0.0";

const COMMON: readonly ApiCode[] = [
  ...(["BadRequest", "WrongHost", "TooMany", "HeadersTooLong", "Internal"] as const),
  ...(["StoreLocked", "StoreDamaged", "StoreUnusable"] as const),
];
const WITH_ROLE: readonly ApiCode[] = ["NotAuthenticated", "NotAllowed"];
const WITH_BODY: readonly ApiCode[] = ["Invalid", "TooSlow", "TooLong", "WrongMedia"];
const WITH_INPUT: readonly ApiCode[] = ["Invalid"];
const WITH_PARAMS: readonly ApiCode[] = ["Invalid", "NoSuchPath"];
const WITH_MATCH: readonly ApiCode[] = ["MatchNeeded", "Invalid"];

/** Everything that a route can be refused for. */
function codesOf({ config, schema, bodyLimit }: RouteOptions): ApiCode[] {
  const { role = null, problems = [] } = config ?? {};
  const { headers, params, querystring, body } = schema ?? {};
  const isMatched = JSON.stringify(Object.keys((headers as { shape?: object })?.shape ?? {}));
  const codes = [
    ...COMMON,
    ...(role === null ? [] : WITH_ROLE),
    ...(body === undefined && bodyLimit === undefined ? [] : WITH_BODY),
    ...((querystring ?? headers) ? WITH_INPUT : []),
    ...(params === undefined ? [] : WITH_PARAMS),
    ...(isMatched.includes("if-match") ? WITH_MATCH : []),
    ...problems,
  ];
  return [...new Set(codes)].sort();
}

/** To be registered before any route. */
export async function addOpenApi(server: FastifyInstance): Promise<void> {
  const transform = createJsonSchemaTransform({});
  const components = createJsonSchemaTransformObject({});
  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "SealedTunnel Commander",
        version: API_VERSION,
        description: DESCRIPTION,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "http://127.0.0.1:8440", description: "A Commander on this machine." }],
      tags: TAGS,
      security: [{ token: [] }],
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer", description: "st_ and 80 hexadecimal digits." },
        },
      },
    },
    transform: (route) => {
      const { schema, url } = transform(route as Parameters<typeof transform>[0]);
      return { schema: documented(schema as Documented, route.route), url };
    },
    transformObject: (document) => {
      const whole = components(document as Parameters<typeof components>[0]);
      return finished(whole as unknown as Document) as never;
    },
  });
}

const DESCRIPTION = [
  "Routes, Templates, Profiles, STLinks, Tags and Customers of one site; activation codes; the audit log.",
  "Every request but that of this document carries a token (Authorization: Bearer st_...), whose role decides what it may do: viewer, operator, admin.",
  "An object is changed by who has read its latest version: PUT, PATCH and DELETE need If-Match with its ETag.",
  "Every refusal has one shape, Error. Its code decides its status.",
].join("\n\n");

const TAGS = [
  { name: "routes", description: "Mappings and Bindings." },
  { name: "templates", description: "Named sets of Routes." },
  { name: "profiles", description: "How STLinks are deployed." },
  { name: "stlinks", description: "The agents, and what is done with them." },
  { name: "tags", description: "Words to find objects by." },
  { name: "customers", description: "Other Commanders that the Connector serves." },
  { name: "codes", description: "Activation codes." },
  { name: "site", description: "Connectors, version, health, backup." },
  { name: "document", description: "Configuration as code." },
  { name: "audit", description: "Who did what." },
  { name: "tokens", description: "Who may use the API." },
  { name: "events", description: "Live state." },
];

type Documented = Record<string, unknown> & { response?: Record<string, object> };

function documented(schema: Documented, route: RouteOptions): Documented {
  if (schema["hide"] === true) return schema;
  const { role = null, hasETag = false } = route.config ?? {};
  const response = Object.entries(schema.response ?? {}).map(([status, answer]) => {
    const described = { description: status === "201" ? "Made." : "Done.", ...answer };
    return [status, hasETag ? { ...described, headers: { ETag: E_TAG } } : described];
  });
  return {
    ...schema,
    response: Object.fromEntries(response),
    ...(role === null ? { security: [] } : { "x-role": role }),
    "x-problems": codesOf(route),
  };
}

const E_TAG = { type: "string", description: "For If-Match of the next change." };

type Schema = Record<string, unknown>;
type Operation = Record<string, unknown> & { responses: Record<string, unknown> };
type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, Schema>>;
};

/** Refusals as references to one component for each status, and no component that nothing refers to. */
function finished(document: Document): Document {
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations)) addRefusals(operation);
  }
  document.components["responses"] = refusals();
  Object.assign(document.paths, referred(document.paths, asSent));
  document.components["schemas"] = reachable(document);
  return plainlyNamed(document);
}

const REFERENCE = "#/components/schemas/";

/** The schema of what is answered as it is sent, without what is a default, is that of what is sent. */
function asSent(name: string): string {
  return name === "Document" ? `${name}Input` : name;
}

/** With each reference to a component put through `to`. */
function referred<Part extends object>(part: Part, to: (name: string) => string): Part {
  return JSON.parse(JSON.stringify(part), (key, value) => {
    const isReference = key === "$ref" && value.startsWith(REFERENCE);
    return isReference ? `${REFERENCE}${to(value.slice(REFERENCE.length))}` : value;
  });
}

/** What is only sent, or only answered, needs no `Input` at the end of its name. */
function plainlyNamed(document: Document): Document {
  const { schemas = {} } = document.components;
  const nameOf = (name: string) => {
    const plain = name.replace(/Input$/, "");
    return plain in schemas ? name : plain;
  };
  document.components["schemas"] = Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [nameOf(name), schema]),
  );
  return referred(document, nameOf);
}

function addRefusals({ responses, ...operation }: Operation): void {
  for (const code of operation["x-problems"] as ApiCode[]) {
    const status = STATUSES[code];
    responses[status] = { $ref: `#/components/responses/Refused${status}` };
  }
}

function refusals(): Record<string, Schema> {
  const codes = Object.keys(STATUSES) as ApiCode[];
  const statuses = [...new Set(Object.values(STATUSES))].sort();
  return Object.fromEntries(
    statuses.map((status) => {
      const said = codes
        .filter((code) => STATUSES[code] === status)
        .map((code) => `${code}: ${MEANINGS[code]}`);
      const content = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
      return [`Refused${status}`, { description: said.join("\n\n"), content }];
    }),
  );
}

function reachable(document: Document): Record<string, Schema> {
  const { schemas = {}, ...components } = document.components;
  const found = new Set<string>();
  const follow = (value: unknown): void => {
    for (const [, name = ""] of JSON.stringify(value).matchAll(
      /"#\/components\/schemas\/(\w+)"/g,
    )) {
      if (found.has(name)) continue;
      found.add(name);
      follow(schemas[name] ?? {});
    }
  };
  follow([document.paths, components]);
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => found.has(name)));
}
