// SPDX-License-Identifier: Apache-2.0
// `sealed up`: a Commander and a Connector in one process, with everything that they need in one folder. Before
// it: a person who has nothing yet; the first start makes all of it. After it: commander/up-run.ts.

import type { CommandModule } from "yargs";
import type { UpArguments } from "./commander/up-run.ts";

export const upCommand: CommandModule<object, UpArguments> = {
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
      .option("recover", {
        type: "string",
        requiresArg: true,
        normalize: true,
        describe:
          "The recovery key's file: give every STLink new keys, where the Commander's were stolen or lost",
      })
      .option("finish", {
        type: "boolean",
        default: false,
        describe: "With --recover: go on with those that have new keys; the others are lost",
      })
      .example("$0 up", "Everything on this machine, in ./sealed-site")
      .example(
        "$0 up --listen 0.0.0.0:8443 --address hall.example.org:8443",
        "For STLinks elsewhere",
      )
      .epilogue("What is said once is kept in the folder. SIGTERM and Ctrl-C stop."),
  async handler(given) {
    // The API's server takes as long to load as everything else: other commands do without it.
    const { up } = await import("./commander/up-run.ts");
    await up(given);
  },
};
