// SPDX-License-Identifier: Apache-2.0
// `sealed code`: activation codes: made by a Profile and shown once, listed with who used which when, revoked.
// Before it: a person or a script. After it: the API. `sealed stlink code` makes one for an STLink that is there.

import type { Argv, CommandModule } from "yargs";
import { dataOf, type Schemas } from "../commander/client/client.ts";
import { codeSheet, columnsFor, type MadeCode, qrOption } from "./commander/code-sheet.ts";
import { type Cell, printJson, tableText, timeText } from "./commander/output.ts";
import { lateText, untilPublished } from "./commander/published.ts";
import { allPages, type Commander } from "./commander/things.ts";
import {
  groupCommand,
  limitOption,
  type NounArguments,
  nounOptions,
  tellDone,
  tellMore,
  wholeLimit,
  withCommander,
} from "./commander/usual-options.ts";

type Code = Schemas["Code"];

type ListArguments = NounArguments & { profile: string | undefined; stlink: string | undefined };

const list: CommandModule<object, ListArguments> = {
  command: "list",
  describe: "List codes, the newest first, and who used which, when",
  builder: (yargs) =>
    nounOptions(
      limitOption(yargs)
        .option("profile", { type: "string", requiresArg: true, describe: "Of this Profile" })
        .option("stlink", { type: "string", requiresArg: true, describe: "For this STLink" })
        .example("$0 code list --profile default", ""),
    ),
  handler: withCommander(async (commander, { limit, profile, stlink, json }) => {
    const query = {
      ...(profile === undefined ? {} : { profile: await commander.idOf("profiles", profile) }),
      ...(stlink === undefined ? {} : { stlink: await commander.idOf("stlinks", stlink) }),
    };
    const { items, isMore } = await allPages(wholeLimit(limit), (page) =>
      dataOf(commander.http.GET("/api/v1/codes", { params: { query: { ...query, ...page } } })),
    );
    if (json) printJson(items);
    else console.log(await codesText(commander, items));
    tellMore(isMore, items.length);
  }),
};

async function codesText(commander: Commander, codes: readonly Code[]): Promise<string> {
  if (codes.length === 0) return "no codes";
  const rows: Cell[][] = [];
  for (const { id, profile, stlink, state, rules, uses, expiresAt } of codes) {
    const [of] = await commander.namesOf("profiles", profile === null ? [] : [profile]);
    const [whom] = await commander.namesOf("stlinks", stlink === null ? [] : [stlink]);
    const used = uses.map((use) => `${use.stlinkName ?? use.stlink} ${timeText(use.at)}`);
    rows.push([
      id,
      of,
      whom,
      state,
      `${uses.length}/${rules.uses}`,
      timeText(expiresAt),
      used.join(", "),
    ]);
  }
  return tableText(["CODE", "PROFILE", "FOR", "STATE", "USED", "EXPIRES", "USED BY"], rows);
}

const add: CommandModule<object, NounArguments & { profile: string; qr: boolean }> = {
  command: "add",
  describe: "Make a code by a Profile's rules; it is shown once",
  builder: (yargs) =>
    nounOptions(
      qrOption(yargs)
        .option("profile", {
          type: "string",
          requiresArg: true,
          default: "default",
          describe: "The Profile that its STLinks start with",
        })
        .example("$0 code add --profile cameras --qr", "Text and QR code"),
    ),
  handler: withCommander(async (commander, { profile, qr, json }) => {
    const id = await commander.idOf("profiles", profile);
    const asked = commander.http.POST("/api/v1/profiles/{id}/codes", {
      params: { path: { id } },
    });
    await showCode(commander, await dataOf(asked), { qr, json });
  }),
};

/** A code that was just made; a script that waits for the end can use it. */
export async function showCode(
  { client }: Commander,
  code: MadeCode,
  { qr, json }: { qr: boolean; json: boolean },
): Promise<void> {
  tellDone(json, code, codeSheet(code, columnsFor(qr)));
  const late = lateText(await untilPublished(client));
  if (late !== null) console.error(late);
}

const show: CommandModule<object, NounArguments & { code: string }> = {
  command: "show <code>",
  describe: "Show a code: its state, and who used it, when",
  builder: (yargs) => nounOptions(codeArgument(yargs)),
  handler: withCommander(async (commander, { code: id, json }) => {
    const asked = commander.http.GET("/api/v1/codes/{id}", { params: { path: { id } } });
    const code = await dataOf(asked);
    if (json) printJson(code);
    else console.log(await codesText(commander, [code]));
  }),
};

function codeArgument(yargs: Argv) {
  return yargs.positional("code", {
    type: "string",
    demandOption: true,
    describe: "Its id, as `sealed code list` shows it",
  });
}

const remove: CommandModule<object, NounArguments & { code: string }> = {
  command: "rm <code>",
  describe: "Revoke a code: it activates nobody any more",
  builder: (yargs) => nounOptions(codeArgument(yargs)),
  handler: withCommander(async (commander, { code: id, json }) => {
    const asked = commander.http.POST("/api/v1/codes/{id}/revoke", { params: { path: { id } } });
    tellDone(json, await dataOf(asked), `Code ${id} is revoked.`);
  }),
};

export const codeCommand = groupCommand("code", "Activation codes: make, list, revoke", [
  list as CommandModule,
  show as CommandModule,
  add as CommandModule,
  remove as CommandModule,
]);
