// SPDX-License-Identifier: Apache-2.0
// Lists: pages in order, each object once, filtered by type or state, by Tags, by the words that it has; against a
// plain filter over all objects, for many queries. Cursors that no list gave are refused.

import { afterEach, describe, expect, it } from "vitest";
import type { Database } from "../../host/commander/store/database.ts";
import { type ListQuery, listObjects } from "../../host/commander/store/listing.ts";
import { createObject, deleteObject, updateObject } from "../../host/commander/store/writing.ts";
import { GOOD_BINDING, GOOD_MAPPING, idOf } from "./commander-objects.ts";
import { changed, made, openStore, refusalOf, removeStores } from "./commander-stores.ts";

afterEach(removeStores);

const TAGS = [idOf(1), idOf(2), idOf(3)] as const;
const PLACES = ["hall", "yard", "roof", "Zürich"];
const COUNT = 60;

type Made = { name: string; type: string; tags: string[]; words: string };

/** Sixty Routes in no order of names; every second has Tag 1, every third Tag 2, none Tag 3. */
function filled(): { db: Database; all: Made[] } {
  const db = openStore();
  const all: Made[] = [];
  changed(db, (change) => {
    for (const [i, id] of TAGS.entries()) createObject(change, "tag", id, { name: `tag-${i + 1}` });
    for (let i = 0; i < COUNT; i++) {
      const isMapping = i % 4 !== 3;
      const place = PLACES[i % PLACES.length] ?? "";
      const name = `${place}-camera-${(i * 37) % COUNT}`;
      const tags = TAGS.filter((_, tag) => tag < 2 && i % (tag + 2) === 0);
      const port = 1000 + i;
      const common = { name, description: `Number ${i}.`, tags, port };
      const own = isMapping ? GOOD_MAPPING : { ...GOOD_BINDING, mapping: idOf(100) };
      createObject(change, "route", idOf(100 + i), { ...own, ...common });
      const words = `${name} ${common.description} ${own.address} ${port} ${isMapping ? "" : GOOD_BINDING.help}`;
      all.push({ name, type: isMapping ? "mapping" : "binding", tags, words });
    }
  });
  return { db, all };
}

/** Every page to the end, each at most `limit` long and none but the last shorter. */
function listAll(db: Database, query: Omit<ListQuery, "limit" | "kind">, limit: number): string[] {
  const names: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages <= COUNT; pages++) {
    const page = listObjects(db, { kind: "route", limit, ...query, ...(cursor && { cursor }) });
    names.push(...page.items.map(({ fields }) => fields.name));
    if (page.next === null) return names;
    expect(page.items).toHaveLength(limit);
    cursor = page.next;
  }
  throw new Error("the list has no end");
}

function begins(words: string, text: string): boolean {
  const plain = (one: string) => one.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
  const having = plain(words).split(/[^\p{L}\p{N}]+/u);
  return plain(text)
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "")
    .every((word) => having.some((one) => one.startsWith(word)));
}

const QUERIES = [undefined, "mapping", "binding"].flatMap((facet) =>
  [[], [0], [1], [0, 1], [1, 0], [2], [0, 2]].flatMap((tags) =>
    [undefined, "cam", "hall 10", "ZURICH", "certificate", "nowhere", "h"].map((text) => ({
      ...(facet && { facet }),
      ...(tags.length > 0 && { tags: tags.map((tag) => TAGS[tag] ?? "") }),
      ...(text && { text }),
    })),
  ),
);

