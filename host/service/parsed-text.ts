// SPDX-License-Identifier: Apache-2.0
// What both kinds of text, TOML and JSON, are parsed into: a value, and the line of each field in it.
// Before it: toml-text.ts, json-text.ts. After it: declaration.ts, which names lines in its complaints.

export type ParsedText = {
  value: unknown;
  /** Lines from 1, by path: "peers.0.key". */
  lines: ReadonlyMap<string, number>;
};

/** The text is not TOML, or not JSON. */
export class TextError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

/** The path of a field of what stands at `path`; "" is the whole text. */
export function fieldPath(path: string, part: string): string {
  return path === "" ? part : `${path}.${part}`;
}
