// SPDX-License-Identifier: Apache-2.0
// What can be done with every kind of object, as commands: list, show, add, set, rm. Before it: a noun, which
// says its kind's fields, filters and columns. After it: things.ts, and a table or JSON.

import type { Argv, CommandModule } from "yargs";
import { AppError } from "../../service/app-error.ts";
import { type Field, fieldOptions, type Given, givenFields } from "./fields.ts";
import { type Cell, linesText, printJson, tableText, timeText } from "./output.ts";
import type { Commander, Plural, Thing } from "./things.ts";
import {
  groupCommand,
  limitOption,
  type NounArguments,
  nounOptions,
  tellDone,
  tellMore,
  whichArgument,
  wholeLimit,
  withArticle,
  withCommander,
  yesOption,
} from "./usual-options.ts";

export type Column = {
  head: string;
  cell(thing: Thing, commander: Commander): Cell | Promise<Cell>;
};

export type Noun = {
  /** "route". */
  name: string;
  /** "Route". */
  word: string;
  plural: Plural;
  fields: readonly Field[];
  /** Behind the name, before the Tags. */
  columns: readonly Column[];
  /** Behind these, with --wide. */
  wide?: readonly Column[];
  /** Options of `list` that filter, beside --tag and --text. */
  filters: readonly Filter[];
  /** An example of what is behind `add`. */
  example: string;
  /** Looks at a new or changed object before it is sent; adds what its owner has to say. */
  confirm?(thing: Given, given: Given): Promise<Given>;
  /** What else is made with a new one, as JSON and as text. */
  made?(thing: Thing, commander: Commander): Promise<{ more: object; text: string }>;
  /** What `show` says beside fields. */
  about?(thing: Thing, commander: Commander): Promise<string>;
};

export type Filter = { option: string; choices: readonly string[]; describe: string };

type AnyArguments = NounArguments & Record<string, unknown>;
type NamedArguments = AnyArguments & { which: string };

export function listCommand(noun: Noun): CommandModule<object, AnyArguments> {
  const { name, word, filters } = noun;
  return {
    command: "list",
    describe: `List ${word}s`,
    builder: (yargs) => {
      for (const { option, choices, describe } of filters) {
        yargs.option(option, { type: "string", choices, requiresArg: true, describe });
      }
      if (noun.plural !== "tags") yargs.option("tag", TAG_FILTER);
      if (noun.wide !== undefined) yargs.option("wide", WIDE);
      const filtered = yargs
        .option("text", { type: "string", requiresArg: true, describe: "With these words in it" })
        .example(`$0 ${name} list`, "");
      return nounOptions(limitOption(filtered)) as Argv<AnyArguments>;
    },
    handler: withCommander(async (commander, given) => {
      const found = await listThings(noun, commander, given);
      if (given.json) printJson(found.items);
      else console.log(await thingsText(noun, commander, found.items, isWide(given)));
      tellMore(found.isMore, found.items.length);
    }),
  };
}

const TAG_FILTER = {
  type: "string",
  array: true,
  nargs: 1,
  describe: "With this Tag; several: with all",
} as const;

const WIDE = {
  type: "boolean",
  default: false,
  describe: "More columns: a wide terminal is needed",
} as const;

export function isWide(given: Given): boolean {
  return given["wide"] === true;
}

export async function listThings(noun: Noun, commander: Commander, given: Given) {
  const filters = [...noun.filters.map(({ option }) => option), "text", "tag"];
  const said = filters.map((option) => [option, given[option]] as const);
  const query = Object.fromEntries(said.filter(([, value]) => value !== undefined));
  const tags = (query["tag"] as string[] | undefined) ?? [];
  // A Tag of nobody is said as any other name of nobody is.
  await Promise.all(tags.map((tag) => commander.idOf("tags", tag)));
  return commander.list(noun.plural, query, wholeLimit(given["limit"]));
}

export async function thingsText(
  noun: Noun,
  commander: Commander,
  things: readonly Thing[],
  hasAll: boolean,
): Promise<string> {
  if (things.length === 0) return `no ${noun.word}s`;
  const tags = noun.plural === "tags" ? [] : [TAGS];
  const wide = hasAll ? (noun.wide ?? []) : [];
  const columns = [NAME, ...noun.columns, ...wide, ...tags, ID];
  const rows: Cell[][] = [];
  for (const thing of things) {
    rows.push(await Promise.all(columns.map(({ cell }) => cell(thing, commander))));
  }
  return tableText(
    columns.map(({ head }) => head),
    rows,
  );
}

const NAME: Column = { head: "NAME", cell: ({ name }) => name };
const ID: Column = { head: "ID", cell: ({ id }) => id };
const TAGS: Column = {
  head: "TAGS",
  cell: async ({ tags }, commander) =>
    (await commander.namesOf("tags", (tags as string[] | undefined) ?? [])).join(" "),
};

export function showCommand(noun: Noun): CommandModule<object, NamedArguments> {
  const { name, word } = noun;
  return {
    command: "show <which>",
    describe: `Show all of ${withArticle(word)}`,
    builder: (yargs) =>
      nounOptions(
        whichArgument(yargs, word).example(`$0 ${name} show hall`, ""),
      ) as Argv<NamedArguments>,
    handler: withCommander(async (commander, { which, json }) => {
      const thing = await commander.find(noun.plural, which);
      if (json) return printJson(thing);
      console.log(await thingText(noun, commander, thing));
      const about = await noun.about?.(thing, commander);
      if (about !== undefined && about !== "") console.log(`\n${about}`);
    }),
  };
}

