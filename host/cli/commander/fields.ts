// SPDX-License-Identifier: Apache-2.0
// The fields of an object as options of a command: which option is which field, and the body that they make
// of what was given. Before it: yargs. After it: POST with all of them, PATCH with those that differ. A list
// is given anew (`--route a --route b`), or one is added and taken out (`--add-route`, `--rm-route`).

import type { Argv, Options } from "yargs";
import { AppError } from "../../service/app-error.ts";
import type { Commander, Plural, Thing } from "./things.ts";

export type Field = {
  /** Where it is in the object: "tags", or "access.rate". */
  at: string;
  /** Without the dashes. */
  option: string;
  is: "text" | "number" | "flag" | "list";
  /** What it names: names or ids are given. */
  to?: Plural;
  /** It can be taken away: --no-OPTION. */
  isOptional?: boolean;
  describe: string;
};

/** What yargs has read. */
export type Given = Readonly<Record<string, unknown>>;

const ADD = "add-";
const REMOVE = "rm-";

/** The options of `add`, and of `set`, which has more. */
export function fieldOptions<Arguments>(
  yargs: Argv<Arguments>,
  fields: readonly Field[],
  { isChange }: { isChange: boolean },
): Argv<Arguments> {
  for (const field of fields) {
    const { option, is, describe } = field;
    yargs.option(option, { ...TYPES[is], describe: describeOption(field, isChange) });
    if (!isChange || is !== "list") continue;
    yargs.option(`${ADD}${option}`, { ...TYPES.list, describe: `One more: ${lower(describe)}` });
    yargs.option(`${REMOVE}${option}`, { ...TYPES.list, describe: `One less: ${lower(describe)}` });
  }
  return yargs;
}

/** A list takes one value for each time it is said: what follows may be something else. */
const TYPES: Readonly<Record<Field["is"], Options>> = {
  text: { type: "string", requiresArg: true },
  number: { type: "number", requiresArg: true },
  flag: { type: "boolean" },
  list: { type: "string", array: true, nargs: 1 },
};

function describeOption({ describe, option, isOptional }: Field, isChange: boolean): string {
  return isChange && isOptional ? `${describe}; --no-${option}: none` : describe;
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The fields that were given, as a merge patch: null: it is to be absent. */
export async function givenFields(
  commander: Commander,
  fields: readonly Field[],
  given: Given,
  before: Thing | null,
): Promise<Map<string, unknown>> {
  const body = new Map<string, unknown>();
  for (const field of fields) {
    const value = await valueFor(commander, field, given, before);
    if (value === undefined) continue;
    const [first = "", second] = field.at.split(".");
    if (second === undefined) {
      body.set(first, value);
      continue;
    }
    // A merge patch keeps what else there is.
    body.set(first, { ...(body.get(first) as Given | undefined), [second]: value });
  }
  return body;
}

/** undefined: nothing was said of it; null: it is to be absent. */
async function valueFor(
  commander: Commander,
  field: Field,
  given: Given,
  before: Thing | null,
): Promise<unknown> {
  const { option, is } = field;
  if (is === "list") return listOf(commander, field, given, before);
  const value = given[option];
  if (value === undefined) return undefined;
  if (is === "flag") return value;
  if (value === false) return taken(field);
  if (is === "number" && Number.isNaN(value)) {
    throw new AppError("Usage", `--${option} is a number.`);
  }
  return field.to === undefined ? value : commander.idOf(field.to, String(value));
}

function taken({ option, isOptional }: Field): null {
  if (isOptional) return null;
  throw new AppError("Usage", `--no-${option}: it has to be there. Say another one.`);
}

async function listOf(
  commander: Commander,
  { at, option, to }: Field,
  given: Given,
  before: Thing | null,
): Promise<string[] | undefined> {
  const said = async (name: string): Promise<string[] | undefined> => {
    const texts = given[name];
    if (texts === false) return [];
    if (!Array.isArray(texts)) return undefined;
    // `--no-tag` of a list arrives as a list that holds false.
    const meant = texts.filter((one) => one !== false).map(String);
    return to === undefined ? meant : Promise.all(meant.map((one) => commander.idOf(to, one)));
  };
  const [all, more, less] = [
    await said(option),
    await said(`${ADD}${option}`),
    await said(`${REMOVE}${option}`),
  ];
  if (all === undefined && more === undefined && less === undefined) return undefined;
  const now = all ?? listAt(before, at);
  const gone = new Set(less);
  return [...new Set([...now, ...(more ?? [])])].filter((one) => !gone.has(one));
}

function listAt(thing: Thing | null, at: string): string[] {
  const value = at.split(".").reduce<unknown>((one, name) => (one as Given)?.[name], thing);
  return Array.isArray(value) ? value : [];
}
