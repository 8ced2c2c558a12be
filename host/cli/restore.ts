// SPDX-License-Identifier: Apache-2.0
// `sealed restore`: a backup in the place of a Commander's database, while the Commander is stopped (rule T9).
// Before it: `sealed backup`. After it: `sealed up`, whose first version every STLink takes.

import { userInfo } from "node:os";
import type { CommandModule } from "yargs";
import type { RestoreReport } from "../commander/store/backup.ts";
import { restore } from "../commander/store/backup.ts";
import { SiteFolder } from "./commander/site-folder.ts";
import { processStatus } from "./run.ts";

type Arguments = { backup: string; folder: string; epoch: number | undefined };

export const restoreCommand: CommandModule<object, Arguments> = {
  command: "restore <backup> <folder>",
  describe: "Put a backup in the place of a stopped Commander's database",
  builder: (yargs) =>
    yargs
      .positional("backup", {
        type: "string",
        demandOption: true,
        normalize: true,
        describe: "The file that `sealed backup` wrote",
      })
      .positional("folder", {
        type: "string",
        demandOption: true,
        normalize: true,
        describe: "The folder of `sealed up`; a new one where the old one is lost",
      })
      .option("epoch", {
        type: "number",
        requiresArg: true,
        describe: "The greatest epoch that an STLink shows, where the old database is lost",
      })
      .example("$0 restore monday.db sealed-site", "Then: sealed up sealed-site")
      .epilogue(
        "What administrators made is as it was. Keys and revocations stay as they are now, as far as the database that is replaced can be read.",
      ),
  handler: restoreFolder,
};

async function restoreFolder({ backup, folder: path, epoch }: Arguments): Promise<void> {
  const folder = SiteFolder.make(path);
  const claim = await folder.claim({
    status: () => ({ ...processStatus(path), logLinesLost: 0 }),
    command: () => undefined,
  });
  try {
    const by = { who: `${userInfo().username} (restore)`, atMs: Date.now() };
    const options = { by, busyMs: 0, ...(epoch === undefined ? {} : { newestEpoch: epoch }) };
    const report = restore(backup, folder.file("database"), options);
    console.log(reportText(report, path));
  } finally {
    claim.close();
  }
}

function reportText({ version, voidedCodes, hasKeptKeys }: RestoreReport, path: string): string {
  const keys = hasKeptKeys
    ? "Keys and revocations are those of the database that was replaced."
    : "There was no database to keep keys and revocations from: they are the backup's. Revoke again what was revoked since.";
  const codes = voidedCodes === 1 ? "1 code" : `${voidedCodes} codes`;
  return [
    `Restored. The epoch is ${version.epoch} now, above what any STLink is known to hold.`,
    `Void: ${codes} that could still have been used. Make new ones.`,
    keys,
    `Go on with: sealed up ${path}`,
  ].join("\n");
}
