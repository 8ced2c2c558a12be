// SPDX-License-Identifier: Apache-2.0
// `sealed export` and `sealed import`: all Tags, Routes, Templates and Profiles as one file, configuration as code.
// Before it: an editor, a repository. After it: the API. An import shows what it removes, and asks, before it does.

import { readFileSync, writeFileSync } from "node:fs";
import type { CommandModule } from "yargs";
import { dataOf, type Schemas } from "../commander/client/client.ts";
import { readDocument } from "../commander/store/document-file.ts";
import { AppError, systemCode, systemReason } from "../service/app-error.ts";
import { linesText, plainText, printJson } from "./commander/output.ts";
import type { Commander } from "./commander/things.ts";
import {
  type NounArguments,
  nounOptions,
  withCommander,
  yesOption,
} from "./commander/usual-options.ts";
import { answer } from "./questions.ts";

type ExportArguments = NounArguments & { file: string | undefined };

export const exportCommand: CommandModule<object, ExportArguments> = {
  command: "export [file]",
  describe: "Write all Tags, Routes, Templates and Profiles as one document, TOML or JSON",
  builder: (yargs) =>
    nounOptions(
      yargs
        .positional("file", {
          type: "string",
          normalize: true,
          describe: "A new file, .toml or .json; standard output when left out",
        })
        .example("$0 export site.toml", ""),
    ),
  handler: withCommander(async ({ http }, { file, json }) => {
    if (file !== undefined && !/\.(toml|json)$/.test(file)) {
      throw new AppError(
        "Usage",
        `${file} is neither .toml nor .json: name it by what it is to hold.`,
      );
    }
    const isJson = json || file?.endsWith(".json") === true;
    const query = { format: isJson ? ("json" as const) : ("toml" as const) };
    const parseAs = isJson ? "json" : "text";
    const got = await dataOf(http.GET("/api/v1/document", { params: { query }, parseAs }));
    const text = isJson ? `${JSON.stringify(got, null, 2)}\n` : String(got);
    if (file === undefined) process.stdout.write(text);
    else writeNew(file, text);
  }),
};

function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    const isThere = systemCode(error) === "EEXIST";
    const why = isThere
      ? "is there already, and nothing is overwritten: name another."
      : `can't be written: ${systemReason(error)}.`;
    throw new AppError("NotWritten", `${file} ${why}`, { cause: error });
  }
}

type Differences = Schemas["Differences"];
type Difference = Differences["differences"][number];
type ImportArguments = NounArguments & { file: string; "dry-run": boolean; yes: boolean };

export const importCommand: CommandModule<object, ImportArguments> = {
  command: "import <file>",
  describe: "Make everything as a document says; what it does not name is removed",
  builder: (yargs) =>
    nounOptions(
      yesOption(yargs)
        .positional("file", {
          type: "string",
          demandOption: true,
          normalize: true,
          describe: "The document, .toml or .json",
        })
        .option("dry-run", {
          type: "boolean",
          default: false,
          describe: "Show the difference alone",
        })
        .example("$0 import site.toml --dry-run", "What it would change"),
    ),
  handler: withCommander(async (commander, { file, "dry-run": isDry, yes, json }) => {
    // By itself first: a mistake is said with its file and line.
    readDocument(file);
    const planned = await send(commander, file, true);
    if (isDry) return show(planned, json);
    if (!yes) await agree(planned);
    show(await send(commander, file, false), json);
  }),
};

async function send({ http }: Commander, file: string, isDry: boolean): Promise<Differences> {
  const type = file.endsWith(".json") ? "application/json" : "application/toml";
  const asked = http.POST("/api/v1/document", {
    params: { query: { dry: isDry } },
    headers: { "content-type": type },
    body: readFileSync(file, "utf8"),
    bodySerializer: (text: unknown) => String(text),
  });
  return (await dataOf(asked)) as Differences;
}

/** Throws AppError(Usage) where the removals are not meant. */
async function agree(planned: Differences): Promise<void> {
  const removed = planned.differences.filter(({ what }) => what === "remove");
  if (removed.length === 0) return;
  console.error(planned.differences.map(differenceText).join("\n"));
  const text = `Remove ${removed.length === 1 ? "1 object" : `${removed.length} objects`}`;
  const said = await answer(undefined, { text, flag: "--yes", choices: ["yes", "no"] });
  if (said !== "yes") throw new AppError("Usage", "Nothing was done.");
}

function show(found: Differences, json: boolean): void {
  if (json) printJson(found);
  else console.log(differencesText(found));
}

const SIGNS = { add: "+", change: "~", remove: "-" };

function differencesText({ isDry, differences }: Differences): string {
  if (differences.length === 0) return "Everything is as the document says.";
  const end = isDry ? "Nothing was changed: this was a dry run." : "Done.";
  return [...differences.map(differenceText), end].join("\n");
}

function differenceText({ what, kind, name, fields }: Difference): string {
  const title = `${SIGNS[what]} ${kind} ${plainText(name)}`;
  if (what === "remove") return title;
  const shown = fields.filter(({ field }) => field !== "name" || what === "change");
  const lines = linesText(
    shown.map(({ field, before, after }) => {
      const value =
        what === "add" ? valueText(after) : `${valueText(before)} > ${valueText(after)}`;
      return [field, value] as const;
    }),
  );
  const indented = lines.split("\n").filter((line) => line !== "");
  return [title, ...indented.map((line) => `    ${line}`)].join("\n");
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
