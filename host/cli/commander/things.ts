// SPDX-License-Identifier: Apache-2.0
// The Commander as commands use it: objects listed, found by name or id, made, changed and deleted. Before it:
// nouns. After it: client.ts, the typed client. Whoever changes something has read it: the version goes along
// (If-Match), and somebody else's change in between is told.

import { ApiError, type Client, dataOf, ifMatch } from "../../commander/client/client.ts";
import { AppError } from "../../service/app-error.ts";
import type { Given } from "./fields.ts";

/** Kinds of object, as the API's paths name them. */
export type Plural = "routes" | "templates" | "profiles" | "stlinks" | "tags" | "customers";

/** What every object has; the rest is its kind's fields. */
export type Thing = {
  id: string;
  name: string;
  version: number;
  createdAt: string;
  createdBy: string;
  changedAt: string;
  changedBy: string;
} & Record<string, unknown>;

export type Found<Item> = { items: Item[]; isMore: boolean };

type Page<Item> = { items: Item[]; next?: string | null };

const PAGE_MOST = 500;
const ID = /^[0-9a-f]{32}$/;

const WORDS: Readonly<Record<Plural, string>> = {
  routes: "Route",
  templates: "Template",
  profiles: "Profile",
  stlinks: "STLink",
  tags: "Tag",
  customers: "Customer",
};

/** A list's pages one after the other, until there are `most` or no more. */
export async function allPages<Item>(
  most: number,
  ask: (page: { limit: number; cursor?: string }) => Promise<Page<Item>>,
): Promise<Found<Item>> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(PAGE_MOST, most - items.length);
    const page = await ask(cursor === undefined ? { limit } : { limit, cursor });
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return { items, isMore: cursor !== undefined };
}

export class Commander {
  readonly client: Client;
  readonly #names = new Map<string, Promise<string>>();

  constructor(client: Client) {
    this.client = client;
  }

  get http(): Client["http"] {
    return this.client.http;
  }

  list(plural: Plural, query: Given, most: number): Promise<Found<Thing>> {
    return allPages(most, async (page) => {
      const params = { query: { ...query, ...page } };
      return (await dataOf(this.http.GET(`/api/v1/${plural}`, { params }))) as Page<Thing>;
    });
  }

  /** By its name, or its id. Throws AppError, ApiError: NotFound. */
  async find(plural: Plural, nameOrId: string): Promise<Thing> {
    return this.#read(plural, await this.idOf(plural, nameOrId));
  }

  /** Throws AppError(NotFound) for a name of nobody. */
  async idOf(plural: Plural, nameOrId: string): Promise<string> {
    return ID.test(nameOrId) ? nameOrId : this.#idOfName(plural, nameOrId);
  }

  /** Names for ids; an id stays where nothing has it any more. */
  namesOf(plural: Plural, ids: readonly string[]): Promise<string[]> {
    return Promise.all(ids.map((id) => this.#nameOf(plural, id)));
  }

  async create(plural: Plural, fields: Given): Promise<Thing> {
    const body = fields as never;
    return (await dataOf(this.http.POST(`/api/v1/${plural}`, { body }))) as Thing;
  }

  /** Of fields that are null none is left. */
  async change(plural: Plural, { id, version }: Thing, fields: Given): Promise<Thing> {
    const params = { path: { id }, header: ifMatch(version) };
    const body = fields as never;
    return (await dataOf(this.http.PATCH(`/api/v1/${plural}/{id}`, { params, body }))) as Thing;
  }

  async remove(plural: Plural, { id, version }: Thing): Promise<void> {
    const params = { path: { id }, header: ifMatch(version) };
    await this.http.DELETE(`/api/v1/${plural}/{id}`, { params });
  }

  async #read(plural: Plural, id: string): Promise<Thing> {
    const params = { path: { id } };
    return (await dataOf(this.http.GET(`/api/v1/${plural}/{id}`, { params }))) as Thing;
  }

  async #idOfName(plural: Plural, name: string): Promise<string> {
    const { items } = await this.list(plural, { name }, 1);
    const [found] = items;
    if (found !== undefined) return found.id;
    const word = WORDS[plural];
    const message = `There is no ${word} "${name}": \`sealed ${word.toLowerCase()} list\` shows those there are.`;
    throw new AppError("NotFound", message);
  }

  /** Asked for once. */
  #nameOf(plural: Plural, id: string): Promise<string> {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const asked = this.#read(plural, id).then(
      ({ name }) => name,
      (error) => {
        if (error instanceof ApiError && error.code === "NotFound") return id;
        throw error;
      },
    );
    this.#names.set(id, asked);
    return asked;
  }
}
