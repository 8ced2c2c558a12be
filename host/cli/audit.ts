// SPDX-License-Identifier: Apache-2.0
// `sealed audit`: who did what to what, and whether the log is as it was written: asked of the Commander, or
// looked at in its folder. Before it: an administrator. After it: the API, or store/audit.ts.

import type { CommandModule } from "yargs";
import { dataOf, type Schemas } from "../commander/client/client.ts";
import { type AuditHead, auditHead, verifyAudit } from "../commander/store/audit.ts";
import { Database } from "../commander/store/database.ts";
import { AppError } from "../service/app-error.ts";
import { openCommander } from "./commander/client.ts";
import { type Cell, plainText, printJson, tableText, timeText } from "./commander/output.ts";
import { SiteFolder } from "./commander/site-folder.ts";
import { allPages } from "./commander/things.ts";
import {
  groupCommand,
  limitOption,
  type NounArguments,
  nounOptions,
  tellMore,
  wholeLimit,
  withCommander,
} from "./commander/usual-options.ts";

type Row = Schemas["AuditRow"];

const list: CommandModule<object, NounArguments & { object: string | undefined; fields: boolean }> =
  {
    command: "list",
    describe: "Who did what to what, the newest first",
    builder: (yargs) =>
      nounOptions(
        limitOption(yargs, 50)
          .option("object", {
            type: "string",
            requiresArg: true,
            describe: "Of the object with this id",
          })
          .option("fields", {
            type: "boolean",
            default: false,
            describe: "With what changed, before and after",
          })
          .example("$0 audit list --fields", "What changed, too"),
      ),
    handler: withCommander(async (commander, { limit, object, fields, json }) => {
      const { items, isMore } = await allPages(wholeLimit(limit), async (page) => {
        const query = { ...page, ...(object === undefined ? {} : { object }) };
        const asked = commander.http.GET("/api/v1/audit", { params: { query } });
        return dataOf(asked);
      });
      if (json) printJson(items);
      else console.log(rowsText(items, fields));
      tellMore(isMore, items.length);
    }),
  };

function rowsText(rows: readonly Row[], hasFields: boolean): string {
  const head = ["N", "WHEN", "WHO", "WHAT", "KIND", "NAME", ...(hasFields ? ["FIELDS"] : [])];
  const cells = rows.map((row): Cell[] => [
    ...[row.n, timeText(row.at), shortKeys(row.who), row.what, row.kind, shortKeys(row.name)],
    ...(hasFields ? [fieldsText(row)] : []),
  ]);
  return tableText(head, cells);
}

/** A key by its first digits, as in `sealed status`; --json has all of it. */
function shortKeys(text: string): string {
  return text.replace(/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, "$1");
}

/** What differs, in few words. */
function fieldsText({ before, after }: Row): string {
  const [was, is] = [before ?? {}, after ?? {}] as [
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  const text = (value: unknown) => (value === undefined ? "-" : JSON.stringify(value));
  const changed = names.filter((name) => text(was[name]) !== text(is[name]));
  return plainText(
    changed.map((name) => `${name}: ${text(was[name])} > ${text(is[name])}`).join("; "),
  );
}

type Verdict = Schemas["AuditVerdict"];
type VerifyArguments = NounArguments & { folder: string | undefined; head: string | undefined };

const verify: CommandModule<object, VerifyArguments> = {
  command: "verify",
  describe: "Look for rows of the log that were changed, removed or moved",
  builder: (yargs) =>
    nounOptions(
      yargs
        .option("folder", {
          type: "string",
          requiresArg: true,
          normalize: true,
          describe: "In the place of a Commander: the folder of one, which may be stopped",
        })
        .option("head", {
          type: "string",
          requiresArg: true,
          describe: "The last row as it was noted before, N:HASH, which has to be there still",
        })
        .example("$0 audit verify --folder sealed-site", "Without a Commander"),
    ),
  async handler({ folder, head, commander, json }) {
    const noted = head === undefined ? null : notedHead(head);
    const verdict =
      folder === undefined ? await askVerdict(commander, noted) : verdictOf(folder, noted);
    if (json) printJson(verdict);
    else if (verdict.isGood) console.log(goodText(verdict));
    if (!verdict.isGood) throw changed(verdict);
  },
};

function notedHead(text: string): AuditHead {
  const [, n, hash = ""] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (n !== undefined) return { n: Number(n), hash };
  const message = `--head ${text} is not N:HASH, as \`sealed audit verify\` prints it.`;
  throw new AppError("Usage", message);
}

async function askVerdict(given: string | undefined, noted: AuditHead | null): Promise<Verdict> {
  const { http } = openCommander(given);
  const query = noted === null ? {} : noted;
  return dataOf(http.GET("/api/v1/audit/verify", { params: { query } }));
}

/** While nobody can add to it. */
function verdictOf(path: string, noted: AuditHead | null): Verdict {
  const db = new Database(SiteFolder.at(path).file("database"));
  try {
    return db.rehearse(() => {
      const findings = verifyAudit(db, noted);
      return { isGood: findings.length === 0, findings, head: auditHead(db) };
    });
  } finally {
    db.close();
  }
}

function goodText({ head }: Verdict): string {
  const rows = head.n === 1 ? "1 row is" : `${head.n} rows are`;
  return [
    `The audit log is as it was written: ${rows} whole and in order.`,
    "Note its last row where nobody else can change it, and give it to --head next time:",
    `  ${head.n}:${head.hash}`,
  ].join("\n");
}

function changed({ findings }: Verdict): AppError {
  const lines = findings.map(({ what }) => `  ${plainText(what)}`);
  const message = `The audit log is not as it was written:\n${lines.join("\n")}`;
  return new AppError("AuditChanged", message);
}

export const auditCommand = groupCommand("audit", "The audit log: read it, verify it", [
  list as CommandModule,
  verify as CommandModule,
]);
