// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium on a host of a test, driven through its pipe: it opens no port. Before it:
// routes.test.ts. After it: playwright-core, which starts a script that enters the host's namespace. Its
// profile is a fresh folder each time.

import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import type { Host, Namespaces } from "../../host/cli/demo/namespaces.ts";

/** It is to do what it is told and nothing besides. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser on this host; the script is written into the folder. */
export async function openBrowser(
  namespaces: Namespaces,
  host: Host,
  folder: string,
): Promise<Browser> {
  const script = join(folder, "chromium-on-host");
  const command = namespaces.inside(host, ["chromium"]);
  writeFileSync(script, `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`);
  chmodSync(script, 0o700);
  return chromium.launch({ executablePath: script, headless: true, args: FLAGS });
}
