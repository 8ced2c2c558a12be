// SPDX-License-Identifier: Apache-2.0
// A document as a file: TOML or JSON, read with the line of each mistake, and written as TOML. Before it: a person's
// editor, or `sealed export`. After it: document.ts.

import { stringify } from "smol-toml";
import { readDeclaration } from "../../service/declaration.ts";
import { type Document, documentIssues, documentSchema } from "../domain/document.ts";

/** Reads and checks a file by itself. Throws AppError(BadFile) with every complaint, a line each. */
export function readDocument(file: string): Document {
  const { value, complaints } = readDeclaration(file, documentSchema);
  for (const { path, what } of documentIssues(value)) complaints.add(path, what);
  complaints.throwIfAny();
  return value;
}

/** As TOML, which readDocument reads. */
export function documentText(document: object): string {
  return `${stringify(document)}\n`;
}
