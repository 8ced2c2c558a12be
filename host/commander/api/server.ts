// SPDX-License-Identifier: Apache-2.0
// The HTTP server with all of its operations, not yet listening. Before it: api.ts, which listens, and the script that
// writes the document. After it: each resource. Limits and refusals that hold for every request are put here, in the
// order in which a request meets them.

import rateLimit from "@fastify/rate-limit";
import { fastify } from "fastify";
import type { Log } from "../../service/log.ts";
import type { Registry } from "../registry.ts";
import { addAudit } from "./audit.ts";
import { addAuthentication } from "./authentication.ts";
import { addBackups } from "./backups.ts";
import { addCodes } from "./codes.ts";
import { addCustomers } from "./customers.ts";
import { addDocuments } from "./documents.ts";
import { EventStream } from "./event-stream.ts";
import { addEvents } from "./events.ts";
import { addHostCheck } from "./host-check.ts";
import { LIMITS, type Limits } from "./limits.ts";
import { addOpenApi } from "./openapi.ts";
import { addProfiles } from "./profiles.ts";
import { addRefusals, refusePath, refuseSocket } from "./refusals.ts";
import { addRoutes } from "./routes.ts";
import type { CommanderControl, Context, Server } from "./server-types.ts";
import { addSite } from "./site.ts";
import { addStlinks } from "./stlinks.ts";
import { addTags } from "./tags.ts";
import { addTemplates } from "./templates.ts";
import { addTokens } from "./tokens.ts";
import { refuseDeep, validatorCompiler } from "./validation.ts";

const PREFIX = "/api/v1";

export type ServerOptions = {
  registry: Registry;
  /** Null: what needs it answers NotNow. */
  control: CommanderControl | null;
  log: Log;
  /** PEM; null: HTTP, on loopback. */
  tls: { cert: string; key: string } | null;
  limits?: Partial<Limits>;
};

export type BuiltServer = { server: Server; context: Context };

export async function buildServer(options: ServerOptions): Promise<BuiltServer> {
  const { registry, control, log, tls } = options;
  const limits = { ...LIMITS, ...options.limits };
  const context = {
    registry,
    control,
    log,
    limits,
    events: new EventStream(registry, log, limits),
  };
  const server = bareServer(limits, tls);
  addRefusals(server, log);
  addHeaders(server, tls !== null);
  if (tls === null) addHostCheck(server);
  await server.register(rateLimit, { global: false });
  addAuthentication(server, context);
  await addOpenApi(server);
  await server.register(
    (scope, _, done) => {
      addOperations(scope as unknown as Server, context);
      done();
    },
    { prefix: PREFIX },
  );
  await server.ready();
  return { server, context };
}

function bareServer(limits: Limits, tls: ServerOptions["tls"]): Server {
  const common = {
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 64, caseSensitive: true },
    clientErrorHandler: refuseSocket,
    frameworkErrors: refusePath,
  } as const;
  const http = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersMs),
  };
  const made: unknown =
    tls === null
      ? fastify({ ...common, http })
      : fastify({ ...common, https: { ...http, ...tls } });
  const server = made as Server;
  server.server.maxConnections = limits.connections;
  // A page can send text to a server that it may not read: JSON it can't.
  server.removeContentTypeParser("text/plain");
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(() => JSON.stringify);
  server.addHook("preValidation", async ({ body }) => refuseDeep(body));
  return server;
}

/** An answer is for who has asked, and no page. */
function addHeaders(server: Server, isSecure: boolean): void {
  server.addHook("onRequest", async (_, reply) => {
    reply.headers(SECURITY);
    if (isSecure) reply.header("strict-transport-security", "max-age=31536000");
  });
}

const SECURITY = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

function addOperations(server: Server, context: Context): void {
  addRoutes(server, context);
  addTemplates(server, context);
  addProfiles(server, context);
  addStlinks(server, context);
  addTags(server, context);
  addCustomers(server, context);
  addCodes(server, context);
  addSite(server, context);
  addDocuments(server, context);
  addAudit(server, context);
  addBackups(server, context);
  addTokens(server, context);
  addEvents(server, context);
  server.get("/openapi.json", {
    config: { role: null },
    schema: { hide: true },
    handler: () => server.swagger(),
  });
}
