// SPDX-License-Identifier: Apache-2.0
// `sealed customer`: Commanders of others whose STLinks this site's Connectors admit, and the pre-shared keys of their
// hops. Before it: a person or a script. After it: commander/verbs.ts, the API.

import type { CommandModule } from "yargs";
import { dataOf } from "../commander/client/client.ts";
import type { Field } from "./commander/fields.ts";
import { shortId } from "./commander/output.ts";
import type { Commander, Thing } from "./commander/things.ts";
import { DESCRIPTION, TAGS } from "./commander/usual-fields.ts";
import {
  groupCommand,
  type NounArguments,
  nounOptions,
  tellDone,
  whichArgument,
  withCommander,
} from "./commander/usual-options.ts";
import { type Noun, nounVerbs } from "./commander/verbs.ts";

const FIELDS: readonly Field[] = [
  DESCRIPTION,
  { at: "commander.id", option: "id", is: "text", describe: "Its Commander's id" },
  { at: "commander.key", option: "key", is: "text", describe: "Its Commander's public key" },
  {
    at: "commander.recovery",
    option: "recovery",
    is: "text",
    describe: "Its recovery key, the public half",
  },
  {
    at: "stlinks",
    option: "stlinks",
    is: "number",
    isOptional: true,
    describe: "How many STLinks it may have",
  },
  {
    at: "rate",
    option: "rate",
    is: "text",
    isOptional: true,
    describe: "Bytes in a second, of all together, such as 10MiB",
  },
  { at: "suspended", option: "suspended", is: "flag", describe: "Refuse its STLinks for now" },
  TAGS,
];

export const CUSTOMER: Noun = {
  name: "customer",
  word: "Customer",
  plural: "customers",
  fields: FIELDS,
  columns: [
    { head: "COMMANDER", cell: ({ commander }) => shortId((commander as { id: string }).id) },
    { head: "STLINKS", cell: ({ stlinks }) => stlinks as number | undefined },
    { head: "RATE", cell: ({ rate }) => rate as string | undefined },
    { head: "SUSPENDED", cell: ({ suspended }) => suspended as boolean },
  ],
  filters: [],
  example: "acme --id ID --key KEY --recovery KEY --stlinks 100",
  made: async (thing, commander) => {
    const { psk, text } = await makePsk(thing, commander);
    return { more: { psk }, text };
  },
};

/** A new pre-shared key of its hop, and what its administrator does with it. */
async function makePsk({ id }: Thing, { http }: Commander): Promise<{ psk: string; text: string }> {
  const { psk } = await dataOf(
    http.POST("/api/v1/customers/{id}/psk", { params: { path: { id } } }),
  );
  const { connectors } = await dataOf(http.GET("/api/v1/site", {}));
  const lines = [
    "The pre-shared key of its Commander's hop is shown this once:",
    "",
    `  psk = "${psk}"`,
    "",
    "Its administrator puts that line into a file (chmod 600), and adds the Connector:",
    "",
    ...connectors.map(({ key, address }) => {
      return `  sealed site connectors add --key ${key} --address ${address} --psk-file FILE`;
    }),
  ];
  return { psk, text: lines.join("\n") };
}

const psk: CommandModule<object, NounArguments & { which: string }> = {
  command: "psk <which>",
  describe: "Make a new pre-shared key of a Customer's Commander; it is shown once",
  builder: (yargs) =>
    nounOptions(whichArgument(yargs, CUSTOMER.word)).example("$0 customer psk acme", ""),
  handler: withCommander(async (commander, { which, json }) => {
    const customer = await commander.find("customers", which);
    const made = await makePsk(customer, commander);
    tellDone(json, { id: customer.id, psk: made.psk }, made.text);
  }),
};

export const customerCommand = groupCommand(
  "customer",
  "Customers: whose STLinks the Connector admits",
  [...nounVerbs(CUSTOMER), psk as CommandModule],
);
