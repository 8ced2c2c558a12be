// SPDX-License-Identifier: Apache-2.0
// `sealed token`: who may use the Commander's API, how far and until when. Before it: an administrator; the first
// token is made by `sealed up`. After it: the API. A token's text is printed once, alone on standard output.

import type { CommandModule } from "yargs";
import { dataOf } from "../commander/client/client.ts";
import { ROLES, type Role } from "../commander/domain/token.ts";
import { AppError } from "../service/app-error.ts";
import { printJson, tableText, timeText } from "./commander/output.ts";
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

const list: CommandModule<object, NounArguments> = {
  command: "list",
  describe: "List tokens, the newest first",
  builder: (yargs) => nounOptions(limitOption(yargs)),
  handler: withCommander(async (commander, { limit, json }) => {
    const { items, isMore } = await tokens(commander, wholeLimit(limit));
    const rows = items.map((one) => [
      ...[one.name, one.role, one.state, timeText(one.expiresAt)],
      ...[timeText(one.madeAt), one.madeBy, one.id],
    ]);
    const head = ["NAME", "ROLE", "STATE", "EXPIRES", "MADE", "BY", "ID"];
    tellDone(json, items, tableText(head, rows));
    tellMore(isMore, items.length);
  }),
};

function tokens(commander: Commander, most: number) {
  return allPages(most, async (page) => {
    const asked = commander.http.GET("/api/v1/tokens", { params: { query: page } });
    return dataOf(asked);
  });
}

const add: CommandModule<
  object,
  NounArguments & { name: string; role: Role; expiry: string | undefined }
> = {
  command: "add <name>",
  describe: "Make a token; its text is shown once",
  builder: (yargs) =>
    nounOptions(
      yargs
        .positional("name", {
          type: "string",
          demandOption: true,
          describe: "Whose it is, or what for: the audit log calls its holder so",
        })
        .option("role", {
          choices: ROLES,
          default: "viewer" as const,
          describe: "viewer: reads; operator: objects, codes, STLinks; admin: everything",
        })
        .option("expiry", {
          type: "string",
          requiresArg: true,
          describe: "How long it is good for: 30d",
        })
        .example("$0 token add ci --role operator --expiry 90d > ci.token", ""),
    ),
  handler: withCommander(async (commander, { name, role, expiry, json }) => {
    const body = { name, role, ...(expiry === undefined ? {} : { expiry }) };
    const made = await dataOf(commander.http.POST("/api/v1/tokens", { body }));
    if (json) return printJson(made);
    console.log(made.token);
    const told = `This is the token ${name} (${role}), good until ${timeText(made.expiresAt)}. It is shown this once; it goes into SEALED_TOKEN.`;
    console.error(told);
  }),
};

const remove: CommandModule<object, NounArguments & { which: string }> = {
  command: "rm <which>",
  describe: "Revoke a token, at once",
  builder: (yargs) =>
    nounOptions(
      yargs.positional("which", { type: "string", demandOption: true, describe: "Its name or id" }),
    ),
  handler: withCommander(async (commander, { which, json }) => {
    const id = await tokenId(commander, which);
    const asked = commander.http.POST("/api/v1/tokens/{id}/revoke", { params: { path: { id } } });
    tellDone(json, await dataOf(asked), `Token ${which} is revoked.`);
  }),
};

const SEARCHED_MOST = 10_000;

async function tokenId(commander: Commander, which: string): Promise<string> {
  if (/^[0-9a-f]{16}$/.test(which)) return which;
  const { items } = await tokens(commander, SEARCHED_MOST);
  const found = items.find(({ name }) => name.toLowerCase() === which.toLowerCase());
  if (found !== undefined) return found.id;
  const message = `There is no token "${which}": \`sealed token list\` shows those there are.`;
  throw new AppError("NotFound", message);
}

const whoami: CommandModule<object, NounArguments> = {
  command: "whoami",
  describe: "Show whose token is used, and what it may do",
  builder: (yargs) => nounOptions(yargs),
  handler: withCommander(async ({ http }, { json }) => {
    const token = await dataOf(http.GET("/api/v1/whoami", {}));
    const { name, role, expiresAt } = token;
    tellDone(json, token, `${name} (${role}), until ${timeText(expiresAt)}`);
  }),
};

export const tokenCommand = groupCommand("token", "Tokens: who may use the Commander", [
  list as CommandModule,
  add as CommandModule,
  remove as CommandModule,
  whoami as CommandModule,
]);
