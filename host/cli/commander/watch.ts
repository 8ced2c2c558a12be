// SPDX-License-Identifier: Apache-2.0
// A list of STLinks that follows what happens: on a terminal it is drawn anew, elsewhere each STLink that has
// changed is a line. Before it: `sealed stlink list --watch`. After it: events.ts. Ctrl-C ends it.

import { LiveBlock } from "../live-block.ts";
import { AWAY, siteEvents } from "./events.ts";
import type { Given } from "./fields.ts";
import type { Commander, Thing } from "./things.ts";
import type { NounArguments } from "./usual-options.ts";
import { isWide, listThings, type Noun, thingsText } from "./verbs.ts";

/** However much happens, the list is asked for so often at most. */
const EVERY_MS = 500;

export async function watchThings(
  noun: Noun,
  commander: Commander,
  given: NounArguments,
): Promise<void> {
  const view = new WatchView(noun, commander, given);
  await view.show();
  for await (const { event } of siteEvents(commander.client, () => view.note(AWAY))) {
    if (event !== "heartbeat") view.hear();
    view.throwIfFailed();
  }
}

class WatchView {
  readonly #noun: Noun;
  readonly #commander: Commander;
  readonly #given: Given & { json: boolean };
  readonly #block = new LiveBlock();
  readonly #told = new Map<string, string>();
  #timer: NodeJS.Timeout | null = null;
  #failure: unknown = null;

  constructor(noun: Noun, commander: Commander, given: NounArguments) {
    this.#noun = noun;
    this.#commander = commander;
    this.#given = given;
  }

  note(text: string): void {
    if (this.#given.json || !process.stdout.isTTY) console.error(text);
    else this.#block.note(text);
  }

  hear(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.show().catch((error) => {
        this.#failure = error;
      });
    }, EVERY_MS);
  }

  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async show(): Promise<void> {
    const { items } = await listThings(this.#noun, this.#commander, this.#given);
    if (this.#given.json || !process.stdout.isTTY) return this.#tellChanges(items);
    const text = await this.#text(items);
    this.#block.show([`${this.#noun.word}s: ${items.length}`, ...text.split("\n").map(indented)]);
  }

  #text(items: readonly Thing[]): Promise<string> {
    return thingsText(this.#noun, this.#commander, items, isWide(this.#given));
  }

  /** What differs from what was told of it; the header once. */
  async #tellChanges(items: readonly Thing[]): Promise<void> {
    const text = this.#given.json ? "" : await this.#text(items);
    const [head = "", ...rows] = text.split("\n");
    if (this.#told.size === 0 && head !== "") console.log(head);
    for (const [i, item] of items.entries()) {
      const line = this.#given.json ? JSON.stringify(item) : (rows[i] ?? "");
      if (this.#told.get(item.id) === line) continue;
      this.#told.set(item.id, line);
      console.log(line);
    }
  }
}

function indented(line: string): string {
  return `  ${line}`;
}
