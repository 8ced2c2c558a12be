// SPDX-License-Identifier: Apache-2.0
// What the server's parts share: who asks, what a route says of itself beside its schema, and the things that
// handlers work on. Before it: server.ts makes them. After it: each resource.

import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Log } from "../../service/log.ts";
import type { Role } from "../domain/token.ts";
import type { Registry } from "../registry.ts";
import type { EventStream } from "./event-stream.ts";
import type { Limits } from "./limits.ts";
import type { ApiCode } from "./problems.ts";

/** A Connector as the Commander's own STLink sees it. */
export type ConnectorLine = {
  key: string;
  /** `host:port`. */
  address: string;
  isConnected: boolean;
  /** The admission that it holds; null: not known. */
  version: { epoch: number; serial: bigint } | null;
  /** It holds all that concerns it. */
  isCurrent: boolean;
};

/** What only the Commander's own STLink can do or say (host/commander/control). */
export type CommanderControl = {
  /** RENEW was told to an STLink that is here; false: it is away. */
  renew(id: string): boolean;
  connectors(): readonly ConnectorLine[];
};

/** Who asks. A token now; an administrator who has signed in would be another kind. */
export type Principal = { kind: "token"; id: string; name: string; role: Role };

export type Context = {
  registry: Registry;
  /** Null: nothing of it runs. */
  control: CommanderControl | null;
  log: Log;
  limits: Limits;
  events: EventStream;
};

export type Server = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

declare module "fastify" {
  interface FastifyContextConfig {
    /** The least role that may; null: everybody, without a token. */
    role?: Role | null;
    /** What this operation can be refused for, beside what every one can. */
    problems?: readonly ApiCode[];
    /** Its answer carries the version as ETag. */
    hasETag?: boolean;
  }

  interface FastifyRequest {
    principal: Principal | null;
  }
}
