// SPDX-License-Identifier: Apache-2.0
// `sealed customer`: Commanders of others whose STLinks this site's Connector admits. Before it: a person or a
// script. After it: commander/verbs.ts.

import type { Field } from "./commander/fields.ts";
import { shortId } from "./commander/output.ts";
import { DESCRIPTION, TAGS } from "./commander/usual-fields.ts";
import { type Noun, nounCommand } from "./commander/verbs.ts";

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
};

export const customerCommand = nounCommand(
  CUSTOMER,
  "Customers: whose STLinks the Connector admits",
);
