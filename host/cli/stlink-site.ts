// SPDX-License-Identifier: Apache-2.0
// `sealed stlink` as administrators use it: list, show, add, set, rm, rename, revoke, approve, code, replace. Before
// it: a person or a script. After it: the API, and the Commander's own STLink. What runs on this machine is in
// stlink.ts and stlink-state.ts.

import type { Argv, CommandModule } from "yargs";
import { dataOf } from "../commander/client/client.ts";
import { AppError } from "../service/app-error.ts";
import { showCode } from "./code.ts";
import { openCommander } from "./commander/client.ts";
import { qrOption } from "./commander/code-sheet.ts";
import { STLINK, waitingOf } from "./commander/stlink-noun.ts";
import type { Commander, Thing } from "./commander/things.ts";
import {
  type NounArguments,
  nounOptions,
  tellDone,
  whichArgument,
  withCommander,
  yesOption,
} from "./commander/usual-options.ts";
import { listCommand, nounVerbs, setCommand } from "./commander/verbs.ts";
import { watchThings } from "./commander/watch.ts";
import { answer } from "./questions.ts";

type Which = NounArguments & { which: string };
type Yes = Which & { yes: boolean };

function whichOptions(yargs: Argv) {
  return nounOptions(whichArgument(yargs, STLINK.word));
}

type WatchArguments = NounArguments & { watch: boolean };

const plainList = listCommand(STLINK);

const list: CommandModule<object, WatchArguments> = {
  ...plainList,
  builder: (yargs) =>
    (plainList.builder as (yargs: Argv) => Argv<NounArguments>)(yargs)
      .option("watch", { type: "boolean", default: false, describe: "Live, until Ctrl-C" })
      .example("$0 stlink list --wide", "Firmware, core, Connector, bytes, errors too")
      .example("$0 stlink list --state online --watch", ""),
  handler: async (given) => {
    if (!given.watch) return plainList.handler(given);
    await watchThings(STLINK, openCommander(given.commander), given);
  },
};

const rename: CommandModule<object, Which & { name: string }> = {
  command: "rename <which> <name>",
  describe: "Give an STLink another name; it stays what it is",
  builder: (yargs) =>
    whichOptions(yargs)
      .positional("name", { type: "string", demandOption: true, describe: "The new name" })
      .example("$0 stlink rename default-1a2b3c4d office", ""),
  handler: (given) => setCommand(STLINK).handler(given as never) as Promise<void>,
};

const revoke: CommandModule<object, Yes> = {
  command: "revoke <which>",
  describe: "Cut an STLink off at once and for ever: its key is never admitted again",
  builder: (yargs) => yesOption(whichOptions(yargs)).example("$0 stlink revoke camera --yes", ""),
  handler: withCommander(async (commander, { which, yes, json }) => {
    const stlink = await commander.find("stlinks", which);
    await beSure(yes, `${stlink.name} is cut off at once, and for ever. Revoke it`);
    const after = await act(commander, stlink, "revoke");
    tellDone(json, after, `STLink ${stlink.name} is revoked: its connections are cut.`);
  }),
};

/** Throws AppError(Usage) where it is not meant. */
async function beSure(isYes: boolean, text: string): Promise<void> {
  if (isYes) return;
  const said = await answer(undefined, { text, flag: "--yes", choices: ["yes", "no"] });
  if (said !== "yes") throw new AppError("Usage", "Nothing was done.");
}

async function act(commander: Commander, { id }: Thing, what: "revoke" | "rotate"): Promise<Thing> {
  const asked = commander.http.POST(`/api/v1/stlinks/{id}/${what}`, { params: { path: { id } } });
  return (await dataOf(asked)) as Thing;
}

/** Its Commander asks it for a new key. */
export async function rotateStlink(given: NounArguments, which: string): Promise<void> {
  const commander = openCommander(given.commander);
  const stlink = await commander.find("stlinks", which);
  const after = await act(commander, stlink, "rotate");
  tellDone(
    given.json,
    after,
    `STLink ${stlink.name} was asked for a new key; its connections go on.`,
  );
}

const approve: CommandModule<object, Which & { key: string | undefined }> = {
  command: "approve <which>",
  describe: "Let an STLink in that waits, after comparing its fingerprint with its own console's",
  builder: (yargs) =>
    whichOptions(yargs)
      .option("key", {
        type: "string",
        requiresArg: true,
        describe: "Its public key, where that was compared",
      })
      .example("$0 stlink approve camera", "Shows the fingerprint, and asks"),
  handler: withCommander(async (commander, { which, key, json }) => {
    const stlink = await commander.find("stlinks", which);
    const compared = key ?? (await comparedKey(stlink));
    const asked = commander.http.POST("/api/v1/stlinks/{id}/approve", {
      params: { path: { id: stlink.id } },
      body: { key: compared },
    });
    tellDone(json, await dataOf(asked), `STLink ${stlink.name} is let in.`);
  }),
};

/** The key that waits, once a person has compared its fingerprint. Throws AppError: Refused, Usage. */
async function comparedKey(stlink: Thing): Promise<string> {
  const waiting = waitingOf(stlink);
  if (waiting === null) {
    throw new AppError("Refused", `STLink "${stlink.name}" waits for no approval.`);
  }
  const { key, fingerprint } = waiting;
  console.error(`${stlink.name} waits, with the fingerprint\n  ${fingerprint}\n(key ${key})`);
  const text = "Does its own console show the same";
  const said = await answer(undefined, { text, flag: `--key ${key}`, choices: ["yes", "no"] });
  if (said === "yes") return key;
  const message = `Nothing was done. Somebody else may have used its code: sealed stlink revoke ${stlink.name}`;
  throw new AppError("Usage", message);
}

function codeVerb(
  command: string,
  describe: string,
): CommandModule<object, Which & { qr: boolean }> {
  return {
    command: `${command} <which>`,
    describe,
    builder: (yargs) => qrOption(whichOptions(yargs)).example(`$0 stlink ${command} camera`, ""),
    handler: withCommander(async (commander, { which, qr, json }) => {
      const id = await commander.idOf("stlinks", which);
      const asked = commander.http.POST("/api/v1/stlinks/{id}/code", {
        params: { path: { id } },
      });
      await showCode(commander, await dataOf(asked), { qr, json });
    }),
  };
}

const code = codeVerb(
  "code",
  "Make the activation code of an STLink that was added; it is shown once",
);
const replace = codeVerb(
  "replace",
  "Make a code for the machine that takes an STLink's place: it keeps id, Routes and history",
);

export const stlinkSiteCommands: readonly CommandModule[] = [
  list as CommandModule,
  ...nounVerbs(STLINK).filter(({ command }) => command !== list.command),
  ...[rename, revoke, approve, code, replace].map((command) => command as CommandModule),
];
