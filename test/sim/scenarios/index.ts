// SPDX-License-Identifier: Apache-2.0
// Every scenario, by name.

import type { Scenario } from "../scenario.ts";
import { plain } from "./plain.ts";

export const SCENARIOS: Scenario[] = [plain];
