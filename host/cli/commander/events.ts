// SPDX-License-Identifier: Apache-2.0
// The Commander's live events, one after the other, without end: a connection that breaks is made again, and goes
// on from the last event. Before it: /events of the API. After it: `sealed event`, `--watch`.

import { setTimeout as pause } from "node:timers/promises";
import { ApiError, type Client } from "../../commander/client/client.ts";
import type { ApiEvent } from "../../commander/client/events.ts";

/** What a person is told then. */
export const AWAY = "The connection to the Commander broke: it is tried again.";

const AGAIN_MS = 2000;

/**
 * Throws ApiError where the Commander can't be reached at first, or refuses. Later `onAway` is told, once for each
 * time, until it is there again.
 */
export async function* siteEvents(client: Client, onAway: () => void): AsyncGenerator<ApiEvent> {
  let lastEventId = "";
  let isAway = false;
  for (let isFirst = true; ; isFirst = false) {
    const options = lastEventId === "" ? {} : { lastEventId };
    try {
      for await (const event of client.events(options)) {
        isAway = false;
        if (event.id !== "") lastEventId = event.id;
        yield event;
      }
    } catch (error) {
      if (isFirst && lastEventId === "") throw error;
      if (!isBroken(error)) throw error;
    }
    if (!isAway) onAway();
    isAway = true;
    await pause(AGAIN_MS);
  }
}

/** Nobody is there, or the connection broke: what fetch throws while a body comes is a TypeError. */
function isBroken(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof ApiError && error.code === "Unreachable");
}
