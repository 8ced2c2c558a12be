// SPDX-License-Identifier: Apache-2.0
// What the Commander's commands share: options that several have, the Commander that they name, and how they say that
// something is done. Before it: verbs.ts, nouns with verbs of their own. After it: yargs, a terminal.

import type { Argv, CommandModule } from "yargs";
import { AppError } from "../../service/app-error.ts";
import { openCommander } from "./client.ts";
import { type JsonArguments, jsonOption, printJson } from "./output.ts";
import { type CommanderArguments, commanderOption } from "./place.ts";
import type { Commander } from "./things.ts";

/** What every command of the Commander's is given. */
export type NounArguments = CommanderArguments & JsonArguments;

/** Every command of the Commander's has these. */
export function nounOptions<Arguments>(yargs: Argv<Arguments>) {
  return jsonOption(commanderOption(yargs));
}

export function yesOption<Arguments>(yargs: Argv<Arguments>) {
  return yargs.option("yes", {
    type: "boolean",
    default: false,
    describe: "It is meant: don't ask",
  });
}

/** Does it with the Commander that the arguments name. */
export function withCommander<Arguments extends CommanderArguments>(
  act: (commander: Commander, given: Arguments) => Promise<void>,
): (given: Arguments) => Promise<void> {
  return (given) => act(openCommander(given.commander), given);
}

/** So many are listed where nobody says --limit. */
const LISTED_MOST = 1000;

export function limitOption<Arguments>(yargs: Argv<Arguments>, usual = LISTED_MOST) {
  return yargs.option("limit", {
    type: "number",
    requiresArg: true,
    default: usual,
    describe: "How many at most",
  });
}

/** "a Route", "an STLink". */
export function withArticle(word: string): string {
  return `${word.startsWith("ST") ? "an" : "a"} ${word}`;
}

/** The positional that names an object. */
export function whichArgument<Arguments>(yargs: Argv<Arguments>, word: string) {
  return yargs.positional("which", {
    type: "string",
    demandOption: true,
    describe: `Its name or id: ${withArticle(word)}'s`,
  });
}

export function wholeLimit(limit: unknown): number {
  if (Number.isInteger(limit) && Number(limit) > 0) return Number(limit);
  throw new AppError("Usage", "--limit is a whole number, from 1 on.");
}

/** On standard error: what is printed may be read by a script. */
export function tellMore(isMore: boolean, shown: number): void {
  if (isMore) console.error(`There are more than these ${shown}: --limit says how many to show.`);
}

export function tellDone(json: boolean, thing: unknown, text: string): void {
  if (json) printJson(thing);
  else console.log(text);
}

/** A command whose next word says what. */
export function groupCommand(
  command: string,
  describe: string,
  verbs: readonly CommandModule[],
): CommandModule {
  const names = verbs.map((verb) => String(verb.command).split(" ")[0]);
  return {
    command,
    describe,
    builder: (yargs) =>
      verbs
        .reduce((all, verb) => all.command(verb), yargs)
        .demandCommand(1, `Say what: ${names.join(", ")}.`),
    handler: () => {},
  };
}
