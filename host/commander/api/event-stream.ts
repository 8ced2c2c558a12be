// SPDX-License-Identifier: Apache-2.0
// News of the registry for clients that stay: kept in a bounded ring, out of which each is written what it has not had
// yet, as fast as it reads. Before it: Registry.on. After it: sockets, in the form of server-sent events (HTML,
// section 9.2). Invariants: nobody misses an event without being told `reset`; what waits for a client is the ring
// alone; who doesn't read is dropped, and holds up nobody.

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

/** `seen` is read when it is written, and so is never older than it has to be. */
type Kept = { n: number } & ({ event: "changed"; data: object } | { event: "seen"; id: string });

type Client = {
  response: ServerResponse;
  principal: Principal;
  /** The event that it has had last; null: it missed some. */
  had: number | null;
  /** Heartbeats since it stopped to read; null: it reads. */
  beatsDeaf: number | null;
};

/** Who reads nothing from one heartbeat to the next but one is gone. */
const BEATS_DEAF_MOST = 2;

export class EventStream {
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #limits: Limits;
  /** So that an id of an earlier run is known for one. */
  readonly #run = randomBytes(4).toString("hex");
  readonly #clients = new Set<Client>();
  readonly #end: () => void;
  readonly #timer: NodeJS.Timeout;
  #kept: Kept[] = [];
  #last = 0;
  /** What was written last, for the other clients. */
  #written = { n: 0, text: "" };

  constructor(registry: Registry, log: Log, limits: Limits) {
    this.#registry = registry;
    this.#log = log;
    this.#limits = limits;
    this.#end = registry.on((news) => this.#hearSafely(news));
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
    const had = lastId === undefined ? this.#last : this.#numberOf(lastId);
    const client: Client = { response, principal, had, beatsDeaf: null };
    this.#clients.add(client);
    response.on("close", () => this.#clients.delete(client));
    response.on("drain", () => {
      client.beatsDeaf = null;
      this.#serve(client);
    });
    const { epoch, serial } = readVersion(this.#registry.db);
    const hello = { version: { epoch, serial: String(serial) } };
    // What was missed has older ids: a client that is cut while it comes has to go on from there.
    const id = lastId === undefined ? this.#idOf(this.#last) : null;
    this.#write(client, eventText("hello", hello, id));
    this.#serve(client);
  }

  /** Whoever made the news is not to fail for who hears of it. */
  #hearSafely(news: News): void {
    try {
      this.#hear(news);
    } catch (error) {
      this.#log.error({ error: String(error) }, "news did not reach the clients of events");
      this.#kept = [];
    }
  }

  #hear(news: News): void {
    if (news.kind === "seen") {
      for (const id of news.ids) this.#keep({ n: ++this.#last, event: "seen", id });
    } else {
      const { by, entries } = news;
      for (const { what, kind, id, name } of entries) {
        const data = { kind, id, name, what, by: by.who, at: timeOf(by.atMs) };
        this.#keep({ n: ++this.#last, event: "changed", data });
      }
    }
    for (const client of this.#clients) this.#serve(client);
    // A token that was revoked hears nothing more.
    if (news.kind === "changed" && news.entries.some(({ kind }) => kind === "token")) {
      this.#dropInvalid();
    }
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept);
    // Not one by one: that would move all of them for each.
    const most = this.#limits.eventsKept;
    if (this.#kept.length >= 2 * most) this.#kept = this.#kept.slice(-most);
  }

  /** What it has not had, as long as it reads. */
  #serve(client: Client): void {
    while (client.beatsDeaf === null && client.had !== this.#last) {
      const next = client.had === null ? undefined : this.#kept[this.#placeOf(client.had + 1)];
      client.had = next?.n ?? this.#last;
      const text =
        next === undefined ? eventText("reset", {}, this.#idOf(this.#last)) : this.#textOf(next);
      this.#write(client, text);
    }
  }

  /** Where an event is kept; -1: it is gone. */
  #placeOf(n: number): number {
    const first = this.#kept[0]?.n ?? this.#last + 1;
    return n < first ? -1 : n - first;
  }

  /** Empty: what it is about is gone. */
  #textOf(kept: Kept): string {
    if (this.#written.n !== kept.n) this.#written = { n: kept.n, text: this.#read(kept) };
    return this.#written.text;
  }

  #read(kept: Kept): string {
    const id = this.#idOf(kept.n);
    if (kept.event === "changed") return eventText("changed", kept.data, id);
    const { db } = this.#registry;
    const stored = readObject(db, "stlink", kept.id);
    return stored === null ? "" : eventText("seen", stlinkLine(db, stored), id);
  }

  #idOf(n: number): string {
    return `${this.#run}-${n}`;
  }

  /** Null: it is none of this run. */
  #numberOf(id: string): number | null {
    const [run, digits = ""] = id.split("-");
    const n = /^\d{1,15}$/.test(digits) ? Number(digits) : this.#last + 1;
    return run === this.#run && n <= this.#last ? n : null;
  }

  #beat(): void {
    this.#dropInvalid();
    for (const client of this.#clients) {
      if (client.beatsDeaf === null) this.#write(client, eventText("heartbeat", {}, null));
      else if (++client.beatsDeaf >= BEATS_DEAF_MOST) this.#dropDeaf(client);
    }
  }

  #dropInvalid(): void {
    for (const { response, principal } of this.#clients) {
      if (!isStillValid(this.#registry, principal)) response.end();
    }
  }

  #dropDeaf(client: Client): void {
    const { response, principal } = client;
    this.#clients.delete(client);
    this.#log.warn({ token: principal.name }, "a client of events does not read: dropped");
    response.destroy();
  }

  #write(client: Client, text: string): void {
    const { response } = client;
    if (text === "" || response.writableEnded || response.destroyed) return;
    if (!response.write(text)) client.beatsDeaf ??= 0;
  }
}

function eventText(event: string, data: object, id: string | null): string {
  const idLine = id === null ? "" : `id: ${id}\n`;
  return `event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}
