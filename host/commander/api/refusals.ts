// SPDX-License-Identifier: Apache-2.0
// Every refusal in the one shape, whoever refuses: a handler, the framework, the HTTP parser. Before it: any error.
// After it: an answer, and for a bug a line of the log with its cause. Also paths and methods that are not there.

import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import type { Log } from "../../service/log.ts";
import {
  bodyOf,
  type HttpCode,
  HttpRefusal,
  httpProblem,
  problemsOf,
  STATUSES,
} from "./problems.ts";
import type { Server } from "./server-types.ts";

export function addRefusals(server: Server, log: Log): void {
  const paths: Path[] = [];
  server.addHook("onRoute", (route) => {
    paths.push(pathOf(route));
  });
  server.setNotFoundHandler(({ method, url }) => {
    throw notThere(paths, method, url.split("?")[0] ?? "");
  });
  server.setErrorHandler((error: FastifyError, { method, routeOptions }, reply) => {
    if (error instanceof HttpRefusal) reply.headers(error.headers);
    const problems = problemsOf(error) ?? internal(log, `${method} ${routeOptions.url}`, error);
    const body = bodyOf(problems);
    reply.code(STATUSES[body.error.code]).type("application/json").serializer(JSON.stringify);
    return reply.send(body);
  });
}

/** What the router refuses before there is a route: a path that is none, or a part that no id is as long as. */
export function refusePath(error: FastifyError, _: FastifyRequest, reply: FastifyReply): void {
  const isBad = error.code === "FST_ERR_BAD_URL";
  const problem = isBad
    ? httpProblem("BadRequest", "The path has an escape that is none.")
    : httpProblem("NoSuchPath", "A part of the path is longer than any id.");
  reply
    .code(STATUSES[problem.code])
    .type("application/json")
    .send(JSON.stringify(bodyOf([problem])));
}

type Path = { methods: readonly string[]; pattern: RegExp };

function pathOf({ method, url }: RouteOptions): Path {
  const methods = typeof method === "string" ? [method] : method;
  const pattern = url.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+");
  return { methods, pattern: new RegExp(`^${pattern}$`) };
}

function notThere(paths: readonly Path[], method: string, path: string): HttpRefusal {
  const methods = paths.filter(({ pattern }) => pattern.test(path)).flatMap((one) => one.methods);
  if (methods.length === 0) {
    const sentence = "There is no such path here: /api/v1/openapi.json lists all.";
    return new HttpRefusal("NoSuchPath", sentence);
  }
  const allow = [...new Set(methods)].sort().join(", ");
  const sentence = `This path has no ${method}: it has ${allow}.`;
  return new HttpRefusal("NoSuchMethod", sentence, { allow });
}

function internal(log: Log, operation: string, error: Error) {
  log.error({ operation, error: error.stack ?? String(error), cause: error.cause }, "a bug");
  const sentence =
    "The Commander has made a mistake of its own: nothing was changed. Its log says what; report it.";
  return [httpProblem("Internal", sentence)];
}

const SOCKET_CODES: Readonly<Record<string, { code: HttpCode; sentence: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: "TooSlow",
    sentence: "The request did not come whole in time: send it again.",
  },
  HPE_HEADER_OVERFLOW: {
    code: "HeadersTooLong",
    sentence: "The request's headers are too long: send fewer.",
  },
};

/** What the HTTP parser refuses, before there is a request. */
export function refuseSocket(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const { code, sentence } = SOCKET_CODES[error.code ?? ""] ?? {
    code: "BadRequest" as const,
    sentence: "This is no HTTP request.",
  };
  const body = JSON.stringify(bodyOf([httpProblem(code, sentence)]));
  const head = [
    `HTTP/1.1 ${STATUSES[code]} ${code}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
