// SPDX-License-Identifier: Apache-2.0
// What `sealed up` says when it starts: where everything is, what to carry away, and the first commands. Before
// it: up.ts, once all of it runs. After it: a person who has never seen this.

import { SEALED } from "../called-as.ts";
import { codeSheet, columnsFor, type MadeCode } from "./code-sheet.ts";
import type { LeftPlace } from "./place.ts";

export type StartedSite = {
  folder: string;
  /** Where the Connector listens, as text. */
  listening: string;
  /** Where STLinks find it. */
  address: string;
  isLocalAlone: boolean;
  url: string;
  tokenFile: string;
  /** To whom commands spoke until now, where that is another site. */
  replaced: LeftPlace | null;
  /** The recovery key, where it still lies in the folder. */
  recoveryFile: string | null;
  /** The invitation of a new site. */
  code: MadeCode | null;
};

export function guideText(site: StartedSite): string {
  const { folder, listening, address, isLocalAlone, url, tokenFile, code } = site;
  return [
    code === null ? `The site in ${folder}` : `A new site in ${folder}`,
    "",
    `  Connector     listens at ${listening}; STLinks find it at ${address}`,
    ...(isLocalAlone ? LOCAL_ALONE : []),
    `  Commander     ${url} (API; its administrator's token is in ${tokenFile})`,
    ...replacedLines(site),
    ...recoveryLines(site),
    ...(code === null ? [] : ["", ...invitation(code)]),
    "",
    ...(code === null ? NEXT : FIRST),
    "",
  ].join("\n");
}

const LOCAL_ALONE = [
  "                This machine alone reaches it. For STLinks elsewhere start it with",
  "                --listen 0.0.0.0:8443 --address HOST:8443",
];

function replacedLines({ replaced }: StartedSite): string[] {
  if (replaced === null) return [];
  const { url, tokenFile } = replaced;
  return [
    "                Commands here speak to this one from now on. To the one before:",
    `                SEALED_TOKEN=$(cat ${tokenFile}) ${SEALED} ... --commander ${url}`,
  ];
}

function recoveryLines({ recoveryFile }: StartedSite): string[] {
  if (recoveryFile === null) return [];
  return [
    `  Recovery key  ${recoveryFile}`,
    "                Take it off this machine now: who steals this machine must not find it, and",
    "                with it you get the STLinks back. For example:",
    `                mv ${recoveryFile} /media/usb-stick/`,
  ];
}

function invitation(code: MadeCode): string[] {
  return [
    'An invitation, by the Profile "default":',
    "",
    codeSheet(code, columnsFor(process.stdout.isTTY)),
  ];
}

const FIRST = [
  "Next, in another terminal: take the invitation, run it, and see who is here",
  `  ${SEALED} stlink activate - --state office`,
  `  ${SEALED} stlink run --state office`,
  `  ${SEALED} stlink list --watch`,
  `One more invitation: ${SEALED} code add`,
];

const NEXT = [
  `Who is here: ${SEALED} stlink list --watch`,
  `One more invitation: ${SEALED} code add`,
  `All commands: ${SEALED} --help`,
];
