// SPDX-License-Identifier: Apache-2.0
// Configuration as code: all Routes, Templates, Profiles and Tags as one file, read with the line of each mistake,
// its difference to what is there, and its import: whole or not at all, ids kept. What is exported and imported
// into an empty Commander is the same.

import { writeFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { Difference } from "../../host/commander/domain/difference.ts";
import { auditHead, auditRows, verifyAudit } from "../../host/commander/store/audit.ts";
import type { Database } from "../../host/commander/store/database.ts";
import { exportDocument, importDocument, planImport } from "../../host/commander/store/document.ts";
import { documentText, readDocument } from "../../host/commander/store/document-file.ts";
import { readNamed } from "../../host/commander/store/objects.ts";
import { readVersion } from "../../host/commander/store/site.ts";
import { AppError } from "../../host/service/app-error.ts";
import { parseToml } from "../../host/service/toml-text.ts";
import { idOf } from "./commander-objects.ts";
import { BEN, made, openStore, placeFor, refusalOf, removeStores } from "./commander-stores.ts";

afterEach(removeStores);

const SITE = `# The camera in the hall.
[[tags]]
name = "hall"

[[mappings]]
name = "web"
description = "The camera's page."
tags = ["hall"]
address = "192.168.0.1"
port = 543

[[bindings]]
name = "here"
mapping = "web"
port = 443

[[bindings]]
name = "subnet"
mapping = "web"
address = "eth0"
port = 8443
exposes = "tcp eth0:8443"
access = { sources = ["192.168.0.0/24"], connections = 5 }

[[templates]]
name = "cameras"
routes = ["web"]

[[templates]]
name = "desks"
tags = ["hall"]
routes = ["here", "subnet"]

[[profiles]]
name = "factory"
templates = ["cameras"]
lease = "never"

[profiles.codes]
uses = 20
expiry = "30d"
`;

function place(text: string, name = "site.toml"): string {
  const file = placeFor(name);
  writeFileSync(file, text);
  return file;
}

let count = 0;
const newId = () => idOf(1000 + count++);

function imported(db: Database, text: string): Difference[] {
  return importDocument(db, BEN, readDocument(place(text)), newId);
}

function planned(db: Database, text: string): Difference[] {
  return planImport(db, BEN, readDocument(place(text)), newId);
}

/** Each difference in a line. */
function short(found: readonly Difference[]): string[] {
  return found.map(({ what, kind, name, fields }) => {
    return `${what} ${kind} ${name}: ${fields.map(({ field }) => field).join(" ")}`;
  });
}

describe("an import", () => {
  it("makes all, with ids for names, in one version", () => {
    const db = openStore();
    expect(short(imported(db, SITE)).map((one) => one.split(":")[0])).toEqual([
      ...["add tag hall", "add route web", "add route here", "add route subnet"],
      ...["add template cameras", "add template desks", "add profile factory"],
    ]);
    const [web, hall] = [readNamed(db, "route", "web"), readNamed(db, "tag", "hall")];
    expect(readNamed(db, "route", "here")?.fields).toMatchObject({
      mapping: web?.id,
      address: "127.0.0.1",
    });
    expect(web?.fields).toMatchObject({ tags: [hall?.id], hold: "120s", pinned: false });
    expect(readNamed(db, "template", "desks")?.fields.routes).toHaveLength(2);
    expect(readNamed(db, "profile", "factory")?.fields).toMatchObject({
      ...{ lease: "never", codes: { uses: 20, expiry: "30d", approval: false } },
    });
    expect(readVersion(db).serial).toBe(2n);
    expect(
      auditRows(db, { limit: 100 }).every(({ who, what }) => who === "ben" && what === "create"),
    ).toBe(true);
    expect(verifyAudit(db)).toEqual([]);
  });

  it("of what is there already changes nothing", () => {
    const db = openStore();
    imported(db, SITE);
    const [head, version] = [auditHead(db), readVersion(db)];
    expect(imported(db, SITE)).toEqual([]);
    const moved = SITE.replace('["here", "subnet"]', '["subnet", "here"]').replace(
      "port = 543",
      'port = 543\nprotocol = "tcp"',
    );
    expect(imported(db, moved)).toEqual([]);
    expect([auditHead(db), readVersion(db)]).toEqual([head, version]);
  });

  it("changes what is other, keeps its id, and removes what the file has no more", () => {
    const db = openStore();
    imported(db, SITE);
    const { id } = readNamed(db, "route", "web") ?? {};
    const text = SITE.replace("port = 543", "port = 80")
      .replace('routes = ["here", "subnet"]', 'routes = ["here"]')
      .replace(/\[\[bindings\]\]\nname = "subnet"[^[]*sources[^\n]*\n/, "")
      .replace("uses = 20", "uses = 3");
    const found = imported(db, text);
    expect(short(found)).toEqual([
      "change route web: port",
      "change template desks: routes",
      "change profile factory: codes",
      expect.stringMatching(/^remove route subnet: .*\bport\b/),
    ]);
    expect(found[0]?.fields).toEqual([{ field: "port", before: 543, after: 80 }]);
    expect(found[1]?.fields).toEqual([
      { field: "routes", before: ["here", "subnet"], after: ["here"] },
    ]);
    expect(readNamed(db, "route", "web")).toMatchObject({ id, version: 2, changedBy: "ben" });
    expect(readNamed(db, "route", "subnet")).toBeNull();
  });

  it("of an empty file removes all, last first", () => {
    const db = openStore();
    imported(db, SITE);
    expect(short(imported(db, "")).map((one) => one.split(":")[0])).toEqual([
      ...["remove profile factory", "remove template desks", "remove template cameras"],
      ...["remove route subnet", "remove route here", "remove route web", "remove tag hall"],
    ]);
    expect(exportDocument(db)).toEqual({});
  });

  it("changes together what would not fit one after the other", () => {
    const db = openStore();
    imported(db, SITE);
    made(db, "stlink", 7, {
      name: "desk",
      templates: [readNamed(db, "template", "desks")?.id ?? ""],
    });
    const swapped = SITE.replace(
      "port = 443",
      'address = "eth0"\nport = 8443\nexposes = "tcp eth0:8443"',
    ).replace(
      'address = "eth0"\nport = 8443\nexposes = "tcp eth0:8443"\naccess',
      "port = 443\naccess",
    );
    expect(short(imported(db, swapped))).toEqual([
      "change route here: address port exposes",
      "change route subnet: address port exposes",
    ]);
    const udp = swapped
      .replaceAll('mapping = "web"', 'mapping = "web"\nprotocol = "udp"')
      .replace("port = 543", 'port = 543\nprotocol = "udp"')
      .replace("tcp eth0", "udp eth0");
    expect(short(imported(db, udp))).toHaveLength(3);
  });

  it("is whole or not at all: what is in use stays, and then all stays", () => {
    const db = openStore();
    imported(db, SITE);
    made(db, "stlink", 7, {
      name: "desk",
      templates: [readNamed(db, "template", "desks")?.id ?? ""],
    });
    const head = auditHead(db);
    const text = SITE.replace("port = 543", "port = 80").replace(
      'name = "desks"',
      'name = "tables"',
    );
    for (const act of [imported, planned]) {
      const [problem] = refusalOf(() => act(db, text));
      expect(problem?.code).toBe("InUse");
      expect(problem?.sentence).toMatch(
        /Template "desks" can't be deleted: it is used by STLink "desk"/,
      );
    }
    expect(readNamed(db, "route", "web")?.fields).toMatchObject({ port: 543 });
    expect([auditHead(db), readNamed(db, "template", "tables")]).toEqual([head, null]);
  });

  it("takes a name in other letters for the same object", () => {
    const db = openStore();
    imported(db, SITE);
    expect(short(imported(db, SITE.replaceAll('"web"', '"Web"')))).toEqual([
      "change route Web: name",
    ]);
  });
});

describe("a dry run", () => {
  it("says what an import would change, and changes nothing", () => {
    const db = openStore();
    imported(db, SITE);
    const before = [auditHead(db), readVersion(db), exportDocument(db)];
    const text = SITE.replace("port = 543", "port = 80");
    const plan = planned(db, text);
    expect(short(plan)).toEqual(["change route web: port"]);
    expect([auditHead(db), readVersion(db), exportDocument(db)]).toEqual(before);
    expect(imported(db, text)).toEqual(plan);
  });
});

describe("an export", () => {
  it("is what an empty Commander becomes the same from, and says no default", () => {
    const [db, other] = [openStore(), openStore()];
    imported(db, SITE);
    const text = documentText(exportDocument(db));
    imported(other, text);
    expect(exportDocument(other)).toEqual(exportDocument(db));
    expect(documentText(exportDocument(other))).toBe(text);
    expect(parseToml(text).value).toEqual(parseToml(SITE).value);
  });

  it("keeps text of any kind", () => {
    const [db, other] = [openStore(), openStore()];
    const description = "a \"b\" \\ \t\n# [x] = \u{1f600} '''";
    made(db, "tag", 1, { name: "hall", description });
    imported(other, documentText(exportDocument(db)));
    expect(readNamed(other, "tag", "hall")?.fields.description).toBe(description);
  });
});

describe("a file", () => {
  const saidOf = (text: string, name?: string): string[] => {
    try {
      readDocument(place(text, name));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error.message.split("\n").map((line) => line.replace(/^.*(site\.\w+)/, "$1"));
    }
    throw new Error("it was taken");
  };

  it.each([
    ["port = 543", "port = 0", "line 10: mappings[0].port is to be at least 1."],
    [
      '"192.168.0.1"',
      '"8.8.8.8"',
      "line 9: mappings[0].address is 8.8.8.8: a Mapping never points",
    ],
    [
      'mapping = "web"',
      'mapping = "wep"',
      'line 14: bindings[0].mapping names "wep", and there is no route of this name here: add it',
    ],
    [
      'tags = ["hall"]',
      'tags = ["roof"]',
      'line 8: mappings[0].tags[0] names "roof", and there is no tag of this name',
    ],
    [
      'name = "subnet"',
      'name = "Web"',
      "line 18: bindings[1].name is that of mappings[0] too: give each its own.",
    ],
    [
      'exposes = "tcp eth0:8443"\n',
      "",
      'line 17: bindings[1].exposes is not what it has to be. Route "subnet" listens on eth0',
    ],
    [
      "port = 543",
      'port = 543\nidle = "30s"',
      'line 11: mappings[0].idle is not what it has to be. Route "web": idle is for UDP, and this Route carries tcp: leave it out.',
    ],
    [
      'routes = ["web"]',
      'routes = ["web", "web"]',
      "line 27: templates[0].routes[1] is there twice",
    ],
    ['lease = "never"', 'lease = "ever"', "line 37: profiles[0].lease is not a lease"],
    [
      "uses = 20",
      "use = 20",
      'line 40: profiles[0].codes.use is not a field: did you mean "uses"?',
    ],
    ['name = "hall"', 'nam = "hall"', 'line 3: tags[0].nam is not a field: did you mean "name"?'],
    ["port = 543", "port = ", "line 10: not TOML"],
  ])("with %s as %s is refused with the line", (good, bad, sentence) => {
    const said = saidOf(SITE.replace(good, bad));
    expect(
      said.some((line) => line.startsWith(`site.toml, ${sentence}`)),
      said.join("\n"),
    ).toBe(true);
  });

  it("may be JSON", () => {
    const { value } = parseToml(SITE);
    const db = openStore();
    const file = place(JSON.stringify(value, null, 2), "site.json");
    expect(importDocument(db, BEN, readDocument(file), newId)).toHaveLength(7);
    expect(saidOf('{ "tags": [{ "name": "" }] }', "site.json")[0]).toMatch(
      /^site\.json, line 1: tags\[0\]\.name/,
    );
  });

  it("says all that is wrong at once", () => {
    const said = saidOf(
      SITE.replace('mapping = "web"', 'mapping = "a"').replace(
        'routes = ["web"]',
        'routes = ["b", "c"]',
      ),
    );
    expect(said).toHaveLength(3);
  });
});
