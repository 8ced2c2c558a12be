// SPDX-License-Identifier: Apache-2.0
// JSON as text (RFC 8259): parsed by the language's own parser, after a walk over its tokens that knows
// the line of each field and of the first mistake, which that parser does not tell. Before it:
// declaration.ts. After it: its complaints. A field that stands twice is a mistake here.

import { fieldPath, type ParsedText, TextError } from "./parsed-text.ts";

/** Throws TextError. */
export function parseJson(text: string): ParsedText {
  const lines = new Walk(text).lines();
  return { value: JSON.parse(text), lines };
}

const TOKEN = /\s*([{}[\]:,]|"(?:[^"\\\n]|\\.)*"|[^\s{}[\]:,"]+|$|.)/y;

class Walk {
  readonly #text: string;
  readonly #lines = new Map<string, number>();
  #at = 0;
  #token = "";

  constructor(text: string) {
    this.#text = text;
    this.#next();
  }

  lines(): Map<string, number> {
    this.#value("");
    if (this.#token !== "") this.#fail("there is something behind the end of the value");
    return this.#lines;
  }

  #value(path: string): void {
    if (!this.#lines.has(path)) this.#lines.set(path, this.#line());
    if (this.#token === "{") return this.#items("}", () => this.#field(path));
    if (this.#token === "[")
      return this.#items("]", (i) => this.#value(fieldPath(path, String(i))));
    this.#scalar();
  }

  #items(end: string, item: (index: number) => void): void {
    this.#next();
    for (let index = 0; this.#token !== end; index++) {
      if (index > 0) this.#expect(",");
      item(index);
    }
    this.#next();
  }

  #field(path: string): void {
    if (!this.#token.startsWith('"')) this.#fail('a field\'s name in "..." belongs here');
    const field = fieldPath(path, String(this.#scalar()));
    if (this.#lines.has(field)) this.#fail(`${field} stands here a second time`);
    this.#lines.set(field, this.#line());
    this.#expect(":");
    this.#value(field);
  }

  #scalar(): unknown {
    const token = this.#token;
    try {
      const value: unknown = JSON.parse(token);
      this.#next();
      return value;
    } catch {
      return this.#fail(token === "" ? "the text ends too early" : `${token} is not a JSON value`);
    }
  }

  #expect(token: string): void {
    if (this.#token !== token) this.#fail(`"${token}" belongs before ${this.#token || "the end"}`);
    this.#next();
  }

  #next(): void {
    TOKEN.lastIndex = this.#at;
    this.#token = TOKEN.exec(this.#text)?.[1] ?? "";
    this.#at = TOKEN.lastIndex;
  }

  #line(): number {
    return this.#text.slice(0, this.#at).split("\n").length;
  }

  #fail(why: string): never {
    throw new TextError(why, this.#line());
  }
}
