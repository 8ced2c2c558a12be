// SPDX-License-Identifier: Apache-2.0
// Vitest setup file, in every test file of every project: writes the coverage counters when the file
// is through, because its worker may be ended at once. Does nothing outside a coverage run.

import { afterAll } from "vitest";

const { writeCoverageCounters } = globalThis as { writeCoverageCounters?: () => void };

if (writeCoverageCounters !== undefined) afterAll(writeCoverageCounters);
