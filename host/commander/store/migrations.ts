// SPDX-License-Identifier: Apache-2.0
// The migrations in their order; the database's user_version is how many of them it has had. Before it:
// migrations/, a file each, never changed once released. After it: database.ts runs what is missing.

import { OBJECTS } from "./migrations/0001-objects.ts";
import { STLINKS } from "./migrations/0002-stlinks.ts";
import { AUDIT } from "./migrations/0003-audit.ts";
import { TOKENS } from "./migrations/0004-tokens.ts";

export const MIGRATIONS: readonly string[] = [OBJECTS, STLINKS, AUDIT, TOKENS];
