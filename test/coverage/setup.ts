// SPDX-License-Identifier: Apache-2.0
// Vitest setup file, in every test file of every project: writes what a coverage run counts when the file
// is through, because its worker may be ended at once: the core's counters (hook.ts), and V8's own counts
// of the host (NODE_V8_COVERAGE). Does nothing outside a coverage run.

import { takeCoverage } from "node:v8";
import { afterAll } from "vitest";

const { writeCoverageCounters } = globalThis as { writeCoverageCounters?: () => void };

if (writeCoverageCounters !== undefined) afterAll(writeCoverageCounters);
if (process.env["NODE_V8_COVERAGE"] !== undefined) afterAll(() => takeCoverage());
