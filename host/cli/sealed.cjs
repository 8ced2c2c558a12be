#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// `sealed`, as it is called: says what to do on a Node that is too old, before anything is loaded that
// such a Node can't read. After it: sealed.ts. So this file keeps to what Node 14 understands.

const LEAST_NODE = 24;
/** The same as in exit-codes.ts. */
const NODE_TOO_OLD = 9;

const major = Number(process.versions.node.split(".")[0]);

if (major < LEAST_NODE) {
  console.error(
    "sealed needs Node " +
      LEAST_NODE +
      " or newer, and this is " +
      process.versions.node +
      ": install one from your system's packages or nodejs.org, then call it again.",
  );
  process.exit(NODE_TOO_OLD);
} else {
  // The package holds JavaScript in the place of the TypeScript that lies beside this file elsewhere:
  // Node strips no types inside node_modules.
  const { existsSync } = require("node:fs");
  const program = existsSync(`${__dirname}/sealed.ts`) ? "./sealed.ts" : "../../dist/cli/sealed.js";
  import(program).then(({ main }) => main(process.argv.slice(2)));
}