async function thingText({ fields }: Noun, commander: Commander, thing: Thing): Promise<string> {
  const lines: [string, Cell][] = [
    ["name", thing.name],
    ["id", thing.id],
  ];
  for (const field of fields) {
    if (field.at !== "name") lines.push([field.option, await fieldCell(field, commander, thing)]);
  }
  const { version, createdAt, createdBy, changedAt, changedBy } = thing;
  lines.push(["made", `${timeText(createdAt)} by ${createdBy}`]);
  lines.push(["changed", `${timeText(changedAt)} by ${changedBy} (version ${version})`]);
  return linesText(lines);
}

async function fieldCell({ at, to }: Field, commander: Commander, thing: Thing): Promise<Cell> {
  const value = at
    .split(".")
    .reduce<unknown>((one, name) => (one as Given | undefined)?.[name], thing);
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return value;
  const texts = (Array.isArray(value) ? value : [value]).map(String);
  return (to === undefined ? texts : await commander.namesOf(to, texts)).join(" ");
}

export function addCommand(noun: Noun): CommandModule<object, AnyArguments & { name: string }> {
  const { name, word, fields, example } = noun;
  return {
    command: "add <name>",
    describe: `Make ${withArticle(word)}`,
    builder: (yargs) => {
      const named = yargs.positional("name", {
        type: "string",
        demandOption: true,
        describe: "What to call it",
      });
      const all = fieldOptions(
        named,
        fields.filter(({ at }) => at !== "name"),
        { isChange: false },
      );
      return writeOptions(noun, all.example(`$0 ${name} add ${example}`, "")) as Argv<
        AnyArguments & { name: string }
      >;
    },
    handler: withCommander(async (commander, given) => {
      const said = await givenFields(commander, fields, given, null);
      const body = { ...withoutNulls(said), name: given.name };
      const sent = (await noun.confirm?.(body, given)) ?? body;
      const made = await commander.create(noun.plural, sent);
      const beside = await noun.made?.(made, commander);
      const text = `${word} ${made.name} is made: ${made.id}`;
      const lines = beside === undefined ? [text] : [text, beside.text];
      tellDone(given.json, { ...made, ...beside?.more }, lines.join("\n"));
    }),
  };
}

/** Some objects are asked about. */
function writeOptions({ confirm }: Noun, yargs: Argv): Argv {
  return nounOptions(confirm === undefined ? yargs : yesOption(yargs));
}

function withoutNulls(fields: ReadonlyMap<string, unknown>): Record<string, unknown> {
  return Object.fromEntries([...fields].filter(([, value]) => value !== null));
}

export function setCommand(noun: Noun): CommandModule<object, NamedArguments> {
  const { name, word, fields } = noun;
  return {
    command: "set <which>",
    describe: `Change fields of ${withArticle(word)}, and no others`,
    builder: (yargs) => {
      const all = fieldOptions(whichArgument(yargs, word), [NEW_NAME, ...fields], {
        isChange: true,
      });
      return writeOptions(
        noun,
        all.example(`$0 ${name} set hall --name lobby`, "Another name"),
      ) as Argv<NamedArguments>;
    },
    handler: withCommander(async (commander, given) => {
      const before = await commander.find(noun.plural, given.which);
      const fieldsGiven = await givenFields(commander, [NEW_NAME, ...fields], given, before);
      if (fieldsGiven.size === 0) {
        const message = `Say what to change: \`sealed ${name} set --help\` lists the fields.`;
        throw new AppError("Usage", message);
      }
      const changes = Object.fromEntries(fieldsGiven);
      const confirmed = await confirmedChanges(noun, before, changes, given);
      const after = await commander.change(noun.plural, before, confirmed);
      tellDone(given.json, after, `${word} ${after.name} is changed.`);
    }),
  };
}

const NEW_NAME: Field = { at: "name", option: "name", is: "text", describe: "Another name" };

/** What the owner has to say of the whole, as it would be. */
async function confirmedChanges(
  noun: Noun,
  before: Thing,
  changes: Given,
  given: Given,
): Promise<Given> {
  const confirmed = await noun.confirm?.({ ...before, ...changes }, given);
  if (confirmed === undefined) return changes;
  const exposes = confirmed["exposes"] ?? null;
  return exposes === (before["exposes"] ?? null) ? changes : { ...changes, exposes };
}

export function removeCommand(noun: Noun): CommandModule<object, NamedArguments> {
  const { name, word } = noun;
  return {
    command: "rm <which>",
    describe: `Delete ${withArticle(word)} that nothing uses`,
    builder: (yargs) =>
      nounOptions(
        whichArgument(yargs, word).example(`$0 ${name} rm hall`, ""),
      ) as Argv<NamedArguments>,
    handler: withCommander(async (commander, { which, json }) => {
      const thing = await commander.find(noun.plural, which);
      await commander.remove(noun.plural, thing);
      tellDone(json, thing, `${word} ${thing.name} is deleted.`);
    }),
  };
}

/** List, show, add, set, rm. */
export function nounVerbs(noun: Noun): CommandModule[] {
  const makers = [listCommand, showCommand, addCommand, setCommand, removeCommand];
  return makers.map((make) => make(noun) as CommandModule);
}

export function nounCommand(noun: Noun, describe: string): CommandModule {
  return groupCommand(noun.name, describe, nounVerbs(noun));
}
