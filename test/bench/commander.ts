// SPDX-License-Identifier: Apache-2.0
// `npm run bench -- commander`: the Commander's database with 100,000 Routes and 10,000 STLinks: pages of lists by
// every filter, reads, writes with their audit entries, configurations. Medians and the 99th of a hundred, in
// milliseconds. Before it: run.ts. After it: table.ts. The database is made in a folder of its own, and removed.

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Authority } from "../../host/commander/domain/configuration.ts";
import { NO_FACTS } from "../../host/commander/domain/stlink.ts";
import { verifyAudit } from "../../host/commander/store/audit.ts";
import { changeStore } from "../../host/commander/store/change.ts";
import { configurationBytes } from "../../host/commander/store/configurations.ts";
import { Database } from "../../host/commander/store/database.ts";
import { type ListQuery, listObjects } from "../../host/commander/store/listing.ts";
import { readObject } from "../../host/commander/store/objects.ts";
import { changeKeys, stlinkAt } from "../../host/commander/store/stlinks.ts";
import { createObject, updateObject } from "../../host/commander/store/writing.ts";
import { Prng } from "../../host/net/sim/prng.ts";
import { fleetTables } from "./commander-fleet.ts";
import { printSection, type Row } from "./table.ts";

const ROUTES = 100_000;
const STLINKS = 10_000;
const TEMPLATES = 1000;
const PLACES = ["hall", "yard", "roof", "cellar", "garage", "office", "workshop", "gate"];
const RUNS = 100;
const WRITES = 100;
const PAGE = 100;
const BATCH = 2000;
const TELL_MS = 5000;
const BY = { who: "bench", atMs: 1 };
/** Every second Route has it; one in a thousand; all of one type. */
const [COMMON, RARE] = [idOf("a", 1), idOf("a", 2)];
const [MAPPINGS_ALONE, BINDINGS_ALONE] = [idOf("a", 3), idOf("a", 4)];
const AUTHORITY: Authority = {
  commanderId: idOf("f", 1),
  commanderKey: keyOf(1),
  recoveryKey: keyOf(2),
  connectors: [{ key: keyOf(3), address: "connector.test:443" }],
};

const prng = new Prng("bench");

function idOf(kind: string, number: number): string {
  return kind + number.toString(16).padStart(31, "0");
}

/** Nobody makes a handshake with it. */
function keyOf(number: number): string {
  return number.toString(16).padStart(64, "0");
}