describe("a list", () => {
  it("has in its pages what a plain filter finds, each once and in order", () => {
    const { db, all } = filled();
    for (const query of QUERIES) {
      const wanted = all.filter(
        ({ type, tags, words }) =>
          (query.facet === undefined || query.facet === type) &&
          (query.tags ?? []).every((tag) => tags.includes(tag)) &&
          begins(words, query.text ?? ""),
      );
      const names = wanted.map(({ name }) => name);
      // Words: in the order in which they were made.
      if (query.text === undefined)
        names.sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
      for (const limit of [7, COUNT]) {
        expect(listAll(db, query, limit), JSON.stringify(query)).toEqual(names);
      }
    }
  });

  it("finds one by its whole name, beside other filters", () => {
    const { db, all } = filled();
    const [first] = all;
    if (first === undefined) throw new Error("nothing was made");
    const { name, type } = first;
    const other = type === "mapping" ? "binding" : "mapping";
    expect(listAll(db, { name: name.toUpperCase() }, 10)).toEqual([name]);
    expect(listAll(db, { name: name.slice(0, -1) }, 10)).toEqual([]);
    expect(listAll(db, { name, tags: [TAGS[0]], facet: type, text: "number" }, 10)).toEqual([name]);
    expect(listAll(db, { name, tags: [TAGS[0], TAGS[1]] }, 10)).toEqual([name]);
    expect(listAll(db, { name, facet: other }, 10)).toEqual([]);
    expect(listAll(db, { name, tags: [TAGS[2]] }, 10)).toEqual([]);
  });

  it("has one kind alone", () => {
    const { db } = filled();
    const page = listObjects(db, { kind: "tag", limit: 10 });
    expect(page.items.map(({ fields }) => fields.name)).toEqual(["tag-1", "tag-2", "tag-3"]);
    expect(page.next).toBeNull();
    expect(listObjects(db, { kind: "profile", limit: 10 })).toEqual({ items: [], next: null });
  });

  it("follows an object that is renamed, tagged anew, or deleted", () => {
    const { db } = filled();
    const fields = { ...GOOD_MAPPING, name: "aaa", description: "garden", tags: [TAGS[2]] };
    changed(db, (change) => updateObject(change, "route", idOf(100), 1, fields));
    expect(listAll(db, {}, COUNT)[0]).toBe("aaa");
    expect(listAll(db, { tags: [TAGS[2]] }, COUNT)).toEqual(["aaa"]);
    expect(listAll(db, { text: "gard" }, COUNT)).toEqual(["aaa"]);
    expect(listAll(db, { text: "hall 1000" }, COUNT)).toEqual([]);
    expect(listAll(db, { tags: [TAGS[0]] }, COUNT)).not.toContain("aaa");
    changed(db, (change) => deleteObject(change, "route", idOf(101), 1));
    expect(listAll(db, { text: "1001" }, COUNT)).toEqual([]);
    expect(listAll(db, {}, COUNT)).toHaveLength(COUNT - 1);
  });

  it("finds nothing by signs alone, and takes the signs of the index for what they are", () => {
    const { db } = filled();
    for (const text of [
      "*",
      '"',
      "-",
      "()",
      "' OR 1=1 --",
      "marks:mroute",
      "NEAR(",
      "hall*",
      'a" OR "b',
      "\u0000",
      "^hall",
    ]) {
      expect(() => listAll(db, { text }, COUNT), text).not.toThrow();
    }
    expect(listAll(db, { text: "***" }, COUNT)).toEqual([]);
    expect(listAll(db, { text: "mroute" }, COUNT)).toEqual([]);
    expect(listAll(db, { text: "hall OR yard" }, COUNT)).toEqual([]);
  });

  it("of what more than a thousand have is in the order of names too", () => {
    const db = openStore();
    const names = Array.from({ length: 1100 }, (_, i) => `t${(i * 37) % 1100}`);
    changed(db, (change) => {
      for (const tag of [1, 2, 3]) createObject(change, "tag", idOf(tag), { name: `tag-${tag}` });
      for (const [i, name] of names.entries()) {
        const tags = i % 2 === 0 ? TAGS : TAGS.slice(0, 2);
        createObject(change, "template", idOf(100 + i), { name, tags });
      }
    });
    for (const tags of [TAGS.slice(0, 2), TAGS]) {
      const wanted = names.filter((_, i) => tags.length === 2 || i % 2 === 0).sort();
      const page = listObjects(db, { kind: "template", tags, limit: 500 });
      expect(page.items.map(({ fields }) => fields.name)).toEqual(wanted.slice(0, 500));
      const rest = listObjects(db, { kind: "template", tags, limit: 40, cursor: page.next ?? "" });
      expect(rest.items.map(({ fields }) => fields.name)).toEqual(wanted.slice(500, 540));
    }
  });

  it("of a Tag that nobody has, or that is none, is empty", () => {
    const { db } = filled();
    for (const tag of [idOf(99), '"', 'x" OR "mroute', ""]) {
      expect(listAll(db, { tags: [tag] }, COUNT)).toEqual([]);
      expect(listAll(db, { tags: [tag, TAGS[0]] }, COUNT)).toEqual([]);
      expect(listAll(db, { tags: [tag], text: "camera" }, COUNT)).toEqual([]);
    }
  });

  it.each(["", "x", "!!!", "bnVsbA", "W10", "MQ"])("refuses the cursor %j", (cursor) => {
    const { db } = filled();
    const [problem] = refusalOf(() => listObjects(db, { kind: "route", limit: 5, cursor }));
    expect(problem).toMatchObject({ code: "Invalid", path: ["cursor"] });
    expect(problem?.sentence).toMatch(/none that this list gave: begin with the first page/);
  });

  it("filters STLinks by their state", () => {
    const db = openStore();
    made(db, "stlink", 7, { name: "camera-1" });
    const names = (facet: string) =>
      listObjects(db, { kind: "stlink", limit: 5, facet }).items.map(({ fields }) => fields.name);
    expect([names("invited"), names("online")]).toEqual([["camera-1"], []]);
  });
});
