// SPDX-License-Identifier: Apache-2.0
// `sealed backup`: a whole copy of a running Commander's database, in the folder "backups" beside it. It holds the
// site's secrets, so it is sent nowhere. Before it: an administrator. After it: `sealed restore`.

import type { CommandModule } from "yargs";
import { dataOf } from "../commander/client/client.ts";
import {
  type NounArguments,
  nounOptions,
  tellDone,
  withCommander,
} from "./commander/usual-options.ts";

export const backupCommand: CommandModule<object, NounArguments> = {
  command: "backup",
  describe: "Have the Commander write a backup beside its database",
  builder: (yargs) => nounOptions(yargs.example("$0 backup", "Then copy it to another machine")),
  handler: withCommander(async ({ http }, { json }) => {
    const made = await dataOf(http.POST("/api/v1/backup", {}));
    const text = `backups/${made.name} in the folder of the Commander, ${made.bytes} bytes. It holds the site's secrets: keep it as you keep keys.`;
    tellDone(json, made, text);
  }),
};
