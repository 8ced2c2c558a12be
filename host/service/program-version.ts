// SPDX-License-Identifier: Apache-2.0
// The program's version. Before it: package.json. After it: `sealed version`, the status socket, what an
// STLink tells its Commander of itself.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const PACKAGE = join(import.meta.dirname, "..", "..", "package.json");

/** As package.json has it. */
export function programVersion(): string {
  return JSON.parse(readFileSync(PACKAGE, "utf8")).version;
}
