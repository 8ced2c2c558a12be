// SPDX-License-Identifier: Apache-2.0
// The Commander's database: objects made, changed and deleted, two people who edit one thing, names and references,
// what is in use, and what a database says that is locked, full, damaged, newer, another program's, or not private.

import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import type { Kind } from "../../host/commander/domain/kinds.ts";
import { auditHead, auditRows } from "../../host/commander/store/audit.ts";
import { Database } from "../../host/commander/store/database.ts";
import { readNamed, readObject } from "../../host/commander/store/objects.ts";
import {
  readSecret,
  readVersion,
  writeAuthority,
  writeSecret,
} from "../../host/commander/store/site.ts";
import { createObject, deleteObject, updateObject } from "../../host/commander/store/writing.ts";
import {
  GOOD_BINDING,
  GOOD_CUSTOMER,
  GOOD_MAPPING,
  idOf,
  keyOf,
  said,
} from "./commander-objects.ts";
import {
  ANNA,
  BEN,
  changed,
  made,
  openStore,
  placeFor,
  refusalOf,
  removeStores,
} from "./commander-stores.ts";

afterEach(removeStores);

const MAPPING = { ...GOOD_MAPPING, tags: [] };

/** A Tag 1, a Mapping 16, a Binding 17, a Template 32 of both, a Profile 48, an STLink 7, a Customer 64. */
function filled(): Database {
  const db = openStore();
  made(db, "tag", 1, { name: "hall" });
  made(db, "route", 16, { ...MAPPING, tags: [idOf(1)] });
  made(db, "route", 17, { ...GOOD_BINDING, mapping: idOf(16) });
  made(db, "template", 32, { name: "cameras", routes: [idOf(17), idOf(16)] });
  made(db, "profile", 48, { name: "factory", templates: [idOf(32)], tags: [idOf(1)] });
  made(db, "stlink", 7, { name: "camera-1", profile: idOf(48) });
  made(db, "customer", 64, { ...GOOD_CUSTOMER, tags: [idOf(1)] });
  return db;
}

const update = (
  db: Database,
  kind: Kind,
  number: number,
  version: number,
  fields: object,
  by = BEN,
) => changed(db, (change) => updateObject(change, kind, idOf(number), version, fields), by);
const remove = (db: Database, kind: Kind, number: number, version = 1) =>
  changed(db, (change) => deleteObject(change, kind, idOf(number), version));

describe("an object", () => {
  it("is read as it was written, with who made it and when", () => {
    const db = filled();
    const binding = readObject(db, "route", idOf(17));
    expect(binding).toEqual({
      ...{ id: idOf(17), kind: "route", facet: "binding", version: 1 },
      ...{ createdMs: ANNA.atMs, createdBy: "anna", changedMs: ANNA.atMs, changedBy: "anna" },
      fields: { ...GOOD_BINDING, mapping: idOf(16) },
    });
    expect(readNamed(db, "route", "here")).toEqual(binding);
    expect(readObject(db, "customer", idOf(64))?.fields).toEqual({
      ...GOOD_CUSTOMER,
      tags: [idOf(1)],
    });
    expect(readObject(db, "stlink", idOf(7))).toMatchObject({
      facet: "invited",
      fields: { name: "camera-1", profile: idOf(48), templates: [], tags: [] },
    });
  });

  it("is of its kind alone", () => {
    const db = filled();
    expect(readObject(db, "tag", idOf(16))).toBeNull();
    expect(readNamed(db, "tag", "web")).toBeNull();
  });

  it("is changed as a whole, and tells its next version and who did it", () => {
    const db = filled();
    const after = update(db, "template", 32, 1, { name: "halls", routes: [idOf(16)] });
    expect(after).toMatchObject({
      version: 2,
      createdBy: "anna",
      changedBy: "ben",
      changedMs: BEN.atMs,
    });
    expect(after.fields).toEqual({ name: "halls", description: "", tags: [], routes: [idOf(16)] });
    expect(readNamed(db, "template", "cameras")).toBeNull();
  });

  it("keeps what refers to it when it is renamed", () => {
    const db = filled();
    update(db, "route", 16, 1, { ...MAPPING, name: "page" });
    expect(readObject(db, "route", idOf(17))?.fields).toMatchObject({ mapping: idOf(16) });
    expect(said(refusalOf(() => remove(db, "route", 16, 2)))[0]).toContain(
      '"page" can\'t be deleted',
    );
  });

  it("is gone when it is deleted, and its name is free", () => {
    const db = filled();
    remove(db, "customer", 64);
    expect(readObject(db, "customer", idOf(64))).toBeNull();
    expect(() => made(db, "customer", 65, { ...GOOD_CUSTOMER, tags: [] })).not.toThrow();
  });

  it("that is not right changes nothing, and is not audited", () => {
    const db = filled();
    const before = auditHead(db);
    const wrong = { ...MAPPING, address: "8.8.8.8" };
    expect(refusalOf(() => made(db, "route", 18, { ...wrong, name: "x" }))[0]?.code).toBe(
      "Invalid",
    );
    expect(refusalOf(() => update(db, "route", 16, 1, wrong))[0]?.code).toBe("Invalid");
    expect(readObject(db, "route", idOf(16))?.version).toBe(1);
    expect(auditHead(db)).toEqual(before);
  });
});

