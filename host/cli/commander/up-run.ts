// SPDX-License-Identifier: Apache-2.0
// What `sealed up` does: takes its folder, opens the database, founds the site where there is none, starts all of
// it, says what to do next, and shows what happens until it is told to stop. Before it: ../up.ts, the command.
// After it: commander/up.ts. Invariants: one process for a folder; what a start that was cut has made, the next one
// goes on from.

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { siteOf } from "../../commander/founding.ts";
import { Registry } from "../../commander/registry.ts";
import { Database } from "../../commander/store/database.ts";
import { type RunningSite, startSite } from "../../commander/up.ts";
import { AppError } from "../../service/app-error.ts";
import { hex } from "../../service/hex.ts";
import { type OpenLog, openLog } from "../../service/log.ts";
import { endOnBugs, processStatus, stopSignal } from "../run.ts";
import { usualSocket } from "../status-socket.ts";
import { inviteFirst } from "./invitation.ts";
import { leavePlace } from "./place.ts";
import { SiteFolder } from "./site-folder.ts";
import { UpDisplay } from "./up-display.ts";
import { guideText } from "./up-guide.ts";
import {
  type GivenOptions,
  isLocalAlone,
  keepOptions,
  listenAddresses,
  type UpOptions,
  upOptions,
} from "./up-options.ts";
import { type RecoverArguments, recover } from "./up-recover.ts";
import { adminToken, prepareSite, recoveryFile } from "./up-site.ts";

export type UpArguments = { folder: string } & GivenOptions & RecoverArguments;

/** Until it is told to stop. Throws AppError, Refusal. */
export function up(given: UpArguments): Promise<void> {
  if (given.finish && given.recover === undefined) {
    throw new AppError("Usage", "--finish goes with --recover and the recovery key's file.");
  }
  return inFolder(SiteFolder.make(resolve(given.folder)), async (site) => {
    const { folder, registry } = site;
    const options = upOptions(given, folder.file("options"), knownAddress(registry));
    if (given.recover === undefined) await run(site, options);
    else await recover(site, options, given);
  });
}

/** What is open as long as this process has the folder. */
export type OpenSite = {
  folder: SiteFolder;
  registry: Registry;
  log: OpenLog;
  /** From now on `sealed status` is told this too. */
  tell(status: () => object): void;
};

async function inFolder(folder: SiteFolder, act: (site: OpenSite) => Promise<void>): Promise<void> {
  let told = () => ({});
  const status = () => ({ ...processStatus(folder.path), logLinesLost: 0, ...told() });
  const mark = createHash("blake2s256").update(folder.path).digest();
  const claim = await folder.claim({ status, command: () => undefined }, [usualSocket("up", mark)]);
  const log = openLog({ level: "info", file: folder.file("log") });
  endOnBugs(log);
  try {
    const db = new Database(folder.file("database"));
    try {
      const tell = (status: () => object) => {
        told = status;
      };
      await act({ folder, registry: new Registry(db), log, tell });
    } finally {
      db.close();
    }
  } finally {
    claim.close();
    log.close();
  }
}

/** Where STLinks were told to find the Connector that runs here. */
function knownAddress(registry: Registry): string | null {
  const site = siteOf(registry);
  if (site === null) return null;
  const key = hex(site.connector.publicKey);
  return site.authority.connectors.find((one) => one.key === key)?.address ?? null;
}

async function run(site: OpenSite, options: UpOptions): Promise<void> {
  const { folder, registry, log } = site;
  const running = await startSite({
    ...{ registry, log, site: prepareSite(folder, registry, options.address) },
    listen: listenAddresses(options),
    apiPort: options.api,
    connectorFolder: folder.file("connector"),
  });
  try {
    keepOptions(folder.file("options"), options);
    site.tell(() => running.connector.status());
    await serve(site, options, running);
  } finally {
    await running.stop();
  }
}

/** Until it is told to stop. */
async function serve(
  { folder, registry }: OpenSite,
  options: UpOptions,
  { url, connector }: RunningSite,
): Promise<void> {
  const stopped = stopSignal();
  const tokenFile = folder.file("adminToken");
  const token = adminToken(folder, registry);
  const replaced = leavePlace({ url, tokenFile });
  const guide = guideText({
    ...{ folder: folder.path, url, tokenFile, replaced },
    listening: connector.status().listening.join(" "),
    address: options.address,
    isLocalAlone: isLocalAlone(options),
    recoveryFile: recoveryFile(folder),
    code: await inviteFirst(registry, { url, token }),
  });
  console.log(guide);
  const display = new UpDisplay(registry);
  await stopped;
  display.stop();
  console.log("stopping");
}
