// SPDX-License-Identifier: Apache-2.0
// `sealed site`: who the Commander is, how the site stands, and which Connectors it has. Before it: an
// administrator. After it: the API. A Connector on another machine takes the lines that `connectors add` prints
// into its file.

import { randomBytes } from "node:crypto";
import type { CommandModule } from "yargs";
import { dataOf, type Schemas } from "../commander/client/client.ts";
import { AppError } from "../service/app-error.ts";
import { KEY_LEN } from "../service/fields.ts";
import { readPrivately } from "../service/key-file.ts";
import { linesText, printJson, tableText } from "./commander/output.ts";
import type { Commander } from "./commander/things.ts";
import {
  groupCommand,
  type NounArguments,
  nounOptions,
  tellDone,
  withCommander,
} from "./commander/usual-options.ts";

type Site = Schemas["Site"];
type Connector = Site["connectors"][number];

async function readSite({ http }: Commander): Promise<{ site: Site; eTag: string }> {
  const asked = http.GET("/api/v1/site", {});
  return { site: await dataOf(asked), eTag: (await asked).response.headers.get("etag") ?? "" };
}

const show: CommandModule<object, NounArguments> = {
  command: "show",
  describe: "Show the site: Commander, Connectors, version, how many there are of what",
  builder: (yargs) => nounOptions(yargs),
  handler: withCommander(async (commander, { json }) => {
    const { site } = await readSite(commander);
    if (json) printJson(site);
    else console.log(siteText(site));
  }),
};

function siteText({ commander, connectors, version, counts, newerStlinks, control }: Site): string {
  const { stlinks, ...others } = counts;
  const states = Object.entries(stlinks).map(([state, n]) => `${n} ${state}`);
  return [
    linesText([
      ["Commander", commander?.id],
      ["key", commander?.key],
      ["recovery key", commander?.recoveryKey],
      ["configuration", versionText(version)],
      ["its STLink", control.isRunning ? "runs" : "does not run: nobody is told of changes"],
      ["STLinks", states.join(", ") || "none"],
      ...Object.entries(others).map(([kind, n]) => [kind, n] as const),
    ]),
    ...(newerStlinks === 0 ? [] : ["", newerText(newerStlinks)]),
    "",
    connectorsText(connectors),
  ].join("\n");
}

function newerText(count: number): string {
  return `STLinks with a newer version than this database: ${count}. It is an old one: bring it back with \`sealed restore\`.`;
}

function versionText({ epoch, serial }: Schemas["Version"]): string {
  return `${epoch}.${serial}`;
}

/** A table: whether each is there, and what it holds. */
export function connectorsText(connectors: readonly Connector[]): string {
  if (connectors.length === 0) return "no Connectors";
  const rows = connectors.map((one) => [one.address, one.isConnected, holdsText(one), one.key]);
  return tableText(["CONNECTOR", "CONNECTED", "HOLDS THE ADMISSION", "KEY"], rows);
}

/** Null: it has not said what it holds. */
function holdsText({ holds, isCurrent }: Connector): string | null {
  if (holds === null) return null;
  return `${versionText(holds)}, ${isCurrent ? "up to date" : "behind"}`;
}

const list: CommandModule<object, NounArguments> = {
  command: "list",
  describe: "List Connectors: whether each is there, and the version that it holds",
  builder: (yargs) => nounOptions(yargs),
  handler: withCommander(async (commander, { json }) => {
    const { connectors } = (await readSite(commander)).site;
    if (json) printJson(connectors);
    else console.log(connectorsText(connectors));
  }),
};

type Place = { key: string; address: string };
type AddArguments = NounArguments & Place & { "psk-file": string | undefined };