describe("two people who edit one thing", () => {
  it("are both heard: the second is told who came first, and when", () => {
    const db = filled();
    update(db, "tag", 1, 1, { name: "yard" }, BEN);
    for (const late of [
      () => update(db, "tag", 1, 1, { name: "roof" }, ANNA),
      () => remove(db, "tag", 1),
    ]) {
      expect(said(refusalOf(late))).toEqual([
        'Stale : Tag "yard" was changed by ben at 2026-01-03T00:00:00.000Z: read it again (version 2), and put your change to that.',
      ]);
    }
    expect(readObject(db, "tag", idOf(1))?.fields.name).toBe("yard");
  });

  it("are told when it is gone", () => {
    const db = filled();
    expect(refusalOf(() => update(db, "tag", 99, 1, { name: "x" }))[0]).toMatchObject({
      code: "NotFound",
    });
    expect(refusalOf(() => remove(db, "route", 1))[0]).toMatchObject({ code: "NotFound" });
  });
});

describe("names", () => {
  it("are one object's of a kind, and may be another's of another kind", () => {
    const db = filled();
    expect(said(refusalOf(() => made(db, "tag", 2, { name: "hall" })))).toEqual([
      `Taken name: Tag "hall": name is that of ${idOf(1)} too: choose another.`,
    ]);
    expect(refusalOf(() => made(db, "tag", 2, { name: "Hall" }))[0]?.code).toBe("Taken");
    expect(() => made(db, "template", 33, { name: "hall" })).not.toThrow();
    made(db, "tag", 3, { name: "roof" });
    expect(refusalOf(() => update(db, "tag", 3, 1, { name: "hall" }))[0]?.code).toBe("Taken");
    expect(() => update(db, "tag", 3, 1, { name: "roof", description: "x" })).not.toThrow();
  });
});

describe("references", () => {
  it.each([
    ["route", { ...GOOD_BINDING, name: "x", mapping: idOf(99) }, "mapping"],
    ["route", { ...GOOD_BINDING, name: "x", mapping: idOf(1) }, "mapping"],
    ["route", { ...GOOD_BINDING, name: "x", mapping: idOf(17) }, "mapping"],
    ["route", { ...GOOD_BINDING, name: "x", mapping: idOf(16), protocol: "udp" }, "protocol"],
    ["template", { name: "x", routes: [idOf(16), idOf(99)] }, "routes.1"],
    ["profile", { name: "x", templates: [idOf(16)] }, "templates.0"],
    ["stlink", { name: "x", profile: idOf(32) }, "profile"],
    ["customer", { ...GOOD_CUSTOMER, name: "x", tags: [idOf(99)] }, "tags.0"],
  ] as const)("of a %s %j lead to what is there", (kind, fields, path) => {
    const problems = refusalOf(() => made(filled(), kind, 90, fields));
    expect(problems.map((problem) => [problem.code, problem.path.join(".")])).toEqual([
      ["Invalid", path],
    ]);
  });

  it("keep a Mapping's protocol while a Binding leads to it", () => {
    const [problem] = refusalOf(() =>
      update(filled(), "route", 16, 1, { ...MAPPING, protocol: "udp" }),
    );
    expect(problem?.sentence).toMatch(
      /protocol is udp, and the Binding "here" that leads to it is tcp/,
    );
  });

  it("keep a Route's type", () => {
    const binding = { ...GOOD_BINDING, name: "web", mapping: idOf(16) };
    const [problem] = refusalOf(() => update(filled(), "route", 16, 1, binding));
    expect(problem?.sentence).toMatch(/type was mapping, and stays so/);
  });

  it.each([
    ["tag", 1, ['Customer "northern"', 'Profile "factory"', 'Route "web"']],
    ["route", 16, ['Route "here"', 'Template "cameras"']],
    ["template", 32, ['Profile "factory"']],
    ["profile", 48, ['STLink "camera-1"']],
  ] as const)(
    "keep a %s from being deleted, and the answer lists what uses it",
    (kind, number, users) => {
      const [problem, ...more] = refusalOf(() => remove(filled(), kind, number));
      expect(more).toEqual([]);
      expect(problem?.code).toBe("InUse");
      expect(problem?.sentence).toContain(
        `it is used by ${users.join(", ")}. Take it out there first.`,
      );
      expect(problem?.users).toHaveLength(users.length);
    },
  );

  it("list a hundred of more, and count all", () => {
    const db = openStore();
    made(db, "tag", 1, { name: "hall" });
    changed(db, (change) => {
      for (let i = 1; i <= 120; i++) {
        createObject(change, "template", idOf(100 + i), { name: `t${i}`, tags: [idOf(1)] });
      }
    });
    const [problem] = refusalOf(() => remove(db, "tag", 1));
    expect(problem?.users).toHaveLength(100);
    expect(problem?.sentence).toMatch(/, 110 more\. Take/);
  });
});

