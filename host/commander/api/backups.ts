// SPDX-License-Identifier: Apache-2.0
// /backup: a whole copy of the database, in a folder beside it on the server; it holds secrets and is sent to nobody.
// Before it: an administrator. After it: store/backup.ts; `sealed restore` brings one back.

import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { systemReason } from "../../service/app-error.ts";
import { makeFolders } from "../../service/folders.ts";
import { backUp } from "../store/backup.ts";
import { refusalOf } from "../store/failures.ts";
import { whoOf } from "./authentication.ts";
import type { Context, Server } from "./server-types.ts";

/** Beside the database. */
const FOLDER = "backups";

const backupSchema = z
  .object({
    name: z.string().describe(`The file, in the folder "${FOLDER}" beside the database.`),
    bytes: z.int(),
  })
  .meta({ id: "Backup" });

export function addBackups(server: Server, { registry }: Context): void {
  server.post("/backup", {
    config: { role: "admin", problems: ["StoreFull"] },
    schema: {
      operationId: "backUp",
      summary: "Make a backup on the server",
      description: "It holds the site's secrets, so it stays there: fetch it as the owner.",
      tags: ["site"],
      response: { 201: backupSchema },
    },
    handler: (request, reply) => {
      const folder = folderBeside(registry.db.file);
      const name = nameAt(registry.nowMs);
      const file = join(folder, name);
      backUp(registry.db, file);
      registry.change(whoOf(request), (change) =>
        change.audit({
          ...{ what: "back up", kind: "site", id: "", name: "site" },
          ...{ before: null, after: { name } },
        }),
      );
      reply.code(201);
      return { name, bytes: statSync(file).size };
    },
  });
}

function folderBeside(database: string): string {
  const folder = join(dirname(database), FOLDER);
  try {
    makeFolders(folder);
    return folder;
  } catch (error) {
    const what = `can't have a folder for backups beside it: ${systemReason(error)}.`;
    throw refusalOf("StoreUnusable", database, what, error);
  }
}

/** By its time, and apart from another one of the same second. */
function nameAt(ms: number): string {
  const time = new Date(ms).toISOString().slice(0, 19).replaceAll(":", "-");
  return `commander-${time}Z-${randomBytes(3).toString("hex")}.db`;
}