/** Measures and prints. */
export async function benchCommander(): Promise<{ missed: number; left: number }> {
  const folder = mkdtempSync(join(tmpdir(), "sealed-bench-"));
  const db = new Database(join(folder, "commander.db"));
  try {
    const startedMs = performance.now();
    fill(db);
    const seconds = (performance.now() - startedMs) / 1000;
    const megabytes = statSync(db.file).size / 1_000_000;
    const title = `${ROUTES} Routes, ${STLINKS} STLinks: a page of ${PAGE}, ms`;
    const notes = [`made in ${seconds.toFixed(0)} s, ${megabytes.toFixed(0)} MB`];
    const columns = ["p50", "p99"];
    printSection({ title, columns, rows: lists(db), notes }, new Map());
    printSection({ title: "one object, ms", columns, rows: singles(db) }, new Map());
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
  return { missed: 0, left: await benchFleet() };
}

/** How many tables could not be made. */
async function benchFleet(): Promise<number> {
  try {
    for (const section of await fleetTables(tellSeldom())) printSection(section, new Map());
    return 0;
  } catch (error) {
    console.log(
      `\nA thousand STLinks: not measured: ${error instanceof Error ? error.message : error}`,
    );
    return 2;
  }
}

function tellSeldom(): (text: string) => void {
  let atMs = performance.now();
  return (text) => {
    if (performance.now() - atMs < TELL_MS) return;
    atMs = performance.now();
    console.log(`  ... ${text}`);
  };
}

function fill(db: Database): void {
  inBatches(db, 1, (change) => {
    for (const [i, name] of ["common", "rare", "mappings", "bindings"].entries()) {
      createObject(change, "tag", idOf("a", i + 1), { name });
    }
  });
  inBatches(db, ROUTES, (change, i) => createObject(change, "route", idOf("1", i), routeOf(i)));
  inBatches(db, TEMPLATES, (change, i) => {
    // A pair of neighbours, a Mapping and the Binding that leads to it, is used by the STLinks of two Templates.
    const routes = Array.from({ length: 10 }, (_, j) =>
      idOf("1", (i >> 1) * 200 + 4 * j + (i & 1) * 3),
    );
    createObject(change, "template", idOf("2", i), { name: `template-${i}`, routes });
  });
  inBatches(db, STLINKS, (change, i) => {
    const id = idOf("3", i);
    const templates = [idOf("2", i % TEMPLATES)];
    createObject(change, "stlink", id, { name: `stlink-${i}`, templates });
    const facts = { ...NO_FACTS, key: keyOf(1000 + i), keyEpoch: 1 };
    changeKeys(change, stlinkAt(db, id), "activate", { facts, spent: [], arePsksVoid: false });
  });
}

type Make = (change: Parameters<typeof createObject>[0], i: number) => unknown;

function inBatches(db: Database, count: number, make: Make): void {
  for (let from = 0; from < count; from += BATCH) {
    changeStore(db, BY, (change) => {
      for (let i = from; i < Math.min(from + BATCH, count); i++) make(change, i);
    });
  }
}

/** Each fourth is a Binding to the Mapping three before it. */
function routeOf(i: number): object {
  const isBinding = i % 4 === 3;
  const name = `${PLACES[i % PLACES.length]}-camera-${(i * 7919) % ROUTES}`;
  const tags = [
    ...(i % 2 === 0 ? [COMMON] : []),
    ...(i % 1000 === 0 ? [RARE] : []),
    isBinding ? BINDINGS_ALONE : MAPPINGS_ALONE,
  ];
  const common = { name, description: `Serial number ${i}.`, tags, port: 1 + (i % 65_000) };
  if (isBinding) return { ...common, type: "binding", mapping: idOf("1", i - 3) };
  return {
    ...common,
    type: "mapping",
    address: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
  };
}

const QUERIES: readonly [label: string, query: Omit<ListQuery, "limit">][] = [
  ["Routes", { kind: "route" }],
  ["Routes, Bindings", { kind: "route", facet: "binding" }],
  ["Routes, a common Tag", { kind: "route", tags: [COMMON] }],
  ["Routes, a rare Tag", { kind: "route", tags: [RARE] }],
  ["Routes, both Tags", { kind: "route", tags: [COMMON, RARE] }],
  [
    "Routes, Bindings with a Tag that none of them has",
    { kind: "route", facet: "binding", tags: [MAPPINGS_ALONE] },
  ],
  ["Routes, two common Tags", { kind: "route", tags: [COMMON, MAPPINGS_ALONE] }],
  [
    "Routes, two common Tags that none has both of",
    { kind: "route", tags: [MAPPINGS_ALONE, BINDINGS_ALONE] },
  ],
  ["Routes, a word of all", { kind: "route", text: "camera" }],
  ["Routes, the beginning of a word", { kind: "route", text: "cel" }],
  ["Routes, one letter", { kind: "route", text: "c" }],
  ["Routes, a word of one", { kind: "route", text: "77777" }],
  ["Routes, a word of all, a rare Tag", { kind: "route", text: "camera", tags: [RARE] }],
  [
    "Routes, a word of all, Bindings, a Tag of none of them",
    { kind: "route", text: "camera", facet: "binding", tags: [MAPPINGS_ALONE] },
  ],
  ["STLinks", { kind: "stlink" }],
  ["STLinks, online: none", { kind: "stlink", facet: "online" }],
  ["STLinks, away, a number", { kind: "stlink", facet: "away", text: "99" }],
];

function lists(db: Database): Row[] {
  const first = QUERIES.map(([label, query]) => {
    const cells = measured(RUNS, () => listObjects(db, { ...query, limit: PAGE }));
    return { label, cells };
  });
  return [...first, { label: "Routes, each page on to the end", cells: pages(db) }];
}

function pages(db: Database): number[] {
  let cursor: string | null = null;
  return measured(ROUTES / PAGE, () => {
    const page = listObjects(db, { kind: "route", limit: PAGE, ...(cursor && { cursor }) });
    cursor = page.next;
  });
}

function singles(db: Database): Row[] {
  const random = (length: number) => prng.bytes(length).slice();
  const route = () => prng.below(ROUTES / 4) * 4;
  const row = (label: string, cells: number[]): Row => ({ label, cells });
  const change = (): void => {
    const id = idOf("1", route());
    const stored = readObject(db, "route", id);
    if (stored === null) throw new Error(`no ${id}`);
    const fields = { ...stored.fields, port: 1 + prng.below(60_000) };
    changeStore(db, BY, (to) => updateObject(to, "route", id, stored.version, fields));
  };
  let count = 0;
  const create = () =>
    changeStore(db, BY, (to) =>
      createObject(to, "tag", idOf("b", ++count), { name: `tag-${count}` }),
    );
  const configure = () => configurationBytes(db, AUTHORITY, idOf("3", prng.below(STLINKS)), random);
  return [
    row(
      "read by id",
      measured(RUNS, () => readObject(db, "route", idOf("1", route()))),
    ),
    row("changed, audited, on disk", measured(WRITES, change)),
    row("made, audited, on disk", measured(WRITES, create)),
    row("an STLink's configuration, its pre-shared keys made first", measured(WRITES, configure)),
    row(
      "the audit log verified, all of it",
      measured(1, () => verifyAudit(db)),
    ),
  ];
}

/** Median and 99th of a hundred of so many runs, milliseconds. */
function measured(runs: number, run: () => void): number[] {
  const times = Array.from({ length: runs }, () => {
    const startedMs = performance.now();
    run();
    return performance.now() - startedMs;
  }).sort((a, b) => a - b);
  const at = (part: number) => times[Math.min(runs - 1, Math.floor(runs * part))] ?? 0;
  return [at(0.5), at(0.99)];
}