describe("Bindings at one place", () => {
  const twin = { ...GOOD_BINDING, name: "twin", mapping: idOf(16) };
  const sentence =
    'STLink "camera-1" would listen twice at tcp 127.0.0.1:443, for the Routes "here" and "twin": give one another port, or leave it out.';

  function withTwin(): Database {
    const db = filled();
    made(db, "route", 18, twin);
    return db;
  }

  it.each([
    [
      "a Template",
      (db: Database) => update(db, "template", 32, 1, { name: "c", routes: [idOf(17), idOf(18)] }),
    ],
    [
      "a Profile",
      (db: Database) =>
        update(db, "profile", 48, 1, { name: "f", templates: [idOf(32)], routes: [idOf(18)] }),
    ],
  ])("are refused where %s brings them to one STLink", (_, act) => {
    const db = withTwin();
    expect(refusalOf(() => act(db)).map((problem) => problem.sentence)).toEqual([sentence]);
    expect(readObject(db, "template", idOf(32))?.version).toBe(1);
  });

  it("are refused where an assignment, or a Route's own change, brings them there", () => {
    const db = withTwin();
    made(db, "template", 33, { name: "more", routes: [idOf(18)] });
    const assigned = { name: "camera-1", profile: idOf(48), templates: [idOf(33)] };
    expect(refusalOf(() => update(db, "stlink", 7, 1, assigned))[0]?.sentence).toBe(sentence);
    update(db, "route", 18, 1, { ...twin, port: 444 });
    update(db, "stlink", 7, 1, assigned);
    expect(refusalOf(() => update(db, "route", 18, 2, twin))[0]?.sentence).toBe(sentence);
  });

  it("are fine on two STLinks", () => {
    const db = withTwin();
    made(db, "template", 33, { name: "more", routes: [idOf(18)] });
    expect(() => made(db, "stlink", 8, { name: "camera-2", templates: [idOf(33)] })).not.toThrow();
  });
});

describe("the version of configurations", () => {
  it("rises once with each change that configurations depend on, and with no other", () => {
    const db = filled();
    const serial = () => readVersion(db).serial;
    const rises = (act: () => unknown) => {
      const before = serial();
      act();
      return Number(serial() - before);
    };
    expect(rises(() => update(db, "route", 16, 1, { ...MAPPING, port: 80 }))).toBe(1);
    expect(
      rises(() =>
        update(db, "route", 16, 2, { ...MAPPING, port: 80, name: "x", description: "y" }),
      ),
    ).toBe(0);
    expect(rises(() => update(db, "tag", 1, 1, { name: "yard" }))).toBe(0);
    expect(rises(() => update(db, "profile", 48, 1, { name: "f", lease: "1d" }))).toBe(1);
    expect(rises(() => made(db, "customer", 65, { ...GOOD_CUSTOMER, name: "s", tags: [] }))).toBe(
      0,
    );
    const both = (): void =>
      changed(db, (change) => {
        createObject(change, "template", idOf(33), { name: "a", routes: [idOf(16)] });
        createObject(change, "template", idOf(34), { name: "b", routes: [idOf(16)] });
      });
    expect(rises(both)).toBe(1);
    expect(rises(() => remove(db, "template", 33))).toBe(1);
    const authority = {
      commanderId: idOf(99),
      commanderKey: keyOf(99),
      recoveryKey: keyOf(98),
      connectors: [],
    };
    expect(rises(() => changed(db, (change) => writeAuthority(change, authority)))).toBe(1);
  });
});

describe("a transaction", () => {
  it("is whole or not there, with its audit entries", () => {
    const db = filled();
    const [head, version] = [auditHead(db), readVersion(db)];
    const act = () =>
      changed(db, (change) => {
        createObject(change, "tag", idOf(2), { name: "roof" });
        deleteObject(change, "template", idOf(32), 1);
      });
    expect(refusalOf(act)[0]?.code).toBe("InUse");
    expect(readObject(db, "tag", idOf(2))).toBeNull();
    expect([auditHead(db), readVersion(db)]).toEqual([head, version]);
  });
});

