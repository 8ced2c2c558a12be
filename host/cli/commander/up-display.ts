// SPDX-License-Identifier: Apache-2.0
// What happens in a site while `sealed up` runs: who is online and which configuration each has. Before it: the
// registry's news. After it: a terminal, where a block is redrawn in place; or plain lines, one for each STLink
// whose state has changed.

import type { StlinkState } from "../../commander/domain/stlink.ts";
import { stateOf } from "../../commander/domain/stlink.ts";
import { changedIds, type News, type Registry } from "../../commander/registry.ts";
import type { AuditEntry } from "../../commander/store/audit.ts";
import { listObjects } from "../../commander/store/listing.ts";
import { readVersion } from "../../commander/store/site.ts";
import { readStlink } from "../../commander/store/stlinks.ts";
import { LiveBlock } from "../live-block.ts";
import { plainText, tableText, timeText } from "./output.ts";

const EVERY_MS = 250;
const SHOWN_MOST = 12;

export class UpDisplay {
  readonly #registry: Registry;
  readonly #block = new LiveBlock();
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #told = new Map<string, string>();
  readonly #waiting = new Set<string>();
  readonly #end: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#end = registry.on((news) => this.#hear(news));
    if (this.#isTerminal) this.#show();
  }

  stop(): void {
    this.#end();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #hear(news: News): void {
    const ids = news.kind === "seen" ? news.ids : changedIds(news.entries, "stlink");
    for (const id of ids) this.#waiting.add(id);
    if (news.kind === "changed") for (const entry of news.entries) this.#tellAlarm(entry);
    this.#timer ??= setTimeout(() => this.#show(), EVERY_MS);
  }

  #tellAlarm({ what, kind, id }: AuditEntry): void {
    if (what !== "alarm") return;
    this.#block.note(`ALARM about ${kind} ${id}: \`sealed audit list --fields\` says what`);
  }

  #show(): void {
    this.#timer = null;
    if (this.#isTerminal) this.#block.show(blockLines(this.#registry));
    else this.#tellChanges();
    this.#waiting.clear();
  }

  /** Many at once are one line. */
  #tellChanges(): void {
    const lines = [...this.#waiting].map((id) => this.#changeOf(id)).filter((one) => one !== null);
    for (const line of lines.slice(0, SHOWN_MOST)) console.log(line);
    if (lines.length > SHOWN_MOST) console.log(`and ${lines.length - SHOWN_MOST} more`);
  }

  /** null: there is nothing new to say of it. */
  #changeOf(id: string): string | null {
    const stlink = readStlink(this.#registry.db, id);
    if (stlink === null) return null;
    const { name, facts } = stlink;
    const confirmed = facts.confirmed;
    const version = confirmed === null ? "none" : `${confirmed.epoch}.${confirmed.serial}`;
    const text = `${plainText(name)} is ${SAID[stateOf(facts)]}, configuration ${version}`;
    if (this.#told.get(id) === text) return null;
    this.#told.set(id, text);
    return text;
  }
}

const SAID: Readonly<Record<StlinkState, string>> = {
  invited: "invited",
  waiting: "waiting for approval (sealed stlink approve)",
  online: "online",
  away: "away",
  revoked: "revoked",
};

/** Titles don't begin with a space. */
export function blockLines({ db }: Registry): string[] {
  const counts = db.all<{ facet: StlinkState; n: number }>(
    "SELECT facet, count(*) AS n FROM objects WHERE kind = 'stlink' GROUP BY facet ORDER BY n DESC",
  );
  const { epoch, serial } = readVersion(db);
  const all = counts.reduce((sum, { n }) => sum + n, 0);
  const said = counts.map(({ facet, n }) => `${n} ${facet}`).join(", ") || "none yet";
  const { items } = listObjects(db, { kind: "stlink", limit: SHOWN_MOST });
  const rows = items.map(({ id }) => rowOf(db, id));
  const table = tableText(["NAME", "STATE", "CONFIGURATION", "LAST SEEN"], rows).split("\n");
  return [
    `STLinks: ${said}   configuration ${epoch}.${serial}`,
    ...(rows.length === 0 ? [] : table.map((line) => `  ${line}`)),
    ...(all > rows.length ? [`  and ${all - rows.length} more: sealed stlink list --watch`] : []),
    "  Ctrl-C stops",
  ];
}

function rowOf(db: Registry["db"], id: string): (string | null)[] {
  const stlink = readStlink(db, id);
  if (stlink === null) return [];
  const { name, facts } = stlink;
  const { confirmed, lastSeenMs } = facts;
  const version = confirmed === null ? null : `${confirmed.epoch}.${confirmed.serial}`;
  return [name, stateOf(facts), version, timeText(lastSeenMs)];
}
