// SPDX-License-Identifier: Apache-2.0
// `sealed event`: what happens in the site, as it happens: who comes and goes, what is changed and by whom. Before
// it: a person, or a script that waits. After it: the API's events; one line for each, until Ctrl-C.

import type { CommandModule } from "yargs";
import type { ApiEvent } from "../commander/client/events.ts";
import { openCommander } from "./commander/client.ts";
import { AWAY, siteEvents } from "./commander/events.ts";
import { plainText, timeText } from "./commander/output.ts";
import { type NounArguments, nounOptions } from "./commander/usual-options.ts";

export const eventCommand: CommandModule<object, NounArguments> = {
  command: "event",
  describe: "Tell what happens in the site as it happens, until Ctrl-C",
  builder: (yargs) =>
    nounOptions(yargs.example("$0 event --json", "A line of JSON for each event")),
  async handler({ commander, json }) {
    const { client } = openCommander(commander);
    for await (const event of siteEvents(client, () => console.error(AWAY))) {
      const line = json ? JSON.stringify(event) : lineOf(event);
      if (line !== null) console.log(line);
    }
  },
};

/** null: there is nothing to tell a person. */
function lineOf(event: ApiEvent): string | null {
  if (event.event === "changed") {
    const { at, by, what, kind, name } = event.data;
    return plainText(`${timeText(at)}  ${by}: ${what} ${kind} ${name}`);
  }
  const now = timeText(Date.now());
  if (event.event === "seen") {
    return plainText(`${now}  STLink ${event.data.name} is ${event.data.state}`);
  }
  return event.event === "reset" ? `${now}  some events were missed` : null;
}
