// SPDX-License-Identifier: Apache-2.0
// `sealed route`: Mappings and Bindings. Before it: a person or a script. After it: commander/verbs.ts. A Binding
// beyond loopback is made once its owner has read what it exposes and has said that it is meant.

import { type BindingFields, exposedPlace } from "../commander/domain/route.ts";
import { AppError } from "../service/app-error.ts";
import { exposureOf } from "../stlink/addresses.ts";
import type { Field, Given } from "./commander/fields.ts";
import { usesOf } from "./commander/uses.ts";
import { DESCRIPTION, TAGS } from "./commander/usual-fields.ts";
import { type Noun, nounCommand } from "./commander/verbs.ts";
import { answer } from "./questions.ts";

const FIELDS: readonly Field[] = [
  DESCRIPTION,
  {
    at: "type",
    option: "type",
    is: "text",
    describe: "mapping, or binding; a Binding where --mapping is said",
  },
  {
    at: "mapping",
    option: "mapping",
    is: "text",
    to: "routes",
    describe: "The Mapping that a Binding leads to",
  },
  {
    at: "address",
    option: "address",
    is: "text",
    describe: "Where the service is, or where a Binding listens (127.0.0.1)",
  },
  { at: "port", option: "port", is: "number", describe: "Its port" },
  { at: "protocol", option: "protocol", is: "text", describe: "tcp, or udp" },
  {
    at: "help",
    option: "help-text",
    is: "text",
    describe: "What people who use a Binding should know",
  },
  {
    at: "access.sources",
    option: "source",
    is: "list",
    describe: "A network whose machines may use a Binding",
  },
  {
    at: "access.connections",
    option: "connections",
    is: "number",
    isOptional: true,
    describe: "Connections at once, at most",
  },
  {
    at: "access.rate",
    option: "rate",
    is: "text",
    isOptional: true,
    describe: "Bytes in a second, at most, such as 1MiB",
  },
  {
    at: "exposes",
    option: "exposes",
    is: "text",
    isOptional: true,
    describe: 'What a Binding beyond loopback exposes, said again: "tcp eth0:443"',
  },
  {
    at: "pinned",
    option: "pinned",
    is: "flag",
    describe: "Refuse a peer whose key changed until that is confirmed",
  },
  {
    at: "hold",
    option: "hold",
    is: "text",
    describe: "How long a connection is held while the peer is away, such as 120s",
  },
  {
    at: "idle",
    option: "idle",
    is: "text",
    isOptional: true,
    describe: "UDP: after so long without a datagram a source address is forgotten, such as 60s",
  },
  {
    at: "age",
    option: "age",
    is: "text",
    isOptional: true,
    describe: "UDP: a datagram that could not be sent for so long is dropped, such as 500ms",
  },
  {
    at: "flows",
    option: "flows",
    is: "number",
    isOptional: true,
    describe: "UDP: source addresses at once",
  },
  TAGS,
];

export const ROUTE: Noun = {
  name: "route",
  word: "Route",
  plural: "routes",
  fields: FIELDS,
  columns: [
    { head: "TYPE", cell: (route) => String(route["type"]) },
    { head: "PROTOCOL", cell: (route) => String(route["protocol"]) },
    { head: "ADDRESS", cell: (route) => String(route["address"]) },
    { head: "PORT", cell: (route) => Number(route["port"]) },
    {
      head: "LEADS TO",
      cell: async ({ mapping }, commander) =>
        mapping === undefined
          ? null
          : (await commander.namesOf("routes", [String(mapping)])).join(" "),
    },
  ],
  filters: [{ option: "type", choices: ["mapping", "binding"], describe: "Of this type" }],
  example: "web --address 192.168.0.1 --port 543",
  about: usesOf("routes"),
  confirm: confirmRoute,
};

/** The Route with its type, and with what it exposes. */
async function confirmRoute(fields: Given, given: Given): Promise<Given> {
  const type = fields["type"] ?? (fields["mapping"] === undefined ? "mapping" : "binding");
  const route = { ...fields, type };
  if (type !== "binding" || given["exposes"] !== undefined) return route;
  const { exposes: said, ...rest } = { address: "127.0.0.1", protocol: "tcp", ...route } as Given;
  const { address, port } = rest;
  const exposure = typeof address === "string" ? exposureOf(address) : null;
  if (exposure === null || typeof port !== "number") return rest;
  const place = exposedPlace(rest as BindingFields);
  if (said !== place) await agree(String(rest["name"]), place, exposure, given["yes"] === true);
  return { ...rest, exposes: place };
}

/** Throws AppError(Usage) where it is not meant. */
async function agree(name: string, place: string, exposure: string, isYes: boolean): Promise<void> {
  console.error(`Binding ${name}: ${place} ${exposure}`);
  if (isYes) return;
  const question = {
    text: `Is ${place} to be exposed`,
    flag: `--exposes "${place}" (or --yes)`,
    choices: ["yes", "no"],
  };
  if ((await answer(undefined, question)) === "yes") return;
  throw new AppError("Usage", "Nothing was done. Loopback exposes nothing: --address 127.0.0.1.");
}

export const routeCommand = nounCommand(ROUTE, "Routes: Mappings and Bindings");
