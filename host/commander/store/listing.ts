// SPDX-License-Identifier: Apache-2.0
// Lists of objects: a page at a time, filtered by type or state, by Tags, and by words. Before it: the API's query.
// After it: a page and the cursor of the next. Without words in the order of names, each page an index look-up;
// with words in the order in which objects were made, out of the full-text index. Secrets are in no table here.

import type { Id } from "../domain/fields.ts";
import type { Kind } from "../domain/kinds.ts";
import { Refusal } from "../domain/problem.ts";
import type { Database } from "./database.ts";
import { type ObjectRow, type Stored, storedOf } from "./objects.ts";
import { markOf } from "./writing.ts";

export type ListQuery = {
  kind: Kind;
  /** A Route's type, an STLink's state. */
  facet?: string;
  /** Ids; it has all of them. */
  tags?: readonly Id[];
  /** This name, in any case of letters. */
  name?: string;
  /** It has all words that begin so, in its name, description, address or help. */
  text?: string;
  /** 1 to 500. */
  limit: number;
  /** As the page before gave it. */
  cursor?: string;
};

export type Page = { items: Stored[]; next: string | null };

/** Throws Refusal(Invalid): a cursor that no list gave. */
export function listObjects(db: Database, query: ListQuery): Page {
  const words = wordsOf(query.text ?? "");
  // Only signs, no word: nothing has it.
  if (words.length === 0 && query.text?.trim()) return { items: [], next: null };
  const rows = words.length > 0 ? rowsByWords(db, query, words) : rowsByName(db, query);
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  const position = words.length > 0 ? last?.seq : last?.name;
  const isMore = rows.length > query.limit && position !== undefined;
  return {
    items: shown.map((row) => storedOf(db, row)),
    next: isMore ? encodeCursor(position) : null,
  };
}

type Filter = { sql: string; values: (string | number)[] };

/** In the order of names: along the kind, or along a Tag, or out of the few that have all Tags. */
function rowsByName(db: Database, query: ListQuery): ObjectRow[] {
  const { kind, facet, tags = [], limit } = query;
  const after = query.cursor === undefined ? "" : String(decodeCursor(query.cursor, "string"));
  const [first, ...others] = tags;
  if (first === undefined) {
    const along = { sql: "objects o WHERE o.kind = ? AND o.name > ?", values: [kind, after] };
    return select(
      db,
      [along, ...equal("o.facet", facet), ...equal("o.name", query.name)],
      "o.name",
      limit,
    );
  }
  const match = marksOf(kind, tags).join(" AND ");
  if (others.length > 0 && areFew(db, match)) {
    const few = { sql: `${MATCHING} AND o.name > ?`, values: [match, after] };
    return select(
      db,
      [few, ...equal("o.facet", facet), ...equal("o.name", query.name)],
      "o.name",
      limit,
    );
  }
  const along = {
    sql: `refs r CROSS JOIN objects o ON o.id = r.from_id
          WHERE r.to_id = ? AND r.field = 'tags' AND r.from_kind = ? AND r.from_name > ?`,
    values: [first, kind, after],
  };
  const filters = [
    along,
    ...equal("r.from_facet", facet),
    ...equal("o.name", query.name),
    ...others.map(tagFilter),
  ];
  return select(db, filters, "r.from_name", limit);
}

/** So many are sorted faster than they are looked for. */
const FEW_MOST = 1000;

function areFew(db: Database, match: string): boolean {
  const sql =
    "SELECT count(*) AS n FROM (SELECT 1 FROM object_words WHERE object_words MATCH ? LIMIT ?)";
  return (db.get<{ n: number }>(sql, match, FEW_MOST)?.n ?? 0) < FEW_MOST;
}

/** Objects out of the full-text index. */
const MATCHING =
  "object_words w CROSS JOIN objects o ON o.seq = w.rowid WHERE w.object_words MATCH ?";

function marksOf(kind: Kind, tags: readonly Id[]): string[] {
  return [kind, ...tags].map((mark) => `marks : "${markOf(mark).replaceAll('"', '""')}"`);
}

/** In the order in which they were made: kind and Tags are words of the index too. */
function rowsByWords(db: Database, query: ListQuery, words: readonly string[]): ObjectRow[] {
  const { kind, facet, tags = [], limit } = query;
  const after = query.cursor === undefined ? 0 : Number(decodeCursor(query.cursor, "number"));
  const texts = words.map((word) => `words : "${word}" *`);
  const match = [...marksOf(kind, tags), ...texts].join(" AND ");
  const matching = { sql: `${MATCHING} AND w.rowid > ?`, values: [match, after] };
  return select(
    db,
    [matching, ...equal("o.facet", facet), ...equal("o.name", query.name)],
    "w.rowid",
    limit,
  );
}

/** One more than the page holds, which shows whether there is a next one. */
function select(
  db: Database,
  filters: readonly Filter[],
  order: string,
  limit: number,
): ObjectRow[] {
  const where = filters.map(({ sql }) => sql).join(" AND ");
  const values = filters.flatMap((filter) => filter.values);
  const sql = `SELECT o.* FROM ${where} ORDER BY ${order} LIMIT ?`;
  return db.all<ObjectRow>(sql, ...values, limit + 1);
}

function equal(column: string, value: string | undefined): Filter[] {
  return value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }];
}

function tagFilter(tag: Id): Filter {
  const sql =
    "EXISTS (SELECT 1 FROM refs t WHERE t.from_id = r.from_id AND t.field = 'tags' AND t.to_id = ?)";
  return { sql, values: [tag] };
}

/** As the full-text index cuts words: letters and digits. */
function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}\p{M}\p{Co}]+/gu) ?? [];
}

function encodeCursor(position: string | number): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

function decodeCursor(cursor: string, type: "string" | "number"): string | number {
  try {
    const position = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (typeof position === type) return position;
  } catch {
    // Said below.
  }
  const sentence = "The cursor is none that this list gave: begin with the first page again.";
  throw new Refusal([{ code: "Invalid", path: ["cursor"], sentence }]);
}
