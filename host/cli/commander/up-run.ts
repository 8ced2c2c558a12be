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
import { adminToken, prepareSite, recoveryFile } from "./up-site.ts";

export type UpArguments = { folder: string } & GivenOptions;

/** Until it is told to stop. Throws AppError, Refusal. */
export async function up(given: UpArguments): Promise<void> {
  const folder = SiteFolder.make(resolve(given.folder));
  let running: RunningSite | null = null;
  const status = () => ({
    ...processStatus(folder.path),
    logLinesLost: 0,
    ...running?.connector.status(),
  });
  const mark = createHash("blake2s256").update(folder.path).digest();
  const claim = await folder.claim({ status, command: () => undefined }, [usualSocket("up", mark)]);
  const log = openLog({ level: "info", file: folder.file("log") });
  endOnBugs(log);
  try {
    const db = new Database(folder.file("database"));
    try {
      const registry = new Registry(db);
      const options = upOptions(given, folder.file("options"), knownAddress(registry));
      running = await start(folder, registry, options, log);
      await serve(folder, registry, options, running);
    } finally {
      await running?.stop();
      db.close();
    }
  } finally {
    claim.close();
    log.close();
  }
}

/** Where STLinks were told to find the Connector. */
function knownAddress(registry: Registry): string | null {
  const site = siteOf(registry);
  return site?.authority.connectors[0]?.address ?? null;
}

function start(
  folder: SiteFolder,
  registry: Registry,
  options: UpOptions,
  log: OpenLog,
): Promise<RunningSite> {
  const site = prepareSite(folder, registry, options.address);
  keepOptions(folder.file("options"), options);
  return startSite({
    ...{ registry, site, log },
    listen: listenAddresses(options),
    apiPort: options.api,
    connectorFolder: folder.file("connector"),
  });
}

/** Until it is told to stop. */
async function serve(
  folder: SiteFolder,
  registry: Registry,
  options: UpOptions,
  { url, connector }: RunningSite,
): Promise<void> {
  const stopped = stopSignal();
  const tokenFile = folder.file("adminToken");
  const token = adminToken(folder, registry);
  leavePlace({ url, tokenFile });
  const guide = guideText({
    ...{ folder: folder.path, url, tokenFile },
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
