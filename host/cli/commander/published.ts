// SPDX-License-Identifier: Apache-2.0
// Whether the Connectors know a code that was just made: one that does not tells whoever shows it CodeUnknown. Before
// it: `sealed up`, `sealed code add`, `sealed stlink code`. After it: the API.

import { setTimeout as pause } from "node:timers/promises";
import { type Client, dataOf } from "../../commander/client/client.ts";

const LOOK_MS = 100;
const PATIENCE_MS = 5000;

/**
 * Waits until they know it, five seconds at most, and gives the addresses of those that do not.
 * @param isStarting also those that are away are waited for: the Commander has just begun to dial.
 * Throws ApiError.
 */
export async function untilPublished({ http }: Client, isStarting = false): Promise<string[]> {
  for (const endMs = performance.now() + PATIENCE_MS; ; await pause(LOOK_MS)) {
    const { connectors } = await dataOf(http.GET("/api/v1/site"));
    const late = connectors.filter(({ isCurrent }) => !isCurrent);
    const isComing = late.some(({ isConnected }) => isStarting || isConnected);
    if (!isComing || performance.now() > endMs) return late.map(({ address }) => address);
  }
}

/** null: all of them know it. */
export function lateText(late: readonly string[]): string | null {
  if (late.length === 0) return null;
  return `Not every Connector knows this code yet: ${late.join(", ")}. Who shows it there before is told CodeUnknown; \`sealed site show\` tells when they are up to date.`;
}
