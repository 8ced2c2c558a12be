// SPDX-License-Identifier: Apache-2.0
// STLinks as their Commander knows them: fields, columns, and all that is known of one. Before it: the API. After
// it: stlink-site.ts, the verbs that administrators use.

import type { Schemas } from "../../commander/client/client.ts";
import { STLINK_STATES } from "../../commander/domain/stlink.ts";
import { span } from "../status-table.ts";
import type { Field } from "./fields.ts";
import { type Cell, linesText, shortId, tableText, timeText } from "./output.ts";
import type { Thing } from "./things.ts";
import { DESCRIPTION, TAGS, TEMPLATES } from "./usual-fields.ts";
import type { Noun } from "./verbs.ts";

const FIELDS: readonly Field[] = [
  DESCRIPTION,
  {
    at: "profile",
    option: "profile",
    is: "text",
    to: "profiles",
    isOptional: true,
    describe: "The Profile that it is deployed by",
  },
  TEMPLATES,
  TAGS,
];

type Detail = Schemas["StlinkDetail"];
type Configuration = Detail["confirmed"];
type Origins = Detail["routes"][number]["origins"][number];

/** A line of the list has less than all of it. */
function detailOf(thing: Thing): Detail {
  return thing as unknown as Detail;
}

export const STLINK: Noun = {
  name: "stlink",
  word: "STLink",
  plural: "stlinks",
  fields: FIELDS,
  columns: [
    { head: "STATE", cell: (thing) => detailOf(thing).state },
    { head: "LAST SEEN", cell: (thing) => timeText(detailOf(thing).lastSeen) },
    { head: "CONFIGURATION", cell: (thing) => versionOf(detailOf(thing).confirmed) },
    { head: "BOARD", cell: (thing) => detailOf(thing).board ?? detailOf(thing).platform },
    { head: "ROUND TRIP", cell: (thing) => ms(detailOf(thing).roundTripMs) },
    {
      head: "TEMPLATES",
      cell: async ({ templates }, commander) =>
        (await commander.namesOf("templates", templates as string[])).join(" "),
    },
  ],
  wide: [
    { head: "DESCRIPTION", cell: (thing) => detailOf(thing).description },
    {
      head: "PROFILE",
      cell: async ({ profile }, commander) =>
        profile ? (await commander.namesOf("profiles", [String(profile)])).join(" ") : null,
    },
    { head: "PLATFORM", cell: (thing) => detailOf(thing).platform },
    { head: "FIRMWARE", cell: (thing) => detailOf(thing).firmware },
    { head: "CORE", cell: (thing) => shortId(detailOf(thing).core) },
    { head: "HASH", cell: (thing) => shortId(detailOf(thing).confirmed?.hash) },
    { head: "CONNECTOR", cell: (thing) => shortId(detailOf(thing).connector) },
    { head: "BYTES IN", cell: (thing) => detailOf(thing).bytesIn },
    { head: "BYTES OUT", cell: (thing) => detailOf(thing).bytesOut },
    { head: "SESSIONS", cell: (thing) => detailOf(thing).sessions },
    { head: "LAST ERRORS", cell: (thing) => detailOf(thing).lastErrors.join("; ") },
  ],
  filters: [
    {
      option: "state",
      choices: STLINK_STATES,
      describe: "In this state",
    },
  ],
  example: "camera --template hall --tag camera",
  about: async (thing) => aboutStlink(detailOf(thing)),
};

function versionOf(configuration: Configuration): string | null {
  if (configuration === null) return null;
  const { epoch, serial } = configuration.version;
  return `${epoch}.${serial}`;
}

function ms(value: number | null): string | null {
  return value === null ? null : `${value.toFixed(1)} ms`;
}

function aboutStlink(detail: Detail): string {
  return [
    linesText(factLines(detail)),
    routesText(detail),
    ...(detail.pairs.length === 0 ? [] : [pairsText(detail)]),
  ].join("\n\n");
}

function factLines(detail: Detail): [string, Cell][] {
  const { state, key, nextKey, waiting, lastSeen, revokedAt, confirmed, current } = detail;
  const { platform, board, firmware, core, connector, bytesIn, bytesOut, sessions } = detail;
  const { streams, leaseLeftMs } = detail;
  const waits = waiting === null ? null : `${waiting.key} since ${timeText(waiting.since)}`;
  return [
    ["state", state],
    ["waits with", waits],
    ["fingerprint", waiting?.fingerprint],
    ["key", key],
    ["next key", nextKey],
    ["revoked", timeText(revokedAt)],
    ["last seen", timeText(lastSeen)],
    ["configuration", configurationText(confirmed, current)],
    ["platform", platform],
    ["board", board],
    ["firmware", firmware],
    ["core", core],
    ["Connector", shortId(connector)],
    ["round trip", ms(detail.roundTripMs)],
    ["bytes", `${bytesIn} in, ${bytesOut} out`],
    ["sessions", sessions],
    ["connections", streams],
    ["lease left", leaseLeftMs === null ? null : span(Math.floor(leaseLeftMs / 1000))],
    ["last errors", detail.lastErrors.join("; ")],
  ];
}

/** What it has in force, and whether that is what it should have. */
function configurationText(confirmed: Configuration, current: Configuration): string | null {
  const has = versionOf(confirmed);
  const should = versionOf(current);
  if (has === null) return should === null ? null : `none yet; ${should} is to come`;
  const text = `${has}, hash ${confirmed?.hash.slice(0, 16)}`;
  if (should === null || confirmed?.hash === current?.hash) return text;
  return `${text}; ${should} is to come`;
}

function routesText({ routes }: Detail): string {
  if (routes.length === 0)
    return "no Routes: give it a Template (sealed stlink set NAME --add-template T)";
  const rows = routes.map(({ name, type, protocol, address, port, origins }) => {
    return [name, type, `${protocol} ${address} port ${port}`, origins.map(originText).join(", ")];
  });
  return tableText(["ROUTE", "TYPE", "WHERE", "FROM"], rows);
}

function originText({ profile, template }: Origins): string {
  const parts = [
    ...(template === null ? [] : [`Template ${template.name}`]),
    ...(profile === null ? [] : [`Profile ${profile.name}`]),
  ];
  return parts.join(" of ");
}

function pairsText({ pairs }: Detail): string {
  const rows = pairs.map(({ name, fingerprint }) => [name, fingerprint]);
  return tableText(["MAY TALK TO", "FINGERPRINT: THE SAME AT BOTH ENDS"], rows);
}

/** The key that waits; null: none does. */
export function waitingOf(thing: Thing): Detail["waiting"] {
  return detailOf(thing).waiting;
}
