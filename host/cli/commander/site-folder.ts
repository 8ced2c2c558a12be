// SPDX-License-Identifier: Apache-2.0
// The folder of a Commander that `sealed up` runs: what lies where in it, and its lock. Before it: `sealed up`,
// `restore`, `audit verify --folder`. After it: the database, the key and token files. Invariants: the folder is
// its owner's alone; a folder that holds anything else is not taken for one; one process at a time changes it.

import { existsSync, lstatSync, readdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { AppError, systemReason } from "../../service/app-error.ts";
import { makeFolders } from "../../service/folders.ts";
import { type Answers, type Claim, claimSockets } from "../status-socket.ts";

const FILES = {
  database: "commander.db",
  adminToken: "admin.token",
  recoveryKey: "recovery.key",
  nextRecoveryKey: "recovery-next.key",
  voidRecoveryKey: "recovery-void.key",
  options: "up.json",
  log: "sealed.log",
  /** What the Connector keeps. */
  connector: "connector",
  backups: "backups",
  socket: "status.sock",
} as const;

const OTHERS = 0o077;

export class SiteFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Throws AppError: BadFile, where there is no site in it. */
  static at(path: string): SiteFolder {
    const folder = new SiteFolder(path);
    if (existsSync(folder.file("database"))) return folder;
    const message = `${path} holds no site: it has no ${FILES.database}. \`sealed up ${path}\` makes one.`;
    throw new AppError("BadFile", message);
  }

  /** Makes it where it is not there. Throws AppError: NotWritten, BadFile, BadKeyFile. */
  static make(path: string): SiteFolder {
    try {
      makeFolders(path);
    } catch (error) {
      const message = `${path}, the site's folder, can't be made: ${systemReason(error)}.`;
      throw new AppError("NotWritten", message, { cause: error });
    }
    refuseOthers(path);
    refuseStrangers(path);
    return new SiteFolder(path);
  }

  file(name: keyof typeof FILES): string {
    return join(this.path, FILES[name]);
  }

  /** Nobody else changes the folder while this is held. Throws AppError: AlreadyRunning, NotWritten. */
  claim(answers: Answers, others: readonly string[] = []): Promise<Claim> {
    return claimSockets([this.file("socket"), ...others], answers);
  }
}

function refuseOthers(path: string): void {
  const { uid, mode } = lstatSync(path);
  if (uid !== userInfo().uid) {
    throw new AppError("BadKeyFile", `${path} belongs to another user: name a folder of your own.`);
  }
  if ((mode & OTHERS) === 0) return;
  const message = `${path} is to hold keys and others may look into it: chmod 700 ${path}`;
  throw new AppError("BadKeyFile", message);
}

function refuseStrangers(path: string): void {
  const own = new Set<string>(Object.values(FILES));
  if (existsSync(join(path, FILES.database))) return;
  // A restore that was cut leaves the database under a longer name.
  const isOwn = (name: string) => own.has(name) || name.startsWith(FILES.database);
  const stranger = readdirSync(path).find((name) => !isOwn(name));
  if (stranger === undefined) return;
  const message = `${path} holds other things (${stranger}), and no site: name a new folder.`;
  throw new AppError("BadFile", message);
}
