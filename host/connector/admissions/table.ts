// SPDX-License-Identifier: Apache-2.0
// The entries of one kind in an admission list, by name, with what has been changed since the last keep():
// all of it can be undone. Before it: list.ts applies messages. After it: the store and the places in force,
// which want the difference alone. Invariant: an entry is found by each mark that `marksOf` gives it.

import { isDeepStrictEqual } from "node:util";

export type Difference<Entry> = { name: string; before: Entry | undefined; now: Entry | undefined };

export class Table<Entry extends object> {
  readonly #marksOf: (entry: Entry) => readonly string[];
  readonly #entries = new Map<string, Entry>();
  /** Names by mark. */
  readonly #marked = new Map<string, Set<string>>();
  /** What was there before the changes, by name. */
  readonly #before = new Map<string, Entry | undefined>();
  /** What a new whole has not named yet; null: what there is stays. */
  #unnamed: Set<string> | null = null;

  constructor(marksOf: (entry: Entry) => readonly string[] = () => []) {
    this.#marksOf = marksOf;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): Entry | undefined {
    return this.#entries.get(name);
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Names of the entries with this mark. */
  marked(mark: string): readonly string[] {
    return [...(this.#marked.get(mark) ?? [])];
  }

  /** Where the entry is there already nothing has changed. */
  set(name: string, entry: Entry): void {
    this.#unnamed?.delete(name);
    const before = this.#entries.get(name);
    if (before !== undefined && isSame(before, entry)) return;
    this.#note(name);
    this.#put(name, entry);
  }

  delete(name: string): void {
    if (!this.#entries.has(name)) return;
    this.#note(name);
    this.#put(name, undefined);
  }

  /** What is set from now on is all there is. */
  beginAll(): void {
    this.#unnamed = new Set(this.#entries.keys());
  }

  /** Whatever was not set since `beginAll` goes. */
  endAll(): void {
    for (const name of this.#unnamed ?? []) this.delete(name);
    this.#unnamed = null;
  }

  /** What is another entry now than at the last `keep`. */
  differences(): Difference<Entry>[] {
    const found: Difference<Entry>[] = [];
    for (const [name, before] of this.#before) {
      const now = this.#entries.get(name);
      const isBoth = before !== undefined && now !== undefined;
      const isAlike = isBoth ? isSame(before, now) : before === now;
      if (!isAlike) found.push({ name, before, now });
    }
    return found;
  }

  keep(): void {
    this.#before.clear();
  }

  undo(): void {
    for (const [name, entry] of this.#before) this.#put(name, entry);
    this.#before.clear();
    this.#unnamed = null;
  }

  #note(name: string): void {
    if (!this.#before.has(name)) this.#before.set(name, this.#entries.get(name));
  }

  #put(name: string, entry: Entry | undefined): void {
    const before = this.#entries.get(name);
    if (before !== undefined) for (const mark of this.#marksOf(before)) this.#unmark(mark, name);
    if (entry === undefined) this.#entries.delete(name);
    else this.#entries.set(name, entry);
    if (entry !== undefined) for (const mark of this.#marksOf(entry)) this.#mark(mark, name);
  }

  #mark(mark: string, name: string): void {
    const names = this.#marked.get(mark) ?? new Set();
    this.#marked.set(mark, names.add(name));
  }

  #unmark(mark: string, name: string): void {
    const names = this.#marked.get(mark);
    names?.delete(name);
    if (names?.size === 0) this.#marked.delete(mark);
  }
}

/** Entries are plain: bytes, numbers, texts and rows of them. */
function isSame(one: object, other: object): boolean {
  const values: Readonly<Record<string, unknown>> = { ...other };
  return Object.entries(one).every(([name, value]) => isAlike(value, values[name]));
}

function isAlike(one: unknown, other: unknown): boolean {
  const areBytes = one instanceof Uint8Array && other instanceof Uint8Array;
  return areBytes ? Buffer.compare(one, other) === 0 : isDeepStrictEqual(one, other);
}
