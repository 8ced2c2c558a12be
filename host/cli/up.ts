// SPDX-License-Identifier: Apache-2.0
// `sealed up`: a Commander and a Connector in one process, with everything that they need in one folder. Before
// it: nothing; the first start makes all of it. After it: commander/up.ts, and a person who is told what to do
// next. Invariants: one process for a folder; what a start that was cut has made, the next one goes on from.

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { CommandModule } from "yargs";
import { siteOf } from "../commander/founding.ts";
import { Registry } from "../commander/registry.ts";
import { Database } from "../commander/store/database.ts";
import { type RunningSite, startSite } from "../commander/up.ts";
import { type OpenLog, openLog } from "../service/log.ts";
import { inviteFirst } from "./commander/invitation.ts";
import { leavePlace } from "./commander/place.ts";
import { SiteFolder } from "./commander/site-folder.ts";
import { UpDisplay } from "./commander/up-display.ts";
import { guideText } from "./commander/up-guide.ts";
import {
  type GivenOptions,
  isLocalAlone,
  keepOptions,
  listenAddresses,
  type UpOptions,
  upOptions,
} from "./commander/up-options.ts";
import { adminToken, prepareSite, recoveryFile } from "./commander/up-site.ts";
import { endOnBugs, processStatus, stopSignal } from "./run.ts";
import { usualSocket } from "./status-socket.ts";

type Arguments = { folder: string } & GivenOptions;

export const upCommand: CommandModule<object, Arguments> = {
  command: "up [folder]",
  describe: "Start a site of your own: Commander and Connector in one process",
  builder: (yargs) =>
    yargs
      .positional("folder", {
        type: "string",
        default: "sealed-site",
        normalize: true,
        describe: "What the site keeps; made on the first start",
      })
      .option("listen", {
        type: "string",
        array: true,
        nargs: 1,
        describe:
          "Where the Connector listens (127.0.0.1:8443); for STLinks elsewhere 0.0.0.0:8443",
      })
      .option("address", {
        type: "string",
        requiresArg: true,
        describe: "Where STLinks find it, host:port: codes and configurations carry it",
      })
      .option("api", {
        type: "number",
        requiresArg: true,
        describe: "The port of the Commander's API on 127.0.0.1 (8480)",
      })
      .example("$0 up", "Everything on this machine, in ./sealed-site")
      .example(
        "$0 up --listen 0.0.0.0:8443 --address hall.example.org:8443",
        "For STLinks elsewhere",
      )
      .epilogue("What is said once is kept in the folder. SIGTERM and Ctrl-C stop.") as never,
  handler: (given) => up(given),
};

async function up(given: Arguments): Promise<void> {
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
