// SPDX-License-Identifier: Apache-2.0
// A Commander's API for tests: over real HTTP on loopback, on a database of its own, with a client for each role, a
// clock that a test sets, a control that a test plays, and the log's lines. Before it: nothing. After it:
// commander-api*.test.ts.

import { connect as connectSocket } from "node:net";
import { type Api, startApi } from "../../host/commander/api/api.ts";
import type { Limits } from "../../host/commander/api/limits.ts";
import type { CommanderControl } from "../../host/commander/api/server-types.ts";
import { ApiError, type Client, connect } from "../../host/commander/client/client.ts";
import type { Role } from "../../host/commander/domain/token.ts";
import { Registry } from "../../host/commander/registry.ts";
import type { Database } from "../../host/commander/store/database.ts";
import { writeAuthority } from "../../host/commander/store/site.ts";
import { createToken } from "../../host/commander/store/tokens.ts";
import { idOf, keyOf } from "./commander-objects.ts";
import { openStore, removeStores } from "./commander-stores.ts";

export const CONNECTOR = { key: keyOf(90), address: "connector.test:443" };
export const AUTHORITY = {
  commanderId: idOf(0xc0),
  commanderKey: keyOf(91),
  recoveryKey: keyOf(92),
  connectors: [CONNECTOR],
};

/** Longer than any test: a heartbeat comes where a test wants one, and no connection ends between two requests. */
const LONG_MS = 600_000;

export type LogLine = { level: string; fields: object; text: string };

/** What tests read of answers whose shape they check themselves. */
export type Sent = {
  status: number;
  eTag: string | null;
  data: {
    id: string;
    items: { id: string; name: string }[];
    error: { code: string; message: string; problems: { path: unknown[] }[] };
  };
};

export class ApiWorld {
  readonly db: Database;
  readonly registry: Registry;
  readonly lines: LogLine[] = [];
  /** Milliseconds since 1970. */
  nowMs = Date.UTC(2026, 0, 2);
  api!: Api;
  #admin = "";

  constructor() {
    this.db = openStore();
    this.registry = new Registry(this.db, () => this.nowMs);
  }

  async start(limits: Partial<Limits> = {}, control: CommanderControl | null = null) {
    const line = (level: string) => (fields: object, text: string) => {
      this.lines.push({ level, fields, text });
    };
    this.#admin = this.token("admin");
    this.api = await startApi({
      registry: this.registry,
      control,
      listen: { host: "127.0.0.1", port: 0 },
      log: {
        debug: line("debug"),
        info: line("info"),
        warn: line("warn"),
        error: line("error"),
      },
      limits: { heartbeatMs: LONG_MS, keepAliveMs: LONG_MS, ...limits },
    });
    return this;
  }

  /** A new token's text. */
  token(role: Role, name = `the-${role}`, expiry = "30d"): string {
    return this.registry.change("up", (change) => createToken(change, { name, role, expiry })).text;
  }

  /** Under a token of its own where it is no administrator's. */
  client(role: Role = "admin"): Client {
    const token = role === "admin" ? this.#admin : this.token(role);
    return connect({ url: this.api.url, token });
  }

  get admin(): string {
    return this.#admin;
  }

  /** Says who the Commander is, and where its Connector. */
  found(): void {
    this.registry.change("up", (change) => writeAuthority(change, AUTHORITY));
  }

  /** A request as it is written, under the administrator's token where none is given. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#admin}`, ...init.headers };
    return fetch(`${this.api.url}${path}`, { ...init, headers });
  }

  /** JSON there and back; `headers` over those that it has. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Sent> {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const response = await this.fetch(path, {
      method,
      headers: { ...json, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const data = (await response.json()) as Sent["data"];
    return { status: response.status, eTag: response.headers.get("etag"), data };
  }

  /** What the server says to these bytes until it ends the connection. */
  async raw(text: string, { end = false } = {}): Promise<string> {
    const { hostname, port } = new URL(this.api.url);
    const socket = connectSocket(Number(port), hostname);
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (part) => {
      answer += part;
    });
    socket.write(text);
    if (end) socket.end();
    return new Promise((resolve) => {
      socket.on("error", () => resolve(answer));
      socket.on("close", () => resolve(answer));
    });
  }
}

const worlds: ApiWorld[] = [];

export async function startWorld(
  limits: Partial<Limits> = {},
  control: CommanderControl | null = null,
): Promise<ApiWorld> {
  const world = await new ApiWorld().start(limits, control);
  worlds.push(world);
  return world;
}

/** After each test. */
export async function stopWorlds(): Promise<void> {
  for (const { api } of worlds.splice(0)) await api.stop();
  removeStores();
}

/** How it was refused; fails where it was not. */
export async function refused(act: Promise<unknown>): Promise<ApiError> {
  const error = await act.then(
    () => new Error("it was not refused"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ApiError) return error;
  throw error;
}

export function byId(id: string): { path: { id: string } } {
  return { path: { id } };
}

/** Parameters of a change to what was read at a version. */
export function at(id: string, version: number) {
  return { path: { id }, header: { "if-match": `"${version}"` } };
}