describe("secrets", () => {
  it("of the site are set and read by name, and the log says only that", () => {
    const db = openStore();
    expect(readSecret(db, "commander key")).toBeNull();
    changed(db, (change) => writeSecret(change, "commander key", new Uint8Array(32).fill(7)));
    expect(readSecret(db, "commander key")).toEqual(new Uint8Array(32).fill(7));
    const [row] = auditRows(db, { limit: 1 });
    expect(row).toMatchObject({
      what: "set secret",
      name: "commander key",
      before: null,
      after: null,
    });
  });

  it("lie in a file of its owner's alone, with its log", () => {
    const file = placeFor();
    const db = openStore(file);
    made(db, "tag", 1, { name: "hall" });
    for (const part of [file, `${file}-wal`, `${file}-shm`]) {
      expect([part, existsSync(part) && statSync(part).mode & 0o777]).toEqual([part, 0o600]);
    }
  });
});

describe("a database that can't be used", () => {
  const codeAndSentence = (act: () => unknown) => {
    const [problem] = refusalOf(act);
    return [problem?.code, problem?.sentence] as const;
  };

  function closed(): string {
    const file = placeFor();
    new Database(file).close();
    return file;
  }

  it("because it is newer says so, and stays as it is", () => {
    const file = closed();
    const raw = new DatabaseSync(file);
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    const [code, sentence] = codeAndSentence(() => new Database(file));
    expect(code).toBe("StoreNewer");
    expect(sentence).toMatch(/is of a newer Commander \(99; this one knows \d+\): run that one\.$/);
  });

  it("because it is another program's says so, and nothing is written into it", () => {
    const file = placeFor();
    const raw = new DatabaseSync(file);
    raw.exec("CREATE TABLE songs (name TEXT)");
    raw.close();
    chmodSync(file, 0o600);
    const before = readFileSync(file);
    const [code, sentence] = codeAndSentence(() => new Database(file));
    expect([code, sentence]).toEqual([
      "StoreUnusable",
      expect.stringMatching(/belongs to another program/),
    ]);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("because another process holds it says so, and nothing was changed", () => {
    const file = placeFor();
    const db = openStore(file);
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    const [code, sentence] = codeAndSentence(() => made(db, "tag", 1, { name: "hall" }));
    expect(code).toBe("StoreLocked");
    expect(sentence).toMatch(/is held by another process: nothing was changed\. Try again/);
    other.exec("ROLLBACK");
    other.close();
    expect(() => made(db, "tag", 1, { name: "hall" })).not.toThrow();
  });

  it("because its disk is full says so, keeps what it had, and goes on when there is room", () => {
    const db = openStore();
    made(db, "tag", 1, { name: "hall" });
    const { page_count: pages } = db.get<{ page_count: number }>("PRAGMA page_count") ?? {
      page_count: 0,
    };
    db.exec(`PRAGMA max_page_count = ${pages}`);
    const fill = () =>
      changed(db, (change) => {
        for (let i = 2; i < 500; i++) {
          createObject(change, "tag", idOf(i), { name: `t${i}`, description: "x".repeat(1000) });
        }
      });
    const [code, sentence] = codeAndSentence(fill);
    expect(code).toBe("StoreFull");
    expect(sentence).toMatch(/has no room on its disk: nothing was changed\. Make room/);
    expect(readObject(db, "tag", idOf(1))?.fields.name).toBe("hall");
    expect(readObject(db, "tag", idOf(2))).toBeNull();
    db.exec("PRAGMA max_page_count = 1000000");
    expect(fill).not.toThrow();
  });

  it.each([
    ["is no database", (file: string) => writeFileSync(file, "x".repeat(8192))],
    [
      "was overwritten in the middle",
      (file: string) => {
        const bytes = readFileSync(file);
        writeFileSync(file, bytes.fill(0x5a, 100, 20_000));
      },
    ],
  ])("because it %s says so", (_, spoil) => {
    const file = closed();
    spoil(file);
    const [code, sentence] = codeAndSentence(() => made(openStore(file), "tag", 1, { name: "a" }));
    expect([code, sentence]).toEqual([
      "StoreDamaged",
      expect.stringMatching(
        /is damaged, or no database at all: restore the last backup, and keep this file/,
      ),
    ]);
  });

  it("because others may read it says how to change that", () => {
    const file = closed();
    chmodSync(file, 0o640);
    const [code, sentence] = codeAndSentence(() => new Database(file));
    expect([code, sentence]).toEqual([
      "StoreUnusable",
      `The database ${file} holds secrets and others may read it: chmod 600 ${file}`,
    ]);
  });

  it("because its folder is not there says so", () => {
    const [code, sentence] = codeAndSentence(() => new Database(`${placeFor()}/no/such`));
    expect([code, sentence]).toEqual([
      "StoreUnusable",
      expect.stringMatching(
        /can't be made: (it does not exist|a part of the path is not a folder)\. Check the path\.$/,
      ),
    ]);
  });
});
