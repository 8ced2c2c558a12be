// SPDX-License-Identifier: Apache-2.0
// Which Commander a command speaks to, and with which token: what is said on the command line, else in the
// environment, else what `sealed up` left for this user. Before it: every noun of the Commander. After it:
// client.ts. Invariants: a token file is its owner's alone; the token in it goes to its own Commander and
// nowhere else; no token goes over a network in the clear.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Argv } from "yargs";
import { AppError, systemReason } from "../../service/app-error.ts";
import { makeFolders } from "../../service/folders.ts";
import { readPrivately } from "../../service/key-file.ts";

/** `url`: without a slash at its end. */
export type CommanderPlace = { url: string; token: string };

/** What `sealed up` leaves behind for this user's commands. */
export type LeftPlace = { url: string; tokenFile: string };

export type CommanderArguments = { commander: string | undefined };

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** The option that every noun of the Commander has. */
export function commanderOption<Arguments>(yargs: Argv<Arguments>) {
  return yargs.option("commander", {
    type: "string",
    requiresArg: true,
    describe: "Where the Commander is, as a URL; else SEALED_COMMANDER, else the last `sealed up`",
  });
}

/** Throws AppError: NotReachable, NoPermission, Usage, BadKeyFile. */
export function commanderPlace(given: string | undefined): CommanderPlace {
  const named = given ?? process.env["SEALED_COMMANDER"];
  const left = readLeftPlace();
  if (named === undefined && left === null) {
    const message =
      "Which Commander? Start one with `sealed up`, or say --commander URL (or SEALED_COMMANDER) and its token in SEALED_TOKEN.";
    throw new AppError("NotReachable", message);
  }
  const url = checkedUrl(named ?? left?.url ?? "");
  const token = process.env["SEALED_TOKEN"];
  if (token !== undefined && token !== "") return { url, token };
  if (left !== null && left.url === url) return { url, token: readToken(left.tokenFile) };
  const message = `There is no token for ${url}: put it into SEALED_TOKEN.`;
  throw new AppError("NoPermission", message);
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const message = `${text} is not where a Commander is: write a URL such as http://127.0.0.1:8480.`;
    throw new AppError("Usage", message);
  }
  if (url.protocol === "http:" && !LOOPBACK.test(url.hostname)) {
    const message = `${text} would carry the token in the clear: use https, or reach the Commander through a Binding.`;
    throw new AppError("Usage", message);
  }
  return url.href.replace(/\/+$/, "");
}

/** Where this user's last `sealed up` wrote itself down. */
export function leftPlaceFile(): string {
  const config = process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(config, "sealed", "commander.json");
}

/**
 * Gives the place that this one replaces, where that is another site's, and still there.
 * Throws AppError: NotWritten.
 */
export function leavePlace(place: LeftPlace): LeftPlace | null {
  const file = leftPlaceFile();
  const before = readLeftPlace();
  try {
    makeFolders(dirname(file));
    writeFileSync(file, `${JSON.stringify(place, null, 2)}\n`, { mode: 0o600 });
    const isOther = before !== null && before.tokenFile !== place.tokenFile;
    return isOther && existsSync(before.tokenFile) ? before : null;
  } catch (error) {
    const message = `${file}, which tells commands where the Commander is, can't be written: ${systemReason(error)}.`;
    throw new AppError("NotWritten", message, { cause: error });
  }
}

/** null: nobody has called `sealed up` here. */
function readLeftPlace(): LeftPlace | null {
  try {
    const { url, tokenFile } = JSON.parse(readFileSync(leftPlaceFile(), "utf8"));
    return typeof url === "string" && typeof tokenFile === "string" ? { url, tokenFile } : null;
  } catch {
    return null;
  }
}

/** Throws AppError: NoPermission, BadKeyFile. */
export function readToken(file: string): string {
  if (existsSync(file)) return readPrivately(file, "token").trim();
  const message = `${file}, the token of \`sealed up\`, is not there: put one into SEALED_TOKEN.`;
  throw new AppError("NoPermission", message);
}