const add: CommandModule<object, AddArguments> = {
  command: "add",
  describe: "Add a Connector, or give it another pre-shared key; prints the lines for its file",
  builder: (yargs) =>
    nounOptions(
      yargs
        .option("key", {
          type: "string",
          demandOption: true,
          requiresArg: true,
          describe: "Its public key, as `sealed keygen --connector` prints it",
        })
        .option("address", {
          type: "string",
          demandOption: true,
          requiresArg: true,
          describe: "Where STLinks dial it: host:port",
        })
        .option("psk-file", {
          type: "string",
          requiresArg: true,
          normalize: true,
          describe: "What `sealed keygen --psk` printed; a new pre-shared key is made without it",
        })
        .example("$0 site connectors add --key KEY --address hall.example.org:8443", ""),
    ),
  handler: withCommander(async (commander, { key, address, "psk-file": pskFile, json }) => {
    const psk = pskFile === undefined ? randomBytes(KEY_LEN).toString("hex") : readPsk(pskFile);
    const { site, eTag } = await readSite(commander);
    const others = site.connectors.filter((one) => one.key !== key || one.address !== address);
    const connectors = [...others.map(placeOf), { key, address, psk }];
    const after = await writeConnectors(commander, connectors, eTag);
    tellDone(json, { ...after, psk }, fileText(after, psk));
  }),
};

function placeOf({ key, address }: Connector): Place {
  return { key, address };
}

const PSK_LINE = /^(?:psk\s*=\s*)?"?([0-9a-fA-F]{64})"?$/m;

/** Throws AppError: BadKeyFile. */
function readPsk(file: string): string {
  const [, psk] = PSK_LINE.exec(readPrivately(file, "pre-shared key")) ?? [];
  if (psk !== undefined) return psk;
  const message = `${file} holds no pre-shared key: make one with \`sealed keygen --psk\`.`;
  throw new AppError("BadKeyFile", message);
}

/** What the Connector's own file needs of this site. */
function fileText({ commander }: Site, psk: string): string {
  return [
    "The Connector is one of the site's. Its file, its owner's alone (chmod 600), gets",
    "",
    "  [commander]",
    `  id = "${commander?.id}"`,
    `  key = "${commander?.key}"`,
    `  psk = "${psk}"`,
    "",
    "beside key_file and listen; then: sealed connector run FILE. `sealed site connectors list`",
    "shows when the Commander has reached it.",
    "",
    "Somebody else's Connector gets nothing into its file: its operator makes this site a Customer with",
    "",
    `  sealed customer add NAME --id ${commander?.id} --key ${commander?.key} --recovery ${commander?.recoveryKey}`,
    "",
    "and says which key --psk-file is to hold.",
  ].join("\n");
}

async function writeConnectors(
  { http }: Commander,
  connectors: readonly (Place & { psk?: string })[],
  eTag: string,
): Promise<Site> {
  const header = { "if-match": eTag };
  return dataOf(
    http.PUT("/api/v1/site", { params: { header }, body: { connectors: [...connectors] } }),
  );
}

const remove: CommandModule<object, NounArguments & { which: string }> = {
  command: "rm <which>",
  describe: "Take a Connector away; STLinks that know no other one are lost",
  builder: (yargs) =>
    nounOptions(
      yargs.positional("which", {
        type: "string",
        demandOption: true,
        describe: "Its address or key",
      }),
    ),
  handler: withCommander(async (commander, { which, json }) => {
    const { site, eTag } = await readSite(commander);
    const kept = site.connectors.filter(({ key, address }) => key !== which && address !== which);
    if (kept.length === site.connectors.length) {
      const message = `There is no Connector ${which}: \`sealed site connectors list\` shows those there are.`;
      throw new AppError("NotFound", message);
    }
    if (kept.length === 0) {
      const message = `${which} is the site's only Connector, and without one nobody is reached: add another first.`;
      throw new AppError("Refused", message);
    }
    const after = await writeConnectors(commander, kept.map(placeOf), eTag);
    tellDone(json, after, `The Connector ${which} is taken away.`);
  }),
};

const connectors = groupCommand("connectors", "Connectors of the site: list, add, rm", [
  list as CommandModule,
  add as CommandModule,
  remove as CommandModule,
]);

export const siteCommand = groupCommand("site", "The site: Commander, Connectors, how it stands", [
  show as CommandModule,
  connectors,
]);
