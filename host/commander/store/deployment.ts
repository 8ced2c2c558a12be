// SPDX-License-Identifier: Apache-2.0
// A Deployment (domain/deployment.ts) over the tables, for one transaction: what it has looked up it keeps.
// Before it: objects.ts. After it: configurations.ts, siblings.ts. Make a new one after each write.

import type { Deployment } from "../domain/deployment.ts";
import type { Id } from "../domain/fields.ts";
import type { Kind } from "../domain/kinds.ts";
import type { Profile } from "../domain/profile.ts";
import type { Route } from "../domain/route.ts";
import type { Stlink } from "../domain/stlink.ts";
import type { Template } from "../domain/template.ts";
import type { Database } from "./database.ts";
import type { FieldsOf } from "./kinds.ts";
import { readObject } from "./objects.ts";
import { readStlink } from "./stlinks.ts";

export class StoredDeployment implements Deployment {
  readonly #db: Database;
  readonly #known = new Map<string, unknown>();

  constructor(db: Database) {
    this.#db = db;
  }

  route(id: Id): Route | null {
    return this.#object("route", id);
  }

  template(id: Id): Template | null {
    return this.#object("template", id);
  }

  profile(id: Id): Profile | null {
    return this.#object("profile", id);
  }

  stlink(id: Id): Stlink | null {
    return this.#once(`stlink ${id}`, () => readStlink(this.#db, id));
  }

  users(id: Id, kind: Kind, field: string): readonly Id[] {
    return this.#once(`${kind} ${field} ${id}`, () =>
      this.#db
        .all<{ id: Id }>(
          "SELECT from_id AS id FROM refs WHERE to_id = ? AND field = ? AND from_kind = ?",
          ...[id, field, kind],
        )
        .map((row) => row.id),
    );
  }

  #object<K extends Kind>(kind: K, id: Id): (FieldsOf[K] & { id: Id }) | null {
    return this.#once(`${kind} ${id}`, () => {
      const stored = readObject(this.#db, kind, id);
      return stored === null ? null : { ...stored.fields, id };
    });
  }

  #once<Value>(key: string, look: () => Value): Value {
    if (!this.#known.has(key)) this.#known.set(key, look());
    return this.#known.get(key) as Value;
  }
}
