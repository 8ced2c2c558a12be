// SPDX-License-Identifier: Apache-2.0
// V8's own counts of source files that Node ran as they stand (types stripped in place, so that offsets are
// those of the file), merged over many processes: which functions were called, which branches taken.
// Between NODE_V8_COVERAGE, which writes the counts, and scripts/coverage-host.ts, which prints the lines.
// A branch is a block that V8 has counted apart from what is around it, in any process.

import type { Tally } from "./report.ts";

type Range = { startOffset: number; endOffset: number; count: number };
export type ScriptCounts = {
  url: string;
  functions: { functionName: string; ranges: Range[] }[];
};

export type SourceReport = { functions: Tally; branches: Tally; lines: string[] };

type Span = { start: number; end: number; name: string };

const SNIPPET_LEN = 60;

/** One source file. */
export class SourceCounts {
  readonly path: string;
  readonly #text: string;
  readonly #isCovered: Uint8Array;
  readonly #functions = new Map<string, Span>();
  readonly #branches = new Map<string, Span>();

  constructor(path: string, text: string) {
    this.path = path;
    this.#text = text;
    this.#isCovered = new Uint8Array(text.length);
  }

  get isLoaded(): boolean {
    return this.#isCovered.includes(1);
  }

  /** Adds what one process counted. */
  add({ functions }: ScriptCounts): void {
    const painted = new Uint8Array(this.#text.length);
    // An outer range comes before the inner ones, which then have the last word.
    for (const { functionName, ranges } of functions) {
      for (const [i, { startOffset, endOffset, count }] of ranges.entries()) {
        painted.fill(count > 0 ? 1 : 0, startOffset, endOffset);
        this.#note(
          i === 0 ? this.#functions : this.#branches,
          functionName,
          startOffset,
          endOffset,
        );
      }
    }
    for (let at = 0; at < painted.length; at++) if (painted[at] === 1) this.#isCovered[at] = 1;
  }

  #note(spans: Map<string, Span>, name: string, start: number, end: number): void {
    // The module itself is a function from 0; a range of brackets alone is no branch.
    const isCode = /[^\s{}();]/.test(this.#text.slice(start, end));
    if (isCode && !(start === 0 && spans === this.#functions)) {
      spans.set(`${start}-${end}`, { start, end, name });
    }
  }

  report(): SourceReport {
    const functions = [...this.#functions.values()];
    const branches = [...this.#branches.values()];
    const notCalled = functions.filter((span) => !this.#isReached(span));
    const notTaken = branches.filter((span) => !this.#isReached(span));
    const hidden = [...notCalled, ...notTaken];
    const isShown = (span: Span): boolean => !hidden.some((other) => isInside(span, other));
    const lines = [
      ...notCalled
        .filter(isShown)
        .map((span) => `${this.#place(span)}: not called: ${nameOf(span)}`),
      ...notTaken
        .filter(isShown)
        .map((span) => `${this.#place(span)}: not taken: ${this.#code(span)}`),
    ];
    return {
      functions: { covered: functions.length - notCalled.length, total: functions.length },
      branches: { covered: branches.length - notTaken.length, total: branches.length },
      lines,
    };
  }

  #isReached({ start }: Span): boolean {
    return this.#isCovered[start] === 1;
  }

  #place({ start, end }: Span): string {
    const first = start + this.#text.slice(start, end).search(/[^\s{}();]/);
    return `${this.path}:${this.#text.slice(0, first).split("\n").length}`;
  }

  #code({ start, end }: Span): string {
    const code = this.#text.slice(start, end).replace(/^[\s{}();]+/, "");
    return code.split("\n", 1)[0]?.slice(0, SNIPPET_LEN) ?? "";
  }
}

function nameOf({ name }: Span): string {
  return name === "" ? "(without a name)" : name;
}

function isInside(inner: Span, outer: Span): boolean {
  return inner !== outer && inner.start >= outer.start && inner.end <= outer.end;
}
