// SPDX-License-Identifier: Apache-2.0
// The entries of one kind in an admission list, by name, with what has been changed since the last keep():
// all of it can be undone. Before it: list.ts applies messages. After it: the store and the places in force,
// which want the difference alone. Invariant: an entry is found by each mark that `marksOf` gives it.

export type Difference<Entry> = { name: string; before: Entry | undefined; now: Entry | undefined };

export class Table<Entry> {
  readonly #marksOf: (entry: Entry) => readonly string[];
  readonly #entries = new Map<string, Entry>();
  /** Names by mark. */
  readonly #marked = new Map<string, Set<string>>();
  /** What was there before the changes, by name. */
  readonly #before = new Map<string, Entry | undefined>();

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

  values(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Names of the entries with this mark. */
  marked(mark: string): readonly string[] {
    return [...(this.#marked.get(mark) ?? [])];
  }

  set(name: string, entry: Entry): void {
    this.#note(name);
    this.#put(name, entry);
  }

  delete(name: string): void {
    if (!this.#entries.has(name)) return;
    this.#note(name);
    this.#put(name, undefined);
  }

  clear(): void {
    for (const name of [...this.#entries.keys()]) this.delete(name);
  }

  /** What was touched since, and is another entry now as `isSame` sees it. */
  differences(isSame: (one: Entry, other: Entry) => boolean): Difference<Entry>[] {
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
