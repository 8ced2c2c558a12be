// SPDX-License-Identifier: Apache-2.0
// News of the registry for clients that stay: kept in a bounded ring for those that come back, written to each that
// is there. Before it: Registry.on. After it: sockets, in the form of server-sent events (HTML, section 9.2).
// Invariants: nobody misses an event without being told `reset`; who doesn't read is dropped, and holds up nobody.

import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Log } from "../../service/log.ts";
import type { News, Registry } from "../registry.ts";
import { readObject } from "../store/objects.ts";
import { readVersion } from "../store/site.ts";
import { isStillValid } from "./authentication.ts";
import type { Limits } from "./limits.ts";
import { timeOf } from "./schemas.ts";
import type { Principal } from "./server-types.ts";
import { stlinkLine } from "./stlink-view.ts";

/** `seen` is rendered when it is written, and so is never older than it has to be. */
type Kept =
  | { n: number; event: "changed"; data: object }
  | { n: number; event: "seen"; id: string };

type Client = { response: ServerResponse; principal: Principal };

export class EventStream {
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #limits: Limits;
  /** So that an id of an earlier run is known for one. */
  readonly #run = randomBytes(4).toString("hex");
  readonly #clients = new Set<Client>();
  #kept: Kept[] = [];
  #last = 0;
  readonly #end: () => void;
  readonly #timer: NodeJS.Timeout;

  constructor(registry: Registry, log: Log, limits: Limits) {
    this.#registry = registry;
    this.#log = log;
    this.#limits = limits;
    this.#end = registry.on((news) => this.#hear(news));
    this.#timer = setInterval(() => this.#beat(), limits.heartbeatMs);
    this.#timer.unref();
  }

  stop(): void {
    this.#end();
    clearInterval(this.#timer);
    for (const { response } of this.#clients) response.end();
    this.#clients.clear();
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#limits.eventClients;
  }

  /** A client whose headers are written. `lastId`: the last event that it had before. */
  add(response: ServerResponse, principal: Principal, lastId: string | undefined): void {
    const client = { response, principal };
    this.#clients.add(client);
    response.on("close", () => this.#clients.delete(client));
    const { epoch, serial } = readVersion(this.#registry.db);
    const hello = { version: { epoch, serial: String(serial) } };
    this.#write(client, eventText("hello", hello, this.#idOf(this.#last)));
    if (lastId !== undefined) this.#writeMissed(client, lastId);
  }

  #writeMissed(client: Client, lastId: string): void {
    const missed = this.#after(lastId);
    if (missed === null) {
      this.#write(client, eventText("reset", {}, this.#idOf(this.#last)));
      return;
    }
    for (const kept of missed) this.#write(client, this.#textOf(kept));
  }

  /** Null: some of them are gone, or the id is not of this run. */
  #after(lastId: string): Kept[] | null {
    const [run, digits] = lastId.split("-");
    const n = Number(digits);
    const first = this.#kept[0]?.n ?? this.#last + 1;
    if (run !== this.#run || !(n >= first - 1) || n > this.#last) return null;
    return this.#kept.filter((kept) => kept.n > n);
  }

  #hear(news: News): void {
    if (news.kind === "seen") {
      for (const id of news.ids) this.#keep({ n: ++this.#last, event: "seen", id });
      return;
    }
    const { by, entries } = news;
    for (const { what, kind, id, name } of entries) {
      const data = { kind, id, name, what, by: by.who, at: timeOf(by.atMs) };
      this.#keep({ n: ++this.#last, event: "changed", data });
    }
    // A token that was revoked hears nothing more.
    if (entries.some(({ kind }) => kind === "token")) this.#dropInvalid();
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept);
    // Not one by one: that would move all of them for each.
    const most = this.#limits.eventsKept;
    if (this.#kept.length >= 2 * most) this.#kept = this.#kept.slice(-most);
    if (this.#clients.size === 0) return;
    const text = this.#textOf(kept);
    for (const client of this.#clients) this.#write(client, text);
  }

  /** Empty: what it is about is gone. */
  #textOf(kept: Kept): string {
    const id = this.#idOf(kept.n);
    if (kept.event === "changed") return eventText("changed", kept.data, id);
    const { db } = this.#registry;
    const stored = readObject(db, "stlink", kept.id);
    return stored === null ? "" : eventText("seen", stlinkLine(db, stored), id);
  }

  #idOf(n: number): string {
    return `${this.#run}-${n}`;
  }

  #beat(): void {
    this.#dropInvalid();
    for (const client of this.#clients) this.#write(client, eventText("heartbeat", {}, null));
  }

  #dropInvalid(): void {
    for (const client of this.#clients) {
      if (!isStillValid(this.#registry, client.principal)) client.response.end();
    }
  }

  #write(client: Client, text: string): void {
    const { response, principal } = client;
    if (text === "" || response.writableEnded || response.destroyed) return;
    response.write(text);
    const waiting = response.writableLength;
    if (waiting <= this.#limits.eventBytesWaiting) return;
    this.#clients.delete(client);
    response.destroy();
    this.#log.warn({ token: principal.name, waiting }, "a client of events does not read: dropped");
  }
}

function eventText(event: string, data: object, id: string | null): string {
  const idLine = id === null ? "" : `id: ${id}\n`;
  return `event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}
