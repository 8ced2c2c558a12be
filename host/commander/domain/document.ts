// SPDX-License-Identifier: Apache-2.0
// Configuration as code: all Tags, Routes, Templates and Profiles as one document, in which objects name each other.
// Before it: a person's TOML or JSON, or an export. After it: the difference to what is there, and the import.
// It is whole: what it does not name is to go. STLinks, keys and codes are not in it.

import * as z from "zod";
import { schemaField } from "../../service/fields.ts";
import type { FieldIssue } from "../../service/issue-text.ts";
import { nameReference } from "./fields.ts";
import type { Kind } from "./kinds.ts";
import { profileSchema } from "./profile.ts";
import { bindingSchema, mappingSchema, type RouteFields, routeProblems } from "./route.ts";
import { tagSchema } from "./tag.ts";
import { templateSchema } from "./template.ts";
import { referencesOf } from "./uses.ts";

/** In the order in which they need each other. */
const SECTIONS = {
  tags: { kind: "tag", schema: tagSchema, least: {} },
  mappings: {
    kind: "route",
    schema: mappingSchema(nameReference),
    least: { type: "mapping", address: "a", port: 1 },
  },
  bindings: {
    kind: "route",
    schema: bindingSchema(nameReference),
    least: { type: "binding", mapping: "a", port: 1 },
  },
  templates: { kind: "template", schema: templateSchema(nameReference), least: {} },
  profiles: { kind: "profile", schema: profileSchema(nameReference), least: {} },
} as const;

type Section = keyof typeof SECTIONS;
const NAMES = Object.keys(SECTIONS) as Section[];

function list<Section extends z.ZodType>(schema: Section, what: string) {
  return z.array(schema).default([]).describe(what);
}

export const documentSchema = z
  .strictObject({
    $schema: schemaField,
    tags: list(SECTIONS.tags.schema, "Tags, which the others name."),
    mappings: list(
      SECTIONS.mappings.schema,
      "Mapping Routes: where STLinks send what they receive.",
    ),
    bindings: list(SECTIONS.bindings.schema, "Binding Routes: where STLinks listen."),
    templates: list(SECTIONS.templates.schema, "Templates: sets of Routes."),
    profiles: list(SECTIONS.profiles.schema, "Profiles: how STLinks are deployed."),
  })
  .meta({ title: "A Commander's Routes, Templates, Profiles and Tags" });

export type Document = z.output<typeof documentSchema>;

/** One object of a document, its references by name. */
export type Entry = {
  kind: Kind;
  name: string;
  section: string;
  index: number;
  fields: Readonly<Record<string, unknown>>;
};

/** In an order in which each can be made: what it refers to comes before it. */
export function entriesOf(document: Document): Entry[] {
  return NAMES.flatMap((section) =>
    document[section].map((fields, index) => ({
      ...{ kind: SECTIONS[section].kind, name: fields.name, section, index, fields },
    })),
  );
}

/** Names that differ in the case of letters alone are one. */
export function entryKey(kind: Kind, name: string): string {
  return `${kind} ${name.toLowerCase()}`;
}

/** What is wrong with a document whose fields are right: names twice, or of nobody, and exposures. */
export function documentIssues(document: Document): FieldIssue[] {
  const entries = entriesOf(document);
  const known = new Map<string, Entry>();
  const twice: FieldIssue[] = [];
  for (const entry of entries) {
    const key = entryKey(entry.kind, entry.name);
    const first = known.get(key);
    if (first === undefined) known.set(key, entry);
    else {
      const what = `is that of ${first.section}[${first.index}] too: give each its own.`;
      twice.push({ path: [entry.section, entry.index, "name"], what });
    }
  }
  return [...twice, ...entries.flatMap((entry) => entryIssues(entry, known))];
}

function entryIssues(entry: Entry, known: ReadonlyMap<string, Entry>): FieldIssue[] {
  const { kind, section, index: at, fields } = entry;
  const lost = referencesOf(kind, fields)
    .filter(({ to, id: name }) => !known.has(entryKey(to, name)))
    .map(({ field, index, to, id: name }) => ({
      path: [section, at, field, ...(index === null ? [] : [index])],
      what: `names "${name}", and there is no ${to} of this name here: add it, or correct the name.`,
    }));
  if (kind !== "route") return lost;
  const said = routeProblems(fields as RouteFields).map(({ path, sentence }) => ({
    path: [section, at, ...path],
    what: `is not what it has to be. ${sentence}`,
  }));
  return [...lost, ...said];
}

/** The document of these objects, each section in the order of names, without what is the default. */
export function documentOf(objects: readonly { kind: Kind; fields: Entry["fields"] }[]): object {
  const sections = NAMES.map((section) => [section, sectionOf(section, objects)] as const);
  return Object.fromEntries(sections.filter(([, fields]) => fields.length > 0));
}

function sectionOf(
  section: Section,
  objects: readonly { kind: Kind; fields: Entry["fields"] }[],
): Record<string, unknown>[] {
  const { kind, schema, least } = SECTIONS[section];
  const type = "type" in least ? least.type : undefined;
  const defaults: Entry["fields"] = schema.parse({ ...least, name: "a" });
  const needed = new Set(["name", ...Object.keys(least).filter((field) => field !== "type")]);
  return objects
    .filter((one) => one.kind === kind && one.fields["type"] === type)
    .map(({ fields }) => withoutDefaults(fields, defaults, needed))
    .sort((a, b) => (String(a["name"]) < String(b["name"]) ? -1 : 1));
}

function withoutDefaults(
  fields: Entry["fields"],
  defaults: Entry["fields"],
  needed: ReadonlySet<string>,
): Record<string, unknown> {
  const entries = Object.entries(fields).flatMap(([field, value]) => {
    if (needed.has(field)) return [[field, value]];
    return isSame(value, defaults[field]) ? [] : [[field, remainder(value, defaults[field])]];
  });
  return Object.fromEntries(entries);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Of a table what its default does not say; of anything else itself. */
function remainder(value: unknown, byDefault: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const defaults = new Map(Object.entries(byDefault ?? {}));
  const own = Object.entries(value).filter(([field, one]) => !isSame(one, defaults.get(field)));
  return Object.fromEntries(own);
}
